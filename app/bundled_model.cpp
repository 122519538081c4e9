#include "app/bundled_model.h"

#include <array>
#include <system_error>

namespace samc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "mini";
constexpr std::array kFolders = {"../share/samc/models/mini", "../models/mini"};

}  // namespace

Result<std::string> find_model_file(const std::string& given, const fs::path& executable) {
  std::error_code error;
  if (fs::is_directory(given, error) && !fs::exists(fs::path(given) / "encoder.onnx", error)) {
    for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
      if (const fs::path file = fs::path(given) / name; fs::exists(file, error)) return file.string();
    return given;
  }
  if (given != kName || fs::exists(given, error)) return given;
  std::string tried;
  for (const char* folder : kFolders) {
    const fs::path file = (executable.parent_path() / folder / "mini.pt").lexically_normal();
    if (fs::is_regular_file(file, error)) return file.string();
    tried += (tried.empty() ? "" : " and ") + file.string();
  }
  return invalid_input("the model mini is not where it should be: no " + tried,
                       "install samc whole, or give the path of a checkpoint");
}

CLI::Validator bundled_model() {
  CLI::Validator transformation;
  transformation.non_modifying(false);
  return transformation.operation([](std::string& value) {
    std::error_code error;
    const fs::path executable = fs::read_symlink("/proc/self/exe", error);
    const Result<std::string> file = find_model_file(value, executable);
    if (!file.is_ok()) return file.status().message();
    value = file.value();
    return std::string();
  });
}

}  // namespace samc
