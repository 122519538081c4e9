#pragma once
// The border of code that works on MLIR. MLIR is built without exceptions, so nothing may be thrown through it: missing
// memory ends the process there, with one line, exit code 1 and no unfinished file (base/out_of_memory.h). Only the
// samc program compiles; the runtime library throws and reports.

#include "base/guard.h"
#include "base/out_of_memory.h"

namespace samc {

// LLVM allocates by malloc as well and would abort.
void end_process_where_llvm_lacks_memory();

// guarded() (base/guard.h) for a body that calls MLIR.
template <class Body>
auto guarded_in_mlir(const Body& body) -> decltype(body()) {
  end_process_where_llvm_lacks_memory();
  const EndProcessOnOutOfMemory scope;
  return guarded(body);
}

}  // namespace samc
