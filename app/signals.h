#pragma once
// What the command does when it is interrupted, and when a file that it has mapped is cut short.

namespace samc {

// SIGINT, SIGTERM and SIGHUP remove unfinished files and end the process with 128 + signal. SIGBUS in a mapped file
// names it in one line and ends with exit code 1; any other SIGBUS ends as it would without this. A file larger than
// the limit (ulimit -f) becomes an error of write(). For the command alone: the library installs no handler.
void handle_signals();

}  // namespace samc
