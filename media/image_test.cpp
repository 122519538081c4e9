#include "media/image.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/exif.h"

namespace samc {
namespace {

const std::string kPictures = SAMC_SOURCE_DIR "/tests/data/images/formats/";

std::vector<std::byte> bytes_of(const std::string& path) {
  const std::string text = read_text_file(path, size_t{1} << 24).value();
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

uint32_t crc_of(const Image& image) { return static_cast<uint32_t>(crc32_z(0, image.rgb.data(), image.rgb.size())); }

// A PNG's first chunk with its width and height replaced, checksum and all.
std::vector<std::byte> png_of_size(uint32_t width, uint32_t height) {
  std::vector<std::byte> png = bytes_of(kPictures + "rgb8.png");
  const auto put = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) png[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
  };
  put(16, width);
  put(20, height);
  put(29, static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(&png[12]), 17)));
  return png;
}

std::vector<std::byte> jpeg_of_size(uint32_t width, uint32_t height) {
  std::vector<std::byte> jpeg = bytes_of(kPictures + "yuv420.jpg");
  for (size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] != std::byte{0xff} || jpeg[i + 1] != std::byte{0xc0}) continue;
    const std::array<uint32_t, 4> size{height >> 8, height & 0xff, width >> 8, width & 0xff};
    for (size_t k = 0; k < 4; ++k) jpeg[i + 5 + k] = static_cast<std::byte>(size[k]);
    return jpeg;
  }
  ADD_FAILURE() << "no frame header";
  return jpeg;
}

// Each line of folder/pillow.txt: a file, and the width, height and checksum of its pixels in Pillow. How many.
int compare_with_pillow(const std::string& folder) {
  std::ifstream listing(folder + "pillow.txt");
  std::string name;
  int width = 0, height = 0, images = 0;
  uint32_t crc = 0;
  while (listing >> name >> std::dec >> width >> height >> std::hex >> crc) {
    const Result<Image> image = read_image(kPictures + name);
    EXPECT_TRUE(image.is_ok()) << image.status().to_string();
    if (!image.is_ok()) break;
    EXPECT_EQ(image.value().width, width) << name;
    EXPECT_EQ(image.value().height, height) << name;
    EXPECT_EQ(crc_of(image.value()), crc) << name;
    ++images;
  }
  return images;
}

TEST(Image, every_kind_has_the_pixels_that_pillow_gives) { EXPECT_GE(compare_with_pillow(kPictures), 39); }

TEST(Image, what_says_how_the_camera_was_held_is_heeded_as_by_pillow) {
  EXPECT_GE(compare_with_pillow(kPictures + "by_hand/"), 27);
}

TEST(Image, the_orientation_can_be_ignored) {
  for (const char* name : {"orientation6.jpg", "orientation6.png"}) {
    ImageSource source;
    const std::vector<std::byte> bytes = bytes_of(kPictures + name);
    const Image stored = decode_image(bytes, &source, kMostPixels, Orientation::kAsStored).value();
    EXPECT_EQ(source.orientation, 1) << name;
    const Image upright = decode_image(bytes, &source).value();
    EXPECT_EQ(source.orientation, 6) << name;
    EXPECT_EQ(stored.width, upright.height) << name;
    EXPECT_EQ(crc_of(oriented(stored, 6)), crc_of(upright)) << name;
    EXPECT_NE(crc_of(stored), crc_of(upright)) << name;
  }
}

TEST(Image, says_what_the_file_was) {
  ImageSource source;
  const auto read = [&](const std::string& name) {
    source = {};
    ASSERT_TRUE(read_image(kPictures + name, &source).is_ok()) << name;
  };
  read("ycck.jpg");
  EXPECT_EQ(source.format, "JPEG");
  EXPECT_EQ(source.colours, "YCCK");
  read("progressive.jpg");
  EXPECT_TRUE(source.progressive);
  EXPECT_EQ(source.orientation, 1);
  read("orientation6.jpg");
  EXPECT_EQ(source.orientation, 6);
  read("rgba16.png");
  EXPECT_EQ(source.format, "PNG");
  EXPECT_EQ(source.colours, "RGBA");
  EXPECT_EQ(source.bits, 16);
  EXPECT_TRUE(source.dropped_alpha);
  EXPECT_TRUE(source.warnings.empty());
}

TEST(Image, a_file_cut_anywhere_is_an_error_or_whole) {
  for (const char* name : {"yuv420.jpg", "progressive.jpg", "ycck.jpg", "arithmetic.jpg", "separate_scans.jpg",
                           "rgb8.png", "palette4.png", "by_hand/interlaced_13x8.png"}) {
    const std::vector<std::byte> whole = bytes_of(kPictures + name);
    const uint32_t crc = crc_of(decode_image(whole).value());
    size_t refused = 0;
    for (size_t size = 0; size < whole.size(); size += 7) {
      const Result<Image> image = decode_image(std::span(whole).first(size));
      if (!image.is_ok()) {
        ++refused;
      } else {
        EXPECT_EQ(crc_of(image.value()), crc) << name << " cut to " << size;  // only its end marker was cut off
      }
    }
    EXPECT_GE(refused, whole.size() / 7 - 3) << name;
    const Status status = decode_image(std::span(whole).first(whole.size() / 2)).status();
    EXPECT_NE(status.message().find("truncated"), std::string::npos) << name << ": " << status.message();
  }
}

// All pixels are there, and other programs show such files too. What comes after the end is none of the image.
TEST(Image, what_misses_nothing_but_its_end_is_whole) {
  const auto expect_whole = [](std::span<const std::byte> bytes, uint32_t crc, const std::string& name) {
    const Result<Image> image = decode_image(bytes);
    ASSERT_TRUE(image.is_ok()) << name << ": " << image.status().to_string();
    EXPECT_EQ(crc_of(image.value()), crc) << name;
  };
  for (const char* name : {"yuv420.jpg", "progressive.jpg", "grey.jpg", "ycck.jpg", "restart_markers.jpg",
                           "one_pixel.jpg", "separate_scans.jpg"}) {
    std::vector<std::byte> bytes = bytes_of(kPictures + name);
    const uint32_t crc = crc_of(decode_image(bytes).value());
    for (const size_t missing : {1, 2})
      expect_whole(std::span(bytes).first(bytes.size() - missing), crc, fmt::format("{} - {}", name, missing));
    EXPECT_FALSE(decode_image(std::span(bytes).first(bytes.size() - 3)).is_ok()) << name;
    bytes.resize(bytes.size() + 100);
    expect_whole(bytes, crc, std::string(name) + " and zeros");
    const std::vector<std::byte> another = bytes_of(kPictures + "cmyk.jpg");
    bytes.insert(bytes.end(), another.begin(), another.end());
    expect_whole(bytes, crc, std::string(name) + " and another");
  }
  // The end chunk has 12 bytes; before it stand the checksum of the pixels' chunk and that of the deflated pixels.
  for (const char* name :
       {"rgb8.png", "palette4.png", "grey16.png", "by_hand/interlaced_1x1.png", "by_hand/interlaced_3x3.png",
        "by_hand/interlaced_13x8.png", "by_hand/interlaced_8x13.png"}) {
    std::vector<std::byte> bytes = bytes_of(kPictures + name);
    const uint32_t crc = crc_of(decode_image(bytes).value());
    for (const size_t missing : {1, 12, 13, 16, 17, 20})
      expect_whole(std::span(bytes).first(bytes.size() - missing), crc, fmt::format("{} - {}", name, missing));
    bytes.resize(bytes.size() + 100);
    expect_whole(bytes, crc, std::string(name) + " and zeros");
  }
}

TEST(Image, a_wrong_checksum_is_an_error_still) {
  std::vector<std::byte> png = bytes_of(kPictures + "rgb8.png");
  png[png.size() - 13] ^= std::byte{1};  // of the pixels' chunk
  const Status status = decode_image(png).status();
  EXPECT_NE(status.message().find("damaged PNG"), std::string::npos) << status.message();
}

TEST(Image, flipped_bits_never_crash) {
  for (const char* name :
       {"yuv420.jpg", "progressive.jpg", "separate_scans.jpg", "orientation6.png", "palette4.png", "by_hand/long.jpg",
        "by_hand/profile_compressed.png", "by_hand/xmp_compressed.png", "by_hand/interlaced_3x3.png"}) {
    const std::vector<std::byte> whole = bytes_of(kPictures + name);
    for (size_t at = 0; at < whole.size(); at += 5) {
      std::vector<std::byte> bytes = whole;
      bytes[at] ^= static_cast<std::byte>(1u << (at % 8));
      ImageSource source;
      const Result<Image> image = decode_image(bytes, &source, int64_t{1} << 20);
      if (!image.is_ok()) {
        EXPECT_EQ(image.status().to_string().find('\n'), std::string::npos);
      }
    }
  }
}

TEST(Image, the_size_limit_names_the_size) {
  for (const auto& bytes : {png_of_size(20000, 20000), jpeg_of_size(20000, 20000)}) {
    const Status status = decode_image(bytes).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidInput);
    EXPECT_NE(status.message().find("20000 x 20000"), std::string::npos) << status.message();
    EXPECT_FALSE(status.hint().empty());
  }
  EXPECT_FALSE(decode_image(png_of_size(0, 5)).is_ok());
  EXPECT_FALSE(decode_image(png_of_size(0x7fffffff, 0x7fffffff)).is_ok());
  EXPECT_TRUE(decode_image(bytes_of(kPictures + "one_pixel.png"), nullptr, 1).is_ok());
  EXPECT_FALSE(decode_image(bytes_of(kPictures + "rgb8.png"), nullptr, 61 * 47 - 1).is_ok());
}

TEST(Image, a_chunk_longer_than_the_file_takes_no_memory) {
  std::vector<std::byte> png = bytes_of(kPictures + "orientation6.png");
  constexpr size_t kSecondChunk = 33;
  ASSERT_EQ(std::memcmp(&png[kSecondChunk + 4], "eXIf", 4), 0);
  png[kSecondChunk] = std::byte{0x58};
  EXPECT_FALSE(decode_image(png).is_ok());
}

TEST(Image, what_is_no_picture_is_named) {
  const TestFolder folder;
  const auto message_for = [&](const std::string& content) {
    const std::string path = folder.path("file");
    EXPECT_TRUE(write_file(path, content).is_ok());
    const Status status = read_image(path).status();
    EXPECT_TRUE(status.message().starts_with(path)) << status.message();
    return status.message();
  };
  EXPECT_NE(message_for("hello").find("not an image"), std::string::npos);
  EXPECT_NE(message_for("").find("empty"), std::string::npos);
  EXPECT_NE(message_for("GIF89a...").find("GIF"), std::string::npos);
  EXPECT_NE(message_for(std::string("RIFF\x10\0\0\0WEBPVP8 ", 16)).find("WebP"), std::string::npos);
  for (const std::string& head : {std::string("II+\0\x08\0\0\0", 8), std::string("MM\0+\0\x08\0\0", 8)})
    EXPECT_NE(message_for(head).find("BigTIFF"), std::string::npos);
  EXPECT_NE(message_for(std::string("\0\0\0\x18"
                                    "ftypheic",
                                    12))
                .find("HEIC"),
            std::string::npos);
  EXPECT_NE(message_for("\xff\xd8\xff\xe0").find("truncated JPEG"), std::string::npos);
  EXPECT_EQ(read_image(folder.path("absent.jpg")).status().code(), StatusCode::kIo);
}

TEST(Exif, both_byte_orders_and_nonsense) {
  std::vector<uint8_t> little{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  EXPECT_EQ(exif_orientation(little), 6);
  const std::vector<uint8_t> big{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0};
  EXPECT_EQ(exif_orientation(big), 3);
  const std::vector<uint8_t> turned{'M', 'M', 42, 0, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0};
  EXPECT_EQ(exif_orientation(turned), 3);
  EXPECT_EQ(exif_orientation({}), std::nullopt);
  for (size_t size = 1; size < little.size(); ++size)
    EXPECT_EQ(exif_orientation(std::span(little).first(size)).value_or(1), 1) << size;
  EXPECT_EQ(exif_orientation(std::span(little).first(7)), 1);  // no EXIF block
  little[18] = 9;
  EXPECT_EQ(exif_orientation(little), 1);
  little[10] = 0x13;
  EXPECT_EQ(exif_orientation(little), std::nullopt);  // another tag
  little[4] = 0xff;
  EXPECT_EQ(exif_orientation(little), std::nullopt);  // no tag
}

TEST(Exif, the_first_of_two_counts_and_a_value_outside_ends_the_reading) {
  const auto block = [](std::vector<std::array<uint8_t, 12>> entries) {
    std::vector<uint8_t> bytes{'I', 'I', 42, 0, 8, 0, 0, 0, static_cast<uint8_t>(entries.size()), 0};
    for (const auto& entry : entries) bytes.insert(bytes.end(), entry.begin(), entry.end());
    bytes.resize(bytes.size() + 4);
    return bytes;
  };
  constexpr std::array<uint8_t, 12> kSix{0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0}, kThree{0x12, 1, 3, 0, 1, 0, 0, 0, 3};
  constexpr std::array<uint8_t, 12> kNoType{0x12, 1, 99, 0, 1, 0, 0, 0, 3}, kNoValues{0x12, 1, 3, 0, 0, 0, 0, 0, 3};
  constexpr std::array<uint8_t, 12> kOutside{0x0f, 1, 2, 0, 9, 0, 0, 0, 0xff, 0xff, 0, 0};
  EXPECT_EQ(exif_orientation(block({kSix, kThree})), 6);
  EXPECT_EQ(exif_orientation(block({kNoType, kNoValues, kThree})), 3);
  EXPECT_EQ(exif_orientation(block({kOutside, kThree})), std::nullopt);
  EXPECT_EQ(exif_orientation(block({kSix, kOutside})), 6);
}

TEST(Xmp, an_attribute_or_an_element) {
  EXPECT_EQ(xmp_orientation("<a tiff:Orientation=\"6\"/>"), 6);
  EXPECT_EQ(xmp_orientation("<tiff:Orientation>8</tiff:Orientation>"), 8);
  EXPECT_EQ(xmp_orientation("tiff:Orientation= tiff:Orientation=\"3\" tiff:Orientation=\"6\""), 3);
  EXPECT_EQ(xmp_orientation("<a tiff:Orientation=\"9\"/>"), 1);
  for (const char* text :
       {"", "tiff:Orientation", "tiff:Orientation=\"", "tiff:Orientation='6'", "exif:Orientation=\"6\""})
    EXPECT_EQ(xmp_orientation(text), std::nullopt) << text;
}

TEST(Image, png_comes_back_as_written) {
  const TestFolder folder;
  Image image(67, 31);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i * 37 + i / 11);
  ASSERT_TRUE(write_png(folder.path("rgb.png"), image).is_ok());
  EXPECT_EQ(read_image(folder.path("rgb.png")).value().rgb, image.rgb);
  std::vector<uint8_t> grey(67 * 31);
  for (size_t i = 0; i < grey.size(); ++i) grey[i] = static_cast<uint8_t>(i % 3 == 0 ? 255 : 0);
  ASSERT_TRUE(write_png_grey(folder.path("grey.png"), 67, 31, grey).is_ok());
  const Image read = read_image(folder.path("grey.png")).value();
  for (size_t i = 0; i < grey.size(); ++i) ASSERT_EQ(read.rgb[3 * i + 1], grey[i]);
  EXPECT_EQ(folder.count(), 2u);
}

TEST(Image, a_place_that_cannot_be_written_is_one_line) {
  const TestFolder folder;
  const Status status = write_png(folder.path("no/such/folder.png"), Image(4, 4));
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_EQ(status.to_string().find('\n'), std::string::npos);
  EXPECT_EQ(folder.count(), 0u);
}

}  // namespace
}  // namespace samc
