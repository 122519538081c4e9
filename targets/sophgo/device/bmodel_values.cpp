#include "targets/sophgo/device/bmodel_values.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/dtype.h"
#include "targets/sophgo/device/bmrt_api.h"

namespace samc::sophgo {
namespace {

template <class T>
T rounded(float value) {
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = static_cast<double>(std::numeric_limits<T>::max());
  return static_cast<T>(std::clamp(std::nearbyint(static_cast<double>(value)), low, high));
}

// A stored word and what it means.
template <class T>
struct Whole {
  using Word = T;
  static Word from(float value) { return rounded<T>(value); }
  static float to(Word word) { return static_cast<float>(word); }
};
struct Half {
  using Word = uint16_t;
  static Word from(float value) { return f32_to_f16(value); }
  static float to(Word word) { return f16_to_f32(word); }
};
struct Brain {
  using Word = uint16_t;
  static Word from(float value) { return f32_to_bf16(value); }
  static float to(Word word) { return bf16_to_f32(word); }
};

// Calls act with the meaning of the type; f32 is the callers' own affair.
template <class Act>
void with_type(int type, const Act& act) {
  switch (type) {
    case kBmF16:
      return act(Half{});
    case kBmBF16:
      return act(Brain{});
    case kBmI8:
      return act(Whole<int8_t>{});
    case kBmU8:
      return act(Whole<uint8_t>{});
    case kBmI16:
      return act(Whole<int16_t>{});
    case kBmU16:
      return act(Whole<uint16_t>{});
    case kBmI32:
      return act(Whole<int32_t>{});
    default:
      return act(Whole<uint32_t>{});
  }
}

}  // namespace

void write_bmodel_values(std::span<const float> values, int type, std::span<std::byte> bytes) {
  SAMC_CHECK(bytes.size() == values.size() * bm_type_bytes(type), "{} values in {} bytes", values.size(), bytes.size());
  if (type == kBmF32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return;
  }
  with_type(type, [&]<class Type>(Type) {
    for (size_t i = 0; i < values.size(); ++i) {
      const typename Type::Word word = Type::from(values[i]);
      std::memcpy(bytes.data() + i * sizeof(word), &word, sizeof(word));
    }
  });
}

void read_bmodel_values(std::span<const std::byte> bytes, int type, std::span<float> values) {
  SAMC_CHECK(bytes.size() == values.size() * bm_type_bytes(type), "{} values in {} bytes", values.size(), bytes.size());
  if (type == kBmF32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return;
  }
  with_type(type, [&]<class Type>(Type) {
    for (size_t i = 0; i < values.size(); ++i) {
      typename Type::Word word;
      std::memcpy(&word, bytes.data() + i * sizeof(word), sizeof(word));
      values[i] = Type::to(word);
    }
  });
}

}  // namespace samc::sophgo
