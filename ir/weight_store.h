#pragma once
// The weights of a module: name -> shape and f32 data. They stand beside the IR, never inside it; a top.Weight finds
// its data by its location's name. Not thread-safe: only passes over a whole module may change a store.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

class WeightStore {
 public:
  // Borrows the bytes of an f32 view (a mapped checkpoint), which must outlive the store. Other dtypes are converted to
  // f32 and owned. The name must be new.
  Status add_view(const std::string& name, const TensorView& view);
  // Owns the tensor; any dtype, converted to f32. The name must be new.
  Status add(const std::string& name, Tensor tensor);

  bool contains(std::string_view name) const { return weights_.find(name) != weights_.end(); }
  // The weight must exist. The view is f32 and stays valid until the weight is removed.
  TensorView view(std::string_view name) const;
  const Shape& shape(std::string_view name) const;

  void remove(std::string_view name);
  // `wanted`, or `wanted` with the first free number behind it when a weight has that name.
  std::string unique_name(const std::string& wanted) const;
  std::vector<std::string> names() const;  // in alphabetical order
  size_t size() const { return weights_.size(); }
  int64_t bytes() const;

 private:
  struct Weight {
    Shape shape;
    const float* borrowed = nullptr;
    Tensor owned;
  };
  const Weight& find(std::string_view name) const;

  std::map<std::string, Weight, std::less<>> weights_;
  mutable std::map<std::string, int64_t> first_numbers_;  // by wanted name: all numbers below are taken
};

// Any dtype to f32. 64-bit integers beyond 2^24 lose bits: the top dialect computes in f32 throughout.
Tensor to_f32(const TensorView& view);

}  // namespace samc
