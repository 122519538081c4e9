#pragma once
// For tests: values that are neither all alike nor random.

#include <cmath>

#include "base/tensor.h"

namespace samc {

// sin(step), sin(2 step), ...
inline Tensor waves(const Shape& shape, double step) {
  Tensor tensor(shape);
  double phase = 0;
  for (float& value : tensor.f32()) value = static_cast<float>(std::sin(phase += step));
  return tensor;
}

}  // namespace samc
