#include "media/npz.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/npz/";

std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string read_all(const std::string& path) { return read_text_file(path, size_t{1} << 26).value(); }

// The archives that numpy wrote hold 0, 1, 2, ... as each element type, in shape (2, 3, 4).
void expect_numpy_arrays(const Npz& npz) {
  const auto expect = [&]<class T>(const std::string& name, DType dtype, T) {
    const Tensor* tensor = npz.find(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(tensor->dtype(), dtype) << name;
    EXPECT_EQ(tensor->shape(), (Shape{2, 3, 4})) << name;
    const std::span<const T> values = tensor->as<T>();
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<T>(i)) << name;
  };
  expect("f32", DType::kF32, float{});
  expect("f64", DType::kF64, double{});
  expect("i64", DType::kI64, int64_t{});
  expect("i32", DType::kI32, int32_t{});
  expect("i16", DType::kI16, int16_t{});
  expect("i8", DType::kI8, int8_t{});
  expect("u8", DType::kU8, uint8_t{});
  expect("fortran", DType::kF32, float{});
  const std::span<const uint16_t> halves = npz.find("f16")->as<uint16_t>();
  for (size_t i = 0; i < halves.size(); ++i) EXPECT_EQ(f16_to_f32(halves[i]), static_cast<float>(i));
  EXPECT_EQ(npz.find("scalar")->shape(), Shape{});
  EXPECT_EQ(npz.find("scalar")->as<double>()[0], 2.5);
  EXPECT_EQ(npz.find("empty")->shape(), (Shape{0, 7}));
  EXPECT_EQ(npz.find("bool")->as<uint8_t>()[1], 1);
}

TEST(Npz, reads_what_numpy_writes) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const Result<Npz> npz = Npz::read(kData + name);
    ASSERT_TRUE(npz.is_ok()) << npz.status().to_string();
    expect_numpy_arrays(npz.value());
  }
}

TEST(Npz, comes_back_as_written) {
  const TestFolder folder;
  Tensor values({3, 1, 5});
  std::iota(values.f32().begin(), values.f32().end(), -3.0f);
  const Tensor vector(DType::kI64, {1}), nothing(DType::kU8, {0, 4});
  const std::pair<std::string, TensorView> arrays[] = {
      {"values", values.view()}, {"a.vector", vector.view()}, {"nothing", nothing.view()}};
  for (const NpzCompression compression : {NpzCompression::kStored, NpzCompression::kDeflated}) {
    ASSERT_TRUE(write_npz(folder.path("a.npz"), arrays, compression).is_ok());
    const Npz npz = Npz::read(folder.path("a.npz")).value();
    ASSERT_EQ(npz.arrays().size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(npz.arrays()[i].first, arrays[i].first);
      const Tensor& tensor = npz.arrays()[i].second;
      EXPECT_EQ(tensor.shape(), arrays[i].second.shape);
      EXPECT_EQ(std::memcmp(tensor.data(), arrays[i].second.data, static_cast<size_t>(tensor.bytes())), 0);
    }
    EXPECT_NE(npz.get("other").status().hint().find("values"), std::string::npos);
  }
  EXPECT_EQ(folder.count(), 1u);
}

TEST(Npz, cut_or_flipped_is_an_error) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const std::string whole = read_all(kData + name);
    for (size_t size = 0; size < whole.size(); size += 3)
      EXPECT_FALSE(Npz::parse(as_bytes(whole.substr(0, size))).is_ok()) << size;
    size_t found = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
      const Result<Npz> npz = Npz::parse(as_bytes(bytes));
      if (!npz.is_ok()) {
        ++found;
        EXPECT_EQ(npz.status().to_string().find('\n'), std::string::npos);
      }
    }
    EXPECT_GT(found, whole.size() / 3);  // the rest are names, dates and padding
  }
}

TEST(Npz, sizes_that_lie_take_no_memory) {
  std::string bytes = read_all(kData + "deflated.npz");
  const size_t entry = bytes.find("PK\1\2");
  ASSERT_NE(entry, std::string::npos);
  for (size_t i = 0; i < 4; ++i) bytes[entry + 24 + i] = static_cast<char>(i < 3 ? 0xff : 0x7f);
  const Status status = Npz::parse(as_bytes(bytes)).status();
  EXPECT_NE(status.message().find("impossible size"), std::string::npos) << status.message();
}

TEST(Npy, refuses_what_it_does_not_know) {
  const auto npy = [](const std::string& dictionary, size_t data) {
    std::string header = std::string("\x93NUMPY\1\0", 8) + static_cast<char>(dictionary.size()) + '\0';
    return header + dictionary + std::string(data, '\0');
  };
  const auto status_of = [&](const std::string& dictionary, size_t data) {
    return parse_npy(as_bytes(npy(dictionary, data))).status();
  };
  EXPECT_TRUE(status_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24).is_ok());
  EXPECT_TRUE(status_of("{'shape': (), 'descr': \"<f8\", 'fortran_order': True}\n", 8).is_ok());
  EXPECT_NE(status_of("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8).message().find(">f4"),
            std::string::npos);
  EXPECT_EQ(status_of("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 80).code(), StatusCode::kUnsupported);
  EXPECT_EQ(status_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 80).code(),
            StatusCode::kUnsupported);
  EXPECT_NE(status_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23).message().find("truncated"),
            std::string::npos);
  for (const char* dictionary :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 1, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999, 99999999999)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 0, 99999999999, 99999999999)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}"})
    EXPECT_FALSE(status_of(dictionary, 64).is_ok()) << dictionary;
}

TEST(Npy, comes_back_as_written) {
  const TestFolder folder;
  Tensor values({7});
  std::iota(values.f32().begin(), values.f32().end(), 1.0f);
  ASSERT_TRUE(write_npy(folder.path("a.npy"), values.view()).is_ok());
  const Tensor read = read_npy(folder.path("a.npy")).value();
  EXPECT_EQ(read.shape(), Shape{7});
  EXPECT_EQ(read.f32()[6], 7.0f);
  const Status absent = read_npy(folder.path("b.npy")).status();
  EXPECT_EQ(absent.code(), StatusCode::kIo);
}

}  // namespace
}  // namespace samc
