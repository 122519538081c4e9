#include "base/program_name.h"

namespace samc {
namespace {

const char* current_name = "samc";

}  // namespace

void set_program_name(const char* name) noexcept { current_name = name; }

const char* program_name() noexcept { return current_name; }

}  // namespace samc
