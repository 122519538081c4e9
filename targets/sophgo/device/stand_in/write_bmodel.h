#pragma once
// A bmodel that says what a network takes and gives, and holds nothing else: for the stand-in.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "base/files.h"
#include "targets/sophgo/device/bmodel.h"

namespace samc::sophgo {

// A flatbuffer, as far as bmodels need it: tables of numbers, texts, lists of tables and of 64-bit numbers.
class FlatTable {
 public:
  using Field = std::variant<std::monostate, uint32_t, std::string, std::vector<FlatTable>, std::vector<uint64_t>>;

  FlatTable& set(size_t field, Field value) {
    if (fields_.size() <= field) fields_.resize(field + 1);
    fields_[field] = std::move(value);
    return *this;
  }

  // The whole buffer with this table as its root.
  std::string buffer() const {
    std::string bytes(4, '\0');
    point(bytes, 0, write(bytes));
    return bytes;
  }

 private:
  template <class T>
  static void append(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static void align(std::string& bytes) { bytes.resize((bytes.size() + 7) / 8 * 8); }
  static void point(std::string& bytes, size_t place, size_t target) {
    const auto offset = static_cast<uint32_t>(target - place);
    std::memcpy(bytes.data() + place, &offset, sizeof(offset));
  }

  // Appends it, and behind it what it points to. Gives where it begins.
  size_t write(std::string& bytes) const {
    align(bytes);
    const size_t offsets = bytes.size();
    append(bytes, static_cast<uint16_t>(4 + 2 * fields_.size()));
    append(bytes, static_cast<uint16_t>(4 + 4 * fields_.size()));
    for (size_t i = 0; i < fields_.size(); ++i)
      append(bytes, static_cast<uint16_t>(fields_[i].index() == 0 ? 0 : 4 + 4 * i));
    align(bytes);
    const size_t begin = bytes.size();
    append(bytes, static_cast<int32_t>(begin - offsets));
    for (const Field& field : fields_) append(bytes, std::holds_alternative<uint32_t>(field) ? std::get<1>(field) : 0u);
    for (size_t i = 0; i < fields_.size(); ++i) {
      const size_t place = begin + 4 + 4 * i;
      align(bytes);
      if (const auto* text = std::get_if<std::string>(&fields_[i])) {
        point(bytes, place, bytes.size());
        append(bytes, static_cast<uint32_t>(text->size()));
        bytes += *text;
      } else if (const auto* tables = std::get_if<std::vector<FlatTable>>(&fields_[i])) {
        const size_t list = bytes.size();
        point(bytes, place, list);
        append(bytes, static_cast<uint32_t>(tables->size()));
        bytes.resize(bytes.size() + 4 * tables->size());
        for (size_t k = 0; k < tables->size(); ++k) {
          const size_t table = (*tables)[k].write(bytes);
          point(bytes, list + 4 + 4 * k, table);
        }
      } else if (const auto* numbers = std::get_if<std::vector<uint64_t>>(&fields_[i])) {
        point(bytes, place, bytes.size());
        append(bytes, static_cast<uint32_t>(numbers->size()));
        for (const uint64_t number : *numbers) append(bytes, number);
      }
    }
    return begin;
  }

  std::vector<Field> fields_;
};

// One network of one stage.
inline Status write_bmodel(const std::string& path, const std::string& chip, const std::string& name,
                           const std::vector<BmodelTensor>& inputs, const std::vector<BmodelTensor>& outputs) {
  const auto list = [](const std::vector<BmodelTensor>& tensors) {
    std::vector<FlatTable> tables;
    for (const BmodelTensor& tensor : tensors) {
      const std::vector<uint64_t> extents(tensor.shape.begin(), tensor.shape.end());
      tables.push_back(
          FlatTable().set(0, tensor.name).set(1, tensor.type).set(5, std::vector{FlatTable().set(0, extents)}));
    }
    return tables;
  };
  const FlatTable stage = FlatTable().set(0, list(inputs)).set(1, list(outputs));
  const FlatTable network = FlatTable().set(0, name).set(3, std::vector{stage});
  const std::string flat = FlatTable().set(0, "B").set(1, "2.2").set(3, chip).set(4, std::vector{network}).buffer();
  std::string file(64, '\0');
  const uint32_t head[] = {0xFF55AAEE, 64, static_cast<uint32_t>(flat.size())};
  std::memcpy(file.data(), head, sizeof(head));
  return write_file(path, file + flat);
}

}  // namespace samc::sophgo
