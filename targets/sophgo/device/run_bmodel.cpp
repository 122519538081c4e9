// samc-run-bmodel sim|chip LIBRARIES MODEL.bmodel INPUTS.npz OUTPUTS.npz
// Runs a bmodel once through libbmrt, loaded from the folder LIBRARIES: on the chip, or in a simulator. Which chip's
// simulator answers is decided by the libcmodel.so that stands first in LD_LIBRARY_PATH. Failures are one line on
// stderr and exit code 1.

#include <dlfcn.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>

#include "media/npz.h"

namespace samc {
namespace {

// As libsophon publishes them in bmruntime_interface.h; only the leading fields of the network's information are used.
struct BmShape {
  int num_dims;
  int dims[8];
};
struct BmStage {
  BmShape* input_shapes;
  BmShape* output_shapes;
  void* input_memories;
  void* output_memories;
};
struct BmNetInfo {
  const char* name;
  bool is_dynamic;
  int input_num;
  const char** input_names;
  const int* input_dtypes;
  const float* input_scales;
  int output_num;
  const char** output_names;
  const int* output_dtypes;
  const float* output_scales;
  int stage_num;
  BmStage* stages;
};
enum BmType { kF32 = 0, kF16 = 1, kI8 = 2, kU8 = 3, kI16 = 4, kU16 = 5, kI32 = 6, kU32 = 7, kBF16 = 8 };

size_t size_of(int type) {
  switch (type) {
    case kF32:
    case kI32:
    case kU32:
      return 4;
    case kF16:
    case kBF16:
    case kI16:
    case kU16:
      return 2;
    case kI8:
    case kU8:
      return 1;
    default:
      return 0;
  }
}

template <class T>
T rounded(float value) {
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = static_cast<double>(std::numeric_limits<T>::max());
  return static_cast<T>(std::clamp(std::nearbyint(static_cast<double>(value)), low, high));
}

template <class T, class Convert>
void convert_to(const std::span<const float> from, std::vector<std::byte>& to, Convert convert) {
  for (size_t i = 0; i < from.size(); ++i) {
    const T value = convert(from[i]);
    std::memcpy(to.data() + i * sizeof(T), &value, sizeof(T));
  }
}

template <class T, class Convert>
void convert_from(const std::vector<std::byte>& from, const std::span<float> to, Convert convert) {
  for (size_t i = 0; i < to.size(); ++i) {
    T value;
    std::memcpy(&value, from.data() + i * sizeof(T), sizeof(T));
    to[i] = convert(value);
  }
}

std::vector<std::byte> encode(const std::span<const float> values, int type) {
  std::vector<std::byte> bytes(values.size() * size_of(type));
  switch (type) {
    case kF32:
      convert_to<float>(values, bytes, [](float v) { return v; });
      break;
    case kF16:
      convert_to<uint16_t>(values, bytes, f32_to_f16);
      break;
    case kBF16:
      convert_to<uint16_t>(values, bytes, f32_to_bf16);
      break;
    case kI8:
      convert_to<int8_t>(values, bytes, rounded<int8_t>);
      break;
    case kU8:
      convert_to<uint8_t>(values, bytes, rounded<uint8_t>);
      break;
    case kI16:
      convert_to<int16_t>(values, bytes, rounded<int16_t>);
      break;
    case kU16:
      convert_to<uint16_t>(values, bytes, rounded<uint16_t>);
      break;
    case kI32:
      convert_to<int32_t>(values, bytes, rounded<int32_t>);
      break;
    default:
      convert_to<uint32_t>(values, bytes, rounded<uint32_t>);
      break;
  }
  return bytes;
}

void decode(const std::vector<std::byte>& bytes, int type, const std::span<float> values) {
  const auto plain = [](auto v) { return static_cast<float>(v); };
  switch (type) {
    case kF32:
      convert_from<float>(bytes, values, plain);
      break;
    case kF16:
      convert_from<uint16_t>(bytes, values, f16_to_f32);
      break;
    case kBF16:
      convert_from<uint16_t>(bytes, values, bf16_to_f32);
      break;
    case kI8:
      convert_from<int8_t>(bytes, values, plain);
      break;
    case kU8:
      convert_from<uint8_t>(bytes, values, plain);
      break;
    case kI16:
      convert_from<int16_t>(bytes, values, plain);
      break;
    case kU16:
      convert_from<uint16_t>(bytes, values, plain);
      break;
    case kI32:
      convert_from<int32_t>(bytes, values, plain);
      break;
    default:
      convert_from<uint32_t>(bytes, values, plain);
      break;
  }
}

struct Runtime {
  int (*request_device)(void**, int) = nullptr;
  void* (*create)(void*) = nullptr;
  bool (*load)(void*, const char*) = nullptr;
  void (*network_names)(void*, const char***) = nullptr;
  const BmNetInfo* (*network_info)(void*, const char*) = nullptr;
  bool (*launch)(void*, const char*, void* const*, const BmShape*, int, void**, BmShape*, int, bool) = nullptr;
};

template <class Function>
Status find_symbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) return io_error(fmt::format("the runtime has no function {}", name));
  return Status::ok();
}

// A library under one of the names that its versions have.
Result<void*> open_one_of(const std::string& folder, std::initializer_list<const char*> names) {
  std::string reasons;
  for (const char* name : names) {
    if (void* library = ::dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_GLOBAL)) return library;
    reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", ::dlerror());
  }
  return io_error("cannot load the runtime: " + reasons);
}

Result<Runtime> load_runtime(bool simulator, const std::string& folder) {
  if (simulator && ::dlopen("libcmodel.so", RTLD_NOW | RTLD_GLOBAL) == nullptr)
    return io_error(fmt::format("cannot load libcmodel.so: {}", ::dlerror()));
  SAMC_ASSIGN(void* const device, open_one_of(folder, {"libbmlib.so.0", "libbmlib.so"}));
  SAMC_ASSIGN(void* const runtime, open_one_of(folder, {"libbmrt.so.1.0", "libbmrt.so"}));
  Runtime functions;
  SAMC_TRY(find_symbol(device, "bm_dev_request", functions.request_device));
  SAMC_TRY(find_symbol(runtime, "bmrt_create", functions.create));
  SAMC_TRY(find_symbol(runtime, "bmrt_load_bmodel", functions.load));
  SAMC_TRY(find_symbol(runtime, "bmrt_get_network_names", functions.network_names));
  SAMC_TRY(find_symbol(runtime, "bmrt_get_network_info", functions.network_info));
  SAMC_TRY(find_symbol(runtime, "bmrt_launch_data", functions.launch));
  return functions;
}

Shape shape_of(const BmShape& shape) {
  Shape extents;
  for (int i = 0; i < std::clamp(shape.num_dims, 0, 8); ++i) extents.push_back(shape.dims[i]);
  return extents;
}

Result<const Tensor*> find_input(const Npz& npz, const std::string& name) {
  if (const Tensor* tensor = npz.find(name)) return tensor;
  if (name.ends_with("_raw"))
    if (const Tensor* tensor = npz.find(name.substr(0, name.size() - 4))) return tensor;
  return npz.get(name);
}

Status run(bool simulator, const std::string& folder, const std::string& model, const std::string& input_path,
           const std::string& output_path) {
  SAMC_ASSIGN(const Npz npz, Npz::read(input_path));
  SAMC_ASSIGN(const Runtime runtime, load_runtime(simulator, folder));
  void* device = nullptr;
  if (const int code = runtime.request_device(&device, 0); code != 0)
    return io_error(fmt::format("no device: bm_dev_request gave {}", code));
  void* handle = runtime.create(device);
  if (handle == nullptr || !runtime.load(handle, model.c_str()))
    return invalid_input("the runtime refuses " + model, "is it for this chip?");
  const char** names = nullptr;
  runtime.network_names(handle, &names);
  const BmNetInfo* net = names != nullptr ? runtime.network_info(handle, names[0]) : nullptr;
  if (net == nullptr || net->stage_num < 1) return invalid_input(model + " holds no network");

  const BmStage& stage = net->stages[0];
  std::vector<std::vector<std::byte>> inputs, outputs;
  for (int i = 0; i < net->input_num; ++i) {
    const Shape shape = shape_of(stage.input_shapes[i]);
    SAMC_ASSIGN(const Tensor* given, find_input(npz, net->input_names[i]));
    if (given->count() != element_count(shape))
      return invalid_input(fmt::format("input {} is {}, not {}", net->input_names[i], shape_to_string(given->shape()),
                                       shape_to_string(shape)));
    if (given->dtype() != DType::kF32) return invalid_input(fmt::format("input {} is not f32", net->input_names[i]));
    if (size_of(net->input_dtypes[i]) == 0)
      return unsupported(fmt::format("input {} is of type {}", net->input_names[i], net->input_dtypes[i]));
    inputs.push_back(encode(given->f32(), net->input_dtypes[i]));
  }
  for (int i = 0; i < net->output_num; ++i) {
    if (size_of(net->output_dtypes[i]) == 0)
      return unsupported(fmt::format("output {} is of type {}", net->output_names[i], net->output_dtypes[i]));
    const auto count = static_cast<size_t>(element_count(shape_of(stage.output_shapes[i])));
    outputs.emplace_back(count * size_of(net->output_dtypes[i]));
  }
  std::vector<void*> input_pointers, output_pointers;
  for (auto& bytes : inputs) input_pointers.push_back(bytes.data());
  for (auto& bytes : outputs) output_pointers.push_back(bytes.data());
  std::vector<BmShape> output_shapes(static_cast<size_t>(net->output_num));
  if (!runtime.launch(handle, net->name, input_pointers.data(), stage.input_shapes, net->input_num,
                      output_pointers.data(), output_shapes.data(), net->output_num, true))
    return invalid_input("the runtime failed to run the network");

  std::vector<Tensor> tensors;
  for (int i = 0; i < net->output_num; ++i) {
    const auto index = static_cast<size_t>(i);
    tensors.emplace_back(shape_of(stage.output_shapes[i]));
    decode(outputs[index], net->output_dtypes[i], tensors.back().f32());
  }
  std::vector<std::pair<std::string, TensorView>> arrays;
  for (int i = 0; i < net->output_num; ++i)
    arrays.emplace_back(net->output_names[i], tensors[static_cast<size_t>(i)].view());
  return write_npz(output_path, arrays, NpzCompression::kStored);
}

}  // namespace
}  // namespace samc

int main(int count, char** arguments) {
  const std::string device = count == 6 ? arguments[1] : "";
  if (device != "sim" && device != "chip") {
    std::fputs("samc-run-bmodel: sim|chip LIBRARIES MODEL.bmodel INPUTS.npz OUTPUTS.npz\n", stderr);
    return 2;
  }
  const samc::Status status = samc::run(device == "sim", arguments[2], arguments[3], arguments[4], arguments[5]);
  if (!status.is_ok()) std::fprintf(stderr, "samc-run-bmodel: %s\n", status.to_string().c_str());
  std::fflush(nullptr);
  // The simulator of bm1688 takes seconds to shut down, for nothing.
  ::_exit(status.is_ok() ? 0 : 1);
}
