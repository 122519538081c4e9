#pragma once
// NaN and infinite values, where they are errors: found in results, and explained by running the call again with a
// look at every operation. Model: an ImageModel or a VideoModel.

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

inline constexpr const char* kNonFiniteHint =
    "look for NaN in the model's weights; --allow-nonfinite (allow_nonfinite) takes such values as they are";

// The first of these that holds NaN or an infinite value, or nullptr.
inline const char* find_non_finite(std::initializer_list<std::pair<const char*, const Tensor*>> tensors) {
  for (const auto& [name, tensor] : tensors)
    if (!is_finite(*tensor)) return name;
  return nullptr;
}

// While it lives, also when memory runs out on the way.
template <class Model>
class StopAtNonFinite {
 public:
  explicit StopAtNonFinite(Model& model) : model_(model) { model_.stop_at_nonfinite(true); }
  ~StopAtNonFinite() { model_.stop_at_nonfinite(false); }
  StopAtNonFinite(const StopAtNonFinite&) = delete;
  StopAtNonFinite& operator=(const StopAtNonFinite&) = delete;

 private:
  Model& model_;
};

// The error for a result that holds NaN or infinite values. again computes the result anew: only now is every
// operation's result looked at, for the first that made one.
template <class Model, class Again>
Status explain_non_finite(Model& model, const char* output, const Again& again) {
  const StopAtNonFinite<Model> stop(model);
  const Status found = again();
  const std::string result = fmt::format("{} gives values that are not finite in {}", model.info().name, output);
  if (found.is_ok()) return invalid_input(result, kNonFiniteHint);
  return invalid_input(fmt::format("{}: {}", result, found.message()), kNonFiniteHint);
}

}  // namespace samc
