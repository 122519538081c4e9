#pragma once
// A compiled model in memory: what targets/cpu writes, the .samc file stores and the runtime runs.
// Operations and their operands: docs/plan_ops.md. Nothing here is trusted: runtime/ checks it all when a module is
// loaded.

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
#include "base/tensor.h"

namespace samc {

// base + step * points. `points` is the one free number of a function: how many prompt points the mask decoder gets.
struct Extent {
  int64_t base = 0;
  int64_t step = 0;

  constexpr Extent() = default;
  constexpr Extent(int64_t base_value) : base(base_value) {}  // implicit: most extents are plain numbers
  constexpr Extent(int64_t base_value, int64_t step_value) : base(base_value), step(step_value) {}
  constexpr int64_t at(int64_t points) const { return base + step * points; }
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

  int64_t count(int64_t points) const {
    int64_t total = 1;
    for (const Extent& extent : shape) total *= extent.at(points);
    return total;
  }
  int64_t bytes(int64_t points) const { return count(points) * dtype_size(dtype); }
  Shape shape_at(int64_t points) const {
    Shape result;
    for (const Extent& extent : shape) result.push_back(extent.at(points));
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

// Operations run in order; each reads only inputs, weights and what stands before it. Each arena or output value is
// written by exactly one operation.
struct PlanFunction {
  std::string name;
  std::vector<int32_t> inputs;   // values of place kInput, in the order of the contract with model/
  std::vector<int32_t> outputs;  // values of place kOutput
  std::vector<Value> values;
  std::vector<Operation> operations;
  // The least and greatest `points` that the plan is for; both 0 in a function without a free number.
  int64_t least_points = 0;
  int64_t greatest_points = 0;
};

// Bytes of one weight, owned by whoever `owner` keeps alive (a compiler's buffer, or the mapped file).
struct WeightData {
  std::string name;
  DType dtype = DType::kF32;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// What the image predictor has to know about the model beside its functions.
struct ModelInfo {
  std::string name;      // "sam2.1_hiera_tiny"
  std::string build_id;  // of the compiler that made the file
  // What the image encoder is, by content (model/identity.h): an embedding is good for models of the same. Empty: not
  // known, as in modules of older versions.
  std::string encoder_id;
  int64_t image_size = 1024;
  std::vector<float> pixel_mean = {0.485f, 0.456f, 0.406f};  // of RGB values in [0, 1]
  std::vector<float> pixel_std = {0.229f, 0.224f, 0.225f};
  float mask_threshold = 0.0f;
  // Single-mask output falls back to the best of masks 1..3 when mask 0 is unstable (official: on, 0.05, 0.98).
  bool dynamic_multimask_via_stability = true;
  float stability_delta = 0.05f;
  float stability_threshold = 0.98f;
  // Anything else that is worth keeping: precision, source file, its hash. Order is kept.
  std::vector<std::pair<std::string, std::string>> notes;
};

struct PlanModule {
  ModelInfo info;
  std::vector<PlanFunction> functions;
  std::vector<WeightData> weights;

  const PlanFunction* find(std::string_view function) const {
    for (const PlanFunction& candidate : functions)
      if (candidate.name == function) return &candidate;
    return nullptr;
  }
};

}  // namespace samc
