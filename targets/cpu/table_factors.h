#pragma once
// A large table of constants as a few small ones that it follows from: position embeddings and encodings are sums and
// products over the axes of a map, and need not lie in a file as a number for each position and channel.

#include <optional>
#include <vector>

#include "base/tensor.h"

namespace samc::cpu {

struct TableFactors {
  enum class Kind {
    kSum,       // parts[0] + parts[1]
    kProducts,  // parts[0] parts[1] + parts[2] parts[3], element by element
    kMatrices,  // the matrix product parts[0] parts[1]
    kGrid,      // parts[0] (parts[1] parts[2]): the inner one is a product for each first index
  };
  Kind kind = Kind::kSum;
  // Of kSum and kProducts: three axes each, which broadcast to `shape` as numpy has it. Of kMatrices: two. Of
  // kGrid: (h, r), (r, w, s), (r, s, c); the inner products, (r, w, c), are rows of w c numbers to the outer one.
  std::vector<Tensor> parts;
  Shape shape;  // of what they give: as many elements as the table, in its order
};

// How far a product may be from the table: of its largest number. kSum gives it bit for bit.
constexpr double kTableTolerance = 2e-6;
// Products of so many rows at most.
constexpr int64_t kMostTableRank = 16;

// Nothing where the table is no map (positions by channels, or channels by positions), or does not follow from parts of
// an eighth of its size together.
std::optional<TableFactors> factor_table(const TensorView& table);

}  // namespace samc::cpu
