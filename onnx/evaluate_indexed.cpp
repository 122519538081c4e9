// Operators that look up places and write to places.

#include <algorithm>
#include <type_traits>

#include "onnx/evaluate.h"

namespace samc::onnx {

Result<int64_t> normal_index(int64_t index, int64_t extent) {
  if (index < -extent || index >= extent) return invalid_input(fmt::format("index {} of an axis of {}", index, extent));
  return index < 0 ? index + extent : index;
}

Evaluation evaluate_gather(const NodeContext& context) {
  SAMC_TRY(need_integers(context, 1));
  const Constant& data = *context.input(0).constant;
  const Constant& indices = *context.input(1).constant;
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const size_t at = static_cast<size_t>(axis);
  Shape shape(data.view.shape.begin(), data.view.shape.begin() + axis);
  shape.insert(shape.end(), indices.view.shape.begin(), indices.view.shape.end());
  shape.insert(shape.end(), data.view.shape.begin() + axis + 1, data.view.shape.end());
  SAMC_TRY(check_size(shape));
  Tensor tensor(data.view.dtype, shape);
  const int64_t extent = data.view.shape[at];
  const int64_t outer = element_count(std::span(data.view.shape).first(at));
  const int64_t block = element_count(std::span(data.view.shape).subspan(at + 1)) * dtype_size(data.view.dtype);
  auto* to = static_cast<std::byte*>(tensor.data());
  for (int64_t k = 0; k < outer; ++k) {
    for (int64_t i = 0; i < indices.count(); ++i) {
      SAMC_ASSIGN(const int64_t index, normal_index(indices.integer(i), extent));
      std::memcpy(to, static_cast<const std::byte*>(data.view.data) + (k * extent + index) * block,
                  static_cast<size_t>(block));
      to += block;
    }
  }
  return one(std::move(tensor));
}

Result<std::vector<int64_t>> element_places(const NodeContext& context) {
  SAMC_TRY(need_integers(context, 1));
  const Shape& shape = context.input(0).shape;
  const Constant& indices = *context.input(1).constant;
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const size_t at = static_cast<size_t>(axis);
  const Shape strides = dense_strides(shape);
  Shape others = strides;
  others[at] = 0;
  std::vector<int64_t> places(static_cast<size_t>(indices.count()));
  Status status;
  walk(indices.view.shape, others, 0, [&](int64_t i, int64_t offset) {
    const Result<int64_t> index = normal_index(indices.integer(i), shape[at]);
    if (index.is_ok())
      places[static_cast<size_t>(i)] = offset + index.value() * strides[at];
    else
      status = index.status();
  });
  SAMC_TRY(status);
  return places;
}

Result<BlockPlaces> block_places(const NodeContext& context, int64_t batch_axes) {
  SAMC_TRY(need_integers(context, 1));
  const Shape& shape = context.input(0).shape;
  const Constant& indices = *context.input(1).constant;
  const size_t batch = static_cast<size_t>(batch_axes);
  const size_t depth = static_cast<size_t>(indices.view.shape.back());
  const Shape strides = dense_strides(shape);
  BlockPlaces places{element_count(std::span(shape).subspan(batch + depth)), {}};
  if (places.block == 0) return places;  // nothing moves, however many tuples there are
  const int64_t tuples = element_count(std::span(indices.view.shape).first(indices.view.shape.size() - 1));
  // So many tuples stand behind each other for one position of the batch axes, which are the first ones of both.
  const int64_t tuples_of_batch =
      std::max<int64_t>(1, tuples / std::max<int64_t>(1, element_count(std::span(shape).first(batch))));
  const int64_t elements_of_batch = element_count(std::span(shape).subspan(batch));
  for (int64_t i = 0; i < tuples; ++i) {
    int64_t at = i / tuples_of_batch * elements_of_batch;
    for (size_t k = 0; k < depth; ++k) {
      SAMC_ASSIGN(
          const int64_t index,
          normal_index(indices.integer(i * static_cast<int64_t>(depth) + static_cast<int64_t>(k)), shape[batch + k]));
      at += index * strides[batch + k];
    }
    places.starts.push_back(at);
  }
  return places;
}

namespace {

// The blocks of the data that begin at these places, one after the other.
Tensor take(const Constant& data, const std::vector<int64_t>& starts, int64_t block, const Shape& shape) {
  Tensor tensor(data.view.dtype, shape);
  const int64_t size = dtype_size(data.view.dtype);
  auto* to = static_cast<std::byte*>(tensor.data());
  for (const int64_t start : starts) {
    std::memcpy(to, static_cast<const std::byte*>(data.view.data) + start * size, static_cast<size_t>(block * size));
    to += block * size;
  }
  return tensor;
}

// Unsigned for integers, which wrap around.
template <class Number>
Number reduced(const std::string& reduction, Number old, Number update) {
  if (reduction == "max") return std::max(old, update);
  if (reduction == "min") return std::min(old, update);
  using Wrapping = std::conditional_t<std::is_integral_v<Number>, uint64_t, Number>;
  const Wrapping a = static_cast<Wrapping>(old), b = static_cast<Wrapping>(update);
  return static_cast<Number>(reduction == "add" ? a + b : a * b);
}

// The data with the updates written, or reduced, into the blocks that begin at these places, in order.
Evaluation put(const NodeContext& context, const std::vector<int64_t>& starts, int64_t block) {
  if (context.input(2).dtype != context.input(0).dtype) return invalid_input("its updates are of another type");
  const Constant& data = *context.input(0).constant;
  const Constant& updates = *context.input(2).constant;
  const std::string reduction = context.text("reduction", "none");
  Tensor tensor = Tensor::copy_of(data.view);
  const Constant result{tensor.view(), nullptr};
  const int64_t size = dtype_size(data.view.dtype);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t from = static_cast<int64_t>(i) * block;
    if (reduction == "none") {
      std::memcpy(static_cast<std::byte*>(tensor.data()) + starts[i] * size,
                  static_cast<const std::byte*>(updates.view.data) + from * size, static_cast<size_t>(block * size));
      continue;
    }
    for (int64_t k = 0; k < block; ++k) {
      const int64_t at = starts[i] + k;
      if (is_real(data.view.dtype))
        store_real(tensor, at, reduced(reduction, result.real(at), updates.real(from + k)));
      else
        store_integer(tensor, at, reduced(reduction, result.integer(at), updates.integer(from + k)));
    }
  }
  return one(std::move(tensor));
}

}  // namespace

Evaluation evaluate_gather_elements(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> places, element_places(context));
  return one(take(*context.input(0).constant, places, 1, context.input(1).shape));
}

Evaluation evaluate_gather_nd(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<Type> types, find_operator("GatherND")->infer(context));
  SAMC_TRY(check_size(types[0].shape));
  SAMC_ASSIGN(const BlockPlaces places, block_places(context, context.integer("batch_dims", 0)));
  return one(take(*context.input(0).constant, places.starts, places.block, types[0].shape));
}

Evaluation evaluate_scatter_elements(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> places, element_places(context));
  return put(context, places, 1);
}

Evaluation evaluate_scatter_nd(const NodeContext& context) {
  SAMC_ASSIGN(const BlockPlaces places, block_places(context));
  return put(context, places.starts, places.block);
}

}  // namespace samc::onnx
