#pragma once
// The few calls of Sophgo's runtime (libbmlib and libbmrt, of libsophon or of TPU-MLIR's wheel) that samc makes,
// declared anew from their documentation, and the libraries opened when they are wanted. Nothing of it is linked.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace samc::sophgo {

struct BmShape {
  int num_dims;
  int dims[8];
};
// A piece of device memory. The runtime passes it by value, so that its size is part of the calls.
struct BmMemory {
  uint64_t address;
  uint32_t reserved;
  int file;
  uint32_t flags;
  uint32_t bytes;
};
static_assert(sizeof(BmMemory) == 24);
struct BmTensor {
  int type;  // BmType
  BmShape shape;
  BmMemory memory;
  int store_mode;  // 0: as it reads
};
static_assert(sizeof(BmTensor) == 72);
struct BmStage {
  BmShape* input_shapes;
  BmShape* output_shapes;
  BmMemory* input_memories;
  BmMemory* output_memories;
};
// Only the leading fields, which all versions have.
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
enum BmType { kBmF32 = 0, kBmF16, kBmI8, kBmU8, kBmI16, kBmU16, kBmI32, kBmU32, kBmBF16 };
// In MB. Versions add fields behind these.
struct BmDeviceStatus {
  int memory_total;
  int memory_used;
  int later_fields[62];
};

// Calls that give an int give 0 for success.
struct BmrtApi {
  int (*request_device)(void** device, int index) = nullptr;
  void (*free_device)(void* device) = nullptr;
  int (*chip_id)(void* device, unsigned* id) = nullptr;
  int (*allocate)(void* device, BmMemory* memory, unsigned bytes) = nullptr;
  void (*free_memory)(void* device, BmMemory memory) = nullptr;
  int (*copy_to_device)(void* device, BmMemory target, const void* source) = nullptr;
  int (*copy_from_device)(void* device, void* target, BmMemory source) = nullptr;
  int (*wait)(void* device) = nullptr;

  void* (*create)(void* device) = nullptr;
  void (*destroy)(void* runtime) = nullptr;
  bool (*load)(void* runtime, const char* path) = nullptr;
  void (*network_names)(void* runtime, const char*** names) = nullptr;
  const BmNetInfo* (*network_info)(void* runtime, const char* name) = nullptr;
  bool (*launch)(void* runtime, const char* name, const BmTensor* inputs, int input_num, BmTensor* outputs,
                 int output_num, bool has_memory, bool has_store_mode) = nullptr;

  // Not in every version; null then.
  int (*device_status)(void* device, BmDeviceStatus* status) = nullptr;
  // Of device memory that this processor can reach, as on a board; errors where it cannot.
  int (*map)(void* device, BmMemory* memory, unsigned long long* address) = nullptr;
  int (*unmap)(void* device, void* address, int bytes) = nullptr;
  int (*flush)(void* device, BmMemory* memory) = nullptr;
  int (*invalidate)(void* device, BmMemory* memory) = nullptr;
  bool can_map() const { return map != nullptr && unmap != nullptr && flush != nullptr && invalidate != nullptr; }
};

// folder: where libbmlib and libbmrt lie. They stay open as long as the process lives. simulator: libcmodel.so is
// loaded first, from the first folder of LD_LIBRARY_PATH that has it.
Result<BmrtApi> open_bmrt(const std::string& folder, bool simulator);

size_t bm_type_bytes(int type);  // 0: of a type that is not known

// "BM1688"; "chip 0x1234" of one that samc does not know.
std::string bm_chip_name(unsigned id);

}  // namespace samc::sophgo
