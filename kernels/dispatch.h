#pragma once
// One list a kernel: its variants, best first, each with the instructions that it needs; made from kernels.inc. Of
// those whose needs are met the first one runs. Dispatch, tests and benchmarks all read these lists.
//
// A variant is a plain function over plain data that does one piece of the work (or a table of functions that go
// together); the kernel's own file (x.cpp, compiled without instruction set flags) checks the parameters, cuts the work
// and hands the pieces to the thread pool. Variant files (x64/x_avx2.cpp, x64/x_avx512.cpp) therefore hold no templates or
// inline functions of the standard library, which the linker could choose for the whole program: a machine without
// AVX-512 would then die far from any kernel. kernels_isa_test looks for such symbols.

#include <span>
#include <string>
#include <vector>

#include "base/cpu_features.h"

namespace samc {

// Kernel is a function's type, or a const table's.
template <class Kernel>
struct KernelVariant {
  Isa needs;
  Kernel* kernel;
};

template <class Kernel>
struct KernelVariants {
  const char* name;
  std::span<const KernelVariant<Kernel>> list;  // best first; the last needs nothing

  // What runs when the features of `allowed` may be used.
  const KernelVariant<Kernel>& chosen(CpuFeatures allowed) const {
    for (const KernelVariant<Kernel>& variant : list)
      if (allowed.includes(variant.needs.features)) return variant;
    return list.back();
  }
  // For a kernel's own call, which this notes. Not for its workers. (A template, as variant files must not see
  // context.h.)
  template <class Context>
  Kernel* choose(Context& context) const {
    const KernelVariant<Kernel>& variant = chosen(context.isa.features);
    context.ran.add(variant.needs.features);
    return variant.kernel;
  }
};

struct KernelChoice {
  std::string name;
  Isa isa;  // what the variant needs
};

// Each kernel with the variant that runs when the features of isa may be used, in the order of kernels.inc.
std::vector<KernelChoice> kernel_choices(const Isa& isa);

}  // namespace samc
