#include "kernels/depthwise_conv.h"

namespace samc {

void depthwise_conv(const DepthwiseConvParams& params, const float* src, const float* weight, const float* bias,
                    float* dst, KernelContext& context) {
  SAMC_CHECK(
      params.in_c > 0 && params.kernel_h > 0 && params.kernel_w > 0 && params.stride_h > 0 && params.stride_w > 0,
      "depthwise_conv {} x {}, {} channels", params.kernel_h, params.kernel_w, params.in_c);
  DepthwiseConvRowFunction* const row = depthwise_conv_row_variants.choose(context.isa);
  const DepthwiseConvTask task{params, src, weight, bias, dst};
  context.pool.run(params.out_h, [&](int64_t y, int) { row(task, y); });
}

}  // namespace samc
