#include "checkpoint/state_dicts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "base/quote.h"

namespace samc {
namespace {

constexpr const char* kSaveHint = "save it in PyTorch with torch.save({\"model\": model.state_dict()}, path)";
constexpr size_t kMostNamed = 5;  // keys or dicts that a message names
constexpr int kDeepest = 3;       // keys from the top to a state_dict
// In this order, where there are several. The empty one is the top.
constexpr std::array<std::string_view, 4> kUsualPlaces = {"model", "state_dict", "model_state_dict", ""};

struct Candidate {
  std::string where;
  const PickleValue* dict = nullptr;
  size_t tensors = 0;
};

std::string name_of(const std::string& where) {
  return where.empty() ? "the top" : fmt::format("\"{}\"", quote(where));
}

std::string name_of(const Candidate& candidate) {
  return fmt::format("{} ({} tensors)", name_of(candidate.where), candidate.tensors);
}

// "a, b and 3 more"
std::string list_of(const std::vector<std::string>& names) {
  if (names.empty()) return "none";
  const size_t named = std::min(names.size(), kMostNamed);
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(named);
  const std::string more = names.size() > named ? fmt::format(" and {} more", names.size() - named) : "";
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "), more);
}

// Every dict that holds tensors by name, each once however often the pickle refers to it.
class Search {
 public:
  explicit Search(const Pickle& pickle) : pickle_(pickle) { visit(pickle.root(), "", 0); }
  std::vector<Candidate> take() { return std::move(found_); }

 private:
  void visit(const PickleValue& dict, const std::string& where, int depth) {
    if (dict.kind != PickleKind::kDict || !visited_.insert(&dict).second) return;
    const size_t place = found_.size();
    found_.push_back({where, &dict, 0});
    for (size_t i = 0; i < dict.items.size(); i += 2) {
      const PickleValue& key = pickle_.value(dict.items[i]);
      const PickleValue& value = pickle_.value(dict.items[i + 1]);
      // A key that is no text counts too: reading it says so.
      if (value.kind == PickleKind::kTensor) ++found_[place].tensors;
      if (depth < kDeepest && key.kind == PickleKind::kString)
        visit(value, where.empty() ? std::string(key.text) : fmt::format("{}.{}", where, key.text), depth + 1);
    }
    if (found_[place].tensors == 0) found_.erase(found_.begin() + static_cast<std::ptrdiff_t>(place));
  }

  const Pickle& pickle_;
  std::unordered_set<const PickleValue*> visited_;
  std::vector<Candidate> found_;
};

Result<Candidate> choose(const std::vector<Candidate>& candidates, const std::optional<std::string>& key) {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) names.push_back(name_of(candidate));
  if (key) {
    for (const Candidate& candidate : candidates)
      if (candidate.where == *key) return candidate;
    return usage_error(fmt::format("--state-dict {}: no tensors there", quote(*key)),
                       fmt::format("there are some at {}", list_of(names)));
  }
  for (const std::string_view place : kUsualPlaces)
    for (const Candidate& candidate : candidates)
      if (candidate.where == place) return candidate;
  if (candidates.size() == 1) return candidates[0];
  return invalid_input(fmt::format("the checkpoint holds several state_dicts: {}", list_of(names)),
                       "say which with --state-dict KEY");
}

}  // namespace

Result<ChosenStateDict> choose_state_dict(const Pickle& pickle, const std::optional<std::string>& key) {
  const PickleValue& root = pickle.root();
  if (root.kind != PickleKind::kDict)
    return invalid_input(root.kind == PickleKind::kTensor ? "the checkpoint is a single tensor, not a state_dict"
                                                          : "the checkpoint is not a dict of tensors",
                         kSaveHint);
  std::vector<std::string> keys;
  for (size_t i = 0; i < root.items.size(); i += 2)
    if (const PickleValue& name = pickle.value(root.items[i]); name.kind == PickleKind::kString)
      keys.emplace_back(quote(name.text));
  std::vector<Candidate> candidates = Search(pickle).take();
  if (candidates.empty())
    return invalid_input(fmt::format("the checkpoint holds no state_dict: there are no tensors at the top, nor under "
                                     "its keys ({})",
                                     list_of(keys)),
                         kSaveHint);
  const std::vector<Candidate> all = candidates;
  // Counters, states of random numbers and the like are no model beside one.
  size_t largest = 0;
  for (const Candidate& candidate : candidates) largest = std::max(largest, candidate.tensors);
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.tensors * 2 < largest; });
  SAMC_ASSIGN(const Candidate chosen, choose(key ? all : candidates, key));

  ChosenStateDict result{.dict = chosen.dict, .where = chosen.where};
  for (const Candidate& candidate : candidates)
    if (candidate.where != chosen.where) result.other_weights.push_back(candidate.where);
  if (chosen.where.empty()) return result;
  const std::string first = chosen.where.substr(0, chosen.where.find('.'));
  for (std::string& name : keys)
    if (name != chosen.where && name != first) result.other_keys.push_back(std::move(name));
  return result;
}

}  // namespace samc
