#include "checkpoint/pickle_globals.h"

#include <array>

namespace samc {
namespace {

using Meaning = GlobalMeaning;

constexpr AllowedGlobal storage_class(std::string_view name, DType dtype) {
  return {"torch", name, Meaning::kStorage, true, dtype};
}
constexpr AllowedGlobal dtype_object(std::string_view name, DType dtype) {
  return {"torch", name, Meaning::kDType, true, dtype};
}

constexpr auto kAllowedGlobals = std::to_array<AllowedGlobal>({
    {"collections", "OrderedDict", Meaning::kDict},
    {"collections", "Counter", Meaning::kDict},
    {"torch._utils", "_rebuild_tensor", Meaning::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", Meaning::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", Meaning::kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", Meaning::kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", Meaning::kRebuildParameter},
    {"torch._tensor", "_rebuild_from_type_v2", Meaning::kRebuildFromType},
    {"torch", "Tensor", Meaning::kClass},
    {"torch.nn.parameter", "Parameter", Meaning::kClass},
    {"torch.nn.parameter", "Buffer", Meaning::kClass},
    {"torch", "Size", Meaning::kTuple},
    {"torch", "device", Meaning::kOpaque},
    {"_codecs", "encode", Meaning::kEncode},
    {"builtins", "set", Meaning::kSet},
    {"__builtin__", "set", Meaning::kSet},
    {"builtins", "bytearray", Meaning::kOpaque},
    {"__builtin__", "bytearray", Meaning::kOpaque},
    {"builtins", "complex", Meaning::kOpaque},
    {"__builtin__", "complex", Meaning::kOpaque},
    storage_class("FloatStorage", DType::kF32),
    storage_class("HalfStorage", DType::kF16),
    storage_class("BFloat16Storage", DType::kBF16),
    storage_class("DoubleStorage", DType::kF64),
    storage_class("LongStorage", DType::kI64),
    storage_class("IntStorage", DType::kI32),
    storage_class("ShortStorage", DType::kI16),
    storage_class("CharStorage", DType::kI8),
    storage_class("ByteStorage", DType::kU8),
    storage_class("BoolStorage", DType::kBool),
    {"torch", "ComplexFloatStorage", Meaning::kStorage},
    {"torch", "ComplexDoubleStorage", Meaning::kStorage},
    {"torch", "QInt8Storage", Meaning::kStorage},
    {"torch", "QUInt8Storage", Meaning::kStorage},
    {"torch", "QInt32Storage", Meaning::kStorage},
    {"torch.storage", "UntypedStorage", Meaning::kStorage},
    {"torch.storage", "_UntypedStorage", Meaning::kStorage},
    {"torch", "UntypedStorage", Meaning::kStorage},
    dtype_object("float32", DType::kF32),
    dtype_object("float16", DType::kF16),
    dtype_object("bfloat16", DType::kBF16),
    dtype_object("float64", DType::kF64),
    dtype_object("int64", DType::kI64),
    dtype_object("int32", DType::kI32),
    dtype_object("int16", DType::kI16),
    dtype_object("int8", DType::kI8),
    dtype_object("uint8", DType::kU8),
    dtype_object("bool", DType::kBool),
    {"torch", "uint16", Meaning::kDType},
    {"torch", "uint32", Meaning::kDType},
    {"torch", "uint64", Meaning::kDType},
    {"torch", "complex64", Meaning::kDType},
    {"torch", "complex128", Meaning::kDType},
    {"torch", "float8_e4m3fn", Meaning::kDType},
    {"torch", "float8_e5m2", Meaning::kDType},
});

}  // namespace

std::span<const AllowedGlobal> allowed_globals() { return kAllowedGlobals; }

}  // namespace samc
