#pragma once
// Position encodings that depend on weights and sizes only, computed once while building. Same arithmetic as PyTorch's
// CPU kernels, in float and in their order.

#include <array>
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

// PositionEmbeddingSine (sam2/modeling/position_encoding.py, normalised) of a (side, side) map as (1, side side,
// channels).
Tensor sine_position_encoding(int64_t channels, int64_t side, double temperature);
// By what the positions are divided there, (count): temperature^(2 (i / 2) / count), the inner quotient being whole.
Tensor sine_periods(int64_t count, double temperature);

// Cosines or sines of the angles by which compute_axial_cis() turns the pairs of a head of dim channels, (side side, 1,
// dim / 2): the first half by the column, the second by the row. feat_sizes (width, height) are the grid if they are as
// many positions as the map has, as RoPEAttention takes them.
Tensor rotary_table(int64_t dim, const std::array<int64_t, 2>& feat_sizes, int64_t side, double theta,
                    double (*function)(double));

}  // namespace samc
