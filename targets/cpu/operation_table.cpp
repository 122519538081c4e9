#include "targets/cpu/operation_table.h"

namespace samc::cpu {

std::span<const OperationEntry> operation_table() {
  static const std::vector<OperationEntry> table = {
      {"matmul", 2, 4, {"k", "n", "norm"}, {"eps"}, {"activation"}},
      {"batch_matmul", 2, 2, {"batch", "m", "k", "n", "transpose_b"}, {"scale"}, {}},
      {"conv",
       2,
       4,
       {"in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "kernel_h", "kernel_w", "stride_h", "stride_w", "pad_top",
        "pad_left", "src_nchw"},
       {},
       {"activation"}},
      {"depthwise_conv",
       2,
       3,
       {"in_h", "in_w", "in_c", "out_h", "out_w", "kernel_h", "kernel_w", "stride_h", "stride_w", "pad_top",
        "pad_left"},
       {},
       {"activation"}},
      {"deconv2x2", 2, 4, {"h", "w", "in_c", "out_c"}, {}, {"activation"}},
      {"attention",
       3,
       5,
       {"batch", "heads", "dim", "value_dim", "q_offset", "k_offset", "v_offset", "grid_q_h", "grid_q_w", "window_q_h",
        "window_q_w", "grid_k_h", "grid_k_w", "window_k_h", "window_k_w"},
       {"scale"},
       {}},
      {"token_attention", 3, 6, {"k", "n", "heads"}, {"scale"}, {}},
      {"layer_norm", 1, 3, {}, {"eps"}, {"activation"}},
      {"softmax", 1, 1, {}, {"scale"}, {}},
      {"binary", 2, 2, {}, {}, {"op", "activation"}},
      {"unary", 1, 1, {}, {}, {"op"}},
      {"compare", 1, 2, {}, {}, {"op"}},
      {"where", 3, 3, {}, {}, {}},
      {"max_pool", 1, 1, {"in_h", "in_w", "c", "offset", "kernel_h", "kernel_w", "stride_h", "stride_w"}, {}, {}},
      {"upsample_nearest", 1, 2, {"h", "w", "c", "scale"}, {}, {}},
      {"interp_linear", 1, 1, {"planes", "in_h", "in_w", "out_h", "out_w"}, {}, {}},
      {"permute", 1, 1, {"order"}, {}, {}},
      {"slice", 1, 1, {"starts", "steps"}, {}, {}},
      {"concat", 1, -1, {"axis"}, {}, {}},
      {"reduce", 1, 1, {"axes"}, {}, {"op"}},
      {"gather", 2, 2, {"axis"}, {}, {}},
  };
  return table;
}

const OperationEntry* find_operation(std::string_view kernel) {
  for (const OperationEntry& entry : operation_table())
    if (entry.kernel == kernel) return &entry;
  return nullptr;
}

}  // namespace samc::cpu
