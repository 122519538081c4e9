#pragma once
// The places for points of a decoder of fixed shapes (prompt_decoder.h).

#include <cstdint>

namespace samc::sophgo {

// The label of a place without a point. No token attends to it, and it attends to none that matters: the outputs are
// those of the prompt without it.
constexpr float kAbsentPoint = -2.0f;
constexpr int64_t kDefaultMaxPoints = 8;  // a box, the pad point and five points

}  // namespace samc::sophgo
