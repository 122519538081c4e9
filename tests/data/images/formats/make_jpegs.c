/* JPEGs of kinds that Pillow reads but cannot write. cc make_jpegs.c -ljpeg && ./a.out */
#include <stdio.h>

#include <jpeglib.h>

enum { kWidth = 45, kHeight = 37 };

static void write_jpeg(const char* name, int components, J_COLOR_SPACE given, J_COLOR_SPACE stored, int h, int v,
                       int arithmetic, int adobe, int separate_scans) {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  FILE* file = fopen(name, "wb");
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = kWidth;
  jpeg.image_height = kHeight;
  jpeg.input_components = components;
  jpeg.in_color_space = given;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, stored);
  jpeg_set_quality(&jpeg, 85, TRUE);
  if (h > 0) {
    jpeg.comp_info[0].h_samp_factor = h;
    jpeg.comp_info[0].v_samp_factor = v;
  }
  jpeg.arith_code = arithmetic;
  if (!adobe) jpeg.write_Adobe_marker = FALSE;
  jpeg_scan_info scans[3] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  if (separate_scans) {
    jpeg.scan_info = scans;
    jpeg.num_scans = 3;
  }
  jpeg_start_compress(&jpeg, TRUE);
  unsigned char row[kWidth * 4];
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x)
      for (int k = 0; k < components; ++k)
        row[x * components + k] = (unsigned char)((x * (5 + k) + y * (3 + 2 * k) + ((x / 7 + y / 5) % 2) * 90) & 255);
    JSAMPROW line = row;
    jpeg_write_scanlines(&jpeg, &line, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  fclose(file);
}

int main(void) {
  write_jpeg("ycck.jpg", 4, JCS_CMYK, JCS_YCCK, 0, 0, 0, 1, 0);
  write_jpeg("ycck_420.jpg", 4, JCS_CMYK, JCS_YCCK, 2, 2, 0, 1, 0);
  write_jpeg("cmyk_without_adobe_marker.jpg", 4, JCS_CMYK, JCS_CMYK, 0, 0, 0, 0, 0);
  write_jpeg("yuv440.jpg", 3, JCS_RGB, JCS_YCbCr, 1, 2, 0, 1, 0);
  write_jpeg("yuv411.jpg", 3, JCS_RGB, JCS_YCbCr, 4, 1, 0, 1, 0);
  write_jpeg("yuv410.jpg", 3, JCS_RGB, JCS_YCbCr, 4, 2, 0, 1, 0);
  write_jpeg("rgb.jpg", 3, JCS_RGB, JCS_RGB, 1, 1, 0, 1, 0);
  write_jpeg("arithmetic.jpg", 3, JCS_RGB, JCS_YCbCr, 2, 2, 1, 1, 0);
  write_jpeg("separate_scans.jpg", 3, JCS_RGB, JCS_YCbCr, 2, 2, 0, 1, 1);
  return 0;
}
