#pragma once
// From what processor and operating system say of themselves to a set of features: apart from the asking, so that
// machines that nobody has here can be tried in a test.

#include <cstdint>

#include "base/cpu_features.h"

namespace samc {

// What cpuid and xgetbv answer on x86-64; 0 where a leaf is not there.
struct X64Identity {
  uint32_t leaf1_ecx = 0;
  uint32_t leaf7_ebx = 0;
  uint32_t leaf7_ecx = 0;
  uint32_t leaf7_edx = 0;
  uint32_t leaf7_1_eax = 0;
  uint64_t saved_state = 0;      // xgetbv(0): the registers that the operating system keeps
  bool tiles_permitted = false;  // Linux lets a process use AMX's tiles only when it has asked
};
CpuFeatures x64_features(const X64Identity& identity);

// getauxval(AT_HWCAP) and getauxval(AT_HWCAP2) of Linux on arm64.
CpuFeatures arm64_features(uint64_t capabilities, uint64_t capabilities2);

// What this machine says.
CpuFeatures detect_features();

}  // namespace samc
