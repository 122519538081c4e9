#include "checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <thread>

#include "base/files.h"
#include "base/test_folder.h"
#include "checkpoint/test_support.h"

namespace samc {
namespace {

using test::NamedTensor;
using test::PickleWriter;
using test::TestCheckpointOptions;
using test::ZipEntryOptions;
using test::ZipWriter;

std::string torch_made(const std::string& name) { return SAMC_SOURCE_DIR "/tests/data/checkpoint/" + name; }

Checkpoint open_or_fail(const std::string& path) {
  Result<Checkpoint> checkpoint = Checkpoint::open(path);
  if (!checkpoint.is_ok()) throw std::runtime_error(checkpoint.status().to_string());
  return std::move(checkpoint).value();
}

std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
  const CheckpointTensor* tensor = checkpoint.find(name);
  if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
  const Result<Tensor> read = checkpoint.read_f32(*tensor);
  if (!read.is_ok()) throw std::runtime_error(read.status().to_string());
  const auto values = read.value().f32();
  return {values.begin(), values.end()};
}

std::vector<float> counted(int count, float first = 0, float step = 1) {
  std::vector<float> values(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) values[static_cast<size_t>(i)] = first + static_cast<float>(i) * step;
  return values;
}

Tensor tensor_of(const Shape& shape, const std::vector<float>& values) {
  Tensor tensor(shape);
  std::copy(values.begin(), values.end(), tensor.f32().begin());
  return tensor;
}

// The error of a file, or "" when it opens and all its bytes are right.
std::string error_of_file(const std::string& file) {
  const Result<Checkpoint> checkpoint = Checkpoint::open(file);
  if (!checkpoint.is_ok()) return checkpoint.status().to_string();
  return checkpoint.value().verify_all().to_string();
}

class CheckpointFile : public testing::Test {
 protected:
  std::string path(const std::string& name = "x.pt") const { return (folder_ / name).string(); }

  // Two tensors of a few values each.
  Status write_small(const TestCheckpointOptions& options = {}) const {
    std::vector<NamedTensor> tensors;
    tensors.push_back({"first.weight", tensor_of({2, 3}, counted(6))});
    tensors.push_back({"second.bias", tensor_of({5}, counted(5, 10))});
    return test::write_test_checkpoint(path(), tensors, options);
  }
  std::string small_bytes() const {
    EXPECT_TRUE(write_small().is_ok());
    return read_text_file(path(), 1 << 20).value();
  }
  std::string error_of_bytes(std::string_view bytes) const {
    EXPECT_TRUE(write_file(path("bad.pt"), bytes.data(), bytes.size()).is_ok());
    return error_of_file(path("bad.pt"));
  }
  // A zip around one pickle and one storage "0" of eight floats.
  std::string error_of_pickle(const std::string& pickle, const ZipEntryOptions& storage_options = {}) const {
    std::string bytes;
    ZipWriter zip([&](const void* data, size_t size) {
      bytes.append(static_cast<const char*>(data), size);
      return Status::ok();
    });
    const std::vector<float> values = counted(8);
    EXPECT_TRUE(zip.add("a/data.pkl", pickle).is_ok());
    EXPECT_TRUE(zip.add("a/data/0", values.data(), values.size() * sizeof(float), storage_options).is_ok());
    EXPECT_TRUE(zip.finish().is_ok());
    return error_of_bytes(bytes);
  }
  std::string error_of_tensor(int64_t storage_count, int64_t offset, const Shape& shape,
                              const std::vector<int64_t>& strides) const {
    PickleWriter pickle;
    pickle.raw("}").text("w").tensor("FloatStorage", "0", storage_count, offset, shape, strides).raw("s");
    return error_of_pickle(pickle.stop());
  }
  TestFolder test_folder_;
  const std::filesystem::path& folder_ = test_folder_.root();
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

TEST(Checkpoint, pico_as_pytorch_wrote_it) {
  const Checkpoint checkpoint = open_or_fail(SAMC_SOURCE_DIR "/tests/data/pico/pico.pt");
  EXPECT_EQ(checkpoint.where(), "model");
  EXPECT_TRUE(checkpoint.other_keys().empty());
  EXPECT_EQ(checkpoint.tensors().size(), 399u);
  EXPECT_EQ(checkpoint.tensors()[0].name, "maskmem_tpos_enc");
  EXPECT_EQ(checkpoint.tensors()[0].shape, (Shape{7, 1, 1, 16}));
  EXPECT_GT(checkpoint.parameter_count(), 2'600'000);
  EXPECT_TRUE(checkpoint.verify_all().is_ok());
  EXPECT_TRUE(checkpoint.find_non_finite(5).value().empty());
  EXPECT_EQ(checkpoint.find("no.such.tensor"), nullptr);
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    ASSERT_TRUE(Checkpoint::can_view_f32(tensor)) << tensor.name;
    const TensorView view = checkpoint.view_f32(tensor).value();
    EXPECT_EQ(std::memcmp(view.data, checkpoint.read_f32(tensor).value().data(), static_cast<size_t>(view.bytes())), 0);
  }
}

TEST(Checkpoint, every_dtype) {
  const Checkpoint checkpoint = open_or_fail(torch_made("dtypes.pt"));
  EXPECT_EQ(values_of(checkpoint, "f32"), counted(24));
  EXPECT_EQ(values_of(checkpoint, "f16"), counted(24, 0, 0.5f));
  EXPECT_EQ(values_of(checkpoint, "bf16"), counted(24, 0, 0.5f));
  EXPECT_EQ(values_of(checkpoint, "f64"), counted(24, 0, 0.25f));
  EXPECT_EQ(values_of(checkpoint, "i64"), counted(24, -5));
  for (const char* name : {"i32", "i16", "i8", "u8"}) EXPECT_EQ(values_of(checkpoint, name), counted(24)) << name;
  const std::vector<float> flags = values_of(checkpoint, "bool");
  for (size_t i = 0; i < flags.size(); ++i) EXPECT_EQ(flags[i], i > 11 ? 1.0f : 0.0f);
  const Tensor kept = checkpoint.read(*checkpoint.find("i64")).value();
  EXPECT_EQ(kept.dtype(), DType::kI64);
  EXPECT_EQ(kept.as<int64_t>()[0], -5);
}

TEST(Checkpoint, pickle_protocols_2_to_5) {
  for (const char* name : {"protocol2.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt"}) {
    const Checkpoint checkpoint = open_or_fail(torch_made(name));
    EXPECT_EQ(values_of(checkpoint, "weight"), counted(24)) << name;
    EXPECT_EQ(values_of(checkpoint, "parameter"), counted(24)) << name;
  }
}

TEST(Checkpoint, shared_storages_offsets_and_strides) {
  const Checkpoint checkpoint = open_or_fail(torch_made("shared_storage.pt"));
  EXPECT_EQ(checkpoint.where(), "");
  EXPECT_EQ(checkpoint.find("whole")->storage_index, checkpoint.find("part")->storage_index);
  EXPECT_NE(checkpoint.find("whole")->storage_index, checkpoint.find("other")->storage_index);
  EXPECT_EQ(values_of(checkpoint, "part"), counted(24, 10));
  EXPECT_TRUE(Checkpoint::can_view_f32(*checkpoint.find("part")));
  EXPECT_EQ(checkpoint.view_f32(*checkpoint.find("part")).value().f32()[0], 10.0f);
  EXPECT_FALSE(Checkpoint::can_view_f32(*checkpoint.find("transposed")));
  EXPECT_EQ(checkpoint.find("transposed")->shape, (Shape{6, 4}));
  const std::vector<float> transposed = values_of(checkpoint, "transposed");
  for (size_t row = 0; row < 6; ++row)
    for (size_t column = 0; column < 4; ++column)
      EXPECT_EQ(transposed[row * 4 + column], static_cast<float>(10 + column * 6 + row));
  EXPECT_EQ(values_of(checkpoint, "expanded"), std::vector<float>(10, 3.0f));
  EXPECT_EQ(values_of(checkpoint, "every_third"), counted(34, 0, 3));
  EXPECT_EQ(values_of(checkpoint, "scalar"), std::vector<float>{7});
  EXPECT_TRUE(values_of(checkpoint, "empty").empty());
}

TEST(Checkpoint, training_checkpoint_with_an_optimizer) {
  const Checkpoint checkpoint = open_or_fail(torch_made("training.pt"));
  EXPECT_EQ(checkpoint.where(), "model");
  EXPECT_EQ(checkpoint.tensors().size(), 4u);
  const std::vector<std::string> expected = {
      "epoch", "optimizer", "loss", "best_meter_values", "rng", "device", "shape", "seen", "name", "big", "c", "none"};
  EXPECT_EQ(checkpoint.other_keys(), expected);
  EXPECT_EQ(checkpoint.find("0.weight")->shape, (Shape{3, 4}));
}

TEST(Checkpoint, other_forms_of_state_dict) {
  EXPECT_EQ(open_or_fail(torch_made("state_dict_key.pt")).where(), "state_dict");
  const Checkpoint attributes = open_or_fail(torch_made("attributes.pt"));
  EXPECT_EQ(values_of(attributes, "p"), counted(24));
  EXPECT_EQ(values_of(attributes, "t"), counted(24));
  EXPECT_EQ(attributes.ignored_entries(), std::vector<std::string>{"note"});
}

TEST(Checkpoint, what_is_not_a_plain_checkpoint_is_named) {
  EXPECT_HOLDS(error_of_file(torch_made("legacy.pt")), "_use_new_zipfile_serialization=True");
  EXPECT_HOLDS(error_of_file(torch_made("torchscript.pt")), "TorchScript");
  EXPECT_HOLDS(error_of_file(torch_made("namespace.pt")), "argparse.Namespace");
  EXPECT_HOLDS(error_of_file(torch_made("numpy_scalar.pt")), "multiarray.scalar");
  EXPECT_HOLDS(error_of_file(torch_made("whole_module.pt")), "torch.nn.modules.container.Sequential");
  EXPECT_HOLDS(error_of_file(torch_made("complex.pt")), "tensor a has the type ComplexFloatStorage");
  EXPECT_HOLDS(error_of_file(torch_made("uint16.pt")), "tensor u has the type");
  EXPECT_HOLDS(error_of_file("/no/such/file.pt"), "cannot open /no/such/file.pt");
}

TEST_F(CheckpointFile, what_is_another_format_is_named) {
  EXPECT_HOLDS(error_of_bytes(""), "empty");
  EXPECT_HOLDS(error_of_bytes("version https://git-lfs.github.com/spec/v1"), "git lfs pull");
  EXPECT_HOLDS(error_of_bytes("<!DOCTYPE html>"), "web page");
  EXPECT_HOLDS(error_of_bytes("\x80\x04N."), "bare pickle");
  EXPECT_HOLDS(error_of_bytes("hello"), "not a PyTorch checkpoint");
  EXPECT_HOLDS(error_of_bytes(std::string(257, 'x') + "ustar  " + std::string(300, 'x')), "legacy");
}

TEST_F(CheckpointFile, zip64_and_data_descriptors) {
  for (const bool zip64 : {false, true}) {
    for (const bool descriptors : {false, true}) {
      TestCheckpointOptions options;
      options.zip64 = zip64;
      options.data_descriptors = descriptors;
      ASSERT_TRUE(write_small(options).is_ok());
      const Checkpoint checkpoint = open_or_fail(path());
      EXPECT_EQ(values_of(checkpoint, "first.weight"), counted(6));
      EXPECT_EQ(values_of(checkpoint, "second.bias"), counted(5, 10));
    }
  }
}

TEST_F(CheckpointFile, big_endian_is_read_and_recorded) {
  TestCheckpointOptions options;
  options.big_endian = true;
  ASSERT_TRUE(write_small(options).is_ok());
  const Checkpoint checkpoint = open_or_fail(path());
  EXPECT_TRUE(checkpoint.big_endian());
  EXPECT_FALSE(Checkpoint::can_view_f32(checkpoint.tensors()[0]));
  EXPECT_EQ(values_of(checkpoint, "first.weight"), counted(6));
  const Tensor kept = checkpoint.read(checkpoint.tensors()[0]).value();
  EXPECT_EQ(kept.f32()[5], 5.0f);
}

TEST_F(CheckpointFile, non_finite_weights_are_reported) {
  std::vector<NamedTensor> tensors;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  tensors.push_back({"good", tensor_of({2}, {1, 2})});
  tensors.push_back({"bad", tensor_of({4}, {1, nan, -infinity, nan})});
  Tensor half(DType::kF16, {2});
  half.as<uint16_t>()[0] = 0x7c00;
  half.as<uint16_t>()[1] = 0;
  tensors.push_back({"half", std::move(half)});
  ASSERT_TRUE(test::write_test_checkpoint(path(), tensors).is_ok());
  const Checkpoint checkpoint = open_or_fail(path());
  const std::vector<NonFiniteTensor> found = checkpoint.find_non_finite(5).value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "bad");
  EXPECT_EQ(found[0].nan_count, 2);
  EXPECT_EQ(found[0].infinity_count, 1);
  EXPECT_EQ(found[1].name, "half");
  EXPECT_EQ(checkpoint.find_non_finite(1).value().size(), 1u);
}

TEST_F(CheckpointFile, cut_short_anywhere_is_an_error) {
  const std::string bytes = small_bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(error_of_bytes(std::string_view(bytes).substr(0, size)), "") << size;
}

// A flipped bit is found, or it is in a place that no reader looks at (a date, padding) and the tensors are the same.
TEST_F(CheckpointFile, a_flipped_bit_is_found_or_harmless) {
  std::string bytes = small_bytes();
  size_t found = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char mask = static_cast<char>(1 << (i % 8));
    bytes[i] = static_cast<char>(bytes[i] ^ mask);
    if (error_of_bytes(bytes).empty()) {
      const Checkpoint checkpoint = open_or_fail(path("bad.pt"));
      EXPECT_EQ(values_of(checkpoint, "first.weight"), counted(6)) << i;
      EXPECT_EQ(values_of(checkpoint, "second.bias"), counted(5, 10)) << i;
    } else {
      ++found;
    }
    bytes[i] = static_cast<char>(bytes[i] ^ mask);
  }
  EXPECT_GT(found, bytes.size() / 2);
}

TEST_F(CheckpointFile, a_flipped_bit_in_a_tensor_names_it) {
  std::string bytes = small_bytes();
  const float twelve = 12.0f;
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&twelve), sizeof(twelve)));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  EXPECT_HOLDS(error_of_bytes(bytes), "tensor second.bias");
  const Checkpoint checkpoint = open_or_fail(path("bad.pt"));
  EXPECT_TRUE(checkpoint.read_f32(checkpoint.tensors()[0]).is_ok());
  EXPECT_FALSE(checkpoint.read_f32(checkpoint.tensors()[1]).is_ok());
  EXPECT_FALSE(checkpoint.view_f32(checkpoint.tensors()[1]).is_ok());
  EXPECT_FALSE(checkpoint.find_non_finite(1).is_ok());
}

TEST_F(CheckpointFile, several_threads_read_one_checkpoint) {
  ASSERT_TRUE(write_small().is_ok());
  const Checkpoint checkpoint = open_or_fail(path());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (const CheckpointTensor& tensor : checkpoint.tensors()) EXPECT_TRUE(checkpoint.read_f32(tensor).is_ok());
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(CheckpointFile, foreign_globals_are_named_and_nothing_runs) {
  const std::string witness = path("witness");
  PickleWriter pickle;
  pickle.raw("}").text("model").global("posix", "system").mark().text("touch " + witness).tuple().raw("Rs");
  const std::string error = error_of_pickle(pickle.stop());
  EXPECT_HOLDS(error, "posix.system");
  EXPECT_HOLDS(error, "runs no code");
  EXPECT_FALSE(std::filesystem::exists(witness));

  PickleWriter by_stack;
  by_stack.raw("}").text("x").text("builtins").text("eval").raw("\x93");
  EXPECT_HOLDS(error_of_pickle(by_stack.stop()), "builtins.eval");
  // Hidden beside a good model, and with a name that would spoil a terminal.
  PickleWriter beside;
  beside.raw("}").text("w").tensor("FloatStorage", "0", 8, 0, {8}, {1}).raw("s");
  beside.text("x").global("os\x1b[31m", "system").raw("s");
  EXPECT_HOLDS(error_of_pickle(beside.stop()), "os?[31m.system");
}

TEST_F(CheckpointFile, tensors_that_reach_outside_their_storage) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(error_of_tensor(8, 0, {8}, {1}), "");
  EXPECT_EQ(error_of_tensor(8, 4, {2, 2}, {1, 2}), "");
  EXPECT_EQ(error_of_tensor(8, 8, {0, 5}, {5, 1}), "");
  EXPECT_EQ(error_of_tensor(8, 1, {1, 2}, {kHuge, 1}), "");
  EXPECT_HOLDS(error_of_tensor(8, 0, {9}, {1}), "reaches outside its storage of 8 elements");
  EXPECT_HOLDS(error_of_tensor(8, 5, {2, 2}, {2, 1}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, -1, {2}, {1}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, 0, {2}, {-1}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, 0, {-2, -2}, {1, 1}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, 0, {2, 2}, {kHuge, kHuge}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, 0, {kHuge, kHuge}, {0, 0}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, 0, {int64_t{1} << 40}, {0}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, kHuge, {2}, {1}), "reaches outside");
  EXPECT_HOLDS(error_of_tensor(8, 0, {2, 2}, {1}), "2 extents but 1 strides");
  EXPECT_HOLDS(error_of_tensor(7, 0, {2}, {1}), "32 bytes where the pickle says 7 elements");
  EXPECT_HOLDS(error_of_tensor(kHuge, 0, {2}, {1}), "32 bytes where the pickle says");
  EXPECT_HOLDS(error_of_tensor(-8, 0, {2}, {1}), "negative size");
}

TEST_F(CheckpointFile, zip_entries_that_lie) {
  PickleWriter good;
  good.raw("}").text("w").tensor("FloatStorage", "0", 8, 0, {8}, {1}).raw("s");
  const std::string pickle = good.stop();
  ZipEntryOptions options;
  EXPECT_EQ(error_of_pickle(pickle), "");
  options.size = 1u << 30;
  EXPECT_HOLDS(error_of_pickle(pickle, options), "more than the file holds");
  options = {};
  options.zip64 = true;
  EXPECT_EQ(error_of_pickle(pickle, options), "");
  for (const uint64_t size : {~uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0} - 31, uint64_t{1} << 40}) {
    options.zip64_size = size;
    EXPECT_HOLDS(error_of_pickle(pickle, options), "more than the file holds");
  }
  options = {};
  options.offset = 0;
  EXPECT_HOLDS(error_of_pickle(pickle, options), "another name");
  options.offset = 0xfffffff0u;
  EXPECT_HOLDS(error_of_pickle(pickle, options), "where no entry is");
  options = {};
  options.crc = 1;
  EXPECT_HOLDS(error_of_pickle(pickle, options), "CRC");
  options = {};
  options.method = 8;
  EXPECT_HOLDS(error_of_pickle(pickle, options), "compressed");
  options = {};
  options.flags = 1;
  EXPECT_HOLDS(error_of_pickle(pickle, options), "encrypted");
}

// The bytes of a second entry inside the first one's data: both lie inside the file, but overlap.
TEST_F(CheckpointFile, overlapping_entries) {
  std::string inner;
  ZipWriter inner_zip([&](const void* data, size_t size) {
    inner.append(static_cast<const char*>(data), size);
    return Status::ok();
  });
  ASSERT_TRUE(inner_zip.add("b", "inside").is_ok());
  std::string outer;
  ZipWriter zip([&](const void* data, size_t size) {
    outer.append(static_cast<const char*>(data), size);
    return Status::ok();
  });
  ASSERT_TRUE(zip.add("a", inner).is_ok());
  const size_t inner_at = outer.find("PK\x03\x04", 1);
  ZipEntryOptions options;
  options.offset = static_cast<uint32_t>(inner_at);
  ASSERT_TRUE(zip.add("b", "inside", options).is_ok());
  ASSERT_TRUE(zip.finish().is_ok());
  EXPECT_HOLDS(error_of_bytes(outer), "overlap");
}

TEST_F(CheckpointFile, names_that_are_there_twice) {
  std::vector<NamedTensor> tensors;
  tensors.push_back({"w", tensor_of({2}, {1, 2})});
  tensors.push_back({"w", tensor_of({2}, {1, 2})});
  ASSERT_TRUE(test::write_test_checkpoint(path(), tensors).is_ok());
  EXPECT_HOLDS(error_of_file(path()), "the tensor w is there twice");

  std::string bytes;
  ZipWriter zip([&](const void* data, size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return Status::ok();
  });
  ASSERT_TRUE(zip.add("a/data.pkl", "N.").is_ok());
  ASSERT_TRUE(zip.add("a/data.pkl", "N.").is_ok());
  ASSERT_TRUE(zip.finish().is_ok());
  EXPECT_HOLDS(error_of_bytes(bytes), "lists a/data.pkl twice");
}

TEST_F(CheckpointFile, pickles_that_are_wrong) {
  EXPECT_HOLDS(error_of_pickle(""), "breaks off");
  EXPECT_HOLDS(error_of_pickle("\x80\x02"), "breaks off");
  EXPECT_HOLDS(error_of_pickle(std::string("\x80\x06N.")), "protocol 6");
  EXPECT_HOLDS(error_of_pickle("."), "empty stack");
  EXPECT_HOLDS(error_of_pickle("N."), "not a dict of tensors");
  EXPECT_HOLDS(error_of_pickle("}."), "no state_dict");
  EXPECT_HOLDS(error_of_pickle("]}s."), "fills a container that is not there");
  EXPECT_HOLDS(error_of_pickle("}(Nu."), "key without a value");
  EXPECT_HOLDS(error_of_pickle("hX."), "recalls memo slot");
  EXPECT_HOLDS(error_of_pickle(std::string("Nr\xff\xff\xff\xff.", 7)), "memo slot 4294967295");
  EXPECT_HOLDS(error_of_pickle(std::string("X\xff\xff\xff\xff", 5)), "breaks off");
  EXPECT_HOLDS(error_of_pickle("t."), "mark");
  EXPECT_HOLDS(error_of_pickle("(."), "empty stack");
  EXPECT_HOLDS(error_of_pickle("NNR."), "calls something that is not a global");
  EXPECT_HOLDS(error_of_pickle("i__main__\nx\n."), "opcode 0x69");
  EXPECT_HOLDS(error_of_pickle("NQ."), "persistent id");
  EXPECT_HOLDS(error_of_pickle("ctorch._utils\n_rebuild_tensor_v2\n)R."), "arguments of _rebuild_tensor_v2");
  EXPECT_HOLDS(error_of_pickle("ctorch\nFloatStorage\n)R."), "not a function");
  // A list inside itself, and more values than memory should be spent on.
  EXPECT_HOLDS(error_of_pickle("]q\x01h\x01"
                               "a."),
               "not a dict of tensors");
  EXPECT_HOLDS(error_of_pickle(std::string(3 << 20, '(')), "more marks");
  EXPECT_HOLDS(error_of_pickle(std::string(3 << 20, ']')), "more values");
  std::string copies = fmt::format("({}l\x94", std::string(100000, 'N'));
  for (int i = 0; i < 100000; ++i) copies += std::string("cbuiltins\nset\n") + "h" + std::string(1, '\0') + "\x85R0";
  EXPECT_HOLDS(error_of_pickle(copies), "more values");
}

TEST_F(CheckpointFile, storages_that_are_missing) {
  PickleWriter pickle;
  pickle.raw("}").text("w").tensor("FloatStorage", "7", 8, 0, {8}, {1}).raw("s");
  EXPECT_HOLDS(error_of_pickle(pickle.stop()), "tensor w lies in a/data/7, which the file does not hold");
}

// Views that repeat a storage of 16 bytes: a file of some kB must not ask for the work of a large one.
TEST_F(CheckpointFile, tensors_hold_no_more_than_a_file_of_this_size_can) {
  const auto file_of = [&](int tensors) {
    PickleWriter pickle;
    pickle.raw("}").mark();
    for (int i = 0; i < tensors; ++i)
      pickle.text(fmt::format("w{}", i)).tensor("FloatStorage", "0", 4, 0, {4096, 4096}, {0, 0});
    std::string bytes;
    ZipWriter zip([&](const void* data, size_t size) {
      bytes.append(static_cast<const char*>(data), size);
      return Status::ok();
    });
    EXPECT_TRUE(zip.add("a/data.pkl", pickle.raw("u").stop()).is_ok());
    EXPECT_TRUE(zip.add("a/data/0", std::string(16, '\0')).is_ok());
    EXPECT_TRUE(zip.finish().is_ok());
    return bytes;
  };
  EXPECT_EQ(error_of_bytes(file_of(1)), "");
  EXPECT_HOLDS(error_of_bytes(file_of(2000)), "up to w1 the tensors have 33554432 elements, more than a file of");
}

TEST_F(CheckpointFile, axes_of_a_tensor_and_bytes_of_a_pickle) {
  PickleWriter pickle;
  pickle.raw("}").text("w").tensor("FloatStorage", "0", 1, 0, Shape(65, 1), std::vector<int64_t>(65, 1)).raw("s");
  EXPECT_HOLDS(error_of_pickle(pickle.stop()), "a tensor has more than 64 dimensions");
  EXPECT_HOLDS(error_of_pickle(std::string((64 << 20) + 1, 'N')), "more than the 67108864 allowed");
}

}  // namespace
}  // namespace samc
