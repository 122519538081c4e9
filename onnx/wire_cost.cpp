#include "onnx/wire_cost.h"

namespace samc::onnx {
namespace {

// The messages of onnx.proto that hold others.
enum class Message : uint8_t {
  kNone,
  kModel,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kSparseTensor,
  kValueInfo,
  kType,
  kTensorType,
  kShape,
  kSmall,  // holds texts and numbers only
};

Message inside(Message message, uint64_t field) {
  switch (message) {
    case Message::kModel:
      return field == 7 ? Message::kGraph : field == 8 || field == 25 ? Message::kSmall : Message::kNone;
    case Message::kGraph:
      switch (field) {
        case 1:
          return Message::kNode;
        case 5:
          return Message::kTensor;
        case 11:
        case 12:
          return Message::kValueInfo;
        case 15:
          return Message::kSparseTensor;
        default:
          return Message::kNone;
      }
    case Message::kNode:
      return field == 5 ? Message::kAttribute : Message::kNone;
    case Message::kAttribute:
      if (field == 5 || field == 10) return Message::kTensor;
      return field == 6 || field == 11 ? Message::kGraph : Message::kNone;
    case Message::kTensor:
      return field == 13 ? Message::kSmall : Message::kNone;
    case Message::kSparseTensor:
      return field == 1 ? Message::kTensor : Message::kNone;
    case Message::kValueInfo:
      return field == 2 ? Message::kType : Message::kNone;
    case Message::kType:
      return field == 1 ? Message::kTensorType : Message::kNone;
    case Message::kTensorType:
      return field == 2 ? Message::kShape : Message::kNone;
    case Message::kShape:
      return field == 1 ? Message::kSmall : Message::kNone;
    case Message::kNone:
    case Message::kSmall:
      break;
  }
  return Message::kNone;
}

constexpr int64_t kObject = 512;  // a message of protobuf's and what it becomes
constexpr int64_t kText = 128;    // beside its characters, which are held twice
constexpr int64_t kNumber = 32;
constexpr int kDeepest = 100;  // protobuf's own limit

class Walker {
 public:
  explicit Walker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  int64_t run() {
    walk(Message::kModel, bytes_.size(), 0);
    return cost_;
  }

 private:
  // The fields up to `end`. False where they are none.
  bool walk(Message message, size_t end, int depth) {
    while (at_ < end) {
      uint64_t tag = 0, length = 0;
      if (!number(end, tag)) return false;
      cost_ += kNumber;
      switch (tag & 7u) {
        case 0:
          if (!number(end, length)) return false;
          continue;
        case 1:
        case 5:
          length = (tag & 7u) == 1 ? 8 : 4;
          break;
        case 2:
          if (!number(end, length)) return false;
          break;
        default:
          return false;
      }
      if (length > end - at_) return false;
      const size_t next = at_ + static_cast<size_t>(length);
      if ((tag & 7u) == 2) {
        const Message child = inside(message, tag >> 3u);
        if (child == Message::kNone) {
          cost_ += cost_of_leaf(message, tag >> 3u, static_cast<int64_t>(length));
        } else {
          cost_ += kObject;
          if (depth == kDeepest || !walk(child, next, depth + 1)) return false;
        }
      }
      at_ = next;
    }
    return true;
  }

  static int64_t cost_of_leaf(Message message, uint64_t field, int64_t length) {
    if (message != Message::kTensor) return kText + 16 * length;  // of an attribute's numbers, a byte each
    switch (field) {
      case 9:  // raw_data, moved
        return kText + length;
      case 4:
      case 10:  // floats
        return kText + 2 * length;
      default:
        return kText + 16 * length;  // integers, a byte each
    }
  }

  bool number(size_t end, uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 70 && at_ < end; shift += 7) {
      const auto byte = std::to_integer<uint64_t>(bytes_[at_++]);
      if (shift < 64) value |= (byte & 0x7fu) << shift;
      if ((byte & 0x80u) == 0) return true;
    }
    return false;
  }

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  int64_t cost_ = 0;
};

}  // namespace

int64_t wire_cost(std::span<const std::byte> model) { return Walker(model).run(); }

}  // namespace samc::onnx
