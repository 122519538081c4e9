#include "media/hdr_tone.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace samc {
namespace {

std::array<uint8_t, 3> mapped(HdrCurve curve, double red, double green, double blue) {
  const auto code = [](double value) { return static_cast<uint16_t>(std::lround(value * 65535)); };
  const std::array<uint16_t, 3> deep{code(red), code(green), code(blue)};
  std::array<uint8_t, 3> rgb{};
  tone_map(curve, deep, rgb);
  return rgb;
}

// Signals that BT.2408 gives for reference white, 203 nits: 0.58 of PQ's range and 0.75 of HLG's. 0.8 of the light is
// 230 in sRGB.
TEST(HdrTone, ReferenceWhiteIsAlmostWhite) {
  for (const uint8_t value : mapped(HdrCurve::kPq, 0.5807, 0.5807, 0.5807)) EXPECT_NEAR(value, 230, 1);
  for (const uint8_t value : mapped(HdrCurve::kHlg, 0.75, 0.75, 0.75)) EXPECT_NEAR(value, 230, 2);
}

TEST(HdrTone, EndsAreBlackAndWhite) {
  for (const HdrCurve curve : {HdrCurve::kPq, HdrCurve::kHlg}) {
    EXPECT_EQ(mapped(curve, 0, 0, 0), (std::array<uint8_t, 3>{0, 0, 0}));
    for (const uint8_t value : mapped(curve, 1, 1, 1)) EXPECT_GE(value, 254);
  }
}

TEST(HdrTone, GreyStaysGreyAndBrighterStaysBrighter) {
  for (const HdrCurve curve : {HdrCurve::kPq, HdrCurve::kHlg}) {
    int before = -1;
    for (int i = 0; i <= 1000; ++i) {
      const std::array<uint8_t, 3> rgb = mapped(curve, i / 1000.0, i / 1000.0, i / 1000.0);
      EXPECT_LE(std::max({rgb[0], rgb[1], rgb[2]}) - std::min({rgb[0], rgb[1], rgb[2]}), 1);
      EXPECT_GE(rgb[1], before);
      before = rgb[1];
    }
  }
}

TEST(HdrTone, HuesStay) {
  const std::array<uint8_t, 3> red = mapped(HdrCurve::kPq, 0.6, 0.3, 0.3);
  EXPECT_GT(red[0], 200);
  EXPECT_LT(red[1], 60);
  const std::array<uint8_t, 3> blue = mapped(HdrCurve::kHlg, 0.2, 0.2, 0.9);
  EXPECT_GT(blue[2], 200);
  EXPECT_LT(blue[0], 120);
}

}  // namespace
}  // namespace samc
