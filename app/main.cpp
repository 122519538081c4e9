// samc: compiles SAM 2 models and segments pictures. Exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 130
// interrupted.

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "app/build_id.h"
#include "app/commands.h"
#include "app/console.h"
#include "base/files.h"

namespace samc {
namespace {

void on_signal(int number) {
  remove_unfinished_files();
  ::_exit(128 + number);
}

void handle_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    ::sigaction(number, nullptr, &old);
    if (old.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);  // nohup's wish is kept
  }
  // A file larger than the limit (ulimit -f) is an error of write() then, with a message, and not the end.
  ::signal(SIGXFSZ, SIG_IGN);
}

// Wraps descriptions, which CLI11 writes on one line whatever their length.
class WrappingFormatter : public CLI::Formatter {
 public:
  WrappingFormatter() { column_width(kColumn); }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_desc(option), wrapped;
    while (text.size() > kWidth) {
      size_t end = text.rfind(' ', kWidth);
      if (end == std::string::npos || end == 0) break;
      wrapped += text.substr(0, end) + "\n";
      text.erase(0, end + 1);
    }
    return wrapped + text;
  }

 private:
  static constexpr size_t kColumn = 34, kWidth = 82;
};

int run(int count, char** arguments) {
  CLI::App app("samc compiles SAM 2 models from their published checkpoints and segments pictures with them.");
  app.name("samc");
  app.set_version_flag("--version", std::string("samc ") + version() + " (build " + build_id().substr(0, 12) + ")");
  app.require_subcommand(1);
  app.formatter(std::make_shared<WrappingFormatter>());
  app.footer(
      "Exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 130 interrupted.\n"
      "SAMC_ISA=scalar|avx2|avx512 forces a lower instruction set. XDG_CACHE_HOME/samc keeps compiled models, at most\n"
      "SAMC_CACHE_LIMIT_MB of them (4000). `samc COMMAND --help` says everything about a command.");
  const std::vector<std::pair<const char*, Command>> commands{
      {"inspect", add_inspect(app)},     {"compile", add_compile(app)}, {"segment", add_segment(app)},
      {"encode", add_encode(app)},       {"bench", add_bench(app)},     {"export", add_export(app)},
      {"transform", add_transform(app)}, {"deploy", add_deploy(app)},   {"deploy-all", add_deploy_all(app)}};
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);  // --help, --version
    std::string where = "samc";
    for (const CLI::App* chosen : app.get_subcommands()) where += " " + chosen->get_name();
    return report_error(usage_error(error.what(), "see " + where + " --help"));
  }
  for (const auto& [name, command] : commands)
    if (app.got_subcommand(name)) {
      if (const Status status = command(); !status.is_ok()) return report_error(status);
    }
  std::cout.flush();
  if (!std::cout) return report_error(io_error("cannot write to standard output"));
  return 0;
}

// Compiling makes and frees many large tensors. What is freed is kept for the next one: having the system clear fresh
// pages for each takes longer than computing it. Where memory counts, malloc_trim gives it back (model_source.cpp).
void keep_freed_memory() {
  constexpr int kLargestOnTheHeap = 256 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kLargestOnTheHeap);
  (void)::mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

}  // namespace
}  // namespace samc

int main(int count, char** arguments) {
  samc::handle_signals();
  samc::keep_freed_memory();
  try {
    return samc::run(count, arguments);
  } catch (const std::bad_alloc&) {
    return samc::report_error(
        {samc::StatusCode::kInvalidInput, "out of memory", "use a smaller picture or fewer prompts"});
  } catch (const std::exception& error) {
    return samc::report_error({samc::StatusCode::kInvalidInput, error.what()});
  }
}
