#pragma once
// HDR video as 8-bit RGB for a model that was trained on ordinary images.

#include <cstdint>
#include <span>

namespace samc {

enum class HdrCurve {
  kPq,   // SMPTE ST 2084: a value is so many nits
  kHlg,  // ARIB STD-B67: relative to the display's peak, taken as 1000 nits
};

// BT.2020 RGB of 16 bits, full range, becomes BT.709 RGB of 8 bits with sRGB's curve. Reference white, 203 nits
// (ITU-R BT.2408), becomes 0.8 of the range of light; up to there all is in proportion, what is brighter is compressed
// smoothly, and 1000 nits and more are white. Colours outside BT.709 are clipped. deep and rgb hold as many values.
void tone_map(HdrCurve curve, std::span<const uint16_t> deep, std::span<uint8_t> rgb);

}  // namespace samc
