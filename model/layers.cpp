#include "model/layers.h"

#include <fmt/format.h>

#include <cmath>

namespace samc {

mlir::Value constant_once(GraphBuilder& graph, const std::string& name, const std::function<Tensor()>& compute) {
  if (!graph.is_ok()) return {};
  if (graph.weights().contains(name)) return graph.weight(name);
  return graph.constant(name, compute());
}

mlir::Value linear(GraphBuilder& graph, const std::string& name, mlir::Value x) {
  return graph.linear(name, x, graph.weight(name + ".weight"), graph.weight(name + ".bias"));
}

mlir::Value layer_norm(GraphBuilder& graph, const std::string& name, mlir::Value x, double eps) {
  return graph.layer_norm(name, x, graph.weight(name + ".weight"), graph.weight(name + ".bias"), eps);
}

mlir::Value layer_norm_2d(GraphBuilder& graph, const std::string& name, mlir::Value x) {
  return graph.pixel_norm(name, x, graph.weight(name + ".weight"), graph.weight(name + ".bias"), 1e-6);
}

mlir::Value conv_2d(GraphBuilder& graph, const std::string& name, mlir::Value x, const ConvOptions& options) {
  return graph.conv(name, x, graph.weight(name + ".weight"), graph.weight(name + ".bias"), options);
}

mlir::Value deconv_2x2(GraphBuilder& graph, const std::string& name, mlir::Value x) {
  const std::string weight = name + ".weight";
  const mlir::Value filter = constant_once(graph, weight + ".out_in", [&] {
    const TensorView source = graph.weights().view(weight);
    const int64_t in = source.shape[0];
    const int64_t out = source.shape[1];
    const int64_t kernel = source.shape[2] * source.shape[3];
    Tensor swapped({out, in, source.shape[2], source.shape[3]});
    const float* from = source.f32().data();
    float* to = swapped.f32().data();
    for (int64_t i = 0; i < in; ++i)
      for (int64_t o = 0; o < out; ++o)
        for (int64_t k = 0; k < kernel; ++k) to[(o * in + i) * kernel + k] = from[(i * out + o) * kernel + k];
    return swapped;
  });
  return graph.deconv(name, x, filter, graph.weight(name + ".bias"), {.strides = {2, 2}});
}

mlir::Value mlp(GraphBuilder& graph, const std::string& name, mlir::Value x, int64_t layers) {
  for (int64_t i = 0; i < layers; ++i) {
    x = linear(graph, fmt::format("{}.layers.{}", name, i), x);
    if (i + 1 < layers) x = graph.relu(fmt::format("{}.act.{}", name, i), x);
  }
  return x;
}

mlir::Value attention(GraphBuilder& graph, const std::string& name, mlir::Value q, mlir::Value k, mlir::Value v,
                      const AttentionShape& shape) {
  const double half_scale = std::sqrt(1.0 / std::sqrt(static_cast<double>(shape.head_dim)));
  q = graph.permute(name + ".q_heads", q, {0, 2, 1, 3});
  k = graph.permute(name + ".k_heads", k, {0, 2, 3, 1});
  v = graph.permute(name + ".v_heads", v, {0, 2, 1, 3});
  q = graph.mul_const(name + ".q_scaled", q, half_scale);
  k = graph.mul_const(name + ".k_scaled", k, half_scale);
  const mlir::Value scores = graph.matmul(name + ".scores", q, k);
  const mlir::Value probabilities = graph.softmax(name + ".softmax", scores);
  mlir::Value mixed = graph.matmul(name + ".mixed", probabilities, v);
  mixed = graph.permute(name + ".mixed_tokens", mixed, {0, 2, 1, 3});
  return graph.reshape(name + ".mixed_rows", mixed, {shape.batch, shape.queries, shape.heads * shape.head_dim});
}

}  // namespace samc
