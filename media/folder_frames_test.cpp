#include "media/folder_frames.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace samc {
namespace {

TEST(FolderFrames, GivesImagesInOrder) {
  TestFolder folder;
  std::vector<std::string> paths;
  for (int i = 0; i < 4; ++i) {
    Image image(5, 4);
    image.rgb[0] = static_cast<uint8_t>(i);
    paths.push_back(folder.path(fmt::format("{}.png", i)));
    ASSERT_TRUE(write_png(paths.back(), image).is_ok());
  }
  const auto source = open_image_frames(paths, "clip", 25).value();
  EXPECT_EQ(source->info().frames, 4);
  EXPECT_EQ(source->info().width, 5);
  EXPECT_EQ(source->info().height, 4);
  for (int64_t i = 0; i < 4; ++i) {
    const Frame frame = source->next().value().value();
    EXPECT_EQ(frame.index, i);
    EXPECT_EQ(frame.image.rgb[0], i);
    EXPECT_DOUBLE_EQ(frame.seconds, static_cast<double>(i) / 25);
  }
  EXPECT_FALSE(source->next().value().has_value());
  for (const int64_t i : {3, 0, 2}) {
    ASSERT_TRUE(source->seek(i).is_ok());
    EXPECT_EQ(source->next().value()->image.rgb[0], i);
  }
}

TEST(FolderFrames, ErrorsNameTheFile) {
  TestFolder folder;
  ASSERT_TRUE(write_png(folder.path("0.png"), Image(5, 4)).is_ok());
  ASSERT_TRUE(write_png(folder.path("1.png"), Image(4, 5)).is_ok());
  const auto source = open_image_frames({folder.path("0.png"), folder.path("1.png")}, "clip", 25).value();
  EXPECT_TRUE(source->next().is_ok());
  EXPECT_NE(source->next().status().to_string().find("1.png has 4 x 5 pixels, and those before 5 x 4"),
            std::string::npos);
  EXPECT_NE(open_image_frames({folder.path("9.png")}, "clip", 25).status().to_string().find("9.png"),
            std::string::npos);
  EXPECT_NE(open_image_frames({}, "clip", 25).status().to_string().find("clip: no images"), std::string::npos);
}

}  // namespace
}  // namespace samc
