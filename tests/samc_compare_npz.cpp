// samc_compare_npz A.npz B.npz TOLERANCE: a line for each array of both. Numbers: the largest difference beside A's
// largest value; masks (uint8): the share of elements that differ. Exit code 1 when one is above the tolerance.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "media/npz.h"

namespace samc::test {
namespace {

double difference(const Tensor& a, const Tensor& b) {
  if (a.dtype() != DType::kF32) {
    const auto one = a.as<uint8_t>(), other = b.as<uint8_t>();
    double differing = 0;
    for (size_t i = 0; i < one.size(); ++i) differing += one[i] != other[i] ? 1 : 0;
    return differing / static_cast<double>(std::max<size_t>(1, one.size()));
  }
  float largest = 0, error = 0;
  for (size_t i = 0; i < a.f32().size(); ++i) {
    const float apart = std::abs(a.f32()[i] - b.f32()[i]);
    if (std::isnan(apart)) return std::nan("");
    largest = std::max(largest, std::abs(a.f32()[i]));
    error = std::max(error, apart);
  }
  return error == 0 ? 0 : static_cast<double>(error / largest);
}

Result<bool> compare(const char* a, const char* b, double tolerance) {
  SAMC_ASSIGN(const Npz one, Npz::read(a));
  SAMC_ASSIGN(const Npz other, Npz::read(b));
  bool right = !one.arrays().empty();
  for (const auto& [name, tensor] : one.arrays()) {
    SAMC_ASSIGN(const Tensor* const match, other.get(name));
    const bool same_form = tensor.dtype() == match->dtype() && tensor.shape() == match->shape();
    const double apart = same_form ? difference(tensor, *match) : std::nan("");
    fmt::print("{} {}: {:.2g}\n", name, shape_to_string(tensor.shape()), apart);
    right = right && apart <= tolerance;
  }
  return right;
}

}  // namespace
}  // namespace samc::test

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "samc_compare_npz A.npz B.npz TOLERANCE\n");
    return 2;
  }
  const samc::Result<bool> right = samc::test::compare(argv[1], argv[2], std::atof(argv[3]));
  if (!right.is_ok()) fmt::print(stderr, "samc_compare_npz: {}\n", right.status().to_string());
  return right.is_ok() && right.value() ? 0 : 1;
}
