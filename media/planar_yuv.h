#pragma once
// Inside media/: frames of planes of brightness and colour, as Y4M has them, to RGB. Files that FFmpeg decodes go
// through libswscale instead (frame_converter.h).

#include <cstddef>
#include <cstdint>
#include <span>

#include "media/image.h"

namespace samc {

struct PlanarFormat {
  int width = 0, height = 0;
  int across = 1, down = 1;  // columns and rows of brightness for one of colour: 2, 2 is 4:2:0
  bool is_grey = false;      // no planes of colour
  bool has_alpha = false;    // a fourth plane, which is left out
  int bits = 8;              // above 8: two bytes, the lower first
  bool is_full_range = false;
  bool is_left_sited = false;  // colour belongs to the first of its columns, not to their middle

  int colour_width() const { return (width + across - 1) / across; }
  int colour_height() const { return (height + down - 1) / down; }
  size_t frame_bytes() const;
};

// frame holds format.frame_bytes(). Colour is interpolated. BT.709 from 1280 pixels of width or 577 of height on, else
// BT.601, as for untagged files.
Image planar_to_rgb(const PlanarFormat& format, std::span<const uint8_t> frame);

}  // namespace samc
