#pragma once
// Position encodings that depend on weights and sizes only, computed once while building. Same arithmetic as PyTorch's
// CPU kernels, in float and in their order.

#include <cstdint>

#include "base/tensor.h"

namespace samc {

// torch.nn.functional.interpolate(mode="bicubic", align_corners=False) of (1, c, h, w) to (1, c, height, width)
Tensor resize_bicubic(const TensorView& source, int64_t height, int64_t width);

// Hiera's position embedding of a (height, width) map as (1, height, width, c): the background (1, c, h, w) resized
// plus the window part (1, c, window, window) tiled.
Tensor hiera_position_embedding(const TensorView& background, const TensorView& window, int64_t height, int64_t width);

// The prompt encoder's encoding of every position of a (size, size) map as (1, 2 f, size, size); gaussian is (2, f).
Tensor dense_position_encoding(const TensorView& gaussian, int64_t size);

}  // namespace samc
