#include "app/bundled_model.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

std::string put_model(const TestFolder& folder, const std::string& below) {
  const fs::path model = folder.root() / below / "mini.pt";
  fs::create_directories(model.parent_path());
  EXPECT_TRUE(write_file(model.string(), std::string("weights")).is_ok());
  return model.string();
}

TEST(BundledModel, lies_in_the_share_folder_of_an_installation) {
  const TestFolder folder;
  const std::string model = put_model(folder, "share/samc/models/mini");
  EXPECT_EQ(find_model_file("mini", folder.root() / "bin/samc").value(), model);
}

TEST(BundledModel, lies_in_the_source_tree_of_a_build_folder) {
  const TestFolder folder;
  const std::string model = put_model(folder, "models/mini");
  EXPECT_EQ(find_model_file("mini", folder.root() / "build/samc").value(), model);
}

TEST(BundledModel, other_names_are_paths) {
  EXPECT_EQ(find_model_file("mini.pt", "/nowhere/bin/samc").value(), "mini.pt");
  EXPECT_EQ(find_model_file("no/such/file.pt", "/nowhere/bin/samc").value(), "no/such/file.pt");
}

TEST(BundledModel, a_folder_of_transformers_stands_for_its_weights) {
  const TestFolder folder;
  const std::string path = folder.path("sam2.1-hiera-tiny");
  fs::create_directories(path);
  const auto found = [&] { return find_model_file(path, "/nowhere/bin/samc").value(); };
  EXPECT_EQ(found(), path);
  EXPECT_TRUE(write_file(path + "/model.safetensors.index.json", std::string("{}")).is_ok());
  EXPECT_EQ(found(), path + "/model.safetensors.index.json");
  EXPECT_TRUE(write_file(path + "/model.safetensors", std::string("weights")).is_ok());
  EXPECT_EQ(found(), path + "/model.safetensors");
  EXPECT_TRUE(write_file(path + "/encoder.onnx", std::string("graph")).is_ok());
  EXPECT_EQ(found(), path);
}

TEST(BundledModel, a_missing_one_is_named_with_where_it_was_sought) {
  const TestFolder folder;
  const Status status = find_model_file("mini", folder.root() / "bin/samc").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidInput);
  EXPECT_NE(status.message().find((folder.root() / "share/samc/models/mini/mini.pt").string()), std::string::npos);
  EXPECT_NE(status.message().find((folder.root() / "models/mini/mini.pt").string()), std::string::npos);
}

}  // namespace
}  // namespace samc
