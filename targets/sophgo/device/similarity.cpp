#include "targets/sophgo/device/similarity.h"

#include <fmt/ranges.h>

#include <cmath>

namespace samc::sophgo {

Similarity compare(const TensorView& reference, const TensorView& actual) {
  const std::span<const float> a = reference.f32();
  const std::span<const float> b = actual.f32();
  SAMC_CHECK(a.size() == b.size(), "{} elements against {}", a.size(), b.size());
  double aa = 0, bb = 0, ab = 0, difference = 0, middle = 0;
  Similarity result;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    if (!std::isfinite(x) || !std::isfinite(y)) {
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      return {0, 0, INFINITY};
    }
    aa += x * x;
    bb += y * y;
    ab += x * y;
    difference += (x - y) * (x - y);
    middle += (x + y) * (x + y) / 4;
    result.largest_difference = std::max(result.largest_difference, std::abs(x - y));
  }
  if (difference == 0) return {1, 1, 0};
  result.cosine = aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
  result.euclidean = 1 - std::sqrt(difference) / (std::sqrt(middle) + 1e-7);
  return result;
}

Result<std::vector<OutputSimilarity>> compare_outputs(const NamedTensors& reference, const NamedTensors& actual) {
  std::vector<OutputSimilarity> list;
  for (const auto& [name, tensor] : reference) {
    const Tensor* other = nullptr;
    for (const char* ending : {"", "_f32", "_f16", "_bf16"})
      if (const auto found = actual.find(name + ending); found != actual.end() && other == nullptr)
        other = &found->second;
    if (other == nullptr) {
      std::vector<std::string> names;
      for (const auto& [there, ignored] : actual) names.push_back(there);
      return invalid_input(fmt::format("output {} is not among the bmodel's: {}", name, fmt::join(names, ", ")));
    }
    if (other->count() != tensor.count())
      return invalid_input(fmt::format("output {} is {} in the bmodel and {} in the reference", name,
                                       shape_to_string(other->shape()), shape_to_string(tensor.shape())));
    list.push_back({name, compare(tensor.view(), other->view())});
  }
  if (list.empty()) return invalid_input("there is no output to compare");
  return list;
}

}  // namespace samc::sophgo
