#pragma once
// From bound IR (every op a cpu.run, or a reshape) to the plan that package/ stores.

#include <map>
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

  // Index of the weight, seen under this shape, packed by this layout ("" leaves it as it is). Layouts: kn, nk, o_ihw,
  // o_hwi, chw_to_hwc, oihw_to_i_hwo.
  int32_t index(const std::string& name, const Shape& shape, const std::string& layout);
  int64_t count(int32_t index) const {
    return static_cast<int64_t>(weights_[static_cast<size_t>(index)].bytes.size() / 4);
  }
  std::vector<WeightData> take() { return std::move(weights_); }

 private:
  const WeightStore& store_;
  std::map<std::tuple<std::string, Shape, std::string>, int32_t> known_;
  std::multimap<uint64_t, int32_t> by_hash_;
  std::vector<WeightData> weights_;
};

// A plan of static extents.
Result<PlanFunction> write_function(mlir::func::FuncOp function, WeightTable& weights);

// The same function compiled at different numbers of points (at least three), as one plan: extents and integer
// attributes that differ must be affine in the number of points, everything else must be equal. docs/plan_ops.md, "How
// a free number is compiled".
Result<PlanFunction> merge_witnesses(const std::vector<std::pair<int64_t, PlanFunction>>& witnesses,
                                     const std::string& name, int64_t least_points, int64_t greatest_points);

}  // namespace samc::cpu
