#pragma once
// Inside onnx/: which operators samc has, and the list of those it has not.

#include <map>
#include <string>
#include <vector>

#include "onnx/simplify.h"

namespace samc::onnx {

// Constant and If, which simplify() itself takes away, or an operator of ops.h.
bool is_known(const Node& node);
// With its domain, where that is not ONNX's own.
std::string full_name(const Node& node);

// Each operator once, in the order in which they are met.
class UnknownList {
 public:
  // otherwise: what to do where no better way out is known.
  void add(const Node& node, const char* otherwise);
  const std::vector<UnknownOperator>& list() const { return list_; }
  Status report() const;

 private:
  std::vector<UnknownOperator> list_;
  std::map<std::string, size_t> places_;
};

}  // namespace samc::onnx
