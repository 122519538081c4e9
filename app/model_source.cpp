#include "app/model_source.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "app/build_id.h"
#include "app/bundled_model.h"
#include "app/model_files.h"
#include "app/module_cache.h"
#include "app/precision_option.h"
#include "base/cpu_precision.h"
#include "base/files.h"
#include "base/stopwatch.h"
#include "base/temporary.h"
#include "model/identity.h"
#include "package/plan.h"
#include "package/reader.h"
#include "targets/cpu/compile_model.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

// key: of the cache, kept in the module; may be empty.
CompileOptions compile_options(const ModelArguments& arguments, const std::string& key) {
  CompileOptions options;
  options.model = arguments.model;
  options.config = arguments.config;
  options.image_size = arguments.image_size;
  options.state_dict = arguments.state_dict;
  options.precision = arguments.precision.value_or(Precision::kF32);
  options.build_id = build_id();
  options.key = key;
  return options;
}

Status compile_to(const ModelArguments& arguments, const std::string& path, const std::string& key,
                  Progress& progress) {
  progress.show(fmt::format("compiling {} ...", arguments.model));
  SAMC_ASSIGN(const CompileReport report, compile_model(compile_options(arguments, key), path));
  // What compiling freed goes back to the system before the module's own memory is taken: 200 MB less at the peak.
  (void)::malloc_trim(0);
  progress.clear();
  for (const std::string& warning : report.warnings) warn(fmt::format("{}: {}", arguments.model, warning));
  return Status::ok();
}

using LoadedModule = Result<std::shared_ptr<const Module>>;

LoadedModule load(MappedFile file, int threads) {
  LoadOptions options;
  options.threads = threads;
  SAMC_ASSIGN(std::shared_ptr<Module> module, Module::load(std::move(file), options));
  return std::shared_ptr<const Module>(std::move(module));
}

std::string key_of(const Module& module) {
  for (const auto& [name, text] : module.info().notes)
    if (name == kKeyNote) return text;
  return "";
}

// The file goes as soon as it is mapped. A mapped module lives on.
LoadedModule compile_into_file(const ModelArguments& arguments, Progress& progress) {
  SAMC_ASSIGN(const TemporaryFolder folder, TemporaryFolder::create("samc-model"));
  const std::string path = folder.file("model.samc");
  list_unfinished(path);
  const Status status = compile_to(arguments, path, "", progress);
  Result<MappedFile> file = status.is_ok() ? MappedFile::open(path) : Result<MappedFile>(status);
  ::unlink(path.c_str());
  unlist_unfinished(path);
  if (!file.is_ok()) return file.status();
  return load(std::move(file).value(), arguments.threads);
}

LoadedModule compile_into_memory(const ModelArguments& arguments, Progress& progress) {
  const int descriptor = ::memfd_create("samc-model", MFD_CLOEXEC);
  if (descriptor < 0)
    return io_error(fmt::format("no memory for the compiled {}: {}", arguments.model, std::strerror(errno)));
  const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
  Status status = compile_to(arguments, path, "", progress);
  // The path is ours and says nothing to anybody.
  if (status.code() == StatusCode::kIo && status.message().find(path) != std::string::npos)
    status = io_error(fmt::format("no room for the compiled {}, neither in a file nor in memory", arguments.model),
                      "raise the limit of files' sizes (ulimit -f), or of memory");
  Result<MappedFile> file =
      status.is_ok() ? MappedFile::map(descriptor, arguments.model + ", compiled") : Result<MappedFile>(status);
  ::close(descriptor);
  if (!file.is_ok()) return file.status();
  return load(std::move(file).value(), arguments.threads);
}

// In a file, which costs no memory, where there is room for one.
LoadedModule compile_without_cache(const ModelArguments& arguments, Progress& progress) {
  LoadedModule module = compile_into_file(arguments, progress);
  if (module.is_ok() || module.status().code() != StatusCode::kIo) return module;
  LoadedModule in_memory = compile_into_memory(arguments, progress);
  if (in_memory.is_ok()) warn(module.status().message() + "; the compiled model is held in memory");
  return in_memory;
}

LoadedModule compile_with_cache(const ModelArguments& arguments, const ModuleCache& cache, Progress& progress) {
  SAMC_ASSIGN(const std::string key, module_key(arguments));
  const auto make = [&](const std::string& path) { return compile_to(arguments, path, key, progress); };
  bool said = false;
  const auto waiting = [&](double seconds) {
    constexpr double kSilence = 5;
    progress.show(fmt::format("another samc is compiling this model ... {:.0f} s", seconds));
    if (said || seconds < kSilence) return;
    said = true;
    progress.clear();
    warn(fmt::format("waiting for another samc, which is compiling {}", arguments.model));
  };
  constexpr int kAttempts = 2;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SAMC_ASSIGN(ModuleCache::Entry entry, cache.get(key, make, waiting));
    progress.clear();
    LoadedModule module = load(std::move(entry.file), arguments.threads);
    // Its name is not to be believed: a file may have been renamed.
    if (module.is_ok() && key_of(*module.value()) != key) module = invalid_input("it is of another model");
    if (module.is_ok() && !entry.made) repeat_warnings(arguments.model, *module.value());
    if (module.is_ok()) return module;
    warn(fmt::format("a module in the cache is unusable ({}): compiling again", module.status().message()));
    SAMC_TRY(cache.remove(key));
  }
  return io_error(fmt::format("the cache {} gives no usable module", cache.folder()));
}

LoadedModule open_compiled(const ModelArguments& arguments, Progress& progress) {
  SAMC_ASSIGN(std::shared_ptr<const Module> module, load_module(arguments.model, arguments.threads, progress));
  const Precision own = module->plan().precision();
  if (arguments.precision.value_or(own) != own)
    return usage_error(fmt::format("--precision {}, but {} was compiled for {}", precision_name(*arguments.precision),
                                   arguments.model, precision_name(own)),
                       "leave --precision out, or give the checkpoint");
  return module;
}

}  // namespace

void add_checkpoint_options(CLI::App& command, std::optional<std::string>& config, std::optional<int64_t>& image_size,
                            std::optional<std::string>& state_dict) {
  command
      .add_option(
          "--config", config,
          "Of a checkpoint: the architecture as official-format YAML, for inference or training, or as transformers' "
          "config.json. Needed for models that are not one of the eight official ones; a file of the checkpoint's stem "
          "beside it (x.yaml for x.pt), and config.json beside x.safetensors, are found by themselves")
      ->type_name("FILE");
  command
      .add_option("--image-size", image_size,
                  "Of a checkpoint: the side of the square that images are stretched to, instead of the config's (1024 "
                  "in the official models). 512 is about four times as fast, and less exact; multiples of 32 to 4096")
      ->type_name("PIXELS");
  command
      .add_option(
          "--state-dict", state_dict,
          "Of a PyTorch checkpoint that holds weights more than once: the keys to those to take, joined by a dot "
          "(ema, ema.shadow). Otherwise those under \"model\" are taken")
      ->type_name("KEY");
}

const char* ModelCompiler::model_help() const {
  return "A checkpoint (.pt or .safetensors), a folder with encoder.onnx and decoder.onnx, a compiled module (.samc), "
         "or a folder of "
         "samc deploy-all. A checkpoint or an export is compiled once and kept in the cache. mini is the small "
         "demonstration model that comes with samc";
}

void ModelCompiler::add_more_options(CLI::App& command, ModelArguments& arguments) const {
  command.get_option("--model")->transform(bundled_model());
  add_checkpoint_options(command, arguments);
  add_precision_option(command, arguments.precision);
  command.add_flag("--no-cache", arguments.no_cache, "Compile anew and keep nothing");
}

std::vector<std::string> ModelCompiler::files(const ModelArguments& arguments) const {
  if (arguments.model.empty()) return ModelOpener::files(arguments);
  return model_files(arguments.model, arguments.config);
}

Result<std::vector<CompilePhase>> ModelCompiler::time_compilation(const ModelArguments& arguments,
                                                                  Progress& progress) const {
  SAMC_ASSIGN(const bool bmodels, are_bmodels(arguments));
  if (bmodels) return std::vector<CompilePhase>{};
  SAMC_ASSIGN(const bool is_module, is_module_file(arguments.model));
  if (is_module) return std::vector<CompilePhase>{};
  SAMC_ASSIGN(const TemporaryFolder folder, TemporaryFolder::create("samc-bench"));
  progress.show("compiling ...");
  Stopwatch watch;
  SAMC_ASSIGN(const CompileReport report, compile_model(compile_options(arguments, ""), folder.file("model.samc")));
  const double total = watch.lap();
  progress.clear();
  return std::vector<CompilePhase>{
      {"compile: read checkpoint", report.read_milliseconds}, {"compile: build top IR", report.build_milliseconds},
      {"compile: passes", report.pass_milliseconds},          {"compile: plan and pack", report.plan_milliseconds},
      {"compile: write module", report.write_milliseconds},   {"compile, in all", total}};
}

Result<std::string> module_key(const ModelArguments& arguments) {
  ContentHash hash;
  hash.add("samc module");
  hash.add(build_id());
  hash.add(precision_name(arguments.precision.value_or(Precision::kF32)));
  hash.add(arguments.image_size ? fmt::format("image size {}", *arguments.image_size) : "");
  hash.add(arguments.state_dict ? "state_dict " + *arguments.state_dict : "");
  // The module's name comes from a folder's, or from a config's; of a checkpoint's own it only counts whether it is
  // official: else an image size may be assumed, and the module says so.
  std::error_code error;
  if (is_folder(arguments.model))
    hash.add(fs::weakly_canonical(arguments.model, error).string());
  else
    hash.add(find_official_config(fs::path(arguments.model).stem().string()) != nullptr ? "official name" : "");
  SAMC_ASSIGN(const std::vector<std::string> files, source_files(compile_options(arguments, "")));
  for (const std::string& file : files) {
    if (file != arguments.model) hash.add(fs::path(file).filename().string());
    SAMC_TRY(hash.add_file(file));
  }
  return hash.hexadecimal();
}

Result<std::shared_ptr<const Module>> ModelCompiler::open_module(const ModelArguments& arguments,
                                                                 Progress& progress) const {
  SAMC_ASSIGN(const bool is_module, is_module_file(arguments.model));
  // Of an export's folder also where the cache has it compiled.
  if (is_module || is_folder(arguments.model)) SAMC_TRY(check_no_architecture(compile_options(arguments, "")));
  if (is_module) return open_compiled(arguments, progress);
  // Found out before a second is spent on compiling.
  SAMC_ASSIGN(const Isa isa, choose_isa());
  SAMC_TRY(can_compute(arguments.precision.value_or(Precision::kF32), isa));
  if (arguments.no_cache) return compile_without_cache(arguments, progress);
  const Result<ModuleCache> cache = ModuleCache::of_user();
  if (!cache.is_ok()) {
    if (cache.status().code() == StatusCode::kUsage) return cache.status();
    warn(cache.status().message() + "; the compiled model is not kept");
    return compile_without_cache(arguments, progress);
  }
  LoadedModule module = compile_with_cache(arguments, cache.value(), progress);
  if (module.is_ok() || module.status().code() != StatusCode::kIo) return module;
  // A cache that is full or blocked is no reason to give up. Where it is the model that cannot be read, this says so.
  LoadedModule anew = compile_without_cache(arguments, progress);
  if (anew.is_ok()) warn(module.status().message() + "; the compiled model is not kept");
  return anew;
}

}  // namespace samc
