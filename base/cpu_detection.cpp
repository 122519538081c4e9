#include "base/cpu_detection.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace samc {
namespace {

constexpr bool has_bit(uint64_t value, unsigned bit) { return (value >> bit & 1) != 0; }

// Bits of xgetbv(0).
constexpr uint64_t kAvxState = 0x6;       // xmm and ymm
constexpr uint64_t kAvx512State = 0xe0;   // mask registers and zmm
constexpr uint64_t kTileState = 0x60000;  // the tiles and their shapes

constexpr bool keeps(uint64_t saved, uint64_t state) { return (saved & state) == state; }

}  // namespace

CpuFeatures x64_features(const X64Identity& identity) {
  CpuFeatures found;
  const bool has_xgetbv = has_bit(identity.leaf1_ecx, 27);
  const uint64_t saved = has_xgetbv ? identity.saved_state : 0;
  const bool has_avx = has_bit(identity.leaf1_ecx, 28) && keeps(saved, kAvxState);
  const bool has_fma = has_bit(identity.leaf1_ecx, 12), has_f16c = has_bit(identity.leaf1_ecx, 29);
  if (!has_avx || !has_fma || !has_f16c || !has_bit(identity.leaf7_ebx, 5)) return found;
  found.add(CpuFeature::kAvx2);
  if (has_bit(identity.leaf7_1_eax, 4)) found.add(CpuFeature::kAvxVnni);
  const bool has_avx512 = has_bit(identity.leaf7_ebx, 16) && has_bit(identity.leaf7_ebx, 17) &&
                          has_bit(identity.leaf7_ebx, 30) && has_bit(identity.leaf7_ebx, 31);
  if (has_avx512 && keeps(saved, kAvx512State)) {
    found.add(CpuFeature::kAvx512);
    if (has_bit(identity.leaf7_ecx, 11)) found.add(CpuFeature::kAvx512Vnni);
    if (has_bit(identity.leaf7_1_eax, 5)) found.add(CpuFeature::kAvx512Bf16);
  }
  if (has_bit(identity.leaf7_edx, 24) && keeps(saved, kTileState) && identity.tiles_permitted) {
    found.add(CpuFeature::kAmxTile);
    if (has_bit(identity.leaf7_edx, 25)) found.add(CpuFeature::kAmxInt8);
    if (has_bit(identity.leaf7_edx, 22)) found.add(CpuFeature::kAmxBf16);
  }
  return found;
}

CpuFeatures arm64_features(uint64_t capabilities, uint64_t capabilities2) {
  CpuFeatures found;
  if (!has_bit(capabilities, 1)) return found;  // HWCAP_ASIMD
  found.add(CpuFeature::kNeon);
  if (has_bit(capabilities, 20)) found.add(CpuFeature::kDotProduct);  // HWCAP_ASIMDDP
  if (has_bit(capabilities2, 13)) found.add(CpuFeature::kI8mm);
  if (has_bit(capabilities2, 14)) found.add(CpuFeature::kNeonBf16);
  return found;
}

#if defined(__x86_64__)
namespace {

// Linux gives a process tiles when it asks for them: signal frames are larger from then on.
bool ask_for_tiles() {
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM, which old headers lack
  constexpr int kTileData = 18;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

uint64_t read_saved_state() {
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

}  // namespace

CpuFeatures detect_features() {
  X64Identity identity;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return {};
  identity.leaf1_ecx = ecx;
  if (has_bit(identity.leaf1_ecx, 27)) identity.saved_state = read_saved_state();
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    const unsigned last_subleaf = eax;
    identity.leaf7_ebx = ebx;
    identity.leaf7_ecx = ecx;
    identity.leaf7_edx = edx;
    if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) identity.leaf7_1_eax = eax;
  }
  identity.tiles_permitted = has_bit(identity.leaf7_edx, 24) && ask_for_tiles();
  return x64_features(identity);
}
#elif defined(__aarch64__)
CpuFeatures detect_features() { return arm64_features(::getauxval(AT_HWCAP), ::getauxval(AT_HWCAP2)); }
#else
CpuFeatures detect_features() { return {}; }
#endif

}  // namespace samc
