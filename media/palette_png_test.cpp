#include "media/palette_png.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/image.h"

namespace samc {
namespace {

const std::string kFolder = SAMC_SOURCE_DIR "/tests/data/palette/";
constexpr int kWidth = 11, kHeight = 7;

// What tests/data/palette/README.md says of the files.
std::vector<uint8_t> stripes(int scale) {
  std::vector<uint8_t> indices;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) indices.push_back(static_cast<uint8_t>((3 * y + x) % 5 * scale));
  return indices;
}

TEST(PalettePng, ReadsWhatPillowWrote) {
  const PaletteImage packed = read_palette_png(kFolder + "packed.png").value();
  EXPECT_EQ(packed.width, kWidth);
  EXPECT_EQ(packed.height, kHeight);
  EXPECT_EQ(packed.indices, stripes(1));
  ASSERT_GE(packed.palette.size(), 5u);
  EXPECT_EQ(packed.palette[1], (PaletteColour{255, 0, 0}));
  EXPECT_EQ(packed.palette[4], (PaletteColour{9, 8, 7}));

  const PaletteImage grey = read_palette_png(kFolder + "grey.png").value();
  EXPECT_EQ(grey.indices, stripes(50));
  EXPECT_TRUE(grey.palette.empty());
}

TEST(PalettePng, GivesBackWhatItWrote) {
  TestFolder folder;
  std::vector<uint8_t> indices(size_t{16} * 17);
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<uint8_t>(i);
  const std::string path = folder.path("00000.png");
  ASSERT_TRUE(write_palette_png(path, 16, 17, indices).is_ok());
  const PaletteImage image = read_palette_png(path).value();
  EXPECT_EQ(image.width, 16);
  EXPECT_EQ(image.height, 17);
  EXPECT_EQ(image.indices, indices);
  EXPECT_EQ(image.palette, std::vector<PaletteColour>(davis_palette().begin(), davis_palette().end()));
  // Any viewer shows the palette's colours.
  const Image seen = read_image(path).value();
  for (size_t i = 0; i < indices.size(); ++i)
    EXPECT_EQ((PaletteColour{seen.rgb[3 * i], seen.rgb[3 * i + 1], seen.rgb[3 * i + 2]}), davis_palette()[indices[i]]);
  EXPECT_EQ(folder.count(), 1u);
}

// Entries of the palette in DAVIS's own annotation files.
TEST(PalettePng, HasTheColoursOfDavis) {
  const auto& palette = davis_palette();
  EXPECT_EQ(palette[0], (PaletteColour{0, 0, 0}));
  EXPECT_EQ(palette[1], (PaletteColour{128, 0, 0}));
  EXPECT_EQ(palette[2], (PaletteColour{0, 128, 0}));
  EXPECT_EQ(palette[3], (PaletteColour{128, 128, 0}));
  EXPECT_EQ(palette[8], (PaletteColour{64, 0, 0}));
  EXPECT_EQ(palette[21], (PaletteColour{128, 64, 128}));
  EXPECT_EQ(palette[64], (PaletteColour{32, 0, 0}));
  EXPECT_EQ(palette[255], (PaletteColour{224, 224, 192}));
}

TEST(PalettePng, RefusesWhatHasNoObjectNumbers) {
  const auto error_of = [](const std::string& path) {
    const Result<PaletteImage> image = read_palette_png(path);
    return image.is_ok() ? "" : image.status().to_string();
  };
  const std::string formats = SAMC_SOURCE_DIR "/tests/data/images/formats/";
  EXPECT_NE(error_of(formats + "rgb8.png").find("a PNG of RGB with 8 bits a channel"), std::string::npos);
  EXPECT_NE(error_of(formats + "yuv420.jpg").find("no PNG"), std::string::npos);
  EXPECT_NE(error_of(kFolder + "none.png").find("none.png"), std::string::npos);

  const std::string whole = read_text_file(kFolder + "packed.png", 1 << 20).value();
  for (size_t size = 0; size + 20 < whole.size(); ++size) {
    const auto cut = std::as_bytes(std::span(whole)).first(size);
    EXPECT_FALSE(decode_palette_png(cut).is_ok()) << size;
  }
  const Status too_large = read_palette_png(kFolder + "packed.png", 76).status();
  EXPECT_NE(too_large.to_string().find("11 x 7"), std::string::npos) << too_large.to_string();
}

}  // namespace
}  // namespace samc
