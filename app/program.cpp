#include "app/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "app/build_id.h"
#include "app/console.h"
#include "app/hints.h"
#include "app/signals.h"
#include "base/guard.h"
#include "base/memory_budget.h"
#include "base/out_of_memory.h"
#include "base/program_name.h"
#include "base/quote.h"
#include "base/thread_pool.h"

namespace samc {
namespace {

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

// A descriptor that the caller closed would be given to the next file that is opened, and what is meant for a terminal
// would be written into it. Each gets a file that fails what it is for, so that nothing passes for written.
void keep_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) < 0)
      (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest that is free
}

// Where an exception cannot be caught (a destructor, a function that may not throw), missing memory is still one line.
void on_terminate() {
  try {
    if (std::current_exception() != nullptr) throw;
  } catch (const std::bad_alloc& error) {
    const bool says_more = dynamic_cast<const OutOfMemory*>(&error) != nullptr;
    end_process(says_more ? error.what() : "out of memory");
  } catch (...) {
  }
  std::abort();
}

// What went to standard output counts as written only when it is.
int finish(int code) {
  std::cout.flush();
  const Status status = flush_output();
  return status.is_ok() ? code : report_error(status);
}

void warn_of_missing_threads() {
  if (const std::optional<ThreadShortage> shortage = ThreadPool::shortage())
    warn(
        fmt::format("the system allowed {} of {} threads (ulimit -u, the container's limit of pids): slower, with the "
                    "same results",
                    shortage->got, shortage->asked));
}

// where: the memory limit comes from, for messages.
Status run_command(const Command& command, const std::string& memory_limit, const char* where) {
  return guarded([&]() -> Status {
    if (!memory_limit.empty()) {
      Result<int64_t> bytes = parse_memory_size(memory_limit);
      if (!bytes.is_ok()) return bytes.status().at(where);
      set_memory_limit(bytes.value());
    }
    return command();
  });
}

// Its hint as this command may say it.
int report_error_of(const std::string& command, const Status& status, const CLI::App& app) {
  const std::string hint = fit_hint(status.hint(), command, options_of_commands(app));
  return report_error({status.code(), status.message(), hint});
}

// An empty value is most often a variable of a script that was never set. Options with an underscore are those of
// TPU-MLIR's scripts, to which it means that they are left out.
void refuse_empty_values(CLI::App& app) {
  const CLI::Validator is_given([](const std::string& value) { return value.empty() ? "its value is empty" : ""; }, "");
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    for (CLI::Option* option : command->get_options())
      if (option->get_items_expected_max() > 0 && option->get_name().find('_') == std::string::npos)
        option->check(is_given);
}

int run(const Program& program, std::vector<std::string> words) {
  CLI::App app(program.description);
  app.name(program.name);
  app.set_version_flag("--version", version_line(program.name));
  app.require_subcommand(1);
  app.formatter(std::make_shared<WrappingFormatter>());
  app.footer(std::string("Exit codes: 0 done, 1 the input is at fault, 2 wrong usage, 130 interrupted.\n"
                         "SAMC_ISA=scalar|avx2|avx512|avx512_vnni|avx512_bf16|amx forces a lower instruction set. "
                         "SAMC_MEMORY_LIMIT is "
                         "--memory-limit for all.\n") +
             program.footer + fmt::format("`{} COMMAND --help` says everything about a command.", program.name));
  const std::vector<NamedCommand> commands = program.add_commands(app);
  std::string memory_limit;
  add_memory_limit(app, memory_limit);
  refuse_empty_values(app);
  const bool is_option = std::any_of(words.begin(), words.end(),
                                     [](const std::string& word) { return word.starts_with("--memory-limit"); });
  if (!words.empty() && !words[0].starts_with('-') &&
      std::ranges::find(commands, words[0], &NamedCommand::name) == commands.end())
    return report_error(usage_error(fmt::format("{} has no command {}", program.name, quote(words[0])),
                                    fmt::format("see {} --help", program.name)));
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return finish(app.exit(error, std::cout, std::cerr));  // --help, --version
    std::string where = program.name;
    for (const CLI::App* chosen : app.get_subcommands()) where += " " + chosen->get_name();
    return report_error(usage_error(error.what(), "see " + where + " --help"));
  }
  for (const auto& [name, command] : commands)
    if (app.got_subcommand(name)) {
      const Status status = run_command(command, memory_limit, is_option ? "--memory-limit" : "SAMC_MEMORY_LIMIT");
      warn_of_missing_threads();
      if (!status.is_ok()) return report_error_of(name, status, app);
    }
  return finish(0);
}

}  // namespace

void add_memory_limit(CLI::App& app, std::string& limit) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    command
        ->add_option("--memory-limit", limit,
                     "Memory that images, values and results may take, such as 500M or 2G; without it nine tenths of "
                     "the machine's or the container's")
        ->envname("SAMC_MEMORY_LIMIT")
        ->type_name("SIZE");
}

int run_program(const Program& program, int count, char** arguments) {
  set_program_name(program.name);
  keep_standard_descriptors();
  handle_signals();
  std::set_terminate(on_terminate);
  try {
    std::vector<std::string> words(arguments + 1, arguments + std::max(count, 1));
    if (program.complete_words) program.complete_words(words);
    return run(program, std::move(words));
  } catch (const std::exception& error) {
    return report_error(status_of(error));
  }
}

}  // namespace samc
