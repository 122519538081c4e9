#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/files.h"
#include "base/guard.h"
#include "base/memory_budget.h"
#include "base/quote.h"
#include "onnx/graph.h"
#include "onnx/onnx.pb.h"
#include "onnx/wire_cost.h"

namespace samc::onnx {
namespace {

// ONNX's numbers for element types.
enum ElementType : int32_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
};

constexpr int64_t kLargestTensor = int64_t{1} << 36;
constexpr int64_t kMostNodes = int64_t{1} << 18;  // of all graphs; SAM 2's largest encoder has some 6,000
constexpr int kDeepestSubgraph = 16;
constexpr const char* kDamagedHint = "the file is damaged or cut short: export or download it again";
constexpr const char* kExternalKeyLocation = "location";

const char* element_type_name(int32_t type) {
  switch (type) {
    case kString:
      return "string";
    case kComplex64:
      return "complex64";
    case kComplex128:
      return "complex128";
    case 17:
      return "float8e4m3fn";
    case 18:
      return "float8e4m3fnuz";
    case 19:
      return "float8e5m2";
    case 20:
      return "float8e5m2fnuz";
    case 21:
      return "uint4";
    case 22:
      return "int4";
    case 23:
      return "float4e2m1";
    default:
      return "an unknown type";
  }
}

// What is stored, what it becomes, and the size of a stored element; false for types that are not read.
struct Storage {
  DType dtype = DType::kF32;
  int64_t stored_size = 0;
};
std::optional<Storage> storage_of(int32_t type) {
  switch (type) {
    case kFloat:
      return Storage{DType::kF32, 4};
    case kFloat16:
      return Storage{DType::kF32, 2};
    case kBfloat16:
      return Storage{DType::kF32, 2};
    case kDouble:
      return Storage{DType::kF32, 8};
    case kUint8:
      return Storage{DType::kU8, 1};
    case kInt8:
      return Storage{DType::kI8, 1};
    case kBool:
      return Storage{DType::kBool, 1};
    case kInt16:
      return Storage{DType::kI16, 2};
    case kUint16:
      return Storage{DType::kI32, 2};
    case kInt32:
      return Storage{DType::kI32, 4};
    case kUint32:
      return Storage{DType::kI64, 4};
    case kInt64:
      return Storage{DType::kI64, 8};
    case kUint64:
      return Storage{DType::kI64, 8};
    default:
      return std::nullopt;
  }
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// From stored bytes to the dtype that they become.
Tensor convert(int32_t type, const Shape& shape, const std::byte* bytes) {
  const Storage storage = *storage_of(type);
  Tensor tensor(storage.dtype, shape);
  const int64_t count = tensor.count();
  const auto each = [&](auto* destination, auto&& read) {
    for (int64_t i = 0; i < count; ++i) destination[i] = read(bytes + i * storage.stored_size);
  };
  switch (type) {
    case kFloat16:
      each(static_cast<float*>(tensor.data()), [](const std::byte* at) { return f16_to_f32(load<uint16_t>(at)); });
      break;
    case kBfloat16:
      each(static_cast<float*>(tensor.data()), [](const std::byte* at) { return bf16_to_f32(load<uint16_t>(at)); });
      break;
    case kDouble:
      each(static_cast<float*>(tensor.data()),
           [](const std::byte* at) { return static_cast<float>(load<double>(at)); });
      break;
    case kUint16:
      each(static_cast<int32_t*>(tensor.data()), [](const std::byte* at) { return int32_t{load<uint16_t>(at)}; });
      break;
    case kUint32:
      each(static_cast<int64_t*>(tensor.data()), [](const std::byte* at) { return int64_t{load<uint32_t>(at)}; });
      break;
    case kBool:
      each(static_cast<uint8_t*>(tensor.data()), [](const std::byte* at) { return uint8_t{load<uint8_t>(at) != 0}; });
      break;
    default:
      if (tensor.bytes() > 0) std::memcpy(tensor.data(), bytes, static_cast<size_t>(tensor.bytes()));
  }
  return tensor;
}

class Loader {
 public:
  Loader(std::string folder, std::string path) : folder_(std::move(folder)), path_(std::move(path)) {}

  Result<Model> run(ModelProto& proto) {
    if (!proto.has_graph())
      return invalid_input("this is not an ONNX model: it holds no graph",
                           "give a .onnx file that torch.onnx.export wrote");
    Model model{.path = path_, .ir_version = proto.ir_version()};
    model.producer = proto.producer_name() + (proto.producer_version().empty() ? "" : " " + proto.producer_version());
    for (const OperatorSetIdProto& opset : proto.opset_import()) {
      if (opset.domain().empty() || opset.domain() == "ai.onnx")
        model.opset = opset.version();
      else
        model.other_opsets[opset.domain()] = opset.version();
    }
    if (model.opset < kOldestOpset || model.opset > kNewestOpset)
      return unsupported(
          fmt::format("the model has opset {}, samc reads {} to {}", model.opset, kOldestOpset, kNewestOpset),
          "export it again with opset_version=17");
    if (proto.functions_size() > 0)
      return unsupported(fmt::format("the model defines functions of its own, such as {}", proto.functions(0).name()),
                         "inline them with onnx.inliner.inline_local_functions");
    SAMC_TRY(read_graph(*proto.mutable_graph(), model.graph, 0));
    SAMC_TRY(check_and_sort(model.graph));
    for (const auto& [location, file] : files_) model.external_files.push_back(file->path());
    return model;
  }

 private:
  Status read_graph(GraphProto& proto, Graph& graph, int depth) {
    if (depth > kDeepestSubgraph) return invalid_input("graphs are nested too deeply", kDamagedHint);
    if (proto.sparse_initializer_size() > 0)
      return unsupported("the model holds sparse initialisers", "make them dense before exporting");
    graph.name = proto.name();
    for (TensorProto& tensor : *proto.mutable_initializer()) {
      SAMC_ASSIGN(Constant constant, read_tensor(tensor));
      if (!graph.initialisers.emplace(tensor.name(), std::move(constant)).second)
        return invalid_input(fmt::format("the initialiser {} is there twice", tensor.name()), kDamagedHint);
    }
    for (const ValueInfoProto& value : proto.input()) {
      if (graph.initialisers.count(value.name()) != 0) continue;
      SAMC_ASSIGN(ValueType type, read_type(value));
      graph.inputs.push_back(std::move(type));
    }
    for (const ValueInfoProto& value : proto.output()) {
      SAMC_ASSIGN(ValueType type, read_type(value));
      graph.outputs.push_back(std::move(type));
    }
    nodes_ += proto.node_size();
    if (nodes_ > kMostNodes)
      return invalid_input(fmt::format("{} nodes, more than the {} that any model needs", nodes_, kMostNodes));
    for (NodeProto& node : *proto.mutable_node()) {
      SAMC_ASSIGN(Node read, read_node(node, depth));
      graph.nodes.push_back(std::move(read));
    }
    return Status::ok();
  }

  Result<ValueType> read_type(const ValueInfoProto& proto) {
    ValueType type{.name = proto.name()};
    if (!proto.type().has_tensor_type()) return type;  // a subgraph's values need not say
    const TypeProto::Tensor& tensor = proto.type().tensor_type();
    if (tensor.elem_type() != 0) {
      const std::optional<Storage> storage = storage_of(tensor.elem_type());
      if (!storage)
        return unsupported(
            fmt::format("{} holds {}, which samc does not read", proto.name(), element_type_name(tensor.elem_type())),
            "export the model in float32");
      type.dtype = storage->dtype;
    }
    type.has_shape = tensor.has_shape();
    for (const TensorShapeProto::Dimension& dimension : tensor.shape().dim()) {
      if (dimension.has_dim_value() && dimension.dim_value() >= 0)
        type.shape.push_back({.extent = dimension.dim_value()});
      else
        type.shape.push_back({.extent = -1, .name = dimension.dim_param()});
    }
    return type;
  }

  Result<Node> read_node(NodeProto& proto, int depth) {
    Node node{.name = proto.name(), .op = proto.op_type(), .domain = proto.domain()};
    if (node.domain == "ai.onnx") node.domain.clear();
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    for (AttributeProto& attribute : *proto.mutable_attribute()) {
      Result<Attribute> read = read_attribute(attribute, depth);
      if (!read.is_ok()) return read.status().at(node.place());
      node.attributes[attribute.name()] = std::move(read).value();
    }
    return node;
  }

  Result<Attribute> read_attribute(AttributeProto& proto, int depth) {
    using Kind = Attribute::Kind;
    Attribute attribute;
    // The type may be missing in old files; what is set says it then.
    if (proto.has_t()) {
      attribute.kind = Kind::kTensor;
      SAMC_ASSIGN(attribute.tensor, read_tensor(*proto.mutable_t()));
    } else if (proto.has_g()) {
      attribute.kind = Kind::kGraph;
      attribute.graph = std::make_shared<Graph>();
      SAMC_TRY(read_graph(*proto.mutable_g(), *attribute.graph, depth + 1));
    } else if (proto.ints_size() > 0 || proto.type() == 7) {
      attribute.kind = Kind::kInts;
      attribute.integers.assign(proto.ints().begin(), proto.ints().end());
    } else if (proto.floats_size() > 0 || proto.type() == 6) {
      attribute.kind = Kind::kFloats;
      attribute.reals.assign(proto.floats().begin(), proto.floats().end());
    } else if (proto.strings_size() > 0 || proto.type() == 8) {
      attribute.kind = Kind::kStrings;
      attribute.texts.assign(proto.strings().begin(), proto.strings().end());
    } else if (proto.has_s()) {
      attribute.kind = Kind::kString;
      attribute.text = proto.s();
    } else if (proto.has_f()) {
      attribute.kind = Kind::kFloat;
      attribute.real = proto.f();
    } else if (proto.tensors_size() > 0 || proto.graphs_size() > 0 || !proto.ref_attr_name().empty()) {
      return unsupported(fmt::format("the attribute {} is of a kind that samc does not read", proto.name()));
    } else {
      attribute.integer = proto.i();
      attribute.real = proto.f();
      attribute.kind = proto.type() == 1 ? Kind::kFloat : proto.type() == 3 ? Kind::kString : Kind::kInt;
    }
    return attribute;
  }

  Result<Constant> read_tensor(TensorProto& proto) {
    const std::string name = proto.name().empty() ? "a constant" : fmt::format("the tensor {}", quote(proto.name()));
    const std::optional<Storage> storage = storage_of(proto.data_type());
    if (!storage)
      return unsupported(
          fmt::format("{} holds {}, which samc does not read", name, element_type_name(proto.data_type())),
          "export the model in float32");
    const Shape shape(proto.dims().begin(), proto.dims().end());
    if (shape.size() > kHighestRank)
      return invalid_input(fmt::format("{} has {} axes", name, shape.size()), kDamagedHint);
    int64_t count = 1;
    for (const int64_t extent : shape)
      if (extent < 0 || __builtin_mul_overflow(count, extent, &count) || count > kLargestTensor)
        return invalid_input(fmt::format("{} has the shape {}", name, shape_to_string(shape)), kDamagedHint);
    const int64_t bytes = count * storage->stored_size;

    if (proto.data_location() == 1) return read_external(proto, name, shape, bytes);
    if (proto.has_raw_data()) {
      if (static_cast<int64_t>(proto.raw_data().size()) != bytes)
        return invalid_input(fmt::format("{} has {} bytes where its shape {} needs {}", name, proto.raw_data().size(),
                                         shape_to_string(shape), bytes),
                             kDamagedHint);
      auto owner = std::make_shared<std::string>(std::move(*proto.mutable_raw_data()));
      const auto* data = reinterpret_cast<const std::byte*>(owner->data());
      return make_constant(proto.data_type(), shape, data, owner);
    }
    return read_typed(proto, name, shape, count);
  }

  // The bytes as they are where type and alignment allow, else converted.
  Result<Constant> make_constant(int32_t type, const Shape& shape, const std::byte* data,
                                 std::shared_ptr<const void> owner) {
    const Storage storage = *storage_of(type);
    if (type == kUint64)
      for (int64_t i = 0; i < element_count(shape); ++i)
        if (load<int64_t>(data + i * 8) < 0) return unsupported("an unsigned 64-bit constant is beyond 2^63");
    const bool as_it_is = storage.stored_size == dtype_size(storage.dtype) && type != kBool;
    const bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(storage.stored_size) == 0;
    if (as_it_is && aligned) return Constant{TensorView{storage.dtype, shape, data}, std::move(owner)};
    return Constant::of(convert(type, shape, data));
  }

  Result<Constant> read_typed(const TensorProto& proto, const std::string& name, const Shape& shape, int64_t count) {
    const Storage storage = *storage_of(proto.data_type());
    const auto wrong = [&](int64_t have) {
      return invalid_input(
          fmt::format("{} has {} values where its shape {} needs {}", name, have, shape_to_string(shape), count),
          kDamagedHint);
    };
    const int64_t given = values_given(proto);
    if (given != count) return wrong(given);  // before memory is taken for what the shape says
    Tensor tensor(storage.dtype, shape);
    switch (proto.data_type()) {
      case kFloat:
        for (int i = 0; i < proto.float_data_size(); ++i) tensor.f32()[static_cast<size_t>(i)] = proto.float_data(i);
        break;
      case kDouble:
        for (int i = 0; i < proto.double_data_size(); ++i)
          tensor.f32()[static_cast<size_t>(i)] = static_cast<float>(proto.double_data(i));
        break;
      case kInt64:
        for (int i = 0; i < proto.int64_data_size(); ++i)
          tensor.as<int64_t>()[static_cast<size_t>(i)] = proto.int64_data(i);
        break;
      case kUint32:
      case kUint64:
        for (int i = 0; i < proto.uint64_data_size(); ++i)
          tensor.as<int64_t>()[static_cast<size_t>(i)] = static_cast<int64_t>(proto.uint64_data(i));
        break;
      default:
        for (int i = 0; i < proto.int32_data_size(); ++i)
          store_int32(proto.data_type(), proto.int32_data(i), i, tensor);
    }
    return Constant::of(std::move(tensor));
  }

  static int64_t values_given(const TensorProto& proto) {
    switch (proto.data_type()) {
      case kFloat:
        return proto.float_data_size();
      case kDouble:
        return proto.double_data_size();
      case kInt64:
        return proto.int64_data_size();
      case kUint32:
      case kUint64:
        return proto.uint64_data_size();
      default:
        return proto.int32_data_size();
    }
  }

  static void store_int32(int32_t type, int32_t value, int i, Tensor& tensor) {
    const size_t at = static_cast<size_t>(i);
    if (type == kFloat16) {
      tensor.f32()[at] = f16_to_f32(static_cast<uint16_t>(value));
    } else if (type == kBfloat16) {
      tensor.f32()[at] = bf16_to_f32(static_cast<uint16_t>(value));
    } else if (type == kBool) {
      tensor.as<uint8_t>()[at] = value != 0;
    } else if (dtype_size(tensor.dtype()) == 1) {
      tensor.as<uint8_t>()[at] = static_cast<uint8_t>(value);
    } else if (dtype_size(tensor.dtype()) == 2) {
      tensor.as<uint16_t>()[at] = static_cast<uint16_t>(value);
    } else {
      tensor.as<int32_t>()[at] = value;
    }
  }

  Result<Constant> read_external(const TensorProto& proto, const std::string& name, const Shape& shape, int64_t bytes) {
    std::string location;
    int64_t offset = 0;
    int64_t length = bytes;
    for (const StringStringEntryProto& entry : proto.external_data()) {
      if (entry.key() == kExternalKeyLocation) location = entry.value();
      if (entry.key() != "offset" && entry.key() != "length") continue;
      int64_t number = 0;
      const std::string& digits = entry.value();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error != std::errc{} || end != digits.data() + digits.size() || number < 0)
        return invalid_input(fmt::format("the external data of {} has the {} '{}'", name, entry.key(), quote(digits)),
                             kDamagedHint);
      (entry.key() == "offset" ? offset : length) = number;
    }
    if (location.empty() || std::filesystem::path(location).is_absolute() || leaves_folder(location))
      return invalid_input(
          fmt::format("the external data of {} lies in '{}', outside the model's folder", name, quote(location)),
          "move the file beside the model and export it again");
    if (length != bytes)
      return invalid_input(fmt::format("the external data of {} has {} bytes where its shape {} needs {}", name, length,
                                       shape_to_string(shape), bytes),
                           kDamagedHint);
    SAMC_ASSIGN(const std::shared_ptr<const MappedFile> file, map(location));
    const int64_t size = static_cast<int64_t>(file->bytes().size());
    if (offset > size || bytes > size - offset)
      return invalid_input(
          fmt::format("{} needs {} bytes at {} of {}, which has {}", name, bytes, offset, file->path(), size),
          "the file of external data is cut short: copy or export it again");
    Result<Constant> constant = make_constant(proto.data_type(), shape, file->bytes().data() + offset, file);
    return constant;
  }

  static bool leaves_folder(const std::string& location) {
    for (const auto& part : std::filesystem::path(location))
      if (part == "..") return true;
    return location.find('\0') != std::string::npos;
  }

  Result<std::shared_ptr<const MappedFile>> map(const std::string& location) {
    const auto found = files_.find(location);
    if (found != files_.end()) return found->second;
    const std::filesystem::path path = std::filesystem::path(folder_) / location;
    // A link inside the folder may point out of it as well.
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
    const std::filesystem::path root = std::filesystem::weakly_canonical(folder_.empty() ? "." : folder_, error);
    if (!error && std::mismatch(root.begin(), root.end(), real.begin(), real.end()).first != root.end())
      return invalid_input(fmt::format("the external data '{}' is a link out of the model's folder", location),
                           "copy the file itself beside the model");
    Result<MappedFile> file = MappedFile::open(path.string());
    if (!file.is_ok())
      return Status(file.status().code(), file.status().message(),
                    "the model's weights lie in that file: put it beside the .onnx file");
    auto shared = std::make_shared<const MappedFile>(std::move(file).value());
    files_.emplace(location, shared);
    return shared;
  }

  std::string folder_;
  std::string path_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
  int64_t nodes_ = 0;
};

}  // namespace

Constant Constant::of(Tensor tensor) {
  auto owner = std::make_shared<const Tensor>(std::move(tensor));
  const TensorView view = owner->view();
  return {view, std::move(owner)};
}

int64_t Constant::integer(int64_t i) const {
  switch (view.dtype) {
    case DType::kI64:
      return static_cast<const int64_t*>(view.data)[i];
    case DType::kI32:
      return static_cast<const int32_t*>(view.data)[i];
    case DType::kI16:
      return static_cast<const int16_t*>(view.data)[i];
    case DType::kI8:
      return static_cast<const int8_t*>(view.data)[i];
    case DType::kU8:
    case DType::kBool:
      return static_cast<const uint8_t*>(view.data)[i];
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64:
      break;
  }
  SAMC_CHECK(false, "a constant of {} read as integers", dtype_name(view.dtype));
}

double Constant::real(int64_t i) const {
  if (view.dtype == DType::kF32) return static_cast<double>(static_cast<const float*>(view.data)[i]);
  return static_cast<double>(integer(i));
}

std::string Node::place() const {
  const auto first = std::find_if(outputs.begin(), outputs.end(), [](const auto& output) { return !output.empty(); });
  return fmt::format("{} node '{}'", op, !name.empty() || first == outputs.end() ? name : *first);
}

const Attribute* Node::find(const std::string& attribute) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : &found->second;
}

int64_t Model::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, constant] : graph.initialisers)
    if (constant.view.dtype == DType::kF32) count += constant.count();
  return count;
}

Result<Model> Model::parse(std::span<const std::byte> bytes, const std::string& folder, const std::string& path) {
  return guarded([&]() -> Result<Model> {
    ModelProto proto;
    if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
      return unsupported("the file has more than 2 GB", "export the weights as external data");
    SAMC_TRY(check_memory(wire_cost(bytes), "the ONNX model"));
    if (bytes.empty() || !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return invalid_input("this is not an ONNX model, or it is cut short", kDamagedHint);
    return Loader(folder, path).run(proto);
  });
}

Result<Model> Model::load(const std::string& path) {
  return guarded([&]() -> Result<Model> {
    SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
    Result<Model> model = parse(file.bytes(), std::filesystem::path(path).parent_path().string(), path);
    if (!model.is_ok()) return model.status().at(path);
    return model;
  });
}

}  // namespace samc::onnx
