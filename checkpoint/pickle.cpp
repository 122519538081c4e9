#include "checkpoint/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "checkpoint/pickle_globals.h"

namespace samc {
namespace {

// Bounds on what a hostile pickle can make us allocate; a training checkpoint of the largest model stays below a tenth.
constexpr size_t kLargestPickle = size_t{64} << 20;
constexpr size_t kMostValues = size_t{2} << 20;
constexpr size_t kMostStacked = size_t{2} << 20;
constexpr uint64_t kMostMemoized = uint64_t{2} << 20;
constexpr size_t kHighestRank = 64;  // PyTorch's own
constexpr uint64_t kMostReferences = uint64_t{16} << 20;

enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kEmptyDict = '}',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kEmptyList = ']',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kProto = 0x80,
  kNewObj = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kNewObjEx = 0x92,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
  kByteArray8 = 0x96,
};

constexpr uint32_t kNothing = 0xffffffffu;

}  // namespace

class PickleInterpreter {
 public:
  explicit PickleInterpreter(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<Pickle> run() {
    if (bytes_.size() > kLargestPickle)
      return invalid_input(
          fmt::format("the pickle has {} bytes, more than the {} allowed", bytes_.size(), kLargestPickle));
    bool stopped = false;
    while (!stopped) {
      start_ = position_;
      SAMC_ASSIGN(const uint64_t opcode, number(1));
      if (opcode == kStop) {
        stopped = true;
      } else {
        SAMC_TRY(step(static_cast<uint8_t>(opcode)));
      }
      if (pickle_.values_.size() > kMostValues || stack_.size() > kMostStacked || references_ > kMostReferences)
        return wrong("it makes more values than any checkpoint needs");
    }
    SAMC_ASSIGN(pickle_.root_, pop());
    return std::move(pickle_);
  }

 private:
  Status wrong(const std::string& what) const {
    return invalid_input(fmt::format("data.pkl, byte {}: {}", start_, what),
                         "this is not a pickle that torch.save wrote");
  }

  Result<uint64_t> number(size_t size) {
    if (size > bytes_.size() - position_) return wrong("it breaks off");
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes_[position_ + i]);
    position_ += size;
    return value;
  }

  Result<std::string_view> text(uint64_t size) {
    if (size > bytes_.size() - position_) return wrong("it breaks off inside a text");
    const std::string_view found(reinterpret_cast<const char*>(bytes_.data()) + position_, static_cast<size_t>(size));
    position_ += static_cast<size_t>(size);
    return found;
  }

  Result<std::string_view> counted_text(size_t size_bytes) {
    SAMC_ASSIGN(const uint64_t size, number(size_bytes));
    return text(size);
  }

  Result<std::string_view> line() {
    const char* from = reinterpret_cast<const char*>(bytes_.data()) + position_;
    const void* newline = bytes_.size() == position_ ? nullptr : std::memchr(from, '\n', bytes_.size() - position_);
    if (newline == nullptr) return wrong("it breaks off inside a name");
    const std::string_view found(from, static_cast<size_t>(static_cast<const char*>(newline) - from));
    position_ += found.size() + 1;
    return found;
  }

  PickleValue& at(uint32_t index) { return pickle_.values_[index]; }

  uint32_t make(PickleValue value) {
    pickle_.values_.push_back(std::move(value));
    return static_cast<uint32_t>(pickle_.values_.size() - 1);
  }

  Status push(uint32_t index) {
    stack_.push_back(index);
    return Status::ok();
  }
  Status push_new(PickleValue value) { return push(make(std::move(value))); }
  Status push_kind(PickleKind kind) { return push_new({.kind = kind}); }
  Status push_text(std::string_view value) { return push_new({.kind = PickleKind::kString, .text = value}); }
  Status push_int(int64_t value) { return push_new({.kind = PickleKind::kInt, .integer = value}); }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Result<uint32_t> pop() {
    if (stack_.size() <= floor()) return wrong("it takes a value from an empty stack");
    const uint32_t index = stack_.back();
    stack_.pop_back();
    return index;
  }

  Result<std::vector<uint32_t>> pop_to_mark() {
    if (marks_.empty()) return wrong("it looks for a mark that was not set");
    std::vector<uint32_t> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    references_ += items.size();
    return items;
  }

  Status push_tuple(size_t count) {
    if (stack_.size() - floor() < count) return wrong("it takes a value from an empty stack");
    PickleValue tuple{.kind = PickleKind::kTuple};
    tuple.items.assign(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    references_ += count;
    return push_new(std::move(tuple));
  }

  Status push_items(PickleKind kind) {
    SAMC_ASSIGN(std::vector<uint32_t> items, pop_to_mark());
    if (kind == PickleKind::kDict && items.size() % 2 != 0) return wrong("a dict has a key without a value");
    return push_new({.kind = kind, .items = std::move(items)});
  }

  // Puts items into the container that lies below them.
  Status extend(PickleKind kind, const std::vector<uint32_t>& items) {
    if (stack_.size() <= floor()) return wrong("it fills a container that is not there");
    PickleValue& container = at(stack_.back());
    if (container.kind == PickleKind::kOpaque) return Status::ok();
    if (container.kind != kind) return wrong("it puts items into something that is not a container for them");
    if (kind == PickleKind::kDict && items.size() % 2 != 0) return wrong("a dict has a key without a value");
    container.items.insert(container.items.end(), items.begin(), items.end());
    return Status::ok();
  }

  Status memoize(uint64_t slot) {
    if (slot >= kMostMemoized) return wrong(fmt::format("memo slot {} is beyond what is allowed", slot));
    if (stack_.size() <= floor()) return wrong("it memoizes a value that is not there");
    if (memo_.size() <= slot) memo_.resize(static_cast<size_t>(slot) + 1, kNothing);
    memo_[static_cast<size_t>(slot)] = stack_.back();
    return Status::ok();
  }

  Status recall(uint64_t slot) {
    if (slot >= memo_.size() || memo_[static_cast<size_t>(slot)] == kNothing)
      return wrong(fmt::format("it recalls memo slot {}, where nothing is", slot));
    return push(memo_[static_cast<size_t>(slot)]);
  }

  Status push_global(std::string_view module, std::string_view name) {
    for (size_t i = 0; i < allowed_globals().size(); ++i) {
      const AllowedGlobal& allowed = allowed_globals()[i];
      if (allowed.module == module && allowed.name == name)
        return push_new({.kind = PickleKind::kGlobal,
                         .known_dtype = allowed.known_dtype,
                         .dtype = allowed.dtype,
                         .integer = static_cast<int64_t>(i),
                         .text = allowed.name});
    }
    return invalid_input(
        fmt::format("data.pkl, byte {}: the pickle asks for the global {}.{}, which tensors do not need", start_,
                    printable(module), printable(name)),
        "samc runs no code from a checkpoint: if you trust the file, load it in PyTorch and save its tensors alone, "
        "torch.save({\"model\": state_dict}, path)");
  }

  static std::string printable(std::string_view text) {
    constexpr size_t kLongest = 100;
    std::string result(text.substr(0, kLongest));
    for (char& letter : result)
      if (static_cast<unsigned char>(letter) < 0x20 || static_cast<unsigned char>(letter) > 0x7e) letter = '?';
    return result;
  }

  Status push_long(uint64_t size) {
    SAMC_ASSIGN(const std::string_view digits, text(size));
    if (digits.size() > 8) return push_kind(PickleKind::kOpaque);
    uint64_t value = 0;
    for (size_t i = digits.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(digits[i]);
    const size_t missing_bits = 64 - 8 * digits.size();
    if (digits.empty()) return push_int(0);
    return push_int(static_cast<int64_t>(value << missing_bits) >> missing_bits);
  }

  const AllowedGlobal* as_global(uint32_t index) {
    const PickleValue& value = at(index);
    return value.kind == PickleKind::kGlobal ? &allowed_globals()[static_cast<size_t>(value.integer)] : nullptr;
  }

  // ("storage", class, key, device, element count)
  Status push_storage() {
    SAMC_ASSIGN(const uint32_t index, pop());
    const PickleValue& id = at(index);
    if (id.kind != PickleKind::kTuple || id.items.size() < 5 || at(id.items[0]).kind != PickleKind::kString ||
        at(id.items[0]).text != "storage" || at(id.items[2]).kind != PickleKind::kString ||
        at(id.items[4]).kind != PickleKind::kInt || as_global(id.items[1]) == nullptr)
      return wrong("a persistent id is not that of a storage");
    const AllowedGlobal& type = *as_global(id.items[1]);
    if (type.meaning != GlobalMeaning::kStorage)
      return wrong(fmt::format("{}.{} is not a storage class", type.module, type.name));
    if (at(id.items[4]).integer < 0) return wrong("a storage has a negative size");
    PickleValue storage{.kind = PickleKind::kStorage,
                        .known_dtype = type.known_dtype,
                        .dtype = type.dtype,
                        .untyped = type.name.ends_with("UntypedStorage"),
                        .integer = at(id.items[4]).integer,
                        .text = type.name,
                        .items = {id.items[2]}};
    return push_new(std::move(storage));
  }

  Result<uint32_t> rebuild_tensor(const AllowedGlobal& function, std::span<const uint32_t> arguments) {
    if (arguments.size() < 4 || at(arguments[0]).kind != PickleKind::kStorage ||
        at(arguments[1]).kind != PickleKind::kInt || at(arguments[2]).kind != PickleKind::kTuple ||
        at(arguments[3]).kind != PickleKind::kTuple)
      return wrong(fmt::format("the arguments of {} are not a storage, an offset, a shape and strides", function.name));
    if (at(arguments[2]).items.size() > kHighestRank || at(arguments[3]).items.size() > kHighestRank)
      return wrong(fmt::format("a tensor has more than {} dimensions", kHighestRank));
    for (const size_t i : {2, 3})
      for (const uint32_t extent : at(arguments[i]).items)
        if (at(extent).kind != PickleKind::kInt) return wrong("a tensor's shape or strides are not integers");
    PickleValue type = at(arguments[0]);
    if (function.meaning == GlobalMeaning::kRebuildTensorV3) {
      const AllowedGlobal* dtype = arguments.size() < 7 ? nullptr : as_global(arguments[6]);
      if (dtype == nullptr || dtype->meaning != GlobalMeaning::kDType) return wrong("a tensor's dtype is not one");
      type.known_dtype = dtype->known_dtype;
      type.dtype = dtype->dtype;
      type.text = dtype->name;
    }
    return make({.kind = PickleKind::kTensor,
                 .known_dtype = type.known_dtype,
                 .dtype = type.dtype,
                 .text = type.text,
                 .items = {arguments[0], arguments[1], arguments[2], arguments[3]}});
  }

  Result<uint32_t> call(const AllowedGlobal& function, std::span<const uint32_t> arguments) {
    switch (function.meaning) {
      case GlobalMeaning::kRebuildTensor:
      case GlobalMeaning::kRebuildTensorV3:
        return rebuild_tensor(function, arguments);
      case GlobalMeaning::kRebuildParameter:
        if (arguments.empty() || at(arguments[0]).kind != PickleKind::kTensor)
          return wrong("a parameter holds no tensor");
        return arguments[0];
      case GlobalMeaning::kRebuildFromType: {
        const AllowedGlobal* inner = arguments.size() < 3 ? nullptr : as_global(arguments[0]);
        if (inner == nullptr || at(arguments[2]).kind != PickleKind::kTuple ||
            (inner->meaning != GlobalMeaning::kRebuildTensor && inner->meaning != GlobalMeaning::kRebuildTensorV3))
          return wrong("_rebuild_from_type_v2 rebuilds no tensor");
        return rebuild_tensor(*inner, at(arguments[2]).items);
      }
      case GlobalMeaning::kDict: {
        PickleValue dict{.kind = PickleKind::kDict};
        if (arguments.empty()) return make(std::move(dict));
        const PickleValue& source = at(arguments[0]);
        if (source.kind == PickleKind::kDict) {
          dict.items = source.items;
        } else {
          if (source.kind != PickleKind::kList) return wrong("an OrderedDict is made of something that is not a list");
          for (const uint32_t pair : source.items) {
            const std::vector<uint32_t>& items = at(pair).items;
            const PickleKind kind = at(pair).kind;
            if (items.size() != 2 || (kind != PickleKind::kTuple && kind != PickleKind::kList))
              return wrong("an OrderedDict is made of items that are not pairs");
            dict.items.insert(dict.items.end(), items.begin(), items.end());
          }
        }
        references_ += dict.items.size();
        return make(std::move(dict));
      }
      case GlobalMeaning::kTuple:
      case GlobalMeaning::kSet: {
        const PickleKind kind = function.meaning == GlobalMeaning::kSet ? PickleKind::kSet : PickleKind::kTuple;
        PickleValue sequence{.kind = kind};
        if (!arguments.empty()) {
          const PickleKind source = at(arguments[0]).kind;
          if (source != PickleKind::kTuple && source != PickleKind::kList && source != PickleKind::kSet)
            return wrong(fmt::format("{} is made of something that is not a sequence", function.name));
          sequence.items = at(arguments[0]).items;
        }
        references_ += sequence.items.size();
        return make(std::move(sequence));
      }
      case GlobalMeaning::kEncode:
        if (arguments.empty() || at(arguments[0]).kind != PickleKind::kString)
          return wrong("it encodes what is not a text");
        return arguments[0];
      case GlobalMeaning::kOpaque:
        return make({.kind = PickleKind::kOpaque});
      case GlobalMeaning::kStorage:
      case GlobalMeaning::kDType:
      case GlobalMeaning::kClass:
        break;
    }
    return wrong(fmt::format("it calls {}.{}, which is not a function", function.module, function.name));
  }

  Status reduce(bool with_keywords) {
    if (with_keywords) {
      SAMC_ASSIGN(const uint32_t keywords, pop());
      if (at(keywords).kind != PickleKind::kDict || !at(keywords).items.empty()) return wrong("it calls with keywords");
    }
    SAMC_ASSIGN(const uint32_t arguments, pop());
    SAMC_ASSIGN(const uint32_t function, pop());
    if (at(arguments).kind != PickleKind::kTuple || as_global(function) == nullptr)
      return wrong("it calls something that is not a global, or with something that is not a tuple");
    // A span stays valid while values are made: moving a PickleValue leaves its items where they are.
    SAMC_ASSIGN(const uint32_t result, call(*as_global(function), at(arguments).items));
    return push(result);
  }

  // The state holds Python attributes, such as a state_dict's _metadata: nothing that a tensor needs.
  Status build() {
    SAMC_ASSIGN([[maybe_unused]] const uint32_t state, pop());
    if (stack_.size() <= floor()) return wrong("it sets attributes of a value that is not there");
    const PickleKind kind = at(stack_.back()).kind;
    if (kind != PickleKind::kDict && kind != PickleKind::kTensor && kind != PickleKind::kOpaque)
      return wrong("it sets attributes of a plain value");
    return Status::ok();
  }

  Status step(uint8_t opcode) {
    switch (opcode) {
      case kProto: {
        SAMC_ASSIGN(const uint64_t protocol, number(1));
        if (protocol < 2 || protocol > 5)
          return wrong(fmt::format("pickle protocol {} is not one of 2 to 5", protocol));
        return Status::ok();
      }
      case kFrame:
        return number(8).status();
      case kMark:
        if (marks_.size() >= kMostStacked) return wrong("it sets more marks than any checkpoint needs");
        marks_.push_back(stack_.size());
        return Status::ok();
      case kPop:
        if (!marks_.empty() && stack_.size() == marks_.back()) {
          marks_.pop_back();
          return Status::ok();
        }
        return pop().status();
      case kPopMark:
        return pop_to_mark().status();
      case kDup: {
        SAMC_ASSIGN(const uint32_t top, pop());
        SAMC_TRY(push(top));
        return push(top);
      }
      case kNone:
        return push_kind(PickleKind::kNone);
      case kNewTrue:
      case kNewFalse:
        return push_new({.kind = PickleKind::kBool, .integer = opcode == kNewTrue});
      case kBinInt: {
        SAMC_ASSIGN(const uint64_t value, number(4));
        return push_int(static_cast<int32_t>(value));
      }
      case kBinInt1:
      case kBinInt2: {
        SAMC_ASSIGN(const uint64_t value, number(opcode == kBinInt1 ? 1 : 2));
        return push_int(static_cast<int64_t>(value));
      }
      case kLong1:
      case kLong4: {
        SAMC_ASSIGN(const uint64_t size, number(opcode == kLong1 ? 1 : 4));
        return push_long(size);
      }
      case kBinFloat: {
        SAMC_ASSIGN(const uint64_t bits, number(8));
        uint64_t reversed = 0;
        for (int i = 0; i < 8; ++i) reversed = reversed << 8 | ((bits >> (8 * i)) & 0xffu);
        return push_new({.kind = PickleKind::kFloat, .real = std::bit_cast<double>(reversed)});
      }
      case kShortBinUnicode:
      case kShortBinString:
      case kShortBinBytes: {
        SAMC_ASSIGN(const std::string_view value, counted_text(1));
        return push_text(value);
      }
      case kBinUnicode:
      case kBinString:
      case kBinBytes: {
        SAMC_ASSIGN(const std::string_view value, counted_text(4));
        return push_text(value);
      }
      case kBinUnicode8:
      case kBinBytes8:
      case kByteArray8: {
        SAMC_ASSIGN(const std::string_view value, counted_text(8));
        return push_text(value);
      }
      case kEmptyTuple:
        return push_kind(PickleKind::kTuple);
      case kTuple1:
      case kTuple2:
      case kTuple3:
        return push_tuple(opcode - kTuple1 + size_t{1});
      case kTuple:
        return push_items(PickleKind::kTuple);
      case kEmptyList:
        return push_kind(PickleKind::kList);
      case kList:
        return push_items(PickleKind::kList);
      case kEmptyDict:
        return push_kind(PickleKind::kDict);
      case kDict:
        return push_items(PickleKind::kDict);
      case kEmptySet:
        return push_kind(PickleKind::kSet);
      case kFrozenSet:
        return push_items(PickleKind::kSet);
      case kAppend: {
        SAMC_ASSIGN(const uint32_t item, pop());
        ++references_;
        return extend(PickleKind::kList, {item});
      }
      case kAppends: {
        SAMC_ASSIGN(const std::vector<uint32_t> items, pop_to_mark());
        return extend(PickleKind::kList, items);
      }
      case kAddItems: {
        SAMC_ASSIGN(const std::vector<uint32_t> items, pop_to_mark());
        return extend(PickleKind::kSet, items);
      }
      case kSetItem: {
        SAMC_ASSIGN(const uint32_t value, pop());
        SAMC_ASSIGN(const uint32_t key, pop());
        references_ += 2;
        return extend(PickleKind::kDict, {key, value});
      }
      case kSetItems: {
        SAMC_ASSIGN(const std::vector<uint32_t> items, pop_to_mark());
        return extend(PickleKind::kDict, items);
      }
      case kBinPut:
      case kLongBinPut: {
        SAMC_ASSIGN(const uint64_t slot, number(opcode == kBinPut ? 1 : 4));
        return memoize(slot);
      }
      case kMemoize:
        return memoize(memo_.size());
      case kBinGet:
      case kLongBinGet: {
        SAMC_ASSIGN(const uint64_t slot, number(opcode == kBinGet ? 1 : 4));
        return recall(slot);
      }
      case kGlobal: {
        SAMC_ASSIGN(const std::string_view module, line());
        SAMC_ASSIGN(const std::string_view name, line());
        return push_global(module, name);
      }
      case kStackGlobal: {
        SAMC_ASSIGN(const uint32_t name, pop());
        SAMC_ASSIGN(const uint32_t module, pop());
        if (at(name).kind != PickleKind::kString || at(module).kind != PickleKind::kString)
          return wrong("a global's name is not a text");
        const std::string_view module_text = at(module).text;
        return push_global(module_text, at(name).text);
      }
      case kBinPersId:
        return push_storage();
      case kReduce:
      case kNewObj:
        return reduce(false);
      case kNewObjEx:
        return reduce(true);
      case kBuild:
        return build();
      default:
        return wrong(fmt::format("opcode 0x{:02x} is not one that torch.save writes", opcode));
    }
  }

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  size_t start_ = 0;  // of the opcode being run
  Pickle pickle_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;  // stack heights
  std::vector<uint32_t> memo_;
  uint64_t references_ = 0;  // items in containers, all together
};

int64_t Pickle::cost(std::span<const std::byte> bytes) {
  // A value, its places in the stack, the memo and a container, and room for the vectors to grow.
  constexpr int64_t kValue = 2 * static_cast<int64_t>(sizeof(PickleValue)) + 64;
  return kValue * static_cast<int64_t>(std::min(bytes.size(), kMostValues));
}

Result<Pickle> Pickle::parse(std::span<const std::byte> bytes) { return PickleInterpreter(bytes).run(); }

const PickleValue* Pickle::find(const PickleValue& dict, std::string_view key) const {
  if (dict.kind != PickleKind::kDict) return nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& candidate = value(dict.items[i]);
    if (candidate.kind == PickleKind::kString && candidate.text == key) return &value(dict.items[i + 1]);
  }
  return nullptr;
}

}  // namespace samc
