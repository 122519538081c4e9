#pragma once
// The memory attention in one function of fixed shapes that serves every bank: up to so many memories and object
// pointers, whose unused places do not count.
//
// Three forms compute the same but for rounding:
//   plain    the official code's, with a mask added to the scores.
//   maximum  keys in chunks that fit the chip's own memory, each with its own largest score; the chunks are joined by
//            these. For any weights.
//   dealt    keys dealt out to heads that the chip computes one by one; exponentials without a shift, sums over the
//            heads. Fastest, and right only while no score is beyond kMostScore in magnitude.

#include <cstdint>
#include <string>

#include "base/status.h"
#include "ir/graph_builder.h"
#include "model/config.h"

namespace samc::sophgo {

// exp(88.7) is the largest number of F32 and of BF16, and 28,736 keys (seven memories of the official models) add up to
// exp(10.3) times the largest exponential.
inline constexpr double kMostScore = 78;

enum class MemoryForm { kPlain, kMaximum, kDealt };
Result<MemoryForm> find_memory_form(const std::string& name);
const char* memory_form_name(MemoryForm form);

struct MemoryPlaces {
  int64_t memories = 0, pointers = 0;
};
// What tracking from one prompted frame needs.
MemoryPlaces usual_places(const ModelConfig& config);
Status check_places(const ModelConfig& config, const MemoryPlaces& places);

// Into how many heads the dealt form deals its keys: as few as keep the scores of a block of queries on the chip, times
// `factor` for several cores. An error where the keys cannot be dealt evenly.
Result<int64_t> heads_for_keys(const ModelConfig& config, const MemoryPlaces& places, int64_t factor = 1);

struct MemoryAttentionOptions {
  MemoryPlaces places;
  MemoryForm form = MemoryForm::kPlain;
  int64_t heads = 1;  // of the dealt form
};

// vision_features (1, C, h, w), memory (1, memories h w, M), memory_times (1, memories), memory_present (1, memories),
// object_pointers (1, pointers, C), pointer_times (1, pointers), pointer_present (1, pointers) -> image_embed (1, C, h,
// w). Present: 1, or 0 for a place that is not used, whose other values may be any numbers that the forms allow, such
// as 0. A model that gives pointers no times has no pointer_times. The config has passed check_video().
Status build_placed_memory_attention(const ModelConfig& config, const MemoryAttentionOptions& options,
                                     GraphBuilder& graph, const std::string& name);

}  // namespace samc::sophgo
