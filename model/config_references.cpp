#include "model/config_references.h"

#include <fmt/format.h>

#include "base/quote.h"

namespace samc {
namespace {

constexpr int kDeepest = 64;            // maps in maps, and references to references
constexpr int64_t kMostNodes = 100000;  // of the copy: references may multiply

class Resolver {
 public:
  explicit Resolver(const YAML::Node& root) : root_(root) {}

  Result<YAML::Node> copy(const YAML::Node& node, const std::string& path, int depth) {
    if (depth > kDeepest) return fault(path, "maps or references nested too deeply, or in a circle");
    if (++nodes_ > kMostNodes) return fault(path, "references make more of the file than samc reads");
    if (node.IsScalar()) return scalar(node, path, depth);
    if (!node.IsMap() && !node.IsSequence()) return YAML::Clone(node);
    YAML::Node result(node.Type());
    for (auto entry = node.begin(); entry != node.end(); ++entry) {
      if (node.IsSequence()) {
        SAMC_ASSIGN(const YAML::Node element, copy(*entry, path, depth + 1));
        result.push_back(element);
        continue;
      }
      const YAML::Node key = entry->first;
      if (!key.IsScalar()) return fault(path, "a key is no text");
      SAMC_ASSIGN(
          const YAML::Node value,
          copy(entry->second, path.empty() ? key.Scalar() : fmt::format("{}.{}", path, key.Scalar()), depth + 1));
      // Both of a key that stands twice are kept, for who reads the map to name it.
      result.force_insert(YAML::Clone(key), value);
    }
    return result;
  }

 private:
  static Status fault(const std::string& path, const std::string& what) {
    return invalid_input(fmt::format("config key {}: {}", quote(path), what));
  }

  Result<YAML::Node> scalar(const YAML::Node& node, const std::string& path, int depth) {
    const std::string& text = node.Scalar();
    if (text.find("${") == std::string::npos) return YAML::Clone(node);
    const bool is_whole = text.starts_with("${") && text.find('}') == text.size() - 1;
    const std::string target = is_whole ? text.substr(2, text.size() - 3) : "";
    if (!is_whole || target.empty() || target.find_first_of(":${[") != std::string::npos || target.front() == '.')
      return unsupported(fmt::format("config key {}: '{}' is no plain reference", quote(path), quote(text)),
                         "samc understands ${KEY.KEY}: write the value instead");
    YAML::Node found;
    found.reset(root_);
    for (size_t from = 0; from <= target.size();) {
      const size_t dot = std::min(target.find('.', from), target.size());
      const std::string key = target.substr(from, dot - from);
      from = dot + 1;
      const YAML::Node& map = found;  // const, or asking makes an entry
      const YAML::Node inner = map.IsMap() ? map[key] : YAML::Node(YAML::NodeType::Undefined);
      if (!inner.IsDefined()) return fault(path, fmt::format("'{}' leads nowhere", quote(text)));
      found.reset(inner);
    }
    return copy(found, path, depth + 1);
  }

  const YAML::Node root_;
  int64_t nodes_ = 0;
};

}  // namespace

Result<YAML::Node> resolve_references(const YAML::Node& root, const YAML::Node& part, const std::string& path) {
  return Resolver(root).copy(part, path, 0);
}

}  // namespace samc
