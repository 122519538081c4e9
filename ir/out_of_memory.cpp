#include "ir/out_of_memory.h"

#include <cstdlib>

#include "llvm/Support/ErrorHandling.h"

namespace samc {

void end_process_where_llvm_lacks_memory() {
  // LLVM takes one handler, and has it for good.
  static const bool installed = [] {
    llvm::install_bad_alloc_error_handler([](void*, const char*, bool) { end_process("out of memory"); });
    return true;
  }();
  (void)installed;
}

}  // namespace samc

// MLIR takes memory for its operations by malloc and does not look at what it gets. The linker puts these in the place
// of malloc and its kin (--wrap, cmake/SamcMlir.cmake), in all that is linked statically.
// NOLINTBEGIN(bugprone-reserved-identifier): the names are the linker's
extern "C" {

void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* old, size_t size);

static void* there(void* memory, size_t size) {
  if (memory == nullptr && size > 0 && samc::is_process_to_end_on_missing_memory()) samc::end_process("out of memory");
  return memory;
}

void* __wrap_malloc(size_t size) { return there(__real_malloc(size), size); }
void* __wrap_calloc(size_t count, size_t size) {
  return there(__real_calloc(count, size), count > 0 && size > 0 ? 1 : 0);
}
void* __wrap_realloc(void* old, size_t size) { return there(__real_realloc(old, size), size); }
}
// NOLINTEND(bugprone-reserved-identifier)
