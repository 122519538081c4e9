#pragma once
// A compiled model in memory: what targets/cpu writes, the .samc file stores and the runtime runs.
// Operations and their operands: docs/plan_ops.md. Nothing here is trusted: runtime/ checks it all when a module is
// loaded.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/precision.h"
#include "base/tensor.h"
#include "package/model_info.h"

namespace samc {

// What the free sizes of a function are in one run, in the order of PlanFunction::sizes; 0 behind the last one.
constexpr size_t kMostSizes = 4;
using Sizes = std::array<int64_t, kMostSizes>;

// base + the sum of step * size over the free sizes of its function.
struct Extent {
  int64_t base = 0;
  std::array<int64_t, kMostSizes> steps{};

  constexpr Extent() = default;
  constexpr Extent(int64_t base_value) : base(base_value) {}  // implicit: most extents are plain numbers
  // Of a function with one free size.
  constexpr Extent(int64_t base_value, int64_t step) : base(base_value), steps{step} {}
  constexpr int64_t at(const Sizes& sizes) const {
    int64_t total = base;
    for (size_t i = 0; i < kMostSizes; ++i) total += steps[i] * sizes[i];
    return total;
  }
  constexpr bool is_fixed() const { return steps == std::array<int64_t, kMostSizes>{}; }
  bool operator==(const Extent&) const = default;
};

using Extents = std::vector<Extent>;

enum class Place : uint8_t {
  kInput,   // the caller's memory
  kOutput,  // the caller's memory
  kWeight,  // PlanModule::weights[weight]
  kArena,   // an offset that plan_arena() finds
  kAlias,   // the bytes of value alias_of under another shape; its target is no alias itself and comes before it
};

constexpr int32_t kAbsent = -1;

struct Value {
  std::string name;
  DType dtype = DType::kF32;
  // A packed weight is one-dimensional here: its length is the number of packed elements.
  Extents shape;
  Place place = Place::kArena;
  int32_t alias_of = kAbsent;  // a value of this function, for kAlias
  int32_t weight = kAbsent;    // an index into PlanModule::weights, for kWeight

  int64_t count(const Sizes& sizes) const {
    int64_t total = 1;
    for (const Extent& extent : shape) total *= extent.at(sizes);
    return total;
  }
  int64_t bytes(const Sizes& sizes) const { return count(sizes) * dtype_size(dtype); }
  Shape shape_at(const Sizes& sizes) const {
    Shape result;
    for (const Extent& extent : shape) result.push_back(extent.at(sizes));
    return result;
  }
};

// One named attribute. A single number is a list of length 1.
struct IntegerAttribute {
  std::string name;
  Extents values;
};
struct FloatAttribute {
  std::string name;
  double value = 0;
};
struct StringAttribute {
  std::string name;
  std::string value;
};

struct Operation {
  std::string kernel;             // "matmul", "attention", ...
  std::string name;               // where it comes from ("trunk.blocks.3.attn.qkv"): for timing tables and errors
  std::vector<int32_t> operands;  // values of the function by index; kAbsent where the contract allows it
  std::vector<int32_t> results;
  std::vector<IntegerAttribute> integers;
  std::vector<FloatAttribute> floats;
  std::vector<StringAttribute> strings;
  Precision precision = Precision::kF32;

  Operation& set(std::string attribute, Extent value) { return set(std::move(attribute), Extents{value}); }
  Operation& set(std::string attribute, Extents values) {
    integers.push_back({std::move(attribute), std::move(values)});
    return *this;
  }
  Operation& set_float(std::string attribute, double value) {
    floats.push_back({std::move(attribute), value});
    return *this;
  }
  Operation& set_string(std::string attribute, std::string value) {
    strings.push_back({std::move(attribute), std::move(value)});
    return *this;
  }
};

// A size that is chosen for each run: "points" is how many prompt points the mask decoder gets, the pad point included.
struct FreeSize {
  std::string name;
  int64_t least = 0;
  int64_t greatest = 0;
  bool operator==(const FreeSize&) const = default;
};

// Operations run in order; each reads only inputs, weights and what stands before it. Each arena or output value is
// written by exactly one operation.
struct PlanFunction {
  std::string name;
  std::vector<int32_t> inputs;   // values of place kInput, in the order of the contract with model/
  std::vector<int32_t> outputs;  // values of place kOutput
  std::vector<Value> values;
  std::vector<Operation> operations;
  std::vector<FreeSize> sizes;  // at most kMostSizes

  Sizes least() const {
    Sizes result{};
    for (size_t i = 0; i < sizes.size(); ++i) result[i] = sizes[i].least;
    return result;
  }
  Sizes greatest() const {
    Sizes result{};
    for (size_t i = 0; i < sizes.size(); ++i) result[i] = sizes[i].greatest;
    return result;
  }
};

// How the elements of a weight lie, by which a kernel tells its own from another's. Packed ones are in the panels of
// kernels/pack.h, K rows by N columns; what a letter stands for: o and i are output and input channels, h and w the
// kernel's height and width.
enum class WeightLayout : uint8_t {
  kPlain,         // as its value's shape says, row by row
  kPackedKByN,    // of matmul
  kPackedIhwByO,  // of conv over NCHW
  kPackedHwiByO,  // of conv over NHWC
  kPackedIByHwo,  // of deconv2x2
  kHwc,           // of depthwise_conv
};

// Bytes of one weight, owned by whoever `owner` keeps alive (a compiler's buffer, or the mapped file).
struct WeightData {
  std::string name;
  DType dtype = DType::kF32;
  WeightLayout layout = WeightLayout::kPlain;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

constexpr const char* kCpuTarget = "cpu";

struct PlanModule {
  std::string target = kCpuTarget;  // whose kernels the operations name
  ModelInfo info;
  std::vector<PlanFunction> functions;
  std::vector<WeightData> weights;

  const PlanFunction* find(std::string_view function) const {
    for (const PlanFunction& candidate : functions)
      if (candidate.name == function) return &candidate;
    return nullptr;
  }
  // The least that any of its operations computes in.
  Precision precision() const {
    Precision least = Precision::kF32;
    for (const PlanFunction& function : functions)
      for (const Operation& operation : function.operations) least = std::max(least, operation.precision);
    return least;
  }
};

}  // namespace samc
