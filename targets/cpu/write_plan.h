#pragma once
// From bound IR (every op a cpu.run, or a reshape) to the plan that package/ stores.

#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/status.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "package/plan.h"

namespace samc::cpu {

// Collects the weights of all functions of a module: each (weight, packing) once, and equal bytes once.
class WeightTable {
 public:
  explicit WeightTable(const WeightStore& store) : store_(store) {}

  // Index of the weight, seen under this shape, packed by this recipe for a kernel that computes in precision (""
  // leaves it as it is, in f32). Recipes: kn, nk, o_ihw, o_hwi, chw_to_hwc, oihw_to_i_hwo.
  int32_t index(const std::string& name, const Shape& shape, const std::string& recipe, Precision precision);
  DType dtype(int32_t index) const { return weights_[static_cast<size_t>(index)].dtype; }
  int64_t count(int32_t index) const {
    return static_cast<int64_t>(weights_[static_cast<size_t>(index)].bytes.size()) / dtype_size(dtype(index));
  }
  std::vector<WeightData> take() { return std::move(weights_); }

 private:
  const WeightStore& store_;
  std::map<std::tuple<std::string, Shape, std::string, Precision>, int32_t> known_;
  std::multimap<uint64_t, int32_t> by_hash_;
  std::vector<WeightData> weights_;
};

// A plan of static extents.
Result<PlanFunction> write_function(mlir::func::FuncOp function, WeightTable& weights);

// A function as compiled at certain sizes.
struct Witness {
  Sizes at{};
  PlanFunction plan;
};

// The same function compiled at different sizes, as one plan that is free in them: extents and integer attributes that
// differ must be affine in the sizes, everything else must be equal. For each size one witness must differ from the
// first in that size alone, and a further one in that size too, which proves what the two suggest. docs/plan_ops.md,
// "How a free size is compiled".
Result<PlanFunction> merge_witnesses(std::span<const Witness> witnesses, const std::string& name,
                                     std::vector<FreeSize> sizes);

}  // namespace samc::cpu
