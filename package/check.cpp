#include "package/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "base/quote.h"
#include "package/sizes.h"

namespace samc {
namespace {

// Names end up in messages and tables on a terminal.
bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
}

class FunctionCheck {
 public:
  FunctionCheck(const PlanFunction& function, const PlanModule& module) : function_(function), module_(module) {}

  Status run() {
    SAMC_TRY(check_sizes());
    witnesses_ = witnesses(function_);
    for (size_t index = 0; index < function_.values.size(); ++index) SAMC_TRY(check_value(index));
    SAMC_TRY(check_border(function_.inputs, Place::kInput, "input"));
    SAMC_TRY(check_border(function_.outputs, Place::kOutput, "output"));
    return check_order();
  }

 private:
  template <class... Args>
  Status bad(fmt::format_string<Args...> format, Args&&... args) const {
    return invalid_input(
        fmt::format("function {}: {}", quote(function_.name), fmt::format(format, std::forward<Args>(args)...)));
  }

  bool in_range(int32_t value) const { return value >= 0 && static_cast<size_t>(value) < function_.values.size(); }
  const Value& value(int32_t index) const { return function_.values[static_cast<size_t>(index)]; }
  int32_t storage(int32_t index) const { return value(index).place == Place::kAlias ? value(index).alias_of : index; }

  Status check_sizes() const {
    if (function_.sizes.size() > kMostSizes)
      return bad("{} free sizes, at most {} are allowed", function_.sizes.size(), kMostSizes);
    std::set<std::string> names;
    for (const FreeSize& size : function_.sizes) {
      if (size.name.empty() || !printable(size.name) || !names.insert(size.name).second)
        return bad("a free size has no name of its own");
      if (size.least < 0 || size.greatest < size.least || size.greatest > kGreatestSize)
        return bad("the range of {}, {} to {}, is not sensible", size.name, size.least, size.greatest);
    }
    return Status::ok();
  }

  // The least and the greatest that an extent can be; nothing where its numbers are out of range.
  std::optional<std::pair<int64_t, int64_t>> range(const Extent& extent) const {
    if (!within(extent.base, kGreatestExtent)) return std::nullopt;
    std::pair<int64_t, int64_t> range{extent.base, extent.base};
    for (size_t i = 0; i < kMostSizes; ++i) {
      const int64_t step = extent.steps[i];
      if (step == 0) continue;
      if (i >= function_.sizes.size() || !within(step, kGreatestExtent)) return std::nullopt;
      const auto [least, greatest] = std::minmax({step * function_.sizes[i].least, step * function_.sizes[i].greatest});
      range.first += least;
      range.second += greatest;
    }
    return range;
  }

  Status check_extents(const Value& value) const {
    if (value.shape.size() > static_cast<size_t>(kGreatestRank))
      return bad("value {} has {} extents, at most {} are allowed", value.name, value.shape.size(), kGreatestRank);
    // The product of the greatest extents bounds the count at all sizes.
    int64_t greatest_bytes = dtype_size(value.dtype);
    if (greatest_bytes <= 0) return bad("value {} has an unknown dtype", value.name);
    for (const Extent& extent : value.shape) {
      const auto limits = range(extent);
      if (!limits.has_value() || limits->first < 0 || limits->second > kGreatestExtent)
        return bad("value {} has an extent out of range", value.name);
      const int64_t greatest = std::max<int64_t>(limits->second, 1);
      if (greatest > kGreatestValueBytes / greatest_bytes) return bad("value {} is too large", value.name);
      greatest_bytes *= greatest;
    }
    return Status::ok();
  }

  Status check_value(size_t index) const {
    const Value& checked = function_.values[index];
    if (!printable(checked.name)) return bad("a value's name holds control characters");
    SAMC_TRY(check_extents(checked));
    if (checked.place == Place::kAlias) {
      if (!in_range(checked.alias_of) || static_cast<size_t>(checked.alias_of) >= index ||
          value(checked.alias_of).place == Place::kAlias)
        return bad("value {} is an alias of no storage before it", checked.name);
      const Value& target = value(checked.alias_of);
      // Not a proof: whoever binds a function compares them at the sizes that are chosen.
      for (const Sizes& sizes : witnesses_)
        if (checked.bytes(sizes) != target.bytes(sizes))
          return bad("value {} and what it is an alias of, {}, differ in size", checked.name, target.name);
    }
    if (checked.place == Place::kWeight) {
      if (checked.weight < 0 || static_cast<size_t>(checked.weight) >= module_.weights.size())
        return bad("value {} names no weight", checked.name);
      for (const Extent& extent : checked.shape)
        if (!extent.is_fixed()) return bad("weight {} has an extent that is free", checked.name);
      const WeightData& weight = module_.weights[static_cast<size_t>(checked.weight)];
      if (weight.dtype != checked.dtype || static_cast<int64_t>(weight.bytes.size()) != checked.bytes({}))
        return bad("value {} does not fit weight {} of {} bytes", checked.name, weight.name, weight.bytes.size());
    }
    return Status::ok();
  }

  Status check_border(const std::vector<int32_t>& list, Place place, const char* what) const {
    if (list.size() > kGreatestBorder) return bad("{} {}s, at most {} are allowed", list.size(), what, kGreatestBorder);
    std::set<int32_t> seen;
    std::set<std::string> names;
    for (const int32_t index : list) {
      if (!in_range(index) || value(index).place != place) return bad("its list of {}s names another value", what);
      if (!seen.insert(index).second || !names.insert(value(index).name).second)
        return bad("{} {} stands there twice", what, value(index).name);
    }
    const auto count = std::count_if(function_.values.begin(), function_.values.end(),
                                     [place](const Value& candidate) { return candidate.place == place; });
    if (static_cast<size_t>(count) != list.size()) return bad("an {} is missing from its list", what);
    return Status::ok();
  }

  Status check_order() const {
    std::vector<bool> written(function_.values.size(), false);
    for (const Operation& operation : function_.operations) {
      if (!printable(operation.name) || !printable(operation.kernel))
        return bad("an operation's name holds control characters");
      for (const int32_t operand : operation.operands) {
        if (operand == kAbsent) continue;
        if (!in_range(operand)) return bad("operation {} reads a value that is not there", operation.name);
        const int32_t source = storage(operand);
        const Place place = value(source).place;
        if (place != Place::kInput && place != Place::kWeight && !written[static_cast<size_t>(source)])
          return bad("operation {} reads {} before it is written", operation.name, value(operand).name);
      }
      if (operation.results.empty()) return bad("operation {} gives nothing", operation.name);
      for (const int32_t result : operation.results) {
        if (!in_range(result)) return bad("operation {} writes a value that is not there", operation.name);
        const int32_t target = storage(result);
        const Place place = value(target).place;
        if (place != Place::kArena && place != Place::kOutput)
          return bad("operation {} writes {}, which is an input or a weight", operation.name, value(result).name);
        if (written[static_cast<size_t>(target)])
          return bad("operation {} writes {} a second time", operation.name, value(result).name);
        written[static_cast<size_t>(target)] = true;
      }
    }
    for (const int32_t output : function_.outputs)
      if (!written[static_cast<size_t>(output)]) return bad("output {} is never written", value(output).name);
    return Status::ok();
  }

  const PlanFunction& function_;
  const PlanModule& module_;
  std::vector<Sizes> witnesses_;
};

}  // namespace

Status check_function(const PlanFunction& function, const PlanModule& module) {
  return FunctionCheck(function, module).run();
}

static Status check_video(const VideoFacts& video) {
  constexpr int64_t kMost = 1 << 10;  // of frames and points that a model's options count
  const auto sensible = [](int64_t value, int64_t least) { return value >= least && value <= kMost; };
  if (!sensible(video.num_maskmem, 1) || !sensible(video.max_cond_frames_in_attn, -1) ||
      !sensible(video.memory_temporal_stride_for_eval, 1) || !sensible(video.multimask_min_pt_num, 0) ||
      !sensible(video.multimask_max_pt_num, 0) || !sensible(video.max_obj_ptrs_in_encoder, 1))
    return invalid_input("what it says of video is not sensible");
  return Status::ok();
}

Status check_module(const PlanModule& module) {
  const ModelInfo& info = module.info;
  if (!printable(module.target)) return invalid_input("the target's name holds control characters");
  if (!printable(info.name) || !printable(info.build_id) || !printable(info.encoder_id))
    return invalid_input("the model's name holds control characters");
  for (const auto& [key, text] : info.notes)
    if (!printable(key) || !printable(text)) return invalid_input("a note holds control characters");
  if (info.image_size < 1 || info.image_size > kGreatestImageSize)
    return invalid_input(fmt::format("an image size of {} is not sensible", info.image_size));
  if (info.pixel_mean.size() != 3 || info.pixel_std.size() != 3)
    return invalid_input("pixel mean and deviation need three numbers each");
  for (size_t channel = 0; channel < 3; ++channel)
    if (!std::isfinite(info.pixel_mean[channel]) || !std::isfinite(info.pixel_std[channel]) ||
        !(info.pixel_std[channel] > 0.0f))
      return invalid_input("pixel mean or deviation is not sensible");
  for (const float number : {info.mask_threshold, info.stability_delta, info.stability_threshold})
    if (!std::isfinite(number)) return invalid_input("a threshold is not a number");
  if (info.video.has_value()) SAMC_TRY(check_video(*info.video));
  for (const WeightData& weight : module.weights)
    if (!printable(weight.name)) return invalid_input("a weight's name holds control characters");
  if (module.functions.size() > kGreatestFunctions)
    return invalid_input(
        fmt::format("{} functions, at most {} are allowed", module.functions.size(), kGreatestFunctions));
  size_t values = 0;
  for (const PlanFunction& function : module.functions) values += function.values.size();
  if (values > kGreatestValues)
    return invalid_input(fmt::format("{} values, at most {} are allowed", values, kGreatestValues));
  std::set<std::string> names;
  for (const PlanFunction& function : module.functions) {
    if (!printable(function.name)) return invalid_input("a function's name holds control characters");
    if (!names.insert(function.name).second)
      return invalid_input(fmt::format("function {} stands there twice", quote(function.name)));
    SAMC_TRY(check_function(function, module));
  }
  return Status::ok();
}

}  // namespace samc
