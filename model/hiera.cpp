// The Hiera trunk: patches, position embedding, then blocks of (windowed) attention on (1, h, w, c) maps.

#include <fmt/format.h>

#include "base/rounding.h"
#include "model/layers.h"
#include "model/position.h"

namespace samc {
namespace {

constexpr double kNormEps = 1e-6;

// (batch, side, side, c) -> (batch, side / 2, side / 2, c)
mlir::Value max_pool_2x2(GraphBuilder& graph, const std::string& name, mlir::Value x) {
  x = graph.permute(name + ".nchw", x, {0, 3, 1, 2});
  x = graph.max_pool(name, x, {.kernel = {2, 2}, .strides = {2, 2}});
  return graph.permute(name + ".nhwc", x, {0, 2, 3, 1});
}

// (1, side, side, c) -> (windows, window, window, c), padded with zeros at the right and the bottom
mlir::Value window_partition(GraphBuilder& graph, const std::string& name, mlir::Value x, int64_t side,
                             int64_t channels, int64_t window) {
  const int64_t padded = round_up(side, window);
  if (padded != side) x = graph.pad(name + ".window_pad", x, {0, 0, 0, 0}, {0, padded - side, padded - side, 0});
  const int64_t count = padded / window;
  x = graph.reshape(name + ".window_grid", x, {1, count, window, count, window, channels});
  x = graph.permute(name + ".window_order", x, {0, 1, 3, 2, 4, 5});
  return graph.reshape(name + ".windows", x, {count * count, window, window, channels});
}

// The reverse, without the padding.
mlir::Value window_unpartition(GraphBuilder& graph, const std::string& name, mlir::Value x, int64_t side,
                               int64_t channels, int64_t window) {
  const int64_t padded = round_up(side, window);
  const int64_t count = padded / window;
  x = graph.reshape(name + ".unwindow_grid", x, {1, count, count, window, window, channels});
  x = graph.permute(name + ".unwindow_order", x, {0, 1, 3, 2, 4, 5});
  x = graph.reshape(name + ".unwindowed", x, {1, padded, padded, channels});
  if (padded == side) return x;
  x = graph.slice(name + ".unwindow_rows", x, 1, 0, side);
  return graph.slice(name + ".unwindow_columns", x, 2, 0, side);
}

// x is (batch, side, side, dim); the result (batch, s, s, dim_out) with s = side / 2 when the queries are pooled
mlir::Value block_attention(GraphBuilder& graph, const std::string& name, const HieraBlock& block, mlir::Value x,
                            int64_t batch, int64_t side) {
  const int64_t head_dim = block.dim_out / block.num_heads;
  mlir::Value qkv = linear(graph, name + ".qkv", x);
  qkv = graph.reshape(name + ".qkv_heads", qkv, {batch, side * side, 3, block.num_heads, head_dim});
  const auto part = [&](const char* which, int64_t index) {  // (batch, tokens, heads, head_dim)
    const std::string part_name = name + which;
    return graph.squeeze(part_name, graph.slice(part_name + "_slice", qkv, 2, index, index + 1), {2});
  };
  mlir::Value q = part(".q", 0);
  const mlir::Value k = part(".k", 1);
  const mlir::Value v = part(".v", 2);
  int64_t query_side = side;
  if (block.q_pool) {
    q = graph.reshape(name + ".q_map", q, {batch, side, side, block.dim_out});
    q = max_pool_2x2(graph, name + ".q_pool", q);
    query_side = side / 2;
    q = graph.reshape(name + ".q_pooled", q, {batch, query_side * query_side, block.num_heads, head_dim});
  }
  mlir::Value mixed =
      attention(graph, name, q, k, v,
                {.batch = batch, .queries = query_side * query_side, .heads = block.num_heads, .head_dim = head_dim});
  mixed = graph.reshape(name + ".mixed_map", mixed, {batch, query_side, query_side, block.dim_out});
  return linear(graph, name + ".proj", mixed);
}

mlir::Value hiera_block(GraphBuilder& graph, const std::string& name, const HieraBlock& block, mlir::Value x,
                        int64_t side) {
  mlir::Value shortcut = x;
  x = layer_norm(graph, name + ".norm1", x, kNormEps);
  if (block.dim != block.dim_out)
    shortcut = max_pool_2x2(graph, name + ".shortcut_pool", linear(graph, name + ".proj", x));

  const std::string attn = name + ".attn";
  const int64_t out_side = block.q_pool ? side / 2 : side;
  if (block.window_size > 0) {
    const int64_t count = round_up(side, block.window_size) / block.window_size;
    x = window_partition(graph, attn, x, side, block.dim, block.window_size);
    x = block_attention(graph, attn, block, x, count * count, block.window_size);
    const int64_t out_window = block.q_pool ? block.window_size / 2 : block.window_size;
    x = window_unpartition(graph, attn, x, out_side, block.dim_out, out_window);
  } else {
    x = block_attention(graph, attn, block, x, 1, side);
  }
  x = graph.add(name + ".attn_residual", shortcut, x);

  mlir::Value hidden = layer_norm(graph, name + ".norm2", x, kNormEps);
  hidden = graph.gelu(name + ".mlp.act", linear(graph, name + ".mlp.layers.0", hidden));
  hidden = linear(graph, name + ".mlp.layers.1", hidden);
  return graph.add(name, x, hidden);
}

}  // namespace

std::vector<mlir::Value> hiera(GraphBuilder& graph, const ModelConfig& config, mlir::Value image) {
  const std::string prefix = "image_encoder.trunk.";
  int64_t side = config.feature_size(4);
  mlir::Value x = conv_2d(graph, prefix + "patch_embed.proj", image, {.strides = {4, 4}, .pads = {3, 3, 3, 3}});
  x = graph.permute(prefix + "patch_embed", x, {0, 2, 3, 1});
  const mlir::Value position = constant_once(graph, prefix + "pos_embed.resized", [&] {
    return hiera_position_embedding(graph.weights().view(prefix + "pos_embed"),
                                    graph.weights().view(prefix + "pos_embed_window"), side, side);
  });
  x = graph.add(prefix + "embedded", x, position);

  std::vector<mlir::Value> maps;
  const std::vector<HieraBlock> blocks = config.trunk.blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::string name = fmt::format("{}blocks.{}", prefix, i);
    x = hiera_block(graph, name, blocks[i], x, side);
    if (blocks[i].q_pool) side /= 2;
    if (blocks[i].ends_stage) maps.push_back(graph.permute(name + ".map", x, {0, 3, 1, 2}));
  }
  return maps;
}

}  // namespace samc
