#include "eval/vos_dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

const std::string kDataset = SAMC_SOURCE_DIR "/tests/data/vos/dataset";

class VosDatasetTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  // A label image of two pixels.
  void put(const std::string& name, std::array<uint8_t, 2> labels = {0, 1}) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_palette_png(path(name), 2, 1, labels).is_ok());
  }
  static std::string error_of(const std::string& root, const std::vector<std::string>& names = {}) {
    const Result<VosDataset> dataset = open_vos_dataset(root, names);
    return dataset.is_ok() ? "" : dataset.status().to_string();
  }

 private:
  TestFolder folder_;
};

TEST_F(VosDatasetTest, finds_sequences_as_davis_has_them) {
  const VosDataset dataset = open_vos_dataset(kDataset).value();
  EXPECT_EQ(dataset.annotation_root, kDataset + "/Annotations/480p");
  ASSERT_EQ(dataset.sequences.size(), 2u);
  const VosSequence& crossing = dataset.sequences[0];
  EXPECT_EQ(crossing.name, "crossing");
  EXPECT_EQ(crossing.image_folder, kDataset + "/JPEGImages/480p/crossing");
  EXPECT_EQ(crossing.images.size(), 8u);
  EXPECT_EQ(crossing.images[1], "00001.jpg");
  ASSERT_EQ(crossing.annotations.size(), 1u);
  EXPECT_FALSE(crossing.annotations[0].object);
  EXPECT_EQ(crossing.annotations[0].frames[7], "00007");
  const std::vector<std::string> names{"late"};
  EXPECT_EQ(open_vos_dataset(kDataset, names).value().sequences[0].name, "late");
}

TEST_F(VosDatasetTest, frames_are_in_natural_order_and_hidden_files_are_none) {
  for (const char* frame : {"10", "9", "0100", "00000", "1a", "1"})
    put("Annotations/clip/" + std::string(frame) + ".png");
  put("Annotations/clip/._9.png");
  ASSERT_TRUE(write_file(path("Annotations/clip/notes.txt"), "").is_ok());
  const VosDataset dataset = open_vos_dataset(path("")).value();
  EXPECT_EQ(dataset.sequences[0].annotations[0].frames,
            (std::vector<std::string>{"00000", "1", "1a", "9", "10", "0100"}));
  EXPECT_TRUE(dataset.sequences[0].images.empty());
}

TEST_F(VosDatasetTest, finds_objects_as_sav_has_them) {
  put("Annotations_6fps/clip/000/00000.png");
  put("Annotations_6fps/clip/000/00004.png", {0, 9});
  put("Annotations_6fps/clip/012/00004.png");
  fs::create_directories(path("JPEGImages_24fps/clip"));
  ASSERT_TRUE(write_file(path("JPEGImages_24fps/clip/00000.JPG"), "").is_ok());
  const VosDataset dataset = open_vos_dataset(path("")).value();
  const VosSequence& clip = dataset.sequences[0];
  EXPECT_EQ(clip.images, (std::vector<std::string>{"00000.JPG"}));
  ASSERT_EQ(clip.annotations.size(), 2u);
  EXPECT_EQ(clip.annotations[0].object, 0);
  EXPECT_EQ(clip.annotations[0].folder, "clip/000");
  EXPECT_EQ(clip.annotations[0].frames, (std::vector<std::string>{"00000", "00004"}));
  EXPECT_EQ(clip.annotations[1].object, 12);
  // Whatever the number in the file, it is the folder's object.
  EXPECT_EQ(read_labels(dataset.annotation_root, clip.annotations[0], "00004").value().indices,
            (std::vector<uint8_t>{0, 1}));
}

TEST_F(VosDatasetTest, says_what_is_wrong) {
  EXPECT_EQ(error_of(path("none")), path("none") + " is no folder");
  EXPECT_EQ(error_of(path("")),
            path("") + " holds no folder Annotations; the data set is laid out as DAVIS or SA-V: docs/eval.md");
  fs::create_directories(path("Annotations"));
  EXPECT_EQ(error_of(path("")), "no sequences in " + path("Annotations") + "; each is a folder of PNGs there");
  fs::create_directories(path("Annotations/clip"));
  EXPECT_EQ(error_of(path("")), "no PNG in " + path("Annotations/clip"));
  EXPECT_EQ(error_of(path(""), {"clop"}), "no sequence clop in " + path("Annotations"));
  EXPECT_EQ(error_of(path(""), {"../Annotations/clip"}), "no sequence ../Annotations/clip in " + path("Annotations"));
  put("Annotations/clip/disk/0.png");
  EXPECT_EQ(error_of(path("")), path("Annotations/clip") +
                                    " holds the folder disk, and folders of objects are called by number; "
                                    "000, 001, ...; or PNGs of all objects without folders");
}

TEST_F(VosDatasetTest, says_what_is_wrong_with_labels) {
  put("Annotations/clip/000/0.png", {3, 7});
  const VosDataset dataset = open_vos_dataset(path("")).value();
  const VosAnnotations& annotations = dataset.sequences[0].annotations[0];
  EXPECT_EQ(read_labels(dataset.annotation_root, annotations, "0").status().message(),
            path("Annotations/clip/000/0.png") + " holds the numbers 3 and 7, and a folder of one object has one");
  EXPECT_NE(read_labels(dataset.annotation_root, annotations, "1").status().message().find("clip/000/1.png"),
            std::string::npos);
  fs::copy_file(SAMC_SOURCE_DIR "/tests/data/images/formats/rgb8.png", path("Annotations/clip/000/2.png"));
  const std::string message = read_labels(dataset.annotation_root, annotations, "2").status().to_string();
  EXPECT_NE(message.find("clip/000/2.png"), std::string::npos) << message;
  EXPECT_NE(message.find("RGB"), std::string::npos) << message;
}

}  // namespace
}  // namespace samc
