#include "app/model_source.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <vector>

#include "app/build_id.h"
#include "app/bundled_model.h"
#include "app/module_cache.h"
#include "base/files.h"
#include "base/regular_file.h"
#include "model/exported_model.h"
#include "model/recognise.h"
#include "package/format.h"
#include "targets/cpu/compile_model.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  static Result<Descriptor> open(const std::string& path) {
    Descriptor file;
    file.number_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);  // a pipe is no model
    if (file.number_ < 0) return io_error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
    SAMC_TRY(size_of_regular_file(file.number_, path).status());
    return file;
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  // At most size bytes; 0 at the end of the file; negative after an error.
  ssize_t read(void* target, size_t size) const {
    ssize_t count = 0;
    do count = ::read(number_, target, size);
    while (count < 0 && errno == EINTR);
    return count;
  }

 private:
  Descriptor() = default;
  int number_ = -1;
};

class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
  }
  // Each part with its length, so that no two lists of parts give the same bytes.
  void add(const std::string& text) {
    const uint64_t size = text.size();
    XXH3_128bits_update(state_.get(), &size, sizeof size);
    XXH3_128bits_update(state_.get(), text.data(), text.size());
  }
  // Read, not mapped: mapped pages would count as this process's memory.
  Status add_file(const std::string& path) {
    SAMC_ASSIGN(const Descriptor file, Descriptor::open(path));
    std::vector<char> buffer(size_t{1} << 20);
    uint64_t total = 0;
    while (true) {
      const ssize_t count = file.read(buffer.data(), buffer.size());
      if (count < 0) return io_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
      if (count == 0) break;
      XXH3_128bits_update(state_.get(), buffer.data(), static_cast<size_t>(count));
      total += static_cast<uint64_t>(count);
    }
    XXH3_128bits_update(state_.get(), &total, sizeof total);
    return Status::ok();
  }
  std::string hexadecimal() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

// key: of the cache, kept in the module; may be empty.
Status compile_to(const ModelArguments& arguments, const std::string& path, const std::string& key,
                  Progress& progress) {
  progress.show(fmt::format("compiling {} ...", arguments.model));
  CompileOptions options;
  options.model = arguments.model;
  options.config = arguments.config;
  options.image_size = arguments.image_size;
  options.precision = arguments.precision;
  options.build_id = build_id();
  options.key = key;
  SAMC_ASSIGN(const CompileReport report, compile_model(options, path));
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

// What the module says of its own weights.
void repeat_warnings(const std::string& model, const Module& module) {
  for (const auto& [name, text] : module.info().notes)
    if (name == "warning") warn(fmt::format("{}: {}", model, text));
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
  const Status status = compile_to(arguments, fmt::format("/proc/self/fd/{}", descriptor), "", progress);
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

}  // namespace

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads to compute with; 0: one for each core")
      ->check(CLI::Range(0, 1024))
      ->type_name("N");
}

void add_image_size_option(CLI::App& command, std::optional<int64_t>& image_size) {
  command
      .add_option("--image-size", image_size,
                  "Of a checkpoint: the side of the square that images are stretched to, instead of the config's (1024 "
                  "in the official models)")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("PIXELS");
}

void add_model_options(CLI::App& command, ModelArguments& arguments) {
  command
      .add_option(
          "--model,-m", arguments.model,
          "A checkpoint (.pt), a folder with encoder.onnx and decoder.onnx, or a compiled module (.samc). What is no "
          "module is compiled once and kept in the cache. mini is the small demonstration model that comes with samc")
      ->required()
      ->transform(bundled_model())
      ->type_name("FILE|DIR");
  command
      .add_option("--config", arguments.config,
                  "The architecture as official-format YAML. Needed for models that are not one of the eight official "
                  "ones; a file of the checkpoint's stem beside it (x.yaml for x.pt) is found by itself")
      ->type_name("FILE.yaml");
  add_image_size_option(command, arguments.image_size);
  command.add_option("--precision", arguments.precision, "Precision to compile for: f32")->type_name("P");
  command.add_flag("--no-cache", arguments.no_cache, "Compile anew and keep nothing");
  add_threads_option(command, arguments.threads);
}

Result<bool> is_module_file(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return false;
  SAMC_ASSIGN(const Descriptor file, Descriptor::open(path));
  std::array<unsigned char, kModuleMagic.size()> head{};
  return file.read(head.data(), head.size()) == static_cast<ssize_t>(head.size()) && head == kModuleMagic;
}

Result<std::string> module_key(const ModelArguments& arguments) {
  Hash hash;
  hash.add("samc module");
  hash.add(build_id());
  hash.add(arguments.precision);
  hash.add(arguments.image_size ? fmt::format("image size {}", *arguments.image_size) : "");
  std::error_code error;
  if (fs::is_directory(arguments.model, error)) {
    SAMC_ASSIGN(const std::vector<std::string> files, ExportedModel::files(arguments.model));
    hash.add(fs::weakly_canonical(arguments.model, error).string());  // the module's name comes from it
    for (const std::string& file : files) {
      hash.add(fs::path(file).filename().string());
      SAMC_TRY(hash.add_file(file));
    }
    return hash.hexadecimal();
  }
  // Whether an image size is assumed depends on it, and the module says so.
  hash.add(find_official_config(fs::path(arguments.model).stem().string()) != nullptr ? "official name" : "");
  fs::path config = arguments.config.value_or(fs::path(arguments.model).replace_extension(".yaml").string());
  if (arguments.config || fs::exists(config, error)) {
    hash.add(config.stem().string());  // the module's name comes from it
    SAMC_TRY(hash.add_file(config.string()));
  }
  SAMC_TRY(hash.add_file(arguments.model));
  return hash.hexadecimal();
}

Result<std::shared_ptr<const Module>> open_model(const ModelArguments& arguments, Progress& progress) {
  SAMC_ASSIGN(const bool is_module, is_module_file(arguments.model));
  if (is_module) {
    SAMC_TRY(check_no_architecture(arguments.model, arguments.config, arguments.image_size));
    progress.show(fmt::format("loading {} ...", arguments.model));
    SAMC_ASSIGN(MappedFile file, MappedFile::open(arguments.model));
    SAMC_ASSIGN(std::shared_ptr<const Module> module, load(std::move(file), arguments.threads));
    repeat_warnings(arguments.model, *module);
    return module;
  }
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
