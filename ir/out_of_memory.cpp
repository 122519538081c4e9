#include "ir/out_of_memory.h"

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
