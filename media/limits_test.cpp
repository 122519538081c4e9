// What the readers of images, arrays and prompts refuse for its size, on small inputs made here. docs/limits.md lists
// these limits.

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/limits.h"
#include "base/memory_budget.h"
#include "base/test_folder.h"
#include "media/image.h"
#include "media/npz.h"
#include "media/prompts.h"

namespace samc {
namespace {

void expect_error(const Status& status, const std::string& part) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidInput) << status.to_string();
  EXPECT_NE(status.to_string().find(part), std::string::npos) << status.to_string();
  EXPECT_EQ(status.to_string().find('\n'), std::string::npos);
}

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(Limits, the_side_of_an_image_is_bounded_as_well_as_its_area) {
  const TestFolder folder;
  const std::string path = folder.path("image.png");
  constexpr int kLongest = static_cast<int>(kLongestSide);
  for (const auto& [width, height] : {std::pair{1, kLongest + 1}, std::pair{kLongest + 1, 1}}) {
    ASSERT_TRUE(write_png(path, Image(width, height)).is_ok());
    const Status status = read_image(path).status();
    expect_error(status, fmt::format("{} x {} pixels, more than the limit of 65535 on a side", width, height));
    EXPECT_TRUE(status.message().starts_with(path));
  }
  for (const auto& [width, height] : {std::pair{1, kLongest}, std::pair{kLongest, 1}}) {
    ASSERT_TRUE(write_png(path, Image(width, height)).is_ok());
    const Result<Image> image = read_image(path);
    ASSERT_TRUE(image.is_ok()) << image.status().to_string();
    EXPECT_EQ(image.value().width, width);
    EXPECT_EQ(image.value().height, height);
  }
}

// A progressive grey JPEG of `side` squared zeros: `scans` scans of one coefficient each, all of whose blocks are
// skipped in runs of 32,767.
std::string jpeg_of_scans(int side, int scans) {
  std::string jpeg = "\xff\xd8";
  const auto segment = [&](char marker, const std::string& content) {
    const size_t length = content.size() + 2;
    jpeg += '\xff';
    jpeg += marker;
    jpeg += static_cast<char>(length >> 8);
    jpeg += static_cast<char>(length & 0xff);
    jpeg += content;
  };
  segment('\xdb', std::string(1, '\0') + std::string(64, '\1'));
  const auto size = static_cast<unsigned>(side);
  segment('\xc2', {8, static_cast<char>(size >> 8), static_cast<char>(size & 0xff), static_cast<char>(size >> 8),
                   static_cast<char>(size & 0xff), 1, 1, 0x11, 0});
  // One code for AC table 0, the bit 0: a run of 2^14 blocks and as many more as the 14 bits after it say.
  std::string table(17, '\0');
  table[0] = '\x10';
  table[1] = 1;
  segment('\xc4', table + '\xe0');
  const int blocks = (side / 8) * (side / 8);
  for (int scan = 0; scan < scans; ++scan) {
    const char coefficient = static_cast<char>(1 + scan % 63);
    segment('\xda', {1, 1, 0, coefficient, coefficient, 0});
    std::string bits;
    for (int done = 0; done < blocks; done += 32767) bits += "011111111111111";
    while (bits.size() % 8 != 0) bits += '1';
    for (size_t at = 0; at < bits.size(); at += 8) {
      int byte = 0;
      for (size_t bit = 0; bit < 8; ++bit) byte = 2 * byte + (bits[at + bit] - '0');
      jpeg += static_cast<char>(byte);
      if (byte == 0xff) jpeg += '\0';
    }
  }
  return jpeg + "\xff\xd9";
}

TEST(Limits, scans_times_area_of_a_jpeg_are_bounded_by_its_bytes) {
  const std::string few = jpeg_of_scans(1024, 63);
  ASSERT_TRUE(decode_image(as_bytes(few)).is_ok()) << decode_image(as_bytes(few)).status().to_string();
  const std::string many = jpeg_of_scans(8192, 63);
  EXPECT_LT(many.size(), 8000u);
  expect_error(decode_image(as_bytes(many)).status(), "scans or more over 67108864 pixels in so few bytes");
}

// A .npz of one array of zeros, as small as deflate makes it, whose header says `shape`.
std::string npz_of_zeros(const std::string& shape, size_t data_bytes) {
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }\n";
  std::string content = std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header;
  content.resize(content.size() + data_bytes);
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);

  const auto number = [](uint64_t value, size_t width) {
    std::string out;
    for (size_t i = 0; i < width; ++i, value >>= 8) out += static_cast<char>(value);
    return out;
  };
  const std::string name = "zeros.npy";
  const uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  const std::string fields = number(20, 2) + number(0, 2) + number(8, 2) + number(0, 4) + number(crc, 4) +
                             number(packed.size(), 4) + number(content.size(), 4) + number(name.size(), 2) +
                             number(0, 2);
  const std::string local = "PK\3\4" + fields + name + packed;
  const std::string directory = "PK\1\2" + number(20, 2) + fields + number(0, 14) + name;
  return local + directory + "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) + number(directory.size(), 4) +
         number(local.size(), 4) + number(0, 2);
}

TEST(Limits, what_an_archive_inflates_to_is_bounded) {
  const std::string archive = npz_of_zeros("(16777216,)", 16 << 20);
  EXPECT_LT(archive.size(), 20'000u);
  expect_error(Npz::parse(as_bytes(archive), 16 << 20).status(), "arrays of more than 16777216 bytes together");
  const Result<Npz> whole = Npz::parse(as_bytes(archive), (16 << 20) + 1000);
  ASSERT_TRUE(whole.is_ok()) << whole.status().to_string();
  EXPECT_EQ(whole.value().arrays()[0].second.shape(), (Shape{16 << 20}));
}

// Nothing is there to be read: the size is refused first.
TEST(Limits, an_archive_that_is_written_is_bounded) {
  const TestFolder folder;
  const float number = 1;
  for (const NpzCompression compression : {NpzCompression::kDeflated, NpzCompression::kStored}) {
    const std::vector<std::pair<std::string, TensorView>> arrays{
        {"small", TensorView{DType::kF32, {1}, &number}},
        {"large", TensorView{DType::kF32, {int64_t{1} << 30}, &number}}};
    expect_error(write_npz(folder.path("o.npz"), arrays, compression),
                 "array large makes the archive larger than 4 GiB");
    EXPECT_EQ(folder.count(), 0u);
  }
}

TEST(Limits, an_array_is_what_its_header_says) {
  expect_error(Npz::parse(as_bytes(npz_of_zeros("(1001,)", 1000))).status(), "(1001) needs 1001 bytes of data");
  const Result<Npz> rest = Npz::parse(as_bytes(npz_of_zeros("(7,)", 100'000)));  // what follows is checked and left
  ASSERT_TRUE(rest.is_ok()) << rest.status().to_string();
  EXPECT_EQ(rest.value().arrays()[0].second.shape(), Shape{7});
}

TEST(Limits, the_header_of_an_array_is_bounded) {
  const std::string npy = std::string("\x93NUMPY\2\0\0\0\1\0", 12) + std::string(65536, ' ');
  expect_error(parse_npy(as_bytes(npy)).status(), "a .npy header of 65536 bytes");
}

TEST(Limits, the_axes_of_an_array_are_bounded) {
  const auto array_of = [](int axes) {
    std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (";
    for (int i = 0; i < axes; ++i) header += "1,";
    header += "), }\n";
    return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header + "x";
  };
  EXPECT_TRUE(parse_npy(as_bytes(array_of(32))).is_ok());
  expect_error(parse_npy(as_bytes(array_of(33))).status(), "not a .npy header");
}

std::string prompt_of(size_t points, const std::string& more) {
  std::string list;
  for (size_t i = 0; i < points; ++i) list += i == 0 ? "[1,2]" : ",[1,2]";
  return R"({"pictures": [{"image": "a.png", "prompts": [{"box": [0, 0, 1, 1]}, {"points": [)" + list + "]" + more +
         "}]}]}";
}

// Of the first image of a prompts file.
Status fault_in(const std::string& json) {
  const Result<std::vector<PicturePrompts>> pictures = parse_prompts(json);
  return pictures.is_ok() ? pictures.value()[0].fault : pictures.status();
}

TEST(Limits, points_of_a_prompt) {
  EXPECT_TRUE(fault_in(prompt_of(4095, "")).is_ok());
  EXPECT_TRUE(fault_in(prompt_of(4093, R"(, "box": [0, 0, 1, 1])")).is_ok());
  expect_error(fault_in(prompt_of(4096, "")), "pictures[0]: prompts[1]: points: more than 4095");
  expect_error(fault_in(prompt_of(4094, R"(, "box": [0, 0, 1, 1])")),
               "prompts[1]: 4094 points and a box: more than 4095");
}

TEST(Limits, prompts_and_images_of_a_file) {
  std::string prompts;
  for (int i = 0; i < 10'001; ++i) prompts += i == 0 ? "{}" : ",{}";
  expect_error(fault_in(R"({"pictures": [{"image": "a", "prompts": [)" + prompts + "]}]}"), "prompts: more than 10000");
  std::string images;
  for (int i = 0; i < 100'001; ++i) images += i == 0 ? "{}" : ",{}";
  expect_error(parse_prompts(R"({"pictures": [)" + images + "]}").status(), "100001 of them");
}

TEST(Limits, nested_json_ends_in_an_error) {
  expect_error(parse_prompts(std::string(1'000'000, '[')).status(), "deeper than samc reads");
  expect_error(
      parse_prompts(fmt::format("{{\"pictures\": {}{}}}", std::string(100'000, '['), std::string(100'000, ']')))
          .status(),
      "deeper than samc reads");
}

TEST(Limits, an_unknown_key_is_quoted_up_to_a_limit) {
  const Status status =
      parse_prompts(fmt::format("{{\"pictures\": [], \"{}\": 1}}", std::string(1'000'000, 'k'))).status();
  expect_error(status, "unknown key \"kkk");
  EXPECT_LT(status.message().size(), 200u);
}

// The limit of memory holds for what readers take. Each of these files is small.
class MemoryLimit : public testing::Test {
 protected:
  MemoryLimit() { set_memory_limit(memory_taken() + (16 << 20)); }
  ~MemoryLimit() override {
    EXPECT_EQ(memory_taken(), taken_);
    set_memory_limit(0);
  }
  static void expect_none(const Status& status, const std::string& what) {
    EXPECT_EQ(status.code(), StatusCode::kOutOfMemory) << status.to_string();
    EXPECT_NE(status.message().find(what), std::string::npos) << status.to_string();
  }

 private:
  int64_t taken_ = memory_taken();
};

TEST_F(MemoryLimit, pixels) {
  const TestFolder folder;
  set_memory_limit(0);
  ASSERT_TRUE(write_png(folder.path("a.png"), Image(4000, 2000)).is_ok());
  set_memory_limit(memory_taken() + (16 << 20));
  expect_none(read_image(folder.path("a.png")).status(), "an image takes 24.0 MB");
  EXPECT_TRUE(decode_image(as_bytes(jpeg_of_scans(1024, 2))).is_ok());
  expect_none(decode_image(as_bytes(jpeg_of_scans(4096, 2))).status(), "the coefficients of a JPEG of several scans");
}

TEST_F(MemoryLimit, copies_of_an_image) {
  const Image image(2000, 2000);
  EXPECT_THROW(Image{image}, std::bad_alloc);
}

TEST_F(MemoryLimit, inflated_arrays) {
  const std::string archive = npz_of_zeros("(17825792,)", 17 << 20);
  expect_none(Npz::parse(as_bytes(archive)).status(), "takes 17.8 MB");
}

TEST_F(MemoryLimit, prompts) { expect_none(parse_prompts(std::string(600'000, '[')).status(), "the JSON of prompts"); }

}  // namespace
}  // namespace samc
