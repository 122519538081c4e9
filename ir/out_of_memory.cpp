#include "ir/out_of_memory.h"

#include <pthread.h>

#include <cstdlib>
#include <utility>

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

namespace {

// A thread_local object that is destroyed when its thread ends.
struct Doomed {
  void (*destroy)(void*);
  void* object;
  Doomed* before;
};

pthread_key_t make_list_of_doomed() {
  pthread_key_t key = 0;
  const auto destroy_all = [](void* last) {
    for (auto* doomed = static_cast<Doomed*>(last); doomed != nullptr;) {
      doomed->destroy(doomed->object);
      std::free(std::exchange(doomed, doomed->before));
    }
  };
  if (::pthread_key_create(&key, destroy_all) != 0) end_process("out of memory");
  return key;
}

}  // namespace
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

// MLIR's caches are thread_local. glibc takes memory to note that they are to be destroyed, and aborts with a line of
// its own where there is none. The main thread's are not destroyed: the process ends then.
int __wrap___cxa_thread_atexit(void (*destroy)(void*), void* object, void* /*library*/) {
  static const pthread_key_t key = samc::make_list_of_doomed();
  auto* doomed = static_cast<samc::Doomed*>(__wrap_malloc(sizeof(samc::Doomed)));
  if (doomed == nullptr) samc::end_process("out of memory");
  *doomed = {destroy, object, static_cast<samc::Doomed*>(::pthread_getspecific(key))};
  if (::pthread_setspecific(key, doomed) != 0) samc::end_process("out of memory");
  return 0;
}
}
// NOLINTEND(bugprone-reserved-identifier)
