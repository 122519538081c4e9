#pragma once
// Activations that kernels apply to a result before it is stored.

namespace samc {

// kGelu is the exact one, x Phi(x), not the tanh approximation.
enum class Activation { kNone, kRelu, kGelu, kSigmoid };

// The plain reference of what the vector kernels compute. NaN gives NaN.
float activate(float value, Activation activation);

}  // namespace samc
