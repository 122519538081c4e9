#pragma once
// Windows of a map, as the vision dialect's ops on maps that they divide; padding and cropping are ops beside them.
//   window:   (1, rows w, columns w, c) -> (rows columns, w, w, c)
//   unwindow: the reverse
// expand-fused makes Reshape, Permute and Reshape of them in the end.

#include <algorithm>

#include "passes/toolkit/windows.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

struct Windows {
  mlir::Value source;  // of window: the map; of unwindow: what was put back
  Shape map;           // (1, h, w, c)
  int64_t window = 0;
  Shape windows() const { return {map[0] * (map[1] / window) * (map[2] / window), window, window, map[3]}; }
  bool same_grid(const Windows& other) const {
    return window == other.window && std::equal(map.begin(), map.begin() + 3, other.map.begin());
  }
};

// Whether the value is what such ops give.
std::optional<Windows> match_window(mlir::Value value);
std::optional<Windows> match_unwindow(mlir::Value value);

// The map (1, h, w, c) before rows and columns of zeros were added behind it, and nobody reads those; null if none
// were.
mlir::Value before_padding(mlir::Value map);

}  // namespace samc::sophgo
