#pragma once
// One table a kernel: its implementation for each instruction set, filled from kernels.inc. Dispatch, tests and
// benchmarks all read these tables.
//
// A variant is a plain function over plain data that does one piece of the work; the kernel's own file (x.cpp, compiled
// without instruction set flags) checks the parameters, cuts the work and hands the pieces to the thread pool. Variant
// files (x_avx2.cpp, x_avx512.cpp) therefore hold no templates or inline functions of the standard library, which the
// linker could choose for the whole program: a machine without AVX-512 would then die far from any kernel.
// kernels_isa_test looks for such symbols.

#include <array>
#include <string>
#include <vector>

#include "base/cpu_features.h"

namespace samc {

template <class Function>
struct KernelVariants {
  const char* name;
  std::array<Function*, 3> by_isa;  // nullptr where there is no implementation of its own

  // The implementation that runs when instructions up to isa may be used.
  Isa chosen(Isa isa) const {
    int level = static_cast<int>(isa);
    while (level > 0 && by_isa[static_cast<size_t>(level)] == nullptr) --level;
    return static_cast<Isa>(level);
  }
  Function* choose(Isa isa) const { return by_isa[static_cast<size_t>(chosen(isa))]; }
  // For a kernel's own call, which this notes. Not for its workers. (A template, as variant files must not see
  // context.h.)
  template <class Context>
  Function* choose(Context& context) const {
    const Isa isa = chosen(context.isa);
    if (isa > context.ran) context.ran = isa;
    return by_isa[static_cast<size_t>(isa)];
  }
};

struct KernelChoice {
  std::string name;
  Isa isa;
};

// Each kernel with the implementation that runs when instructions up to isa may be used, in the order of kernels.inc.
std::vector<KernelChoice> kernel_choices(Isa isa);

}  // namespace samc
