#include "passes/top_passes.h"
#include "targets/cpu/compile_model.h"
#include "targets/cpu/passes.h"

namespace samc {

const Pipeline& cpu_pipeline() {
  using namespace cpu;
  static const PhaseEntry phase = {"cpu", "each op bound to one CPU kernel, layouts chosen"};
  static const std::vector<Pass> passes = {
      {"fuse-rotary", phase.name, "the rotary encoding in real numbers becomes one kernel", fuse_rotary},
      {"project-values-late", phase.name, "values of few channels are projected after the attention",
       project_values_late},
      {"attend-by-axes", phase.name, "keys of memories go to the queries' side, by columns and rows of the map",
       attend_by_axes},
      {"absorb-for-few-tokens", phase.name,
       "where a few tokens attend, projections of many rows go to the tokens' side", absorb_for_few_tokens},
      {"fold-windows", phase.name, "windows take padding and cropping in and move past matrix products", fold_windows},
      {"channels-last", phase.name, "picture ops become kernels over NHWC between permutes", channels_last, true},
      {"move-permutes", phase.name, "permutes move towards the outputs and cancel", move_permutes},
      {"bind-attention", phase.name, "attention reads q, k, v where matrix products wrote them, windows by addressing",
       bind_attention, true},
      {"move-permutes-again", phase.name, "what attention left behind", move_permutes},
      fold_norms_pass(phase.name),
      {"bind-matmul", phase.name, "matrix products become kernels", bind_matmul, true},
      {"fuse-matmul", phase.name, "normalisation, activation and residual move into the kernels beside them",
       fuse_matmul},
      {"bind-rest", phase.name, "every other op becomes the kernel of its name", bind_rest, true},
      {"choose-precision", phase.name, "where bf16 is asked for: which kernels compute in it, and what stays f32",
       choose_precision, true},
      {"factor-tables", phase.name,
       "where bf16 is asked for: large tables of positions are computed from their factors", factor_tables},
  };
  static const Pipeline pipeline = extend(fused_pipeline(), "cpu", {&phase, 1}, passes);
  return pipeline;
}

}  // namespace samc
