#include "targets/sophgo/memory_attention.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "ir/values.h"
#include "model/layers.h"
#include "model/memory_layers.h"
#include "model/position.h"
#include "package/model_names.h"
#include "passes/toolkit/products.h"
#include "targets/sophgo/mask_scores.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

constexpr const char* kFormNames[] = {"plain", "maximum", "dealt"};

// Found by trying, for keys of 256 channels: with more of them tpuc-opt 1.30.2 sends the scores through DDR.
constexpr int64_t kMostKeyValues = 3656 * 256;

int64_t positions_of(const ModelConfig& config) {
  const int64_t side = config.feature_size(16);
  return side * side;
}
int64_t pointer_parts(const ModelConfig& config) { return config.d_model() / config.memory_dim(); }
int64_t keys_of(const ModelConfig& config, const MemoryPlaces& places) {
  return places.memories * positions_of(config) + places.pointers * pointer_parts(config);
}

struct PlacedInputs {
  mlir::Value vision_features;
  MemoryTokens tokens;
  mlir::Value memory_present;   // (1, memories)
  mlir::Value pointer_present;  // (1, pointers)
};

PlacedInputs begin(const ModelConfig& config, const MemoryPlaces& places, GraphBuilder& graph,
                   const std::string& name) {
  const int64_t c = config.d_model(), m = config.memory_dim(), side = config.feature_size(16);
  std::vector<NamedShape> shapes = {
      {kVisionFeatures, {1, c, side, side}},      {kMemory, {1, places.memories * side * side, m}},
      {kMemoryTimes, {1, places.memories}},       {kMemoryPresent, {1, places.memories}},
      {kObjectPointers, {1, places.pointers, c}}, {kPointerPresent, {1, places.pointers}}};
  if (config.add_tpos_enc_to_obj_ptrs) shapes.push_back({kPointerTimes, {1, places.pointers}});
  const std::vector<mlir::Value> inputs = graph.begin_function(name, shapes);
  PlacedInputs placed;
  if (!graph.is_ok()) return placed;
  placed.vision_features = inputs[0];
  placed.tokens = memory_tokens(graph, config, inputs[1], inputs[2], places.memories);
  placed.memory_present = inputs[3];
  add_pointer_tokens(graph, config, inputs[4], config.add_tpos_enc_to_obj_ptrs ? inputs[6] : mlir::Value(),
                     places.pointers, placed.tokens);
  placed.pointer_present = inputs[5];
  return placed;
}

// Each of (1, n) for `rows` tokens: (n, rows, 1).
mlir::Value for_tokens(GraphBuilder& graph, const std::string& name, mlir::Value present, int64_t n, int64_t rows) {
  return graph.tile(name, graph.reshape(name + ".column", present, {n, 1, 1}), {1, rows, 1});
}

// 0 for tokens of places that are used, kExcluded for the others: (1, 1, 1, tokens).
mlir::Value excluded(GraphBuilder& graph, const std::string& name, mlir::Value present, int64_t n, int64_t rows) {
  const mlir::Value absent = graph.const_minus(name + ".absent", 1.0, for_tokens(graph, name, present, n, rows));
  return graph.mul_const(name + ".excluded", graph.reshape(name + ".row", absent, {1, 1, 1, n * rows}), kExcluded);
}

Status build_plain(const ModelConfig& config, const MemoryPlaces& places, GraphBuilder& graph,
                   const std::string& name) {
  const PlacedInputs inputs = begin(config, places, graph, name);
  const mlir::Value mask = graph.concat(
      "memory.mask",
      {excluded(graph, "memory.mask.memories", inputs.memory_present, places.memories, positions_of(config)),
       excluded(graph, "memory.mask.pointers", inputs.pointer_present, places.pointers, pointer_parts(config))},
      3);
  const mlir::Value conditioned = memory_attention(graph, config, inputs.vision_features, inputs.tokens);
  if (!graph.is_ok()) return graph.status();
  SAMC_TRY(mask_scores(mask, keys_of(config, places)));
  return graph.end_function({{kImageEmbed, conditioned}});
}

// The other two forms. Of one head: T = h w queries of C channels; keys are projected, values are the tokens
// themselves, M channels wide, and projected when they are summed:
//   softmax(s) (m V + v) W + w = (softmax(s) m) (V W) + (v W + w)
class LateAttention {
 public:
  LateAttention(const ModelConfig& config, const MemoryAttentionOptions& options, const PlacedInputs& inputs,
                GraphBuilder& graph)
      : graph_(graph),
        rope_self_(config.memory_attention.self_attention),
        rope_cross_(config.memory_attention.cross_attention),
        places_(options.places),
        heads_(options.heads),
        side_(config.feature_size(16)),
        positions_(positions_of(config)),
        parts_(pointer_parts(config)),
        keys_(keys_of(config, options.places)),
        width_(config.memory_dim()) {
    const MemoryTokens& tokens = inputs.tokens;
    memory_keys_ = graph.reshape("memory.keys.places", tokens.memory_keys, {places_.memories, positions_, width_});
    pointer_keys_ = tokens.pointer_keys;
    if (options.form == MemoryForm::kDealt) {
      make_counted_values(inputs);
    } else {
      make_chunks(inputs);
    }
  }

  mlir::Value self(const std::string& name, mlir::Value normed) {
    const mlir::Value q = rotated(name + ".q_proj", normed, rope_self_, 1, query_scale());
    const mlir::Value k = rotated(name + ".k_proj", normed, rope_self_, 1, 1.0);
    const mlir::Value scores = graph_.matmul(name + ".scores", q, k, {}, true);
    const mlir::Value mixed = graph_.matmul(name + ".mixed", graph_.softmax(name + ".softmax", scores),
                                            linear(graph_, name + ".v_proj", normed));
    return linear(graph_, name + ".out_proj", mixed);
  }

  // Values are [m counts, counts], so that the sum's last channel is the denominator.
  mlir::Value cross_dealt(const std::string& name, mlir::Value normed) {
    const int64_t dim = head_dim();
    const mlir::Value q = rotated(name + ".q_proj", normed, rope_cross_, 1, query_scale());
    const mlir::Value k = keys(name);
    // Key i goes to head i % heads: no value moves, and the order of keys is free. Each Permute has one reader, or
    // tpuc-opt does not take it into its product.
    const mlir::Value k_dealt = graph_.reshape(name + ".k_dealt", k, {1, keys_ / heads_, heads_, dim});
    const mlir::Value q_dealt =
        graph_.tile(name + ".q_dealt", graph_.reshape(name + ".q_head", q, {1, positions_, 1, dim}), {1, 1, heads_, 1});
    // By another power of two in each layer, which the quotient takes away again: else the layers' Permutes are equal,
    // tpuc-opt makes one of them, and with several readers it is in no product.
    mlir::Value values = counted_values_;
    if (layer_ > 0) values = graph_.mul_const(name + ".values", values, std::ldexp(1.0, -layer_));
    ++layer_;
    const mlir::Value scores = graph_.matmul(name + ".scores", graph_.permute(name + ".q_heads", q_dealt, {0, 2, 1, 3}),
                                             graph_.permute(name + ".k_heads", k_dealt, {0, 2, 3, 1}));
    mlir::Value sums = graph_.matmul(name + ".mixed", graph_.exp(name + ".exp", scores),
                                     graph_.permute(name + ".v_heads", values, {0, 2, 1, 3}));
    sums = graph_.permute(name + ".mixed_tokens", sums, {0, 2, 1, 3});
    sums = graph_.reduce(name + ".summed", sums, ReduceMode::kSum, {2}, true);
    return project_late(name, quotient(name, sums, 3));
  }

  mlir::Value cross_by_maximum(const std::string& name, mlir::Value normed) {
    const int64_t dim = head_dim();
    const mlir::Value q = rotated(name + ".q_proj", normed, rope_cross_, 1, query_scale());
    const mlir::Value k = keys(name);
    std::vector<mlir::Value> largest, sums;
    for (size_t i = 0; i < chunks_.size(); ++i) {
      const Chunk& chunk = chunks_[i];
      const auto own = [&](const char* what) { return fmt::format("{}.chunk_{}.{}", name, i, what); };
      const auto by_head = [&](const char* what, mlir::Value rows, int64_t count, int64_t channels,
                               const std::vector<int64_t>& order) {
        return graph_.permute(own(what), graph_.reshape(own(what) + ".head", rows, {1, count, 1, channels}), order);
      };
      const int64_t count = chunk.end - chunk.begin;
      mlir::Value scores = graph_.matmul(
          own("scores"), by_head("q", q, positions_, dim, {0, 2, 1, 3}),
          by_head("k", graph_.slice(own("keys"), k, 1, chunk.begin, chunk.end), count, dim, {0, 2, 3, 1}));
      if (chunk.mask) scores = graph_.add(own("masked"), scores, chunk.mask);
      const mlir::Value most = graph_.reduce(own("largest"), scores, ReduceMode::kMax, {3}, true);
      const mlir::Value mixed =
          graph_.matmul(own("mixed"), graph_.exp(own("exp"), graph_.sub(own("shifted"), scores, most)),
                        by_head("v", graph_.slice(own("values"), values_, 1, chunk.begin, chunk.end), count, width_ + 1,
                                {0, 2, 1, 3}));
      sums.push_back(
          graph_.reshape(own("rows"), graph_.permute(own("tokens"), mixed, {0, 2, 1, 3}), {1, positions_, width_ + 1}));
      mlir::Value counts = graph_.reshape(own("largest.rows"), most, {1, positions_, 1});
      if (chunk.absence) counts = graph_.add(own("largest.counted"), counts, chunk.absence);
      largest.push_back(counts);
    }
    mlir::Value most = largest[0];
    for (size_t i = 1; i < largest.size(); ++i)
      most = graph_.max(fmt::format("{}.largest_{}", name, i), most, largest[i]);
    mlir::Value sum;
    for (size_t i = 0; i < sums.size(); ++i) {
      const auto own = [&](const char* what) { return fmt::format("{}.chunk_{}.{}", name, i, what); };
      const mlir::Value weight = graph_.exp(own("weight"), graph_.sub(own("lag"), largest[i], most));
      const mlir::Value weighted = graph_.mul(own("weighted"), sums[i], weight);
      sum = sum ? graph_.add(own("sum"), sum, weighted) : weighted;
    }
    return project_late(name, quotient(name, sum, 2));
  }

 private:
  // Keys from begin to end that are looked at together.
  struct Chunk {
    int64_t begin = 0, end = 0;
    mlir::Value mask;     // (1, 1, 1, keys) on the scores, or null
    mlir::Value absence;  // (1, 1, 1) on the largest of them, or null: all keys of a chunk are absent at once
  };

  int64_t head_dim() const { return rope_cross_.embedding_dim / rope_cross_.downsample_rate; }
  double query_scale() const { return 1.0 / std::sqrt(static_cast<double>(head_dim())); }

  // (tokens of n places, rows each, and n numbers) -> (1, n rows, M + 1): [m counts, counts]
  mlir::Value counted(const std::string& name, mlir::Value tokens, mlir::Value present, int64_t n, int64_t rows) {
    const mlir::Value counts = graph_.reshape(name + ".counts", present, {n, 1, 1});
    const mlir::Value placed = graph_.reshape(name + ".places", tokens, {n, rows, width_});
    const mlir::Value joined = graph_.concat(
        name + ".counted",
        {graph_.mul(name + ".present", placed, counts), for_tokens(graph_, name + ".each", present, n, rows)}, 2);
    return graph_.reshape(name, joined, {1, n * rows, width_ + 1});
  }

  void make_counted_values(const PlacedInputs& inputs) {
    const mlir::Value all = graph_.concat(
        "memory.values",
        {counted("memory.values.memories", inputs.tokens.memory, inputs.memory_present, places_.memories, positions_),
         counted("memory.values.pointers", inputs.tokens.pointers, inputs.pointer_present, places_.pointers, parts_)},
        1);
    counted_values_ = graph_.reshape("memory.values.dealt", all, {1, keys_ / heads_, heads_, width_ + 1});
  }

  // Memories in equal chunks, then the pointers.
  void make_chunks(const PlacedInputs& inputs) {
    const mlir::Value tokens = graph_.concat("memory.values.tokens", {inputs.tokens.memory, inputs.tokens.pointers}, 1);
    Tensor ones({1, keys_, 1});
    std::fill(ones.f32().begin(), ones.f32().end(), 1.0f);
    values_ = graph_.concat("memory.values", {tokens, graph_.constant("memory.values.ones", std::move(ones))}, 2);
    int64_t of_each = 1;  // chunks of a memory
    while (positions_ / of_each * head_dim() > kMostKeyValues || positions_ % of_each != 0) ++of_each;
    if (of_each == 1 && positions_ % 2 == 0) of_each = 2;
    const int64_t size = positions_ / of_each;
    for (int64_t i = 0; i < places_.memories; ++i) {
      const std::string name = fmt::format("memory.absence_{}", i);
      const mlir::Value present = graph_.slice(name + ".present", inputs.memory_present, 1, i, i + 1);
      const mlir::Value absence = graph_.mul_const(
          name, graph_.const_minus(name + ".absent", 1.0, graph_.reshape(name + ".number", present, {1, 1, 1})),
          kExcluded);
      for (int64_t part = 0; part < of_each; ++part) {
        const int64_t begin = i * positions_ + part * size;
        chunks_.push_back({begin, begin + size, {}, absence});
      }
    }
    chunks_.push_back({places_.memories * positions_,
                       keys_,
                       excluded(graph_, "memory.mask.pointers", inputs.pointer_present, places_.pointers, parts_),
                       {}});
  }

  // The rows of a projection so that the first halves of all rotated pairs come first, times scale; swapped: the second
  // halves first.
  Tensor ordered(const std::string& name, double scale, bool swapped) {
    const TensorView source = graph_.weights().view(name);
    const int64_t rows = source.shape[0], row = source.count() / rows, half = rows / 2;
    Tensor result(source.shape);
    for (int64_t i = 0; i < rows; ++i) {
      const bool is_second = (i >= half) != swapped;
      const int64_t from = 2 * (i % half) + (is_second ? 1 : 0);
      for (int64_t j = 0; j < row; ++j)
        result.f32()[static_cast<size_t>(i * row + j)] =
            static_cast<float>(scale * static_cast<double>(source.f32()[static_cast<size_t>(from * row + j)]));
    }
    return result;
  }
  mlir::Value projected(const std::string& name, const char* what, mlir::Value x, double scale, bool swapped) {
    const auto constant = [&](const char* which) {
      return constant_once(graph_, fmt::format("{}{}.{}", name, what, which),
                           [&] { return ordered(fmt::format("{}.{}", name, which), scale, swapped); });
    };
    return graph_.linear(name + what, x, constant("weight"), constant("bias"));
  }

  // x (n, T, channels) projected and turned, (n, T, dim): with a the projection, halves first, and r the same with its
  // halves swapped, a (cos, cos) + r (-sin, sin).
  mlir::Value rotated(const std::string& name, mlir::Value x, const RopeAttentionConfig& rope, int64_t n,
                      double scale) {
    const int64_t dim = rope.embedding_dim / rope.downsample_rate;
    const auto table = [&](const char* which, double (*function)(double), float first) {
      return constant_once(
          graph_, fmt::format("memory_attention.rope.{}.{}.both_{}", rope.rope_theta, dim, which), [&] {
            const Tensor half =
                rotary_table(dim, rope.feat_sizes, side_, rope.rope_theta, function);  // (T, 1, dim / 2)
            Tensor both({1, positions_, dim});
            for (int64_t t = 0; t < positions_; ++t)
              for (int64_t i = 0; i < dim / 2; ++i) {
                const float value = half.f32()[static_cast<size_t>(t * (dim / 2) + i)];
                both.f32()[static_cast<size_t>(t * dim + i)] = first * value;
                both.f32()[static_cast<size_t>(t * dim + dim / 2 + i)] = value;
              }
            return both;
          });
    };
    const mlir::Value a = projected(name, ".halves", x, scale, false), r = projected(name, ".swapped", x, scale, true);
    const mlir::Value turned = graph_.add(name + ".turned", graph_.mul(name + ".cos", a, table("cos", std::cos, 1)),
                                          graph_.mul(name + ".sin", r, table("sin", std::sin, -1)));
    return n == 1 ? turned : graph_.reshape(name + ".turned_rows", turned, {1, n * positions_, dim});
  }

  // (1, keys, dim): the memories', turned by their positions, and the pointers', which have none.
  mlir::Value keys(const std::string& name) {
    const std::string k = name + ".k_proj";
    return graph_.concat(name + ".keys",
                         {rotated(k, memory_keys_, rope_cross_, places_.memories, 1.0),
                          projected(k, ".pointers", pointer_keys_, 1.0, false)},
                         1);
  }

  // sums (..., M + 1) along `axis` -> (1, T, M)
  mlir::Value quotient(const std::string& name, mlir::Value sums, int64_t axis) {
    const mlir::Value mean = graph_.mul(
        name + ".mean", graph_.slice(name + ".numerator", sums, axis, 0, width_),
        graph_.const_over(name + ".inverse", 1.0, graph_.slice(name + ".denominator", sums, axis, width_, width_ + 1)));
    return graph_.reshape(name + ".mean_tokens", mean, {1, positions_, width_});
  }

  // mean (1, T, M) -> (1, T, C)
  mlir::Value project_late(const std::string& name, mlir::Value mean) {
    const auto view = [&](const char* parameter) { return graph_.weights().view(name + parameter); };
    const auto column = [](const TensorView& vector) {
      return Tensor::copy_of(vector.with_shape({vector.count(), 1}));
    };
    const mlir::Value weight = constant_once(graph_, name + ".late.weight", [&] {
      return multiply(Tensor::copy_of(view(".out_proj.weight")), Tensor::copy_of(view(".v_proj.weight")));
    });
    const mlir::Value bias = constant_once(graph_, name + ".late.bias", [&] {
      const Tensor moved = multiply(Tensor::copy_of(view(".out_proj.weight")), column(view(".v_proj.bias")));
      Tensor sum = Tensor::copy_of(view(".out_proj.bias"));
      for (size_t i = 0; i < sum.f32().size(); ++i) sum.f32()[i] += moved.f32()[i];
      return sum;
    });
    return graph_.linear(name + ".late", mean, weight, bias);
  }

  GraphBuilder& graph_;
  RopeAttentionConfig rope_self_, rope_cross_;
  MemoryPlaces places_;
  int64_t heads_, side_, positions_, parts_, keys_, width_;
  int layer_ = 0;
  mlir::Value memory_keys_;     // (memories, T, M)
  mlir::Value pointer_keys_;    // (1, pointers C / M, M)
  mlir::Value counted_values_;  // (1, keys / heads, heads, M + 1), of the dealt form
  mlir::Value values_;          // (1, keys, M + 1), of the form with the maximum
  std::vector<Chunk> chunks_;
};

// What LateAttention takes for granted; all official models are so.
Status check_late(const ModelConfig& config, MemoryForm form) {
  const MemoryAttentionConfig& attention = config.memory_attention;
  const auto refuse = [&](const char* key) {
    return unsupported(fmt::format("a memory attention whose {} is not the official models' has no form {}", key,
                                   memory_form_name(form)),
                       "give --memory_form plain");
  };
  if (attention.self_attention.num_heads != 1 || attention.cross_attention.num_heads != 1) return refuse("num_heads");
  if (attention.pos_enc_at_attn) return refuse("pos_enc_at_attn");
  if (attention.pos_enc_at_cross_attn_queries) return refuse("pos_enc_at_cross_attn_queries");
  if (!attention.pos_enc_at_cross_attn_keys) return refuse("pos_enc_at_cross_attn_keys");
  return Status::ok();
}

}  // namespace

const char* memory_form_name(MemoryForm form) { return kFormNames[static_cast<size_t>(form)]; }

Result<MemoryForm> find_memory_form(const std::string& name) {
  for (size_t i = 0; i < std::size(kFormNames); ++i)
    if (name == kFormNames[i]) return static_cast<MemoryForm>(i);
  return usage_error("there is no --memory_form " + name, "give plain, maximum or dealt");
}

MemoryPlaces usual_places(const ModelConfig& config) { return {config.num_maskmem, config.max_obj_ptrs_in_encoder}; }

Status check_places(const ModelConfig& config, const MemoryPlaces& places) {
  constexpr int64_t kMost = 256;
  if (places.memories < 1 || places.memories > kMost || places.pointers < 1 || places.pointers > kMost)
    return usage_error(
        fmt::format("{} memories and {} pointers: each is between 1 and {}", places.memories, places.pointers, kMost),
        fmt::format("{} and {} are what tracking from one prompted frame needs", usual_places(config).memories,
                    usual_places(config).pointers));
  return Status::ok();
}

Result<int64_t> heads_for_keys(const ModelConfig& config, const MemoryPlaces& places, int64_t factor) {
  SAMC_TRY(check_places(config, places));
  const RopeAttentionConfig& rope = config.memory_attention.cross_attention;
  const int64_t keys = keys_of(config, places), dim = rope.embedding_dim / rope.downsample_rate;
  const int64_t least = factor * std::max<int64_t>(1, (keys * dim + kMostKeyValues - 1) / kMostKeyValues);
  for (int64_t heads = least; heads < 2 * least; ++heads)
    if (keys % heads == 0) return heads;
  return unsupported(fmt::format("{} memories and {} pointers make {} keys, which cannot be dealt evenly",
                                 places.memories, places.pointers, keys),
                     "give another --max_pointers");
}

Status build_placed_memory_attention(const ModelConfig& config, const MemoryAttentionOptions& options,
                                     GraphBuilder& graph, const std::string& name) {
  SAMC_TRY(check_places(config, options.places));
  if (options.form == MemoryForm::kPlain) return build_plain(config, options.places, graph, name);
  SAMC_TRY(check_late(config, options.form));
  SAMC_CHECK(options.heads > 0 && keys_of(config, options.places) % options.heads == 0, "{} heads", options.heads);
  const PlacedInputs inputs = begin(config, options.places, graph, name);
  if (!graph.is_ok()) return graph.status();
  LateAttention late(config, options, inputs, graph);
  const mlir::Value conditioned =
      memory_attention(graph, config, inputs.vision_features,
                       {.self = [&](const std::string& own, mlir::Value normed) { return late.self(own, normed); },
                        .cross =
                            [&](const std::string& own, mlir::Value normed) {
                              return options.form == MemoryForm::kDealt ? late.cross_dealt(own, normed)
                                                                        : late.cross_by_maximum(own, normed);
                            }});
  return graph.end_function({{kImageEmbed, conditioned}});
}

}  // namespace samc::sophgo
