#include "kernels/activation.h"

#include <cmath>

namespace samc {

float activate(float value, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return value;
    case Activation::kRelu:
      return value < 0 ? 0 : value;
    case Activation::kGelu:
      return 0.5f * value * std::erfc(value * -0.70710678118654752f);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-value));
  }
  return value;
}

}  // namespace samc
