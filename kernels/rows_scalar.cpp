// The plain forms of unary, binary, layer_norm, softmax, group_softmax, rotary, transpose_block and max_pool_row.

#include <algorithm>
#include <cmath>

#include "kernels/layer_norm.h"
#include "kernels/permute.h"
#include "kernels/pointwise.h"
#include "kernels/resample.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"
#include "kernels/token_attention.h"

namespace samc::scalar {
namespace {

float apply(UnaryOp op, float x, float alpha, float beta) {
  switch (op) {
    case UnaryOp::kRelu:
      return x < 0 ? 0.0f : x;
    case UnaryOp::kGelu:
      return 0.5f * x * std::erfc(x * -0.707106781f);
    case UnaryOp::kSigmoid:
      return 1.0f / (1.0f + std::exp(-x));
    case UnaryOp::kExp:
      return std::exp(x);
    case UnaryOp::kSin:
      return std::sin(x);
    case UnaryOp::kCos:
      return std::cos(x);
    case UnaryOp::kSqrt:
      return std::sqrt(x);
    case UnaryOp::kAbs:
      return std::abs(x);
    case UnaryOp::kNeg:
      return -x;
    case UnaryOp::kFloor:
      return std::floor(x);
    case UnaryOp::kSquare:
      return x * x;
    case UnaryOp::kTanh:
      return std::tanh(x);
    case UnaryOp::kErf:
      return std::erf(x);
    case UnaryOp::kAffine:
      return alpha * x + beta;
  }
  return x;
}

float apply(BinaryOp op, float a, float b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMax:
      return std::isnan(a) || a > b ? a : b;
    case BinaryOp::kMin:
      return std::isnan(a) || a < b ? a : b;
  }
  return a;
}

}  // namespace

void unary(const UnaryPiece& piece) {
  for (int64_t i = 0; i < piece.count; ++i) piece.dst[i] = apply(piece.op, piece.src[i], piece.alpha, piece.beta);
}

void binary(const BinaryPiece& piece) {
  for (int64_t i = 0; i < piece.count; ++i) {
    const float result = apply(piece.op, piece.a[i * piece.a_step], piece.b[i * piece.b_step]);
    piece.dst[i] = activate(result, piece.activation);
  }
}

void layer_norm(const LayerNormPiece& piece) {
  for (int64_t r = 0; r < piece.rows; ++r) {
    const float* src = piece.src + r * piece.c;
    float* dst = piece.dst + r * piece.c;
    double sum = 0;
    for (int64_t i = 0; i < piece.c; ++i) sum += static_cast<double>(src[i]);
    const double mean = sum / static_cast<double>(piece.c);
    double squares = 0;
    for (int64_t i = 0; i < piece.c; ++i) squares += (src[i] - mean) * (src[i] - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(piece.c) + static_cast<double>(piece.eps));
    for (int64_t i = 0; i < piece.c; ++i) {
      float value = static_cast<float>((src[i] - mean) * factor);
      if (piece.weight != nullptr) value *= piece.weight[i];
      if (piece.bias != nullptr) value += piece.bias[i];
      dst[i] = activate(value, piece.activation);
    }
  }
}

void softmax(const SoftmaxPiece& piece) {
  for (int64_t r = 0; r < piece.rows; ++r) {
    const float* src = piece.src + r * piece.c;
    float* dst = piece.dst + r * piece.c;
    float largest = -INFINITY;
    for (int64_t i = 0; i < piece.c; ++i) largest = std::max(largest, src[i] * piece.scale);
    float sum = 0;
    for (int64_t i = 0; i < piece.c; ++i) sum += dst[i] = std::exp(src[i] * piece.scale - largest);
    for (int64_t i = 0; i < piece.c; ++i) dst[i] /= sum;
  }
}

void group_softmax(const GroupSoftmaxPiece& piece) {
  for (int64_t r = 0; r < piece.rows; ++r)
    for (int64_t g = 0; g < piece.groups; ++g) {
      float* scores = piece.scores + r * piece.pitch + g;
      float largest = -INFINITY;
      for (int64_t i = 0; i < piece.columns; i += piece.groups) largest = std::max(largest, scores[i] * piece.scale);
      float sum = 0;
      for (int64_t i = 0; i < piece.columns; i += piece.groups)
        sum += scores[i] = std::exp(scores[i] * piece.scale - largest);
      for (int64_t i = 0; i < piece.columns; i += piece.groups) scores[i] /= sum;
    }
}

void rotary(const RotaryPiece& piece) {
  const int64_t half = piece.half;
  for (int64_t row = 0; row < piece.rows; ++row) {
    const int64_t position = (piece.first_position + row) % piece.positions;
    for (int64_t head = 0; head < piece.heads; ++head) {
      const float* src = piece.src + (row * piece.heads + head) * 2 * half;
      float* dst = piece.dst + (row * piece.heads + head) * 2 * half;
      for (int64_t i = 0; i < half; ++i) {
        const float cosine = piece.cosines[position * half + i], sine = piece.sines[position * half + i];
        const float first = src[i], second = src[half + i];  // dst may be src
        dst[i] = first * cosine - second * sine;
        dst[half + i] = first * sine + second * cosine;
      }
    }
  }
}

void transpose_block(const TransposeBlock& block) {
  for (int64_t r = 0; r < block.rows; ++r)
    for (int64_t c = 0; c < block.columns; ++c) block.dst[c * block.dst_pitch + r] = block.src[r * block.src_pitch + c];
}

void max_pool_row(const MaxPoolRow& row) {
  for (int64_t x = 0; x < row.windows; ++x)
    for (int64_t c = 0; c < row.c; ++c) {
      const float* window = row.src + x * row.step + c;
      float largest = *window;
      for (int64_t i = 0; i < row.kernel_h; ++i)
        for (int64_t j = 0; j < row.kernel_w; ++j)
          largest = apply(BinaryOp::kMax, largest, window[i * row.row + j * row.pixel]);
      row.dst[x * row.c + c] = largest;
    }
}

}  // namespace samc::scalar
