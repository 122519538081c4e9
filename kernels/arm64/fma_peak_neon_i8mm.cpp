#include <arm_neon.h>

#include "kernels/fma_peak_kernel.h"

namespace samc::neon_i8mm {
namespace {
using Ints = int32x4_t;
constexpr int64_t kMultiplyAdds = 16;
inline Ints set1_ints(int value) { return vdupq_n_s32(value); }
inline Ints multiply(Ints factors, Ints sums) {
  return vusdotq_s32(sums, vreinterpretq_u8_s32(factors), vreinterpretq_s8_s32(factors));
}
}  // namespace

#include "kernels/vector/int8_peak.inc"

}  // namespace samc::neon_i8mm
