#pragma once
// Memory of values that are done with, for those to come: a function that runs many times would else spend a third of
// its time on taking pages from the system and giving them back.

#include <algorithm>
#include <deque>
#include <memory>

#include "base/tensor.h"

namespace samc::sophgo {

class SpareTensors : public std::enable_shared_from_this<SpareTensors> {
 public:
  // f32, contents unspecified.
  Tensor take(const Shape& shape) {
    const int64_t count = element_count(shape);
    const auto found =
        std::find_if(spare_.rbegin(), spare_.rend(), [&](const Tensor& t) { return t.count() == count; });
    if (found == spare_.rend()) return Tensor(shape);
    Tensor tensor = std::move(*found);
    spare_.erase(std::next(found).base());
    bytes_ -= tensor.bytes();
    tensor.reshape(shape);
    return tensor;
  }
  // The tensor, which comes back here in the end.
  std::shared_ptr<const Tensor> share(Tensor tensor) {
    const auto give_back = [self = shared_from_this()](Tensor* done) {
      self->give(std::move(*done));
      delete done;
    };
    return {new Tensor(std::move(tensor)), give_back};
  }
  void give(Tensor tensor) {
    if (tensor.empty()) return;
    bytes_ += tensor.bytes();
    spare_.push_back(std::move(tensor));
    for (; bytes_ > kMostBytes; spare_.pop_front()) bytes_ -= spare_.front().bytes();
  }

 private:
  static constexpr int64_t kMostBytes = int64_t{1} << 29;
  std::deque<Tensor> spare_;  // the oldest in front
  int64_t bytes_ = 0;
};

}  // namespace samc::sophgo
