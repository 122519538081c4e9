#pragma once
// Between interpreter.cpp and its evaluate_*.cpp, one for each group of ops.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "mlir/IR/Operation.h"

namespace samc {

struct Arguments {
  mlir::Operation* op;
  std::span<const TensorView> operands;
  std::span<Tensor> results;  // allocated by the op's result types, to be filled
  ThreadPool* pool;

  bool absent(size_t operand) const { return operands[operand].data == nullptr; }
  const float* in(size_t operand) const { return static_cast<const float*>(operands[operand].data); }
  const Shape& in_shape(size_t operand) const { return operands[operand].shape; }
  float* out() const { return results.front().f32().data(); }
  const Shape& out_shape() const { return results.front().shape(); }
  void run(int64_t pieces, const std::function<void(int64_t)>& body) const;
  // body(begin, end) on chunks of [0, count)
  void run_chunks(int64_t count, const std::function<void(int64_t, int64_t)>& body) const;
};

// Each returns nullopt for an op that is not of its group.
std::optional<Status> evaluate_neural(const Arguments& arguments);
std::optional<Status> evaluate_unary(const Arguments& arguments);
std::optional<Status> evaluate_binary(const Arguments& arguments);
std::optional<Status> evaluate_movement(const Arguments& arguments);
std::optional<Status> evaluate_vision(const Arguments& arguments);
std::optional<Status> evaluate_interp(const Arguments& arguments);

struct Product {
  const float* a = nullptr;  // (m, k)
  const float* b = nullptr;  // (k, n)
  float* c = nullptr;        // (m, n)
  int64_t m = 0;
  int64_t k = 0;
  int64_t n = 0;
};
// c = a b for each product; all have the same m, k and n.
void matrix_products(const Arguments& arguments, std::span<const Product> products);

// relu, and at most limit when that is positive; NaN stays NaN.
inline float relu(float x, double limit) {
  if (x < 0.0f) return 0.0f;
  if (limit > 0.0 && x > static_cast<float>(limit)) return static_cast<float>(limit);
  return x;
}

}  // namespace samc
