#include "ir/weight_store.h"

namespace samc {

namespace {

template <class T>
void convert(const TensorView& view, std::span<float> out) {
  const T* source = static_cast<const T*>(view.data);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(source[i]);
}

}  // namespace

Tensor to_f32(const TensorView& view) {
  if (view.dtype == DType::kF32) return Tensor::copy_of(view);
  Tensor result(view.shape);
  const std::span<float> out = result.f32();
  switch (view.dtype) {
    case DType::kF32:
      break;
    case DType::kF16:
      for (size_t i = 0; i < out.size(); ++i) out[i] = f16_to_f32(static_cast<const uint16_t*>(view.data)[i]);
      break;
    case DType::kBF16:
      for (size_t i = 0; i < out.size(); ++i) out[i] = bf16_to_f32(static_cast<const uint16_t*>(view.data)[i]);
      break;
    case DType::kF64:
      convert<double>(view, out);
      break;
    case DType::kI64:
      convert<int64_t>(view, out);
      break;
    case DType::kI32:
      convert<int32_t>(view, out);
      break;
    case DType::kI16:
      convert<int16_t>(view, out);
      break;
    case DType::kI8:
      convert<int8_t>(view, out);
      break;
    case DType::kU8:
    case DType::kBool:
      convert<uint8_t>(view, out);
      break;
  }
  return result;
}

Status WeightStore::add_view(const std::string& name, const TensorView& view) {
  if (view.dtype != DType::kF32) return add(name, to_f32(view));
  if (contains(name)) return invalid_input(fmt::format("two weights are called {}", name));
  weights_[name] = Weight{view.shape, static_cast<const float*>(view.data), Tensor()};
  return Status::ok();
}

Status WeightStore::add(const std::string& name, Tensor tensor) {
  if (contains(name)) return invalid_input(fmt::format("two weights are called {}", name));
  if (tensor.dtype() != DType::kF32) tensor = to_f32(tensor.view());
  Shape shape = tensor.shape();
  weights_[name] = Weight{std::move(shape), nullptr, std::move(tensor)};
  return Status::ok();
}

const WeightStore::Weight& WeightStore::find(std::string_view name) const {
  const auto found = weights_.find(name);
  SAMC_CHECK(found != weights_.end(), "no weight is called {}", name);
  return found->second;
}

TensorView WeightStore::view(std::string_view name) const {
  const Weight& weight = find(name);
  return {DType::kF32, weight.shape, weight.borrowed ? weight.borrowed : weight.owned.data()};
}

const Shape& WeightStore::shape(std::string_view name) const { return find(name).shape; }

void WeightStore::remove(std::string_view name) {
  const auto found = weights_.find(name);
  SAMC_CHECK(found != weights_.end(), "no weight is called {}", name);
  weights_.erase(found);
  first_numbers_.clear();  // its number is free again
}

std::string WeightStore::unique_name(const std::string& wanted) const {
  if (!contains(wanted)) return wanted;
  // From where the last one was found: many weights may want one name.
  for (int64_t& number = first_numbers_.try_emplace(wanted, 1).first->second;; ++number) {
    std::string name = fmt::format("{}_{}", wanted, number);
    if (!contains(name)) return name;
  }
}

std::vector<std::string> WeightStore::names() const {
  std::vector<std::string> names;
  names.reserve(weights_.size());
  for (const auto& [name, weight] : weights_) names.push_back(name);
  return names;
}

int64_t WeightStore::bytes() const {
  int64_t total = 0;
  for (const auto& [name, weight] : weights_)
    total += element_count(weight.shape) * static_cast<int64_t>(sizeof(float));
  return total;
}

}  // namespace samc
