#pragma once
// Inside checkpoint/: which of the dicts in a pickle is the model's state_dict. A training checkpoint holds other
// things beside it, and maybe averaged weights (EMA) as well.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "checkpoint/pickle.h"

namespace samc {

struct ChosenStateDict {
  const PickleValue* dict = nullptr;
  std::string where = {};                    // its keys from the top, such as "model" or "ema.shadow"; empty: the top
  std::vector<std::string> other_keys = {};  // beside it at the top
  std::vector<std::string> other_weights = {};  // other dicts that hold about as many tensors, as where
};

// key: the dict to take. Without it: "model", as the official code takes; else "state_dict", "model_state_dict", the
// top; else the only one there is. An error names what there is.
Result<ChosenStateDict> choose_state_dict(const Pickle& pickle, const std::optional<std::string>& key);

}  // namespace samc
