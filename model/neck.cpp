// The FPN neck: 1x1 convolutions, and at some levels the map of the level below, upsampled, added.

#include <fmt/format.h>

#include <algorithm>

#include "model/layers.h"

namespace samc {

std::vector<mlir::Value> fpn_neck(GraphBuilder& graph, const ModelConfig& config,
                                  const std::vector<mlir::Value>& maps) {
  const std::vector<int64_t>& top_down = config.neck.fpn_top_down_levels;
  const int64_t lowest = static_cast<int64_t>(maps.size()) - 1;
  std::vector<mlir::Value> results(maps.size());
  for (int64_t level = lowest; level >= 0; --level) {
    const size_t at = static_cast<size_t>(level);
    // convs are numbered from the lowest resolution
    const std::string name = fmt::format("image_encoder.neck.convs.{}", lowest - level);
    results[at] = conv_2d(graph, name + ".conv", maps[at]);
    if (level == lowest || std::find(top_down.begin(), top_down.end(), level) == top_down.end()) continue;
    const int64_t side = config.feature_size(int64_t{4} << level);
    const mlir::Value below =
        graph.interp(name + ".upsampled", results[at + 1], side, side, InterpMode::kNearest, CoordMode::kAsymmetric);
    results[at] = graph.add(name, results[at], below);
  }
  results.pop_back();
  return results;
}

}  // namespace samc
