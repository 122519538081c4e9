#include "targets/sophgo/tools/tpu_mlir.h"

#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string_view>

#include "base/files.h"
#include "base/quote.h"
#include "targets/sophgo/tools/child_process.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostLogBytes = size_t{64} << 20;

const char* environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && value[0] != '\0' ? value : nullptr;
}

// Only its end counts: messages of a failure are the last thing printed.
std::string read_log(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kMostLogBytes);
  if (!text.is_ok()) return "";
  // Progress bars are rewritten in place, and messages stand right behind them.
  std::string lines = text.value();
  std::replace(lines.begin(), lines.end(), '\r', '\n');
  return lines;
}

std::string trimmed(const std::string& line) {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

std::string shortened(std::string line) {
  constexpr size_t kLongest = 300;
  if (line.size() > kLongest) line = line.substr(0, kLongest) + " ...";
  return line;
}

// The name in a text that begins with loc("name") or loc(fused["name", ...]); the text goes on behind the bracket.
std::string take_location(std::string& text) {
  if (!text.starts_with("loc(")) return "";
  const size_t open = text.find('"');
  const size_t close = open == std::string::npos ? open : text.find('"', open + 1);
  const size_t end = close == std::string::npos ? close : text.find(')', close);
  if (end == std::string::npos) return "";
  const std::string name = text.substr(open + 1, close - open - 1);
  text = text.substr(end + 1);
  return name;
}

// MLIR's own diagnostics: WHERE: error: MESSAGE, where either may begin with the op's location.
std::string from_diagnostic(const std::string& line) {
  constexpr std::string_view kMark = ": error: ";
  const size_t mark = line.find(kMark);
  if (mark == std::string::npos) return "";
  std::string where = line.substr(0, mark), message = line.substr(mark + kMark.size());
  std::string name = take_location(where);
  if (std::string inner = take_location(message); !inner.empty()) {
    name = inner;
    if (message.starts_with(": ")) message = message.substr(2);
  }
  if (name.empty()) name = where;
  return name == "<unknown>:0" ? message : name + ": " + message;
}

bool speaks_of_failure(const std::string& line) {
  // "failed" appears in every failure that ends with exit code 0, and in no successful run's log.
  static const char* kWords[] = {
      "failed",      "Assertion",  "std::logic_error", "std::runtime_error", "terminate called", "has no name location",
      "UNREACHABLE", "LLVM ERROR", "not supported",    "Not supported"};
  for (const char* word : kWords)
    if (line.find(word) != std::string::npos) return true;
  return false;
}

// ASSERT_THIS and its like print file:line and the condition; the pass managers print the op before it.
std::string last_named_op(const std::string& log) {
  static const std::regex pattern(R"re(((?:top|tpu)\.[A-Za-z0-9]+)"?\(.*loc\("([^"]+)"\))re");
  std::string found;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 4096) continue;  // a whole module on one line
    std::smatch match;
    if (std::regex_search(line, match, pattern)) found = match[2].str() + " (" + match[1].str() + ")";
  }
  return found;
}

}  // namespace

std::string default_tpu_mlir_folder() {
  if (const char* cache = environment_variable("XDG_CACHE_HOME")) return std::string(cache) + "/samc/tpu-mlir";
  if (const char* home = environment_variable("HOME")) return std::string(home) + "/.cache/samc/tpu-mlir";
  return "";
}

Result<TpuMlir> find_tpu_mlir(const std::optional<std::string>& given) {
  TpuMlir tools;
  if (given) {
    tools = {*given, "--tpu-mlir"};
  } else if (const char* root = environment_variable("TPUC_ROOT")) {
    tools = {root, "TPUC_ROOT"};
  } else {
    tools = {default_tpu_mlir_folder(), "the cache"};
  }
  std::error_code error;
  const fs::path root = fs::absolute(tools.root, error);
  if (!error) tools.root = root.lexically_normal().string();
  while (tools.root.size() > 1 && tools.root.back() == '/') tools.root.pop_back();
  if (::access(tools.tpuc_opt().c_str(), X_OK) == 0) return tools;
  const std::string hint = "run scripts/get-tpu-mlir, or name an unpacked tpu_mlir wheel with --tpu-mlir or TPUC_ROOT";
  if (tools.where_from == "the cache")
    return io_error(fmt::format("TPU-MLIR's tpuc-opt is not there: no {}", tools.tpuc_opt()), hint);
  return io_error(fmt::format("{} is {}, but {} is no program", tools.where_from, tools.root, tools.tpuc_opt()), hint);
}

std::vector<std::string> TpuMlir::environment(const std::string& folder, const std::string& first_libraries) const {
  const std::string libraries = first_libraries.empty() ? "" : first_libraries + ":";
  return {"PATH=/usr/bin:/bin", "HOME=" + folder,
          "PWD=" + folder,      "LC_ALL=C",
          "TPUC_ROOT=" + root,  fmt::format("LD_LIBRARY_PATH={}{}/lib:{}/lib/third_party", libraries, root, root)};
}

std::string find_failure(const std::string& log) {
  std::istringstream lines(log);
  std::string failure;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 4096) continue;
    line = trimmed(line);
    if (std::string diagnostic = from_diagnostic(line); !diagnostic.empty()) return shortened(diagnostic);
    if (failure.empty() && speaks_of_failure(line)) failure = line;
  }
  if (failure.empty()) return "";
  const std::string op = last_named_op(log);
  return shortened(op.empty() ? failure : op + ": " + failure);
}

Status run_tpuc_opt(const TpuMlir& tools, const std::string& folder, const std::vector<std::string>& arguments,
                    const std::function<void(double seconds)>& waiting) {
  ChildProcess child;
  child.arguments.push_back(tools.tpuc_opt());
  child.arguments.insert(child.arguments.end(), arguments.begin(), arguments.end());
  child.environment = tools.environment(folder);
  child.folder = folder;
  child.log = folder + "/log";
  child.waiting = waiting;
  SAMC_ASSIGN(const ChildResult result, run_child(child));
  const std::string log = read_log(child.log);
  const std::string failure = find_failure(log);
  if (result.exit_code == 0 && failure.empty()) return Status::ok();
  const std::string ending = result.signal != 0
                                 ? fmt::format("ended by signal {} ({})", result.signal, ::strsignal(result.signal))
                                 : fmt::format("exit code {}", result.exit_code);
  std::string hint;
  std::error_code error;
  if (result.signal == SIGSEGV && log.empty() && fs::exists(tools.library("third_party/libc.so.6"), error))
    hint =
        "the wheel's own libc.so.6, libm.so.6 and libpthread.so.0 do not fit this system: remove them, or run "
        "scripts/get-tpu-mlir";
  return unsupported(fmt::format("tpuc-opt: {}", failure.empty() ? ending : fmt::format("{} ({})", failure, ending)),
                     hint);
}

}  // namespace samc::sophgo
