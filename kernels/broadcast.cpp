#include "kernels/broadcast.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/pointwise.h"

namespace samc {

Shape broadcast_shape(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {  // from the last axis
    const int64_t in_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t in_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    SAMC_CHECK(in_a == in_b || in_a == 1 || in_b == 1, "{} and {} do not broadcast", shape_to_string(a),
               shape_to_string(b));
    result[result.size() - 1 - i] = in_a == 1 ? in_b : in_a;
  }
  return result;
}

Broadcast::Broadcast(std::initializer_list<const Shape*> operands) : operands_(operands.size()) {
  SAMC_CHECK(operands_ <= kLargestOperands, "{} operands", operands_);
  Shape result;
  for (const Shape* shape : operands) result = broadcast_shape(result, *shape);
  SAMC_CHECK(result.size() <= kLargestRank, "{} has a rank above {}", shape_to_string(result), kLargestRank);
  count_ = element_count(result);

  std::array<std::array<int64_t, kLargestRank>, kLargestOperands> strides{};
  size_t operand = 0;
  for (const Shape* shape : operands) {
    int64_t stride = 1;
    for (size_t i = 0; i < shape->size(); ++i) {
      const int64_t extent = (*shape)[shape->size() - 1 - i];
      strides[operand][result.size() - 1 - i] = extent == 1 ? 0 : stride;
      stride *= extent;
    }
    ++operand;
  }
  for (size_t axis = 0; axis < result.size(); ++axis) {
    if (result[axis] == 1) continue;
    bool merges = rank_ > 0;
    for (size_t o = 0; o < operands_; ++o) merges = merges && strides_[o][rank_ - 1] == strides[o][axis] * result[axis];
    if (!merges) ++rank_;
    extents_[rank_ - 1] = merges ? extents_[rank_ - 1] * result[axis] : result[axis];
    for (size_t o = 0; o < operands_; ++o) strides_[o][rank_ - 1] = strides[o][axis];
  }
  if (rank_ == 0) {  // one element
    rank_ = 1;
    extents_[0] = 1;
  }
}

void Broadcast::run(KernelContext& context, const std::function<void(const Row&)>& body) const {
  if (count_ == 0) return;
  constexpr int64_t kPieceElements = 16384;
  const int64_t columns = extents_[rank_ - 1];
  const int64_t rows = count_ / columns;
  const int64_t cuts = (columns + kPieceElements - 1) / kPieceElements;  // of one row
  const int64_t rows_a_piece = cuts > 1 ? 1 : std::max<int64_t>(1, kPieceElements / columns);
  const int64_t row_pieces = (rows + rows_a_piece - 1) / rows_a_piece;
  context.pool.run(row_pieces * cuts, [&](int64_t piece, int) {
    const int64_t first_column = piece % cuts * kPieceElements;
    const int64_t first_row = piece / cuts * rows_a_piece;
    for (int64_t row = first_row; row < std::min(rows, first_row + rows_a_piece); ++row) {
      Row part{{}, row * columns + first_column, std::min(kPieceElements, columns - first_column)};
      if (cuts == 1) part.count = columns;
      for (size_t o = 0; o < operands_; ++o) part.offsets[o] = first_column * strides_[o][rank_ - 1];
      int64_t rest = row;
      for (size_t axis = rank_ - 1; axis-- > 0; rest /= extents_[axis]) {
        for (size_t o = 0; o < operands_; ++o) part.offsets[o] += rest % extents_[axis] * strides_[o][axis];
      }
      body(part);
    }
  });
}

}  // namespace samc
