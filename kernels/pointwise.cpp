#include "kernels/pointwise.h"

#include <algorithm>
#include <utility>

#include "kernels/broadcast.h"

namespace samc {

SAMC_VECTOR_VARIANTS(unary, UnaryFunction)
SAMC_VECTOR_VARIANTS(binary, BinaryFunction)

namespace {

constexpr int64_t kPieceElements = 16384;

template <class Op, size_t kCount>
Result<Op> op_named(const char* kind, const std::pair<const char*, Op> (&names)[kCount], const std::string& name) {
  std::string known;
  for (const auto& [text, op] : names) {
    if (name == text) return op;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return unsupported(fmt::format("{} operation '{}' is not known", kind, name), "known are: " + known);
}

bool holds(CompareOp op, float a, float b) {
  switch (op) {
    case CompareOp::kEqual:
      return a == b;
    case CompareOp::kNotEqual:
      return a != b;
    case CompareOp::kLess:
      return a < b;
    case CompareOp::kLessEqual:
      return a <= b;
    case CompareOp::kGreater:
      return a > b;
    case CompareOp::kGreaterEqual:
      return a >= b;
  }
  return false;
}

}  // namespace

Result<UnaryOp> unary_op_named(const std::string& name) {
  static constexpr std::pair<const char*, UnaryOp> kNames[] = {
      {"relu", UnaryOp::kRelu}, {"gelu", UnaryOp::kGelu},    {"sigmoid", UnaryOp::kSigmoid}, {"exp", UnaryOp::kExp},
      {"sin", UnaryOp::kSin},   {"cos", UnaryOp::kCos},      {"sqrt", UnaryOp::kSqrt},       {"abs", UnaryOp::kAbs},
      {"neg", UnaryOp::kNeg},   {"floor", UnaryOp::kFloor},  {"square", UnaryOp::kSquare},   {"tanh", UnaryOp::kTanh},
      {"erf", UnaryOp::kErf},   {"affine", UnaryOp::kAffine}};
  return op_named("unary", kNames, name);
}

Result<BinaryOp> binary_op_named(const std::string& name) {
  static constexpr std::pair<const char*, BinaryOp> kNames[] = {{"add", BinaryOp::kAdd}, {"sub", BinaryOp::kSub},
                                                                {"mul", BinaryOp::kMul}, {"div", BinaryOp::kDiv},
                                                                {"max", BinaryOp::kMax}, {"min", BinaryOp::kMin}};
  return op_named("binary", kNames, name);
}

Result<CompareOp> compare_op_named(const std::string& name) {
  static constexpr std::pair<const char*, CompareOp> kNames[] = {
      {"equal", CompareOp::kEqual},     {"not_equal", CompareOp::kNotEqual},
      {"less", CompareOp::kLess},       {"less_equal", CompareOp::kLessEqual},
      {"greater", CompareOp::kGreater}, {"greater_equal", CompareOp::kGreaterEqual}};
  return op_named("compare", kNames, name);
}

void unary(const UnaryParams& params, const float* src, float* dst, KernelContext& context) {
  const bool plain = params.op == UnaryOp::kSin || params.op == UnaryOp::kCos || params.op == UnaryOp::kTanh;
  UnaryFunction* run_piece = plain ? unary_variants.chosen(kScalarIsa.features).kernel : unary_variants.choose(context);
  const int64_t pieces = (params.count + kPieceElements - 1) / kPieceElements;
  context.pool.run(pieces, [&](int64_t piece, int) {
    const int64_t first = piece * kPieceElements;
    run_piece({params.op, params.alpha, params.beta, src + first, dst + first,
               std::min(kPieceElements, params.count - first)});
  });
}

void binary(const BinaryParams& params, const float* a, const float* b, float* dst, KernelContext& context) {
  const Broadcast broadcast({&params.a, &params.b});
  BinaryFunction* run_piece = binary_variants.choose(context);
  broadcast.run(context, [&](const Broadcast::Row& row) {
    run_piece({params.op, params.activation, a + row.offsets[0], broadcast.step(0), b + row.offsets[1],
               broadcast.step(1), dst + row.dst_offset, row.count});
  });
}

void compare(const CompareParams& params, const float* a, const float* b, float* dst, KernelContext& context) {
  const Shape one;
  const float* other = b == nullptr ? &params.value : b;
  const Broadcast broadcast({&params.a, b == nullptr ? &one : &params.b});
  broadcast.run(context, [&](const Broadcast::Row& row) {
    for (int64_t i = 0; i < row.count; ++i) {
      const float left = a[row.offsets[0] + i * broadcast.step(0)];
      const float right = other[row.offsets[1] + i * broadcast.step(1)];
      dst[row.dst_offset + i] = holds(params.op, left, right) ? 1.0f : 0.0f;
    }
  });
}

void where(const WhereParams& params, const float* condition, const float* a, const float* b, float* dst,
           KernelContext& context) {
  const Broadcast broadcast({&params.condition, &params.a, &params.b});
  broadcast.run(context, [&](const Broadcast::Row& row) {
    for (int64_t i = 0; i < row.count; ++i) {
      const bool chosen = condition[row.offsets[0] + i * broadcast.step(0)] != 0;
      dst[row.dst_offset + i] =
          chosen ? a[row.offsets[1] + i * broadcast.step(1)] : b[row.offsets[2] + i * broadcast.step(2)];
    }
  });
}

}  // namespace samc
