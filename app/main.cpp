// samc: compiles SAM 2 models and segments images.

#include <malloc.h>

#include <climits>

#include "app/commands.h"
#include "app/program.h"
#include "app/script_options.h"

namespace {

// Compiling makes and frees many large tensors. What is freed is kept for the next one: having the system clear fresh
// pages for each takes longer than computing it. Where memory counts, malloc_trim gives it back (model_source.cpp).
void keep_freed_memory() {
  constexpr int kLargestOnTheHeap = 256 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kLargestOnTheHeap);
  (void)::mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

}  // namespace

int main(int count, char** arguments) {
  keep_freed_memory();
  return samc::run_program(
      {"samc", "samc compiles SAM 2 models from their published checkpoints and segments images with them.",
       "XDG_CACHE_HOME/samc keeps compiled models, at most SAMC_CACHE_LIMIT_MB of them (4000);\n"
       "SAMC_CACHE_WAIT_S (60) is the time to wait for another samc that makes one.\n",
       samc::add_commands, samc::complete_script_options},
      count, arguments);
}
