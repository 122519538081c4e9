#include "kernels/rotary.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/testing.h"

namespace samc {
namespace {

// Widths that are whole vectors and that are not; more rows than positions; a piece that begins in the middle.
constexpr RotaryParams kCases[] = {{4, 4, 1, 2},       {12, 4, 1, 64}, {6, 3, 2, 30}, {2, 2, 3, 8},
                                   {500, 100, 1, 256}, {7, 7, 5, 34},  {0, 5, 1, 8}};

TEST(Rotary, is_the_complex_product) {
  for (const Isa& isa : available_isas())
    for (const RotaryParams& p : kCases)
      for (const bool in_place : {false, true}) {
        SCOPED_TRACE(std::string(isa.name) + ", " + std::to_string(p.rows) + " rows of " + std::to_string(p.heads) +
                     " x " + std::to_string(p.dim));
        TestContext context(isa, 2);
        const int64_t half = p.dim / 2;
        const std::vector<float> cosines = random_floats(p.positions * half, 1);
        const std::vector<float> sines = random_floats(p.positions * half, 2);
        const std::vector<float> src = random_floats(p.rows * p.heads * p.dim, 3);
        std::vector<float> dst = src;
        rotary(p, in_place ? dst.data() : src.data(), cosines.data(), sines.data(), dst.data(), context.get());
        for (int64_t row = 0; row < p.rows; ++row)
          for (int64_t head = 0; head < p.heads; ++head)
            for (int64_t i = 0; i < half; ++i) {
              const auto at = static_cast<size_t>((row * p.heads + head) * p.dim + i);
              const auto table = static_cast<size_t>(row % p.positions * half + i);
              const double first = src[at], second = src[at + static_cast<size_t>(half)];
              ASSERT_NEAR(dst[at], first * cosines[table] - second * sines[table], 3e-7) << row << ", " << i;
              ASSERT_NEAR(dst[at + static_cast<size_t>(half)], first * sines[table] + second * cosines[table], 3e-7)
                  << row << ", " << i;
            }
      }
}

}  // namespace
}  // namespace samc
