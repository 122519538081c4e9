#pragma once
// What messages on standard error begin with: "samc" unless the program says otherwise.

namespace samc {

// name must live as long as the process. Before other threads are made.
void set_program_name(const char* name) noexcept;
const char* program_name() noexcept;  // async-signal-safe

}  // namespace samc
