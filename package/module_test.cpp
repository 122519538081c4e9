// The .samc file: what is written is read back, and no change of it goes unnoticed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/files.h"
#include "package/check.h"
#include "package/format.h"
#include "package/reader.h"
#include "package/sizes.h"
#include "package/writer.h"

namespace samc {
namespace {

std::shared_ptr<std::vector<float>> numbers(size_t count) {
  auto values = std::make_shared<std::vector<float>>(count);
  for (size_t index = 0; index < count; ++index) (*values)[index] = static_cast<float>(index) * 0.5f;
  return values;
}

WeightData weight(const std::string& name, size_t count) {
  auto values = numbers(count);
  return {name, DType::kF32, WeightLayout::kPlain, std::as_bytes(std::span<const float>(*values)), values};
}

Value value(const std::string& name, Extents shape, Place place) {
  Value result;
  result.name = name;
  result.shape = std::move(shape);
  result.place = place;
  return result;
}

PlanModule small_module(size_t weight_count = 33) {
  PlanModule module;
  module.info.name = "small";
  module.info.build_id = "test";
  module.info.encoder_id = "0123456789abcdef";
  module.info.image_size = 64;
  module.info.stability_delta = 0.25f;
  module.info.video.emplace();
  module.info.video->max_cond_frames_in_attn = 4;
  module.info.video->pred_obj_scores = false;
  module.info.notes = {{"precision", "f32"}, {"source", "nowhere"}};
  module.weights.push_back(weight("first", 7));
  module.weights.push_back(weight("second", weight_count));

  PlanFunction function;
  function.name = "mask_decoder";
  function.sizes = {{"points", 0, 64}};
  function.values = {value("x", {1, Extent(3, 1)}, Place::kInput),
                     value("w", {7}, Place::kWeight),
                     value("v", {static_cast<int64_t>(weight_count)}, Place::kWeight),
                     value("t", {1, Extent(3, 1)}, Place::kArena),
                     value("t.flat", {Extent(3, 1)}, Place::kAlias),
                     value("y", {Extent(3, 1)}, Place::kOutput)};
  function.values[1].weight = 0;
  function.values[2].weight = 1;
  function.values[4].alias_of = 3;
  function.inputs = {0};
  function.outputs = {5};
  Operation first{"unary", "first", {0}, {3}, {}, {}, {}};
  first.set_string("op", "affine").set_float("alpha", 2.0).set_float("beta", 0.1);
  Operation second{"permute", "second", {4}, {5}, {}, {}, {}};
  second.set("order", Extents{0}).set("rows", Extent(3, 1));
  function.operations = {first, second};
  module.functions.push_back(function);
  return module;
}

class ModuleTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = std::filesystem::temp_directory_path() / ("samc_module_test_" + name + "_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "m.samc").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file_bytes() { return read_text_file(path_, size_t{1} << 30).value(); }
  Status read_status(const std::string& bytes) {
    // A copy at a 64-byte boundary, and of exactly this size so that ASan sees a read past its end.
    const size_t rounded = (bytes.size() / 64 + 1) * 64;
    std::shared_ptr<void> memory(std::aligned_alloc(64, rounded), std::free);
    char* start = static_cast<char*>(memory.get());
    std::ranges::copy(bytes, start);
    const auto span = std::span(static_cast<const std::byte*>(memory.get()), bytes.size());
    return read_module_bytes(span, memory, "m.samc").status();
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(ModuleTest, WhatIsWrittenIsReadBack) {
  const PlanModule module = small_module();
  ASSERT_TRUE(write_module(module, path_).is_ok());
  ThreadPool pool(2);
  const Result<PlanModule> result = read_module(path_, {true, &pool});
  ASSERT_TRUE(result.is_ok()) << result.status().to_string();
  const PlanModule& read = result.value();
  EXPECT_EQ(read.info.name, "small");
  EXPECT_EQ(read.info.image_size, 64);
  EXPECT_EQ(read.info.stability_delta, 0.25f);
  EXPECT_EQ(read.info.video, module.info.video);
  EXPECT_EQ(read.info.notes, module.info.notes);
  EXPECT_EQ(read.info.encoder_id, "0123456789abcdef");
  ASSERT_EQ(read.functions.size(), 1u);
  const PlanFunction& function = read.functions[0];
  const PlanFunction& expected = module.functions[0];
  EXPECT_EQ(function.name, expected.name);
  EXPECT_EQ(function.sizes, expected.sizes);
  EXPECT_EQ(function.inputs, expected.inputs);
  EXPECT_EQ(function.outputs, expected.outputs);
  ASSERT_EQ(function.values.size(), expected.values.size());
  for (size_t index = 0; index < function.values.size(); ++index) {
    EXPECT_EQ(function.values[index].name, expected.values[index].name);
    EXPECT_EQ(function.values[index].shape, expected.values[index].shape);
    EXPECT_EQ(function.values[index].place, expected.values[index].place);
    EXPECT_EQ(function.values[index].alias_of, expected.values[index].alias_of);
  }
  ASSERT_EQ(function.operations.size(), 2u);
  EXPECT_EQ(function.operations[0].kernel, "unary");
  EXPECT_EQ(function.operations[0].strings[0].value, "affine");
  EXPECT_EQ(function.operations[0].floats[1].value, 0.1);
  EXPECT_EQ(function.operations[1].integers[1].values[0], Extent(3, 1));
  ASSERT_EQ(read.weights.size(), 2u);
  for (size_t index = 0; index < 2; ++index) {
    const auto& bytes = read.weights[index].bytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % 64, 0u);
    ASSERT_EQ(bytes.size(), module.weights[index].bytes.size());
    EXPECT_EQ(std::memcmp(bytes.data(), module.weights[index].bytes.data(), bytes.size()), 0);
  }
}

TEST_F(ModuleTest, SeveralChecksumBlocksAreVerified) {
  ASSERT_TRUE(write_module(small_module(3 * kChecksumBlock / sizeof(float) + 5), path_).is_ok());
  ThreadPool pool(2);
  ASSERT_TRUE(read_module(path_, {true, &pool}).is_ok());
  std::string bytes = file_bytes();
  for (const size_t from_end : {size_t{1}, size_t{kChecksumBlock}, size_t{2 * kChecksumBlock + 17}}) {
    std::string changed = bytes;
    changed[changed.size() - from_end] ^= 4;
    EXPECT_FALSE(read_status(changed).is_ok());
  }
}

TEST_F(ModuleTest, EveryFlippedByteIsFound) {
  ASSERT_TRUE(write_module(small_module(), path_).is_ok());
  const std::string bytes = file_bytes();
  ASSERT_TRUE(read_status(bytes).is_ok());
  for (size_t index = 0; index < bytes.size(); ++index) {
    std::string changed = bytes;
    changed[index] = static_cast<char>(changed[index] ^ (1 << (index % 8)));
    const Status status = read_status(changed);
    ASSERT_FALSE(status.is_ok()) << "byte " << index << " of " << bytes.size();
    ASSERT_EQ(status.to_string().find('\n'), std::string::npos);
  }
}

TEST_F(ModuleTest, EveryTruncationIsFound) {
  ASSERT_TRUE(write_module(small_module(), path_).is_ok());
  const std::string bytes = file_bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(read_status(bytes.substr(0, size)).is_ok()) << size << " of " << bytes.size();
  EXPECT_NE(read_status(bytes.substr(0, bytes.size() - 1)).message().find("cut short"), std::string::npos);
  EXPECT_FALSE(read_status(bytes + "x").is_ok());
}

TEST_F(ModuleTest, MessagesNameTheTrouble) {
  ASSERT_TRUE(write_module(small_module(), path_).is_ok());
  std::string bytes = file_bytes();
  bytes[8] = 1;
  EXPECT_NE(read_status(bytes).message().find("format version 1, this samc reads version 4"), std::string::npos);
  EXPECT_NE(read_status("not a module at all").message().find("is not a samc module"), std::string::npos);
  EXPECT_EQ(read_module((folder_ / "nothing").string()).status().code(), StatusCode::kIo);
}

TEST_F(ModuleTest, APlanThatMakesNoSenseIsNotWritten) {
  const auto refused = [&](const std::function<void(PlanModule&)>& change) {
    PlanModule module = small_module();
    change(module);
    const Status status = write_module(module, path_);
    return !status.is_ok() && !std::filesystem::exists(path_);
  };
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].operations[0].operands[0] = 99; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].operations[0].operands[0] = 3; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].operations[0].results[0] = 0; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].operations[1].results[0] = 4; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[0].shape[1] = Extent(3, -1); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[0].shape[1] = Extent(int64_t{1} << 62, 1); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[1].shape[0] = 8; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[1].weight = 2; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[4].alias_of = 4; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[4].shape[0] = Extent(4, 1); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].outputs.clear(); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].inputs = {0, 0}; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions.push_back(m.functions[0]); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].name = "\x1b[31m"; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.info.pixel_std[1] = 0.0f; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.info.image_size = -1; }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].sizes.push_back({"points", 0, 1}); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].sizes[0].name.clear(); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].sizes.resize(kMostSizes + 1, {"more", 0, 1}); }));
  EXPECT_TRUE(refused([](PlanModule& m) { m.functions[0].values[3].shape[1].steps[1] = 1; }));  // of no such size
}

PlanFunction two_sizes() {
  PlanFunction function;
  function.name = "memory_attention";
  function.sizes = {{"memory_tokens", 1, 7}, {"pointer_tokens", 0, 64}};
  Extent keys(2, 4096);
  keys.steps[1] = 4;
  function.values = {value("memory", {keys, 64}, Place::kInput), value("all", {64, keys}, Place::kOutput)};
  function.inputs = {0};
  function.outputs = {1};
  Operation& operation = function.operations.emplace_back();
  operation.kernel = "permute";
  operation.name = "turn";
  operation.operands = {0};
  operation.results = {1};
  return function;
}

TEST(Module, SeveralFreeSizesAndTypesAreReadBack) {
  const std::string path = (std::filesystem::temp_directory_path() / "samc_module_test_sizes.samc").string();
  PlanModule module = small_module();
  module.functions.push_back(two_sizes());
  module.functions[1].operations[0].precision = Precision::kBf16;
  module.weights[0].layout = WeightLayout::kPackedHwiByO;
  module.target = "another";
  ASSERT_TRUE(write_module(module, path).is_ok());
  const Result<PlanModule> result = read_module(path, {});
  ASSERT_TRUE(result.is_ok()) << result.status().to_string();
  const PlanFunction& read = result.value().functions[1];
  EXPECT_EQ(read.sizes, module.functions[1].sizes);
  EXPECT_EQ(read.values[0].shape, module.functions[1].values[0].shape);
  EXPECT_EQ(read.values[0].shape_at({2, 16}), (Shape{2 + 2 * 4096 + 16 * 4, 64}));
  EXPECT_EQ(read.operations[0].precision, Precision::kBf16);
  EXPECT_EQ(result.value().weights[0].layout, WeightLayout::kPackedHwiByO);
  EXPECT_EQ(result.value().target, "another");
  std::filesystem::remove(path);
}

TEST(Sizes, are_chosen_by_name) {
  const PlanFunction function = two_sizes();
  const auto error = [&](const std::vector<NamedSize>& given) {
    return choose_sizes(function, given).status().message();
  };
  EXPECT_EQ(choose_sizes(function, {{"pointer_tokens", 16}, {"memory_tokens", 2}}).value(), (Sizes{2, 16, 0, 0}));
  EXPECT_EQ(error({{"memory_tokens", 2}}), "memory_attention needs its number of pointer_tokens once, not 0 times");
  EXPECT_EQ(error({{"memory_tokens", 2}, {"memory_tokens", 2}, {"pointer_tokens", 0}}),
            "memory_attention needs its number of memory_tokens once, not 2 times");
  EXPECT_EQ(error({{"memory_tokens", 8}, {"pointer_tokens", 0}}), "memory_attention takes 1 to 7 memory_tokens, not 8");
  EXPECT_EQ(error({{"memory_tokens", 1}, {"pointer_tokens", 0}, {"points", 1}}), "memory_attention has no size points");
  EXPECT_EQ(sizes_to_string(function, {2, 16}), "2 memory_tokens, 16 pointer_tokens");
  EXPECT_EQ(extent_to_string(function, function.values[0].shape[0]), "4096 memory_tokens + 4 pointer_tokens + 2");
  EXPECT_EQ(extent_to_string(function, 64), "64");
}

// docs/limits.md: what the structure of a plan may hold.
TEST(PlanLimits, extents_ranks_points_and_bytes) {
  const auto error_with = [](const std::function<void(PlanModule&)>& change) {
    PlanModule module = small_module();
    change(module);
    return check_module(module).message();
  };
  const auto shape_error = [&](const Extents& shape) {
    return error_with([&](PlanModule& module) { module.functions[0].values[3].shape = shape; });
  };
  EXPECT_EQ(error_with([](PlanModule&) {}), "");
  EXPECT_EQ(shape_error(Extents(9, Extent(1))), "function mask_decoder: value t has 9 extents, at most 8 are allowed");
  EXPECT_EQ(shape_error({(int64_t{1} << 31) + 1}), "function mask_decoder: value t has an extent out of range");
  EXPECT_EQ(shape_error({Extent(0, int64_t{1} << 26)}), "function mask_decoder: value t has an extent out of range");
  EXPECT_EQ(shape_error({1 << 15, (1 << 15) + 1}), "function mask_decoder: value t is too large");
  EXPECT_EQ(error_with([](PlanModule& module) { module.functions[0].sizes[0].greatest = (1 << 20) + 1; }),
            "function mask_decoder: the range of points, 0 to 1048577, is not sensible");
  EXPECT_EQ(error_with([](PlanModule& module) { module.info.image_size = kGreatestImageSize; }), "");
  EXPECT_EQ(error_with([](PlanModule& module) { module.info.image_size = kGreatestImageSize + 1; }),
            "an image size of 4097 is not sensible");
  const std::string name =
      error_with([](PlanModule& module) { module.functions[0].name = std::string(1'000'000, 'n'); });
  EXPECT_LT(name.size(), 300u);
}

}  // namespace
}  // namespace samc
