// JPEG by libjpeg-turbo with its default settings (accurate integer DCT, fancy upsampling), which are Pillow's too.
//
// libjpeg reports errors by longjmp. So everything with a destructor lives in decode_jpeg, outside of the functions
// that longjmp leaves, and those hold nothing but plain values.

#include <algorithm>
#include <csetjmp>
#include <cstdio>  // jpeglib.h wants it first
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "media/exif.h"
#include "media/image_decoders.h"

namespace samc {
namespace {

constexpr int kMetadataMarker = JPEG_APP0 + 1;  // EXIF and XMP
// A progressive picture of few bytes may hold many scans, each of which costs a pass over all its pixels: pixels times
// scans must not pass the first number and the second for each byte of the file. Photographs stay far below.
constexpr int64_t kFreeScanPixels = int64_t{1} << 27;
constexpr int64_t kScanPixelsPerByte = 256;

struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr input{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed{};
  char message[JMSG_LENGTH_MAX] = {};
  char warning[JMSG_LENGTH_MAX] = {};
  bool truncated = false;    // the file ended before what was wanted of it
  bool has_header = false;   // then an end marker is made up for a file without one, and what is missing is judged
  bool misses_data = false;  // pixels were made up for want of data
  std::bitset<MAX_COMPONENTS> components;  // those of which a scan began
  bool out_of_memory = false;
  int64_t pixels = 0;
  int64_t most_scan_pixels = 0;
};

Decoder& decoder_of(j_common_ptr jpeg) { return *static_cast<Decoder*>(jpeg->client_data); }

[[noreturn]] void on_error(j_common_ptr jpeg) {
  Decoder& decoder = decoder_of(jpeg);
  jpeg->err->format_message(jpeg, decoder.message);
  decoder.out_of_memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
  std::longjmp(decoder.failed, 1);
}

void on_message(j_common_ptr jpeg, int level) {
  Decoder& decoder = decoder_of(jpeg);
  if (level < 0 && decoder.warning[0] == '\0') jpeg->err->format_message(jpeg, decoder.warning);
  const int code = jpeg->err->msg_code;
  if (decoder.truncated && (code == JWRN_HIT_MARKER || code == JWRN_MUST_RESYNC)) decoder.misses_data = true;
}

boolean on_end_of_input(j_decompress_ptr jpeg) {
  Decoder& decoder = decoder_of(reinterpret_cast<j_common_ptr>(jpeg));
  decoder.truncated = true;
  // The arithmetic decoder takes zeros for what is missing without a word, so there nothing could be judged.
  if (!decoder.has_header || jpeg->arith_code) std::longjmp(decoder.failed, 1);
  static constexpr JOCTET kEnd[] = {0xff, JPEG_EOI};
  jpeg->src->next_input_byte = kEnd;
  jpeg->src->bytes_in_buffer = sizeof kEnd;
  return TRUE;
}

void skip_input(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > jpeg->src->bytes_in_buffer) {
    on_end_of_input(jpeg);
    return;
  }
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= static_cast<size_t>(count);
}

void on_progress(j_common_ptr common) {
  Decoder& decoder = decoder_of(common);
  for (int i = 0; i < decoder.jpeg.comps_in_scan; ++i)
    decoder.components.set(static_cast<size_t>(decoder.jpeg.cur_comp_info[i]->component_index));
  if (decoder.jpeg.input_scan_number <= decoder.most_scan_pixels / std::max<int64_t>(1, decoder.pixels)) return;
  std::snprintf(decoder.message, sizeof decoder.message, "%d scans or more over %lld pixels in so few bytes",
                decoder.jpeg.input_scan_number, static_cast<long long>(decoder.pixels));
  std::longjmp(decoder.failed, 1);
}

bool start(Decoder& decoder, std::span<const std::byte> bytes) {
  decoder.errors.error_exit = on_error;
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&decoder.jpeg);
  decoder.input.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
  decoder.input.bytes_in_buffer = bytes.size();
  decoder.input.init_source = [](j_decompress_ptr) {};
  decoder.input.fill_input_buffer = on_end_of_input;
  decoder.input.skip_input_data = skip_input;
  decoder.input.resync_to_restart = jpeg_resync_to_restart;
  decoder.input.term_source = [](j_decompress_ptr) {};
  decoder.jpeg.src = &decoder.input;
  decoder.progress.progress_monitor = on_progress;
  decoder.jpeg.progress = &decoder.progress;
  jpeg_save_markers(&decoder.jpeg, kMetadataMarker, 0xffff);
  jpeg_read_header(&decoder.jpeg, TRUE);
  decoder.has_header = true;
  return true;
}

bool start_pixels(Decoder& decoder, J_COLOR_SPACE colours) {
  if (setjmp(decoder.failed) != 0) return false;
  decoder.jpeg.out_color_space = colours;
  jpeg_start_decompress(&decoder.jpeg);
  return true;
}

// row holds width * 4 bytes. Pixels come as grey, RGB or CMYK and leave as RGB.
bool read_pixels(Decoder& decoder, Image& image, uint8_t* row) {
  if (setjmp(decoder.failed) != 0) return false;
  while (decoder.jpeg.output_scanline < decoder.jpeg.output_height) {
    uint8_t* target = image.row(static_cast<int>(decoder.jpeg.output_scanline));
    JSAMPROW line = decoder.jpeg.out_color_space == JCS_RGB ? target : row;
    if (jpeg_read_scanlines(&decoder.jpeg, &line, 1) != 1) continue;
    if (decoder.jpeg.out_color_space == JCS_GRAYSCALE) {
      for (int x = 0; x < image.width; ++x) std::memset(target + 3 * x, row[x], 3);
    } else if (decoder.jpeg.out_color_space == JCS_CMYK) {
      // As Pillow: the stored values are Adobe's, inverted (0 is full ink), and ink covers as (255 - k)(255 - c) / 255.
      for (int x = 0; x < image.width; ++x) {
        const int white = row[4 * x + 3];
        for (int c = 0; c < 3; ++c) {
          const int product = (255 - row[4 * x + c]) * white + 128;
          target[3 * x + c] = static_cast<uint8_t>(white - ((product + (product >> 8)) >> 8));
        }
      }
    }
  }
  // All pixels are there, so jpeg_finish_decompress, which would want the end marker, is not called.
  return true;
}

// libjpeg keeps the coefficients of all blocks, two bytes each, where a picture comes in several scans.
int64_t coefficient_bytes(jpeg_decompress_struct& jpeg) {
  if (jpeg_has_multiple_scans(&jpeg) == FALSE) return 0;
  int64_t blocks = 0;
  for (int i = 0; i < jpeg.num_components; ++i) {
    const jpeg_component_info& component = jpeg.comp_info[i];
    blocks += int64_t{component.width_in_blocks + 4} * (component.height_in_blocks + 4);  // up to whole MCUs
  }
  return blocks * DCTSIZE2 * static_cast<int64_t>(sizeof(JCOEF));
}

// For a file without end marker: whether pixels are missing, in the middle of a scan or with a whole scan.
bool lacks_pixels(Decoder& decoder) {
  const jpeg_decompress_struct& jpeg = decoder.jpeg;
  if (decoder.misses_data) return true;
  if (jpeg_has_multiple_scans(&decoder.jpeg) == FALSE) return false;
  if (jpeg.coef_bits == nullptr) return decoder.components.count() < static_cast<size_t>(jpeg.num_components);
  for (int component = 0; component < jpeg.num_components; ++component)
    for (int i = 0; i < DCTSIZE2; ++i)
      if (jpeg.coef_bits[component][i] != 0) return true;  // bits of this coefficient are still to come
  return false;
}

// Several EXIF markers are one block in pieces, and of several XMP markers the last counts, as for Pillow.
int orientation_of(const jpeg_decompress_struct& jpeg) {
  using namespace std::string_view_literals;
  constexpr std::string_view kExif = "Exif\0\0"sv, kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
  std::vector<uint8_t> exif;
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->marker != kMetadataMarker) continue;
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kExif)) exif.insert(exif.end(), data.begin() + (exif.empty() ? 0 : kExif.size()), data.end());
    if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
  }
  if (const std::optional<int> found = exif_orientation(exif)) return *found;
  return xmp_orientation(xmp).value_or(1);
}

struct Cleanup {
  Decoder& decoder;
  ~Cleanup() { jpeg_destroy_decompress(&decoder.jpeg); }
};

const char* name_of(J_COLOR_SPACE colours) {
  switch (colours) {
    case JCS_GRAYSCALE:
      return "grey";
    case JCS_RGB:
      return "RGB";
    case JCS_YCbCr:
      return "YCbCr";
    case JCS_CMYK:
      return "CMYK";
    case JCS_YCCK:
      return "YCCK";
    default:
      return "unknown colours";
  }
}

Status failure(const Decoder& decoder) {
  if (decoder.out_of_memory) return Status::out_of_memory();
  if (decoder.truncated) return invalid_input("a truncated JPEG", "fetch or save the image again");
  return invalid_input(fmt::format("a damaged JPEG ({})", decoder.message), "save the image again");
}

}  // namespace

Result<Image> decode_jpeg(std::span<const std::byte> bytes, ImageSource& source, int64_t most_pixels) {
  Decoder decoder;
  decoder.jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.jpeg.client_data = &decoder;
  decoder.errors.emit_message = on_message;
  const Cleanup cleanup{decoder};
  if (!start(decoder, bytes)) return failure(decoder);

  const jpeg_decompress_struct& jpeg = decoder.jpeg;
  SAMC_TRY(check_picture_size(jpeg.image_width, jpeg.image_height, most_pixels));
  decoder.pixels = int64_t{jpeg.image_width} * jpeg.image_height;
  decoder.most_scan_pixels = kFreeScanPixels + kScanPixelsPerByte * static_cast<int64_t>(bytes.size());
  source.format = "JPEG";
  source.colours = name_of(jpeg.jpeg_color_space);
  source.bits = jpeg.data_precision;
  source.progressive = jpeg.progressive_mode != 0;
  source.orientation = orientation_of(jpeg);

  J_COLOR_SPACE colours = JCS_RGB;
  if (jpeg.num_components == 1)
    colours = JCS_GRAYSCALE;
  else if (jpeg.num_components == 4)
    colours = JCS_CMYK;
  else if (jpeg.num_components != 3)
    return unsupported(fmt::format("a JPEG of {} colour components", jpeg.num_components), "convert it to RGB");
  const MemoryClaim claim(coefficient_bytes(decoder.jpeg), "the coefficients of a JPEG of several scans");
  if (!start_pixels(decoder, colours)) return failure(decoder);
  Image image(static_cast<int>(jpeg.image_width), static_cast<int>(jpeg.image_height));
  std::vector<uint8_t> row(static_cast<size_t>(image.width) * 4);
  if (!read_pixels(decoder, image, row.data()) || (decoder.truncated && lacks_pixels(decoder))) return failure(decoder);
  if (decoder.warning[0] != '\0') source.warnings.emplace_back(decoder.warning);
  return image;
}

}  // namespace samc
