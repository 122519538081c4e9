// The memory attention: the frame's features attend to themselves and to what is remembered of earlier frames.
// Official code: sam2/modeling/memory_attention.py, sam/transformer.py (RoPEAttention), sam2_base.py
// (_prepare_memory_conditioned_features).
//
// The rotary encoding turns pairs of channels by angles that depend on the position. The official code has the pairs
// beside each other and uses complex numbers. Here the rows of the projections are put in another order, the same for
// queries and keys, so that the first halves of the pairs come first in each head: products of queries and keys stay
// the same, and a rotation is two products of halves with cosines and sines.

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "model/layers.h"
#include "model/memory_layers.h"
#include "model/position.h"

namespace samc {
namespace {

const std::string kPrefix = "memory_attention.";
const std::string kFramePosition = "image_encoder.position";
constexpr double kNormEps = 1e-5;

struct Heads {
  int64_t heads = 1;
  int64_t dim = 0;  // of one
};

Heads heads_of(const RopeAttentionConfig& config) {
  const int64_t internal = config.embedding_dim / config.downsample_rate;
  return {config.num_heads, internal / config.num_heads};
}

// The parameter of this name with its first axis in the order that the head of this file tells of.
mlir::Value halves_first(GraphBuilder& graph, const std::string& name, const Heads& heads) {
  return constant_once(graph, name + ".halves_first", [&] {
    const TensorView source = graph.weights().view(name);
    const int64_t row = source.count() / source.shape[0];
    Tensor ordered(source.shape);
    for (int64_t h = 0; h < heads.heads; ++h)
      for (int64_t i = 0; i < heads.dim; ++i) {
        const int64_t from = i < heads.dim / 2 ? 2 * i : 2 * (i - heads.dim / 2) + 1;
        std::copy_n(source.f32().data() + (h * heads.dim + from) * row, row,
                    ordered.f32().data() + (h * heads.dim + i) * row);
      }
    return ordered;
  });
}

// Queries or keys by heads: x (1, rows, channels) -> (1, rows, heads, dim), halves first.
mlir::Value project(GraphBuilder& graph, const std::string& name, mlir::Value x, int64_t rows, const Heads& heads) {
  const mlir::Value projected =
      graph.linear(name, x, halves_first(graph, name + ".weight", heads), halves_first(graph, name + ".bias", heads));
  return graph.reshape(name + ".heads", projected, {1, rows, heads.heads, heads.dim});
}

// x (repeats, side side, heads, dim), halves first: each position turned by its angles.
mlir::Value rotate(GraphBuilder& graph, const std::string& name, mlir::Value x, const Heads& heads,
                   const RopeAttentionConfig& config, int64_t side) {
  const int64_t half = heads.dim / 2;
  const auto table = [&](const char* which, double (*function)(double)) {
    const auto [width, height] = config.feat_sizes;
    return constant_once(
        graph, fmt::format("{}rope.{}.{}.{}x{}.{}", kPrefix, config.rope_theta, heads.dim, width, height, which),
        [&] { return rotary_table(heads.dim, config.feat_sizes, side, config.rope_theta, function); });
  };
  const mlir::Value cosines = table("cos", std::cos), sines = table("sin", std::sin);  // (side side, 1, half)
  const mlir::Value first = graph.slice(name + ".first", x, 3, 0, half);
  const mlir::Value second = graph.slice(name + ".second", x, 3, half, heads.dim);
  const auto product = [&](const char* which, mlir::Value a, mlir::Value b) {
    return graph.mul(fmt::format("{}.{}", name, which), a, b);
  };
  const mlir::Value turned_first =
      graph.sub(name + ".turned_first", product("first_cos", first, cosines), product("second_sin", second, sines));
  const mlir::Value turned_second =
      graph.add(name + ".turned_second", product("first_sin", first, sines), product("second_cos", second, cosines));
  return graph.concat(name, {turned_first, turned_second}, 3);
}

struct Frame {
  int64_t side = 0;
  int64_t positions = 0;
  mlir::Value position;  // (1, positions, C), of the queries
};

mlir::Value plus_position(GraphBuilder& graph, const std::string& name, mlir::Value x, mlir::Value position,
                          bool is_on) {
  return is_on ? graph.add(name, x, position) : x;
}

// The values by heads: x (1, rows, channels) -> (1, rows, heads, dim).
mlir::Value project_values(GraphBuilder& graph, const std::string& name, mlir::Value x, int64_t rows,
                           const Heads& heads) {
  return graph.reshape(name + ".heads", linear(graph, name, x), {1, rows, heads.heads, heads.dim});
}

mlir::Value self_attention(GraphBuilder& graph, const MemoryAttentionConfig& config, const std::string& name,
                           mlir::Value normed, const Frame& frame) {
  const Heads heads = heads_of(config.self_attention);
  const mlir::Value with_position = plus_position(graph, name + ".in", normed, frame.position, config.pos_enc_at_attn);
  const auto turned = [&](const char* which) {
    const std::string projection = fmt::format("{}.{}_proj", name, which);
    return rotate(graph, projection + ".turned", project(graph, projection, with_position, frame.positions, heads),
                  heads, config.self_attention, frame.side);
  };
  const mlir::Value mixed = attention(graph, name, turned("q"), turned("k"),
                                      project_values(graph, name + ".v_proj", normed, frame.positions, heads),
                                      {.queries = frame.positions, .heads = heads.heads, .head_dim = heads.dim});
  return linear(graph, name + ".out_proj", mixed);
}

mlir::Value cross_attention(GraphBuilder& graph, const MemoryAttentionConfig& config, const std::string& name,
                            mlir::Value normed, const Frame& frame, const MemoryTokens& tokens) {
  const Heads heads = heads_of(config.cross_attention);
  const int64_t memory_rows = tokens.memories * frame.positions;
  mlir::Value q = plus_position(graph, name + ".in", normed, frame.position, config.pos_enc_at_cross_attn_queries);
  q = rotate(graph, name + ".q_proj.turned", project(graph, name + ".q_proj", q, frame.positions, heads), heads,
             config.cross_attention, frame.side);

  // Each memory's keys are turned alike; pointers have no position.
  const bool keys_have_positions = config.pos_enc_at_cross_attn_keys;
  const std::string k_name = name + ".k_proj";
  mlir::Value k = project(graph, k_name, keys_have_positions ? tokens.memory_keys : tokens.memory, memory_rows, heads);
  k = graph.reshape(k_name + ".memories", k, {tokens.memories, frame.positions, heads.heads, heads.dim});
  k = rotate(graph, k_name + ".turned", k, heads, config.cross_attention, frame.side);
  k = graph.reshape(k_name + ".rows", k, {1, memory_rows, heads.heads, heads.dim});
  mlir::Value remembered = tokens.memory;
  const int64_t rows = memory_rows + tokens.pointer_tokens;
  if (tokens.pointer_tokens > 0) {
    const mlir::Value of_pointers =
        graph.linear(k_name + ".pointers", keys_have_positions ? tokens.pointer_keys : tokens.pointers,
                     halves_first(graph, k_name + ".weight", heads), halves_first(graph, k_name + ".bias", heads));
    k = graph.concat(
        k_name + ".all",
        {k, graph.reshape(k_name + ".pointers.heads", of_pointers, {1, tokens.pointer_tokens, heads.heads, heads.dim})},
        1);
    remembered = graph.concat(name + ".remembered", {tokens.memory, tokens.pointers}, 1);
  }
  const mlir::Value mixed =
      attention(graph, name, q, k, project_values(graph, name + ".v_proj", remembered, rows, heads),
                {.queries = frame.positions, .heads = heads.heads, .head_dim = heads.dim});
  return linear(graph, name + ".out_proj", mixed);
}

// A sine encoding as a constant of (1, h w, channels).
mlir::Value sine_rows(GraphBuilder& graph, const std::string& name, const SinePositionConfig& config, int64_t side) {
  return constant_once(graph, name,
                       [&] { return sine_position_encoding(config.num_pos_feats, side, config.temperature); });
}

}  // namespace

MemoryTokens memory_tokens(GraphBuilder& graph, const ModelConfig& config, mlir::Value memory, mlir::Value times,
                           int64_t memories) {
  const int64_t m = config.memory_dim(), side = config.feature_size(16), positions = side * side;
  // Conditioning frames have the last row of the table, the oldest other frame the one before it.
  const mlir::Value rows =
      graph.const_minus("maskmem_tpos_enc.rows", static_cast<double>(config.num_maskmem - 1), times);
  const mlir::Value when =
      graph.gather("maskmem_tpos_enc.when", graph.weight("maskmem_tpos_enc", {config.num_maskmem, m}),
                   graph.reshape("maskmem_tpos_enc.list", rows, {memories}), 0);
  const mlir::Value where = sine_rows(graph, "memory_encoder.position", config.memory_encoder.position_encoding, side);
  const mlir::Value position =
      graph.add("memory.position", graph.reshape("memory.when", when, {memories, 1, m}), where);
  const std::string name = "memory.keys";
  const mlir::Value keys =
      graph.add(name, graph.reshape(name + ".memories", memory, {memories, positions, m}), position);
  MemoryTokens tokens;
  tokens.memory = memory;
  tokens.memory_keys = graph.reshape(name + ".rows", keys, {1, memories * positions, m});
  tokens.memories = memories;
  return tokens;
}

void add_pointer_tokens(GraphBuilder& graph, const ModelConfig& config, mlir::Value pointers, mlir::Value times,
                        int64_t count, MemoryTokens& tokens) {
  const int64_t m = config.memory_dim(), parts = config.d_model() / m;
  const Shape rows = {1, count * parts, m};
  tokens.pointer_tokens = count * parts;
  tokens.pointers = graph.reshape("object_pointers.tokens", pointers, rows);
  tokens.pointer_keys = tokens.pointers;
  if (!times) return;
  const int64_t width = config.proj_tpos_enc_in_obj_ptrs ? config.d_model() : m;
  const mlir::Value periods = constant_once(graph, fmt::format("pointer_times.{}.periods", width),
                                            [&] { return sine_periods(width / 2, 10000); });
  const std::string name = "pointer_times";
  const mlir::Value angles =
      graph.div(name + ".angles", graph.reshape(name + ".column", times, {1, count, 1}), periods);
  mlir::Value when =
      graph.concat(name + ".sine", {graph.sin(name + ".sin", angles), graph.cos(name + ".cos", angles)}, 2);
  if (config.proj_tpos_enc_in_obj_ptrs) when = linear(graph, "obj_ptr_tpos_proj", when);
  const std::string keys = "object_pointers.keys";
  const mlir::Value parted = graph.reshape(keys + ".parts", pointers, {1, count, parts, m});
  const mlir::Value added = graph.add(keys, parted, graph.reshape(keys + ".when", when, {1, count, 1, m}));
  tokens.pointer_keys = graph.reshape(keys + ".rows", added, rows);
}

mlir::Value memory_attention(GraphBuilder& graph, const ModelConfig& config, mlir::Value vision_features,
                             const MemoryAttends& attends) {
  const MemoryAttentionConfig& attention = config.memory_attention;
  const int64_t c = config.d_model(), side = config.feature_size(16);
  mlir::Value x = graph.reshape("vision_features.flat", vision_features, {1, c, side * side});
  x = graph.permute("vision_features.rows", x, {0, 2, 1});
  if (attention.pos_enc_at_input) {
    sine_rows(graph, kFramePosition, config.neck.position_encoding, side);
    const mlir::Value tenth = constant_once(graph, kFramePosition + ".tenth", [&] {
      Tensor scaled = Tensor::copy_of(graph.weights().view(kFramePosition));
      for (float& value : scaled.f32()) value *= 0.1f;
      return scaled;
    });
    x = graph.add(kPrefix + "in", x, tenth);
  }
  const auto plus = [&](const std::string& name, mlir::Value added) { x = graph.add(name + ".residual", x, added); };
  for (int64_t i = 0; i < attention.num_layers; ++i) {
    const std::string layer = fmt::format("{}layers.{}.", kPrefix, i);
    const std::string self = layer + "self_attn", cross = layer + "cross_attn_image";
    plus(self, attends.self(self, layer_norm(graph, layer + "norm1", x, kNormEps)));
    plus(cross, attends.cross(cross, layer_norm(graph, layer + "norm2", x, kNormEps)));
    mlir::Value y = layer_norm(graph, layer + "norm3", x, kNormEps);
    y = graph.relu(layer + "activation", linear(graph, layer + "linear1", y));
    x = graph.add(layer + "residual", x, linear(graph, layer + "linear2", y));
  }
  x = layer_norm(graph, kPrefix + "norm", x, kNormEps);
  x = graph.permute(kPrefix + "map.flat", x, {0, 2, 1});
  return graph.reshape(kPrefix + "map", x, {1, c, side, side});
}

mlir::Value memory_attention(GraphBuilder& graph, const ModelConfig& config, mlir::Value vision_features,
                             const MemoryTokens& tokens) {
  const MemoryAttentionConfig& attention = config.memory_attention;
  Frame frame;
  frame.side = config.feature_size(16);
  frame.positions = frame.side * frame.side;
  frame.position = sine_rows(graph, kFramePosition, config.neck.position_encoding, frame.side);
  return memory_attention(
      graph, config, vision_features,
      {.self = [&](const std::string& name,
                   mlir::Value rows) { return self_attention(graph, attention, name, rows, frame); },
       .cross = [&](const std::string& name,
                    mlir::Value rows) { return cross_attention(graph, attention, name, rows, frame, tokens); }});
}

}  // namespace samc
