#pragma once
// Weights that follow from a formula: each tensor's values from its state_dict name and shape alone, so that a list of
// names and shapes stands for a whole checkpoint. The masks such a model makes mean nothing; its arithmetic is the real
// one.
//
// value(i) = centre + amplitude * u(i), in f32, u uniform in [-1, 1):
//   u(i) = (splitmix64(fnv1a64(name) + i) >> 40) / 2^23 - 1, i the flat index

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc::test {

struct NamedShape {
  std::string name;
  Shape shape;
};

Tensor hash_weights(std::string_view name, const Shape& shape);

// {"name": [extents], ...} in order.
Result<std::vector<NamedShape>> parse_shape_list(std::string_view json);
// tests/data/state_dicts/MODEL.json
Result<std::vector<NamedShape>> load_shape_list(const std::string& model);

// A checkpoint as torch.save writes it, {"model": state_dict}. One tensor at a time is in memory.
Status write_hash_checkpoint(const std::string& path, const std::vector<NamedShape>& shapes);

}  // namespace samc::test
