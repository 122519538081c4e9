#pragma once
// Operations element by element: unary, binary, compare, where. Shapes broadcast as numpy does, up to rank 6.

#include <cstdint>
#include <string>

#include "base/status.h"
#include "base/tensor.h"
#include "kernels/activation.h"
#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

enum class UnaryOp {
  kRelu,
  kGelu,
  kSigmoid,
  kExp,
  kSin,
  kCos,
  kSqrt,
  kAbs,
  kNeg,
  kFloor,
  kSquare,
  kTanh,
  kErf,
  kAffine,
};
enum class BinaryOp { kAdd, kSub, kMul, kDiv, kMax, kMin };
enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

// By the names that plan_ops.md gives: "relu", "add", "less_equal".
Result<UnaryOp> unary_op_named(const std::string& name);
Result<BinaryOp> binary_op_named(const std::string& name);
Result<CompareOp> compare_op_named(const std::string& name);

struct UnaryParams {
  UnaryOp op = UnaryOp::kRelu;
  int64_t count = 0;
  float alpha = 1;  // affine: alpha x + beta
  float beta = 0;
};
// dst may be src.
void unary(const UnaryParams& params, const float* src, float* dst, KernelContext& context);

struct BinaryParams {
  BinaryOp op = BinaryOp::kAdd;
  Activation activation = Activation::kNone;
  Shape a;
  Shape b;
};
// dst may be an operand that has dst's shape. Max and min give NaN when either operand is NaN.
void binary(const BinaryParams& params, const float* a, const float* b, float* dst, KernelContext& context);

struct CompareParams {
  CompareOp op = CompareOp::kEqual;
  Shape a;
  Shape b;          // unused when the operand b is nullptr
  float value = 0;  // what a is compared with then
};
// dst is 1 where it holds, else 0.
void compare(const CompareParams& params, const float* a, const float* b, float* dst, KernelContext& context);

struct WhereParams {
  Shape condition;
  Shape a;
  Shape b;
};
// dst = a where condition is not 0, else b.
void where(const WhereParams& params, const float* condition, const float* a, const float* b, float* dst,
           KernelContext& context);

// The shape that operands give together; SAMC_CHECKs that they fit.
Shape broadcast_shape(const Shape& a, const Shape& b);

// What a variant of unary does. Variants other than scalar do not know sin, cos and tanh.
struct UnaryPiece {
  UnaryOp op;
  float alpha;
  float beta;
  const float* src;
  float* dst;
  int64_t count;
};
using UnaryFunction = void(const UnaryPiece& piece);
extern const KernelVariants<UnaryFunction> unary_variants;

// What a variant of binary does: one row. A step is 1, or 0 for one element against the whole row.
struct BinaryPiece {
  BinaryOp op;
  Activation activation;
  const float* a;
  int64_t a_step;
  const float* b;
  int64_t b_step;
  float* dst;
  int64_t count;
};
using BinaryFunction = void(const BinaryPiece& piece);
extern const KernelVariants<BinaryFunction> binary_variants;

}  // namespace samc
