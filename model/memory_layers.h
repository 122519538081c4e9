#pragma once
// The memory attention and the memory encoder as top ops, for build_video.cpp, and for targets that write the memory
// attention in another form. C is d_model, M the memory's channels, h and w the sides of the map at stride 16.

#include <functional>
#include <string>

#include "ir/graph_builder.h"
#include "model/config.h"

namespace samc {

// What the queries of a frame attend to. Keys are the tokens plus where and when they are from; values are the tokens.
struct MemoryTokens {
  mlir::Value memory;       // (1, memories h w, M)
  mlir::Value memory_keys;  // the same with positions
  int64_t memories = 0;
  mlir::Value pointers;      // (1, pointer tokens, M), null where there are none
  mlir::Value pointer_keys;  // the same with times
  int64_t pointer_tokens = 0;
};

// memory (1, memories h w, M), times (1, memories): 0 for a conditioning frame, else 1 for the oldest of the others
MemoryTokens memory_tokens(GraphBuilder& graph, const ModelConfig& config, mlir::Value memory, mlir::Value times,
                           int64_t memories);
// pointers (1, pointers, C), each C / M tokens; times (1, pointers), already divided by the longest, or null
void add_pointer_tokens(GraphBuilder& graph, const ModelConfig& config, mlir::Value pointers, mlir::Value times,
                        int64_t count, MemoryTokens& tokens);

// The two attentions of a layer: normed rows (1, h w, C) -> what is added to the rows. name: "...self_attn",
// "...cross_attn_image".
struct MemoryAttends {
  std::function<mlir::Value(const std::string&name, mlir::Value normed)> self, cross;
};

// vision_features (1, C, h, w) -> the same, as the memory changes it
mlir::Value memory_attention(GraphBuilder& graph, const ModelConfig& config, mlir::Value vision_features,
                             const MemoryAttends& attends);
// The same in the form of the official code.
mlir::Value memory_attention(GraphBuilder& graph, const ModelConfig& config, mlir::Value vision_features,
                             const MemoryTokens& tokens);

// vision_features (1, C, h, w), mask (1, 1, S, S), scaled -> (1, M, h, w)
mlir::Value memory_encoder(GraphBuilder& graph, const ModelConfig& config, mlir::Value vision_features,
                           mlir::Value mask);

}  // namespace samc
