// SAMC_STAND_IN_FAILS=CALL makes the first call of this name fail, SAMC_STAND_IN_HANGS=CALL makes it hang; as the
// process ends, the counts go into the file SAMC_STAND_IN_COUNTS, a line "CALL NUMBER" each, and "most_running".

#include "targets/sophgo/device/stand_in/stand_in.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <vector>

#include "targets/sophgo/device/bmodel.h"
#include "targets/sophgo/device/bmodel_values.h"
#include "targets/sophgo/device/bmrt_api.h"

namespace samc::sophgo {
namespace {

// Never destroyed: a call that hangs waits in it while the process ends.
StandIn& it() {
  static StandIn* const stand_in = [] {
    auto* made = new StandIn;
    if (const char* call = ::getenv("SAMC_STAND_IN_FAILS")) made->fails = call;
    if (const char* call = ::getenv("SAMC_STAND_IN_HANGS")) made->hangs = call;
    return made;
  }();
  return *stand_in;
}

struct CountsAtEnd {
  ~CountsAtEnd() {
    const char* path = ::getenv("SAMC_STAND_IN_COUNTS");
    if (path == nullptr) return;
    const std::lock_guard lock(it().mutex);
    std::ofstream file(path);
    for (const auto& [name, number] : it().calls) file << name << ' ' << number << '\n';
    file << "most_running " << it().most_running << '\n';
  }
};
const CountsAtEnd counts_at_end;

// Counts the call and waits while it is to hang. Whether it is to fail.
bool enter(const char* call) {
  StandIn& state = it();
  std::unique_lock lock(state.mutex);
  const int number = ++state.calls[call];
  state.changed.wait(lock, [&] { return state.hangs != call; });
  return state.fails == call && number == state.fails_at;
}

struct Device {};

// A network as the runtime describes it; lists live as long as it does.
struct Runtime {
  Bmodel file;
  BmNetInfo net{};
  BmStage stage{};
  std::vector<BmShape> input_shapes, output_shapes;
  std::vector<const char*> input_names, output_names;
  std::vector<int> input_types, output_types;

  void describe() {
    const BmodelNetwork& network = file.networks[0];
    const auto add = [](const std::vector<BmodelTensor>& tensors, std::vector<BmShape>& shapes,
                        std::vector<const char*>& names, std::vector<int>& types) {
      for (const BmodelTensor& tensor : tensors) {
        BmShape shape{static_cast<int>(tensor.shape.size()), {}};
        std::ranges::transform(tensor.shape, shape.dims, [](int64_t extent) { return static_cast<int>(extent); });
        shapes.push_back(shape);
        names.push_back(tensor.name.c_str());
        types.push_back(static_cast<int>(tensor.type));
      }
    };
    add(network.stages[0].inputs, input_shapes, input_names, input_types);
    add(network.stages[0].outputs, output_shapes, output_names, output_types);
    stage = {input_shapes.data(), output_shapes.data(), nullptr, nullptr};
    net = {network.name.c_str(),
           false,
           static_cast<int>(input_names.size()),
           input_names.data(),
           input_types.data(),
           nullptr,
           static_cast<int>(output_names.size()),
           output_names.data(),
           output_types.data(),
           nullptr,
           1,
           &stage};
  }
};

size_t count_of(const BmTensor& tensor) {
  size_t count = 1;
  for (int i = 0; i < tensor.shape.num_dims; ++i) count *= static_cast<size_t>(tensor.shape.dims[i]);
  return count;
}

std::span<std::byte> bytes_of(const BmTensor& tensor) {
  const size_t bytes = count_of(tensor) * bm_type_bytes(tensor.type);
  SAMC_CHECK(tensor.memory.bytes >= bytes, "a tensor of {} bytes in {}", bytes, tensor.memory.bytes);
  return {reinterpret_cast<std::byte*>(tensor.memory.address), bytes};
}

// Something that every value of every input has a part in, of ordinary size.
void compute(std::span<const BmTensor> inputs, std::span<BmTensor> outputs) {
  double sum = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    std::vector<float> values(count_of(inputs[k]));
    read_bmodel_values(bytes_of(inputs[k]), inputs[k].type, values);
    double own = 0;
    for (size_t i = 0; i < values.size(); ++i) own += static_cast<double>(values[i]) * (1 + static_cast<double>(i % 7));
    sum += own / static_cast<double>(values.size()) * static_cast<double>(k + 1);
  }
  for (size_t k = 0; k < outputs.size(); ++k) {
    std::vector<float> values(count_of(outputs[k]));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(std::sin(sum + static_cast<double>(k) + 0.01 * static_cast<double>(i)));
    write_bmodel_values(values, outputs[k].type, bytes_of(outputs[k]));
  }
}

}  // namespace
}  // namespace samc::sophgo

using samc::sophgo::BmDeviceStatus;
using samc::sophgo::BmMemory;
using samc::sophgo::BmNetInfo;
using samc::sophgo::BmTensor;
using samc::sophgo::Device;
using samc::sophgo::enter;
using samc::sophgo::it;
using samc::sophgo::Runtime;

namespace {
constexpr int kFailure = 5;
void add(int& number, int change) {
  const std::lock_guard lock(it().mutex);
  number += change;
}
void* keep(int& number, void* made) {
  const std::lock_guard lock(it().mutex);
  ++number;
  it().kept.insert(made);
  return made;
}
void forget(int& number, const void* made) {
  const std::lock_guard lock(it().mutex);
  --number;
  it().kept.erase(made);
}
}  // namespace

extern "C" {

samc::sophgo::StandIn* samc_stand_in() { return &it(); }

int bm_dev_request(void** device, int) {
  if (enter("bm_dev_request")) return kFailure;
  *device = keep(it().devices, new Device);
  return 0;
}
void bm_dev_free(void* device) {
  (void)enter("bm_dev_free");
  forget(it().devices, device);
  delete static_cast<Device*>(device);
}
int bm_get_chipid(void*, unsigned* id) {
  if (enter("bm_get_chipid")) return kFailure;
  *id = it().chip_id;
  return 0;
}
int bm_get_stat(void*, BmDeviceStatus* status) {
  if (enter("bm_get_stat")) return kFailure;
  const std::lock_guard lock(it().mutex);
  status->memory_total = it().memory_mb;
  status->memory_used = static_cast<int>(it().memory_used >> 20);
  return 0;
}
int bm_malloc_device_byte(void*, BmMemory* memory, unsigned bytes) {
  if (enter("bm_malloc_device_byte")) return kFailure;
  const std::lock_guard lock(it().mutex);
  if (it().memory_used + bytes > int64_t{it().memory_mb} << 20) return kFailure;
  void* block = ::malloc(bytes);
  if (block == nullptr) return kFailure;
  it().memory_used += bytes;
  it().kept.insert(block);
  *memory = {reinterpret_cast<uint64_t>(block), 0, -1, 0, bytes};
  return 0;
}
void bm_free_device(void*, BmMemory memory) {
  (void)enter("bm_free_device");
  {
    const std::lock_guard lock(it().mutex);
    it().memory_used -= memory.bytes;
    it().kept.erase(reinterpret_cast<const void*>(memory.address));
  }
  ::free(reinterpret_cast<void*>(memory.address));
}
int bm_memcpy_s2d(void*, BmMemory target, const void* source) {
  if (enter("bm_memcpy_s2d")) return kFailure;
  std::memcpy(reinterpret_cast<void*>(target.address), source, target.bytes);
  return 0;
}
int bm_memcpy_d2s(void*, void* target, BmMemory source) {
  if (enter("bm_memcpy_d2s")) return kFailure;
  std::memcpy(target, reinterpret_cast<const void*>(source.address), source.bytes);
  return 0;
}
int bm_mem_mmap_device_mem(void*, BmMemory* memory, unsigned long long* address) {
  if (enter("bm_mem_mmap_device_mem") || !it().can_map) return kFailure;
  *address = memory->address;
  add(it().mappings, 1);
  return 0;
}
int bm_mem_unmap_device_mem(void*, void*, int) {
  (void)enter("bm_mem_unmap_device_mem");
  add(it().mappings, -1);
  return 0;
}
int bm_mem_flush_device_mem(void*, BmMemory*) { return enter("bm_mem_flush_device_mem") ? kFailure : 0; }
int bm_mem_invalidate_device_mem(void*, BmMemory*) { return enter("bm_mem_invalidate_device_mem") ? kFailure : 0; }
int bm_thread_sync(void*) { return enter("bm_thread_sync") ? kFailure : 0; }

void* bmrt_create(void*) {
  if (enter("bmrt_create")) return nullptr;
  std::printf("the stand-in is created\n");  // as the real one says something
  return keep(it().runtimes, new Runtime);
}
void bmrt_destroy(void* runtime) {
  (void)enter("bmrt_destroy");
  forget(it().runtimes, runtime);
  delete static_cast<Runtime*>(runtime);
}
bool bmrt_load_bmodel(void* runtime, const char* path) {
  if (enter("bmrt_load_bmodel")) return false;
  auto file = samc::sophgo::Bmodel::read(path);
  if (!file.is_ok() || file.value().networks.empty() || file.value().networks[0].stages.empty()) return false;
  auto& loaded = *static_cast<Runtime*>(runtime);
  loaded.file = std::move(file).value();
  loaded.describe();
  return true;
}
void bmrt_get_network_names(void* runtime, const char*** names) {
  if (enter("bmrt_get_network_names")) return;
  *names = static_cast<const char**>(::malloc(sizeof(char*)));
  if (*names != nullptr) **names = static_cast<Runtime*>(runtime)->net.name;
}
const BmNetInfo* bmrt_get_network_info(void* runtime, const char*) {
  return enter("bmrt_get_network_info") ? nullptr : &static_cast<Runtime*>(runtime)->net;
}
bool bmrt_launch_tensor_ex(void*, const char* name, const BmTensor* inputs, int input_num, BmTensor* outputs,
                           int output_num, bool has_memory, bool) {
  if (enter("bmrt_launch_tensor_ex") || !has_memory) return false;
  {
    const std::lock_guard lock(it().mutex);
    it().most_running = std::max(it().most_running, ++it().running);
  }
  if (it().watch) it().watch(name, true);
  samc::sophgo::compute({inputs, static_cast<size_t>(input_num)}, {outputs, static_cast<size_t>(output_num)});
  if (it().watch) it().watch(name, false);
  add(it().running, -1);
  return true;
}

}  // extern "C"
