#include <algorithm>
#include <cmath>
#include <optional>

#include "onnx/evaluate.h"

namespace samc::onnx {
namespace {

Tensor integers(const std::vector<int64_t>& values) {
  Tensor tensor(DType::kI64, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.as<int64_t>().begin());
  return tensor;
}

Tensor filled(const Constant& value, const Shape& shape) {
  return gather_strided(value, shape, Shape(shape.size(), 0), 0);
}

}  // namespace

Status check_size(const Shape& shape) {
  if (shape.size() > kHighestRank) return invalid_input(fmt::format("a constant of {} axes", shape.size()));
  int64_t count = 1;
  for (const int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count) || count > kMostEvaluatedElements)
      return invalid_input(fmt::format("a constant of shape {}", shape_to_string(shape)),
                           "no model needs one so large");
  return Status::ok();
}

std::vector<int64_t> walk_offsets(const Shape& shape, const Shape& strides, int64_t offset) {
  std::vector<int64_t> offsets(static_cast<size_t>(element_count(shape)));
  Shape position(shape.size(), 0);
  for (int64_t& place : offsets) {
    place = offset;
    for (size_t axis = shape.size(); axis-- > 0;) {
      offset += strides[axis];
      if (++position[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return offsets;
}

Tensor gather_strided(const Constant& source, const Shape& shape, const Shape& strides, int64_t offset) {
  Tensor tensor(source.view.dtype, shape);
  const size_t size = static_cast<size_t>(dtype_size(source.view.dtype));
  const auto* from = static_cast<const std::byte*>(source.view.data);
  auto* to = static_cast<std::byte*>(tensor.data());
  if (!shape.empty() && strides.back() == 1) {
    const size_t row = static_cast<size_t>(shape.back()) * size;
    walk_rows(shape, strides, offset, [&](int64_t, int64_t at) {
      std::memcpy(to, from + at * static_cast<int64_t>(size), row);
      to += row;
    });
    return tensor;
  }
  walk(shape, strides, offset, [&](int64_t, int64_t at) {
    std::memcpy(to, from + at * static_cast<int64_t>(size), size);
    to += size;
  });
  return tensor;
}

Evaluation evaluate_shape(const NodeContext& context) {
  const Shape& shape = context.input(0).shape;
  const int64_t rank = static_cast<int64_t>(shape.size());
  const auto settle = [&](int64_t place) { return std::clamp<int64_t>(place < 0 ? place + rank : place, 0, rank); };
  const int64_t start = settle(context.integer("start", 0));
  const int64_t end = std::max(start, settle(context.integer("end", rank)));
  return one(integers({shape.begin() + start, shape.begin() + end}));
}

Evaluation evaluate_size(const NodeContext& context) {
  Tensor tensor = integers({element_count(context.input(0).shape)});
  tensor.reshape({});
  return one(std::move(tensor));
}

Evaluation evaluate_constant_of_shape(const NodeContext& context) {
  SAMC_ASSIGN(const Shape shape, context.constant_integers(0));
  SAMC_TRY(check_size(shape));
  const Attribute* value = context.node().find("value");
  if (value == nullptr) return one(Tensor::zeros(shape));
  if (value->kind != Attribute::Kind::kTensor || value->tensor.count() != 1)
    return invalid_input("its value is not a scalar");
  return one(filled(value->tensor, shape));
}

Evaluation evaluate_range(const NodeContext& context) {
  SAMC_TRY(need_same_type(context, 0, 3));
  const Constant& start = *context.input(0).constant;
  const Constant& limit = *context.input(1).constant;
  const Constant& delta = *context.input(2).constant;
  if (start.count() != 1 || limit.count() != 1 || delta.count() != 1)
    return invalid_input("its operands are not scalars");
  if (delta.real(0) == 0.0) return invalid_input("its step is 0");
  const double exact = (limit.real(0) - start.real(0)) / delta.real(0);
  if (!(exact <= static_cast<double>(kMostEvaluatedElements))) return invalid_input("it has too many elements");
  const int64_t count = exact > 0 ? static_cast<int64_t>(std::ceil(exact)) : 0;
  Tensor tensor(start.view.dtype, {count});
  for (int64_t i = 0; i < count; ++i) {
    if (is_real(start.view.dtype))
      store_real(tensor, i,
                 static_cast<double>(static_cast<float>(start.real(0) + static_cast<double>(i) * delta.real(0))));
    else
      store_integer(tensor, i,
                    static_cast<int64_t>(static_cast<uint64_t>(start.integer(0)) +
                                         static_cast<uint64_t>(i) * static_cast<uint64_t>(delta.integer(0))));
  }
  return one(std::move(tensor));
}

Evaluation evaluate_one_hot(const NodeContext& context) {
  const Constant& indices = *context.input(0).constant;
  const Constant& values = *context.input(2).constant;
  SAMC_ASSIGN(const double depth_value, context.constant_scalar(1));
  const int64_t depth = to_integer(depth_value);
  if (depth < 1 || depth > kMostEvaluatedElements || values.count() != 2)
    return invalid_input("its depth or values are wrong");
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", -1), context.input(0).rank() + 1));
  Shape shape = indices.view.shape;
  shape.insert(shape.begin() + axis, depth);
  SAMC_TRY(check_size(shape));
  const int64_t inner = element_count(std::span(shape).subspan(static_cast<size_t>(axis) + 1));
  Tensor tensor = gather_strided(values, shape, Shape(shape.size(), 0), 0);  // the first of the two everywhere
  const size_t size = static_cast<size_t>(dtype_size(values.view.dtype));
  for (int64_t i = 0; i < indices.count(); ++i) {
    const int64_t index = to_integer(indices.real(i));
    if (index < -depth || index >= depth) continue;  // all of them off, as ONNX defines it
    const int64_t at = (i / inner * depth + (index < 0 ? index + depth : index)) * inner + i % inner;
    std::memcpy(static_cast<std::byte*>(tensor.data()) + static_cast<size_t>(at) * size,
                static_cast<const std::byte*>(values.view.data) + size, size);
  }
  return one(std::move(tensor));
}

Evaluation evaluate_non_zero(const NodeContext& context) {
  const Constant& input = *context.input(0).constant;
  const Shape& shape = input.view.shape;
  const Shape strides = dense_strides(shape);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < input.count(); ++i)
    if (input.real(i) != 0.0) found.push_back(i);
  const int64_t count = static_cast<int64_t>(found.size());
  Tensor tensor(DType::kI64, {static_cast<int64_t>(shape.size()), count});
  for (size_t axis = 0; axis < shape.size(); ++axis)
    for (int64_t k = 0; k < count; ++k)
      store_integer(tensor, static_cast<int64_t>(axis) * count + k,
                    found[static_cast<size_t>(k)] / strides[axis] % shape[axis]);
  return one(std::move(tensor));
}

Evaluation evaluate_same_bytes(const NodeContext& context) {
  const Operator* op = find_operator(context.node().op);
  SAMC_ASSIGN(const std::vector<Type> types, op->infer(context));
  Tensor tensor = Tensor::copy_of(context.input(0).constant->view);
  tensor.reshape(types[0].shape);
  return one(std::move(tensor));
}

Evaluation evaluate_transpose(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> order, transpose_order(context));
  const Shape& shape = context.input(0).shape;
  const Shape strides = dense_strides(shape);
  Shape result;
  Shape walked;
  for (const int64_t axis : order) {
    result.push_back(shape[static_cast<size_t>(axis)]);
    walked.push_back(strides[static_cast<size_t>(axis)]);
  }
  return one(gather_strided(*context.input(0).constant, result, walked, 0));
}

Evaluation evaluate_expand(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> wanted, context.constant_integers(1));
  SAMC_ASSIGN(const Shape shape, broadcast(context.input(0).shape, wanted));
  SAMC_TRY(check_size(shape));
  return one(gather_strided(*context.input(0).constant, shape, broadcast_strides(context.input(0).shape, shape), 0));
}

Evaluation evaluate_slice(const NodeContext& context) {
  SAMC_ASSIGN(const SliceParameters slice, slice_parameters(context));
  Shape strides = dense_strides(context.input(0).shape);
  int64_t offset = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    offset += slice.starts[i] * strides[i];
    strides[i] *= slice.steps[i];
  }
  return one(gather_strided(*context.input(0).constant, slice.extents, strides, offset));
}

Evaluation evaluate_split(const NodeContext& context) {
  SAMC_ASSIGN(const std::vector<int64_t> sizes, split_sizes(context));
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  const Shape strides = dense_strides(context.input(0).shape);
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const int64_t size : sizes) {
    Shape shape = context.input(0).shape;
    shape[static_cast<size_t>(axis)] = size;
    parts.push_back(
        gather_strided(*context.input(0).constant, shape, strides, start * strides[static_cast<size_t>(axis)]));
    start += size;
  }
  return parts;
}

Evaluation evaluate_concat(const NodeContext& context) {
  const Operator* op = find_operator("Concat");
  SAMC_ASSIGN(const std::vector<Type> types, op->infer(context));
  SAMC_TRY(check_size(types[0].shape));
  SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 0), context.input(0).rank()));
  Tensor tensor(types[0].dtype, types[0].shape);
  const int64_t outer = element_count(std::span(types[0].shape).first(static_cast<size_t>(axis)));
  const int64_t row = outer == 0 ? 0 : tensor.bytes() / outer;
  int64_t begin = 0;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const TensorView& part = context.input(i).constant->view;
    const int64_t part_row = outer == 0 ? 0 : part.bytes() / outer;
    for (int64_t k = 0; k < outer && part_row > 0; ++k)
      std::memcpy(static_cast<std::byte*>(tensor.data()) + k * row + begin,
                  static_cast<const std::byte*>(part.data) + k * part_row, static_cast<size_t>(part_row));
    begin += part_row;
  }
  return one(std::move(tensor));
}

Evaluation evaluate_tile(const NodeContext& context) {
  const Operator* op = find_operator("Tile");
  SAMC_ASSIGN(const std::vector<Type> types, op->infer(context));
  const Shape& shape = context.input(0).shape;
  SAMC_TRY(check_size(types[0].shape));
  // As a shape of (repeats, extent) for each axis, with stride 0 along the repeats.
  const Shape strides = dense_strides(shape);
  Shape pairs;
  Shape walked;
  for (size_t i = 0; i < shape.size(); ++i) {
    pairs.push_back(shape[i] == 0 ? 0 : types[0].shape[i] / shape[i]);
    pairs.push_back(shape[i]);
    walked.push_back(0);
    walked.push_back(strides[i]);
  }
  Tensor tensor = gather_strided(*context.input(0).constant, pairs, walked, 0);
  tensor.reshape(types[0].shape);
  return one(std::move(tensor));
}

namespace {

// The place in an axis of `extent` that the place `at` of the padded axis shows; nothing: the value of the padding.
std::optional<int64_t> padded_place(const std::string& mode, int64_t at, int64_t extent) {
  if (mode == "edge") return std::clamp<int64_t>(at, 0, extent - 1);
  if (mode == "reflect" && extent > 1) {
    const int64_t period = 2 * (extent - 1);
    const int64_t place = ((at % period) + period) % period;
    return std::min(place, period - place);
  }
  if (at < 0 || at >= extent) return std::nullopt;
  return at;
}

}  // namespace

Evaluation evaluate_pad(const NodeContext& context) {
  SAMC_ASSIGN(const PadParameters pad, pad_parameters(context));
  const Constant& data = *context.input(0).constant;
  const Shape& shape = data.view.shape;
  Shape result = shape;
  for (size_t i = 0; i < shape.size(); ++i) result[i] += pad.before[i] + pad.after[i];
  SAMC_TRY(check_size(result));
  if (pad.mode != "constant" && pad.mode != "reflect" && pad.mode != "edge")
    return unsupported(fmt::format("it pads in the mode {}", pad.mode));
  const Shape strides = dense_strides(shape);
  const Shape result_strides = dense_strides(result);
  Tensor tensor(data.view.dtype, result);
  if (tensor.count() == 0) return one(std::move(tensor));
  // For each axis and place of the result: what it adds to the offset in the data, or nothing.
  std::vector<std::vector<std::optional<int64_t>>> offsets(shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis)
    for (int64_t i = 0; i < result[axis]; ++i) {
      std::optional<int64_t> place = padded_place(pad.mode, i - pad.before[axis], shape[axis]);
      if (place) *place *= strides[axis];
      offsets[axis].push_back(place);
    }
  const size_t size = static_cast<size_t>(dtype_size(data.view.dtype));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    int64_t from = 0;
    bool inside = true;
    for (size_t axis = 0; axis < shape.size() && inside; ++axis) {
      const std::optional<int64_t>& offset =
          offsets[axis][static_cast<size_t>(i / result_strides[axis] % result[axis])];
      inside = offset.has_value();
      from += offset.value_or(0);
    }
    if (inside)
      std::memcpy(static_cast<std::byte*>(tensor.data()) + static_cast<size_t>(i) * size,
                  static_cast<const std::byte*>(data.view.data) + static_cast<size_t>(from) * size, size);
    else if (is_real(data.view.dtype))
      store_real(tensor, i, pad.value);
    else
      store_integer(tensor, i, to_integer(pad.value));
  }
  return one(std::move(tensor));
}

Evaluation evaluate_trilu(const NodeContext& context) {
  const Constant& data = *context.input(0).constant;
  if (context.input(0).rank() < 2) return invalid_input("its operand has fewer than two axes");
  int64_t diagonal = 0;
  if (context.has(1)) {
    SAMC_ASSIGN(const double value, context.constant_scalar(1));
    diagonal = to_integer(value);
  }
  const bool upper = context.integer("upper", 1) != 0;
  const int64_t rows = data.view.shape[data.view.shape.size() - 2];
  const int64_t columns = data.view.shape.back();
  Tensor tensor = Tensor::copy_of(data.view);
  const size_t size = static_cast<size_t>(dtype_size(data.view.dtype));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const int64_t row = i / columns % rows;
    const int64_t column = i % columns;
    const bool kept = upper ? column - row >= diagonal : column - row <= diagonal;
    if (!kept) std::memset(static_cast<std::byte*>(tensor.data()) + static_cast<size_t>(i) * size, 0, size);
  }
  return one(std::move(tensor));
}

}  // namespace samc::onnx
