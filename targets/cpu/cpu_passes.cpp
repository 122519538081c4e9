#include "targets/cpu/passes.h"

namespace samc::cpu {

std::span<const Pass> cpu_passes() {
  static const std::vector<Pass> passes = {
      {"fuse-attention", Phase::kCpu, "softmax(scale q k^T) v becomes one op", fuse_attention},
      {"absorb-projections", Phase::kCpu, "where a few tokens attend, projections of many rows go to the tokens' side",
       absorb_projections},
      {"fold-windows", Phase::kCpu, "window partitions become one op and move past matrix products", fold_windows},
      {"channels-last", Phase::kCpu, "picture ops become kernels over NHWC between permutes", channels_last, true},
      {"move-permutes", Phase::kCpu, "permutes move towards the outputs and cancel", move_permutes},
      {"bind-attention", Phase::kCpu, "attention reads q, k, v where matrix products wrote them, windows by addressing",
       bind_attention, true},
      {"move-permutes-again", Phase::kCpu, "what attention left behind", move_permutes},
      {"bind-matmul", Phase::kCpu, "matrix products become kernels", bind_matmul, true},
      {"fuse-matmul", Phase::kCpu, "normalisation, activation and residual move into the kernels beside them",
       fuse_matmul},
      {"bind-rest", Phase::kCpu, "every other op becomes the kernel of its name", bind_rest, true},
  };
  return passes;
}

}  // namespace samc::cpu
