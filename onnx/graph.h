#pragma once
// An ONNX model in memory, free of protobuf. What holds after OnnxModel::load: every name that a node reads is defined
// before it (nodes are sorted), each name is defined once, every initialiser has its bytes.

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc::onnx {

struct Graph;

// Dense, little-endian, aligned. f16, bf16 and f64 have become f32; u16, u32 and u64 have become i32 and i64.
struct Constant {
  TensorView view;
  std::shared_ptr<const void> owner;  // of the bytes: a Tensor, or a mapped file

  static Constant of(Tensor tensor);
  int64_t count() const { return view.count(); }
  // Element i of an integer or bool tensor, of any tensor.
  int64_t integer(int64_t i) const;
  double real(int64_t i) const;
};

struct Attribute {
  enum class Kind : uint8_t { kFloat, kInt, kString, kTensor, kGraph, kFloats, kInts, kStrings };
  Kind kind = Kind::kInt;
  float real = 0;
  int64_t integer = 0;
  std::string text = {};
  std::vector<float> reals = {};
  std::vector<int64_t> integers = {};
  std::vector<std::string> texts = {};
  Constant tensor = {};
  std::shared_ptr<Graph> graph = {};
};

struct Node {
  std::string name = {};
  std::string op = {};
  std::string domain = {};               // empty for ONNX's own
  std::vector<std::string> inputs = {};  // an empty name is an absent operand
  std::vector<std::string> outputs = {};
  std::map<std::string, Attribute> attributes = {};

  // "Slice node '/trunk/Slice_3'", or with its first output's name when it has none.
  std::string place() const;
  const Attribute* find(const std::string& attribute) const;
};

struct Dimension {
  int64_t extent = -1;    // -1: known at run time only
  std::string name = {};  // of such an extent, when it has one
};

struct ValueType {
  std::string name = {};
  DType dtype = DType::kF32;
  bool has_shape = false;
  std::vector<Dimension> shape = {};
};

struct Graph {
  std::string name = {};
  std::vector<ValueType> inputs = {};  // without those that are initialisers
  std::vector<ValueType> outputs = {};
  std::vector<Node> nodes = {};
  std::map<std::string, Constant> initialisers = {};
};

struct Model {
  std::string path = {};
  int64_t ir_version = 0;
  int64_t opset = 0;
  std::map<std::string, int64_t> other_opsets = {};  // domains that are not ONNX's own
  std::string producer = {};
  Graph graph = {};
  std::vector<std::string> external_files = {};  // mapped, for the initialisers

  // External data is mapped; its files must lie in the model's folder.
  static Result<Model> load(const std::string& path);
  // As load, for bytes in memory; `folder` is where external data lies.
  static Result<Model> parse(std::span<const std::byte> bytes, const std::string& folder, const std::string& path);
  int64_t parameter_count() const;  // elements of the floating-point initialisers
};

constexpr size_t kHighestRank = 64;
constexpr int64_t kOldestOpset = 11;
constexpr int64_t kNewestOpset = 20;

// Each name once, no name undefined, no cycle, in subgraphs too; sorts the nodes.
Status check_and_sort(Graph& graph);

}  // namespace samc::onnx
