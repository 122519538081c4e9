// .safetensors files, right and wrong on purpose.

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "base/files.h"
#include "base/test_folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/test_support.h"

namespace samc {
namespace {

using test::NamedTensor;
using test::safetensors_bytes;
using test::safetensors_entry;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

Tensor counted(const Shape& shape, float first = 0) {
  Tensor tensor(shape);
  std::iota(tensor.f32().begin(), tensor.f32().end(), first);
  return tensor;
}

class Safetensors : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  std::string error_of_file(const std::string& name) const {
    const Result<Checkpoint> checkpoint = Checkpoint::open(path(name));
    return checkpoint.status().to_string();
  }
  std::string error_of_bytes(const std::string& bytes) const {
    EXPECT_TRUE(write_file(path("x.safetensors"), bytes).is_ok());
    return error_of_file("x.safetensors");
  }
  // Of a header without its braces, and 8 bytes of data.
  std::string error_of(const std::string& entries) const {
    return error_of_bytes(safetensors_bytes("{" + entries + "}", std::string(8, '\0')));
  }
  static std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
    const CheckpointTensor* tensor = checkpoint.find(name);
    SAMC_CHECK(tensor != nullptr, "no tensor {}", name);
    const Tensor read = checkpoint.read_f32(*tensor).value();
    return {read.f32().begin(), read.f32().end()};
  }
  const TestFolder folder_;
};

TEST_F(Safetensors, tensors_in_the_files_order) {
  std::vector<NamedTensor> tensors;
  tensors.push_back({"z.weight", counted({2, 3})});
  tensors.push_back({"a.bias", counted({5}, 10)});
  tensors.push_back({"nothing", counted({0, 4})});
  tensors.push_back({"scalar", counted({}, 7)});
  ASSERT_TRUE(test::write_test_safetensors(path("x.safetensors"), tensors).is_ok());
  const Checkpoint checkpoint = Checkpoint::open(path("x.safetensors")).value();
  EXPECT_EQ(checkpoint.format(), "safetensors");
  EXPECT_EQ(checkpoint.where(), "");
  ASSERT_EQ(checkpoint.tensors().size(), 4u);
  EXPECT_EQ(checkpoint.tensors()[0].name, "z.weight");
  EXPECT_EQ(checkpoint.find("z.weight")->shape, (Shape{2, 3}));
  EXPECT_EQ(values_of(checkpoint, "z.weight"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values_of(checkpoint, "a.bias"), (std::vector<float>{10, 11, 12, 13, 14}));
  EXPECT_TRUE(values_of(checkpoint, "nothing").empty());
  EXPECT_EQ(values_of(checkpoint, "scalar"), std::vector<float>{7});
  ASSERT_TRUE(Checkpoint::can_view_f32(*checkpoint.find("a.bias")));
  EXPECT_EQ(checkpoint.view_f32(*checkpoint.find("a.bias")).value().f32()[0], 10.0f);
  EXPECT_TRUE(checkpoint.verify_all().is_ok());
  EXPECT_EQ(checkpoint.parameter_count(), 12);
}

// tests/data/checkpoint/make_safetensors.py made it with Hugging Face's library.
TEST_F(Safetensors, as_the_library_wrote_it_in_every_dtype) {
  const Checkpoint checkpoint = Checkpoint::open(SAMC_SOURCE_DIR "/tests/data/checkpoint/dtypes.safetensors").value();
  const std::vector<float> whole = values_of(checkpoint, "f32");
  ASSERT_EQ(whole.size(), 24u);
  for (size_t i = 0; i < 24; ++i) {
    const auto n = static_cast<float>(i);
    EXPECT_EQ(whole[i], n);
    for (const char* half : {"f16", "bf16"}) EXPECT_EQ(values_of(checkpoint, half)[i], n / 2);
    EXPECT_EQ(values_of(checkpoint, "f64")[i], n / 4);
    EXPECT_EQ(values_of(checkpoint, "i64")[i], n - 5);
    for (const char* integer : {"i32", "i16", "i8", "u8"}) EXPECT_EQ(values_of(checkpoint, integer)[i], n);
    EXPECT_EQ(values_of(checkpoint, "bool")[i], i > 11 ? 1.0f : 0.0f);
  }
}

TEST_F(Safetensors, data_at_any_address) {
  // A header that leaves the floats at an odd address: they are copied, not viewed.
  const float two[] = {1.5f, -2.5f};
  const std::string data(reinterpret_cast<const char*>(two), sizeof two);
  std::string header = "{" + safetensors_entry("w", "F32", {2}, 0, 8) + "}";
  while ((8 + header.size()) % 4 != 1) header += ' ';
  ASSERT_EQ(error_of_bytes(safetensors_bytes(header, data)), "");
  const Checkpoint checkpoint = Checkpoint::open(path("x.safetensors")).value();
  EXPECT_FALSE(Checkpoint::can_view_f32(*checkpoint.find("w")));
  EXPECT_EQ(values_of(checkpoint, "w"), (std::vector<float>{1.5f, -2.5f}));
}

TEST_F(Safetensors, headers_that_lie) {
  EXPECT_EQ(error_of(safetensors_entry("w", "F32", {2}, 0, 8)), "");
  EXPECT_EQ(error_of(safetensors_entry("w", "F16", {2, 2}, 0, 8)), "");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {3}, 0, 12)), "cut short");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {1}, 0, 4)), "4 bytes behind the last tensor");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {1}, 4, 8)), "leaves a hole");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {2}, 0, 4)), "has 4 bytes, not 8");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {1}, 8, 4)), "has -4 bytes, not 4");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {-2}, 0, 8)), "no shape");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {2}, -8, 0)), "no two data_offsets");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F8_E4M3", {8}, 0, 8)), "the type F8_E4M3");
  EXPECT_HOLDS(error_of(safetensors_entry("a", "F32", {2}, 0, 8) + "," + safetensors_entry("b", "F32", {2}, 0, 8)),
               "overlaps another");
  EXPECT_HOLDS(error_of(safetensors_entry("a", "F32", {2}, 0, 8) + "," + safetensors_entry("b", "F32", {1}, 4, 8)),
               "overlaps another");
  EXPECT_HOLDS(error_of(safetensors_entry("a", "F32", {1}, 0, 4) + "," + safetensors_entry("a", "F32", {1}, 4, 8)),
               "has a twice");
  constexpr int64_t kHuge = int64_t{1} << 53;
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {kHuge, kHuge}, 0, 8)), "can be counted");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", {std::numeric_limits<int64_t>::max()}, 0, 8)), "no shape");
  EXPECT_EQ(
      error_of(safetensors_entry("e", "F32", {0, kHuge, kHuge}, 0, 0) + "," + safetensors_entry("w", "F32", {2}, 0, 8)),
      "");
  EXPECT_HOLDS(error_of(safetensors_entry("w", "F32", Shape(65, 1), 0, 4)), "no shape of up to 64");
  EXPECT_HOLDS(error_of(R"("w":{"dtype":"F32","shape":[0.5],"data_offsets":[0,8]})"), "no shape");
  EXPECT_HOLDS(error_of(R"("w":{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]})"), "no two data_offsets");
  EXPECT_HOLDS(error_of(R"("w":{"shape":[2],"data_offsets":[0,8]})"), "no dtype");
  EXPECT_HOLDS(error_of(R"("w":{"dtype":1,"shape":[2],"data_offsets":[0,8]})"), "no dtype");
  EXPECT_HOLDS(error_of(R"("w":7)"), "no dtype");
  EXPECT_HOLDS(error_of(R"("w)"), "not valid JSON");
  EXPECT_HOLDS(error_of(safetensors_entry("\\u001b[31m", "F32", {2}, 0, 8)), "not a plain text");
  EXPECT_HOLDS(error_of("\"deep\":" + std::string(1000, '[')), "deeper");
}

TEST_F(Safetensors, lengths_that_lie) {
  const std::string right =
      safetensors_bytes("{" + safetensors_entry("w", "F32", {2}, 0, 8) + "}", std::string(8, '\0'));
  const auto with_length = [&](uint64_t length) {
    std::string bytes = right;
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
    return error_of_bytes(bytes);
  };
  EXPECT_HOLDS(with_length(right.size()), "reaches beyond the file");
  EXPECT_HOLDS(with_length(1 << 30), "more than the 16777216 allowed");
  EXPECT_HOLDS(with_length(0), "not valid JSON");
  EXPECT_HOLDS(with_length(~uint64_t{0}), "not a PyTorch checkpoint");
  for (size_t size = 0; size < right.size(); ++size) EXPECT_NE(error_of_bytes(right.substr(0, size)), "") << size;
}

class Shards : public Safetensors {
 protected:
  void SetUp() override {
    std::vector<NamedTensor> first, second;
    first.push_back({"b", counted({3}, 1)});
    second.push_back({"c", counted({2}, 4)});
    second.push_back({"a", counted({1}, 6)});
    ASSERT_TRUE(test::write_test_safetensors(path("m-00001-of-00002.safetensors"), first).is_ok());
    ASSERT_TRUE(test::write_test_safetensors(path("m-00002-of-00002.safetensors"), second).is_ok());
  }
  std::string error_of_map(const std::string& map) const {
    EXPECT_TRUE(write_file(path(kIndex), "{\"metadata\":{},\"weight_map\":{" + map + "}}").is_ok());
    return error_of_file(kIndex);
  }
  static constexpr const char* kIndex = "m.safetensors.index.json";
  static constexpr const char* kFirst = R"("b":"m-00001-of-00002.safetensors")";
  static constexpr const char* kSecond = R"("a":"m-00002-of-00002.safetensors","c":"m-00002-of-00002.safetensors")";
};

TEST_F(Shards, are_one_checkpoint) {
  ASSERT_EQ(error_of_map(fmt::format("{},{}", kFirst, kSecond)), "");
  const Checkpoint checkpoint = Checkpoint::open(path(kIndex)).value();
  EXPECT_EQ(checkpoint.format(), "safetensors in 2 files");
  ASSERT_EQ(checkpoint.tensors().size(), 3u);
  EXPECT_EQ(values_of(checkpoint, "a"), std::vector<float>{6});
  EXPECT_EQ(values_of(checkpoint, "b"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(values_of(checkpoint, "c"), (std::vector<float>{4, 5}));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(checkpoint.tensors()[i].storage_index, i);
  const std::vector<std::string> files = Checkpoint::files(path(kIndex)).value();
  EXPECT_EQ(files, (std::vector<std::string>{path(kIndex), path("m-00001-of-00002.safetensors"),
                                             path("m-00002-of-00002.safetensors")}));
}

TEST_F(Shards, that_do_not_belong_together) {
  EXPECT_HOLDS(error_of_map(R"("b":"m-00002-of-00002.safetensors")"), "the tensor b is not in m-00002");
  EXPECT_HOLDS(error_of_map(R"("d":"m-00001-of-00002.safetensors")"), "the tensor d is not in m-00001");
  EXPECT_HOLDS(error_of_map(R"("b":"absent.safetensors")"), "absent.safetensors");
  EXPECT_HOLDS(error_of_map(R"("b":"../m-00001-of-00002.safetensors")"), "no name of a .safetensors file");
  EXPECT_HOLDS(error_of_map(R"("b":"/etc/passwd")"), "no name of a .safetensors file");
  EXPECT_HOLDS(error_of_map(R"("b":3)"), "no file");
  EXPECT_HOLDS(error_of_map(fmt::format("{},{}", kFirst, kFirst)), "b is there twice");
  EXPECT_HOLDS(error_of_map(""), "weight_map");
  std::vector<NamedTensor> again;
  again.push_back({"b", counted({3})});
  ASSERT_TRUE(test::write_test_safetensors(path("again.safetensors"), again).is_ok());
  EXPECT_HOLDS(error_of_map(fmt::format(R"({},"x":"again.safetensors")", kFirst)),
               "the tensor b is in another file too");
  ASSERT_TRUE(write_file(path(kIndex), "[]").is_ok());
  EXPECT_HOLDS(error_of_file(kIndex), "weight_map");
}

}  // namespace
}  // namespace samc
