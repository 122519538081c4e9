#include "targets/sophgo/device/bmrt_api.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <initializer_list>

namespace samc::sophgo {
namespace {

constexpr const char* kReinstall = "install a libsophon that is whole, of version 0.4.8 or later";

template <class Function>
Status find_symbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) return io_error(fmt::format("Sophgo's runtime has no function {}", name), kReinstall);
  return Status::ok();
}

// A library under one of the names that its versions have.
Result<void*> open_one_of(const std::string& folder, std::initializer_list<const char*> names) {
  std::string reasons;
  for (const char* name : names) {
    if (void* library = ::dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_GLOBAL)) return library;
    reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", ::dlerror());
  }
  return io_error("cannot load Sophgo's runtime: " + reasons, kReinstall);
}

}  // namespace

Result<BmrtApi> open_bmrt(const std::string& folder, bool simulator) {
  // It reports on standard output, where results of ours may go. 3: only what ends it.
  ::setenv("BMRT_LOG_LEVEL_THRESHOLD", "3", 0);
  ::setenv("BMLIB_LOG_LEVEL", "0", 0);
  if (simulator && ::dlopen("libcmodel.so", RTLD_NOW | RTLD_GLOBAL) == nullptr)
    return io_error(fmt::format("cannot load libcmodel.so: {}", ::dlerror()));
  SAMC_ASSIGN(void* const device, open_one_of(folder, {"libbmlib.so.0", "libbmlib.so"}));
  SAMC_ASSIGN(void* const runtime, open_one_of(folder, {"libbmrt.so.1.0", "libbmrt.so"}));
  BmrtApi api;
  SAMC_TRY(find_symbol(device, "bm_dev_request", api.request_device));
  SAMC_TRY(find_symbol(device, "bm_dev_free", api.free_device));
  SAMC_TRY(find_symbol(device, "bm_get_chipid", api.chip_id));
  SAMC_TRY(find_symbol(device, "bm_malloc_device_byte", api.allocate));
  SAMC_TRY(find_symbol(device, "bm_free_device", api.free_memory));
  SAMC_TRY(find_symbol(device, "bm_memcpy_s2d", api.copy_to_device));
  SAMC_TRY(find_symbol(device, "bm_memcpy_d2s", api.copy_from_device));
  SAMC_TRY(find_symbol(device, "bm_thread_sync", api.wait));
  SAMC_TRY(find_symbol(runtime, "bmrt_create", api.create));
  SAMC_TRY(find_symbol(runtime, "bmrt_destroy", api.destroy));
  SAMC_TRY(find_symbol(runtime, "bmrt_load_bmodel", api.load));
  SAMC_TRY(find_symbol(runtime, "bmrt_get_network_names", api.network_names));
  SAMC_TRY(find_symbol(runtime, "bmrt_get_network_info", api.network_info));
  SAMC_TRY(find_symbol(runtime, "bmrt_launch_tensor_ex", api.launch));
  (void)find_symbol(device, "bm_get_stat", api.device_status);
  (void)find_symbol(device, "bm_mem_mmap_device_mem", api.map);
  (void)find_symbol(device, "bm_mem_unmap_device_mem", api.unmap);
  (void)find_symbol(device, "bm_mem_flush_device_mem", api.flush);
  (void)find_symbol(device, "bm_mem_invalidate_device_mem", api.invalidate);
  return api;
}

size_t bm_type_bytes(int type) {
  switch (type) {
    case kBmF32:
    case kBmI32:
    case kBmU32:
      return 4;
    case kBmF16:
    case kBmBF16:
    case kBmI16:
    case kBmU16:
      return 2;
    case kBmI8:
    case kBmU8:
      return 1;
    default:
      return 0;
  }
}

std::string bm_chip_name(unsigned id) {
  switch (id) {
    case 0x1684:
      return "BM1684";
    case 0x1686:
      return "BM1684X";
    case 0x1686a200:
      return "BM1688";
    default:
      return fmt::format("chip {:#x}", id);
  }
}

}  // namespace samc::sophgo
