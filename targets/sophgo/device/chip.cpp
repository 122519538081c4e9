#include "targets/sophgo/device/chip.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace samc::sophgo {
namespace {

constexpr const char* kRestart = "look at dmesg and bm-smi; samc doctor says what is installed";

Status failed(const char* call, int code) { return io_error(fmt::format("{} gave {}", call, code), kRestart); }

constexpr int64_t kMegabyte = int64_t{1} << 20;

// While it lives, what the runtime prints on standard output goes to standard error: as it is opened and as it loads it
// says something whatever it is asked for (so it does as it closes), and results may be on their way to standard
// output.
class StandardOutputAside {
 public:
  StandardOutputAside() {
    std::fflush(stdout);
    kept_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (kept_ >= 0) (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~StandardOutputAside() {
    if (kept_ < 0) return;
    std::fflush(stdout);
    (void)::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }
  StandardOutputAside(const StandardOutputAside&) = delete;
  StandardOutputAside& operator=(const StandardOutputAside&) = delete;

 private:
  int kept_ = -1;
};

Result<ChipTensor> describe(const char* path, const char* name, int type, const BmShape& shape) {
  ChipTensor tensor{name, type, {}, bm_type_bytes(type)};
  if (tensor.bytes == 0) return unsupported(fmt::format("{}: {} is of type {}", path, name, type));
  if (shape.num_dims < 0 || shape.num_dims > 8)
    return invalid_input(fmt::format("{}: {} has {} dimensions", path, name, shape.num_dims));
  for (int i = 0; i < shape.num_dims; ++i) {
    if (shape.dims[i] < 1) return unsupported(fmt::format("{}: {} has an extent of {}", path, name, shape.dims[i]));
    tensor.shape.push_back(shape.dims[i]);
    constexpr size_t kMost = UINT32_MAX;  // as the runtime counts bytes
    if (tensor.bytes > kMost / static_cast<size_t>(shape.dims[i]))
      return unsupported(fmt::format("{}: {} takes more than 4 GB", path, name));
    tensor.bytes *= static_cast<size_t>(shape.dims[i]);
  }
  return tensor;
}

}  // namespace

Result<std::shared_ptr<Chip>> Chip::open(const ChipOptions& options) {
  const StandardOutputAside aside;
  SAMC_ASSIGN(const BmrtApi api, open_bmrt(options.libraries, options.simulator));
  const std::shared_ptr<Chip> chip(new Chip(api, options.seconds));
  SAMC_TRY(chip->call("opening the chip", [chip] { return chip->connect(); }));
  return chip;
}

Chip::~Chip() {
  idle_.clear();
  const StandardOutputAside aside;
  if (device_ != nullptr && !lost_) api_.free_device(device_);
}

Status Chip::connect() {
  if (const int code = api_.request_device(&device_, 0); code != 0 || device_ == nullptr) {
    device_ = nullptr;
    return io_error(fmt::format("no chip: bm_dev_request gave {}", code),
                    "is libsophon's driver loaded, and may this user open its device? samc doctor says what is there");
  }
  unsigned id = 0;
  if (const int code = api_.chip_id(device_, &id); code != 0) return failed("bm_get_chipid", code);
  name_ = bm_chip_name(id);
  if (!api_.can_map()) return Status::ok();
  BmMemory trial{};
  constexpr unsigned kPage = 4096;
  if (const int code = api_.allocate(device_, &trial, kPage); code != 0) return failed("bm_malloc_device_byte", code);
  unsigned long long address = 0;
  maps_memory_ = api_.map(device_, &trial, &address) == 0 && address != 0;
  if (maps_memory_) (void)api_.unmap(device_, reinterpret_cast<void*>(address), kPage);
  api_.free_memory(device_, trial);
  return Status::ok();
}

std::optional<ChipMemory> Chip::ask_memory() const {
  BmDeviceStatus status{};
  if (api_.device_status == nullptr || api_.device_status(device_, &status) != 0 || status.memory_total <= 0) return {};
  return ChipMemory{status.memory_total * kMegabyte, status.memory_used * kMegabyte};
}

Result<std::optional<ChipMemory>> Chip::memory() {
  const auto answer = std::make_shared<std::optional<ChipMemory>>();
  SAMC_TRY(call("asking for the chip's memory", [chip = shared_from_this(), answer] {
    *answer = chip->ask_memory();
    return Status::ok();
  }));
  return *answer;
}

std::string Chip::memory_note() const {
  const std::optional<ChipMemory> memory = ask_memory();
  if (!memory.has_value()) return "";
  return fmt::format("; {} of {} MB of the chip's memory are free", (memory->total - memory->used) / kMegabyte,
                     memory->total / kMegabyte);
}

Status Chip::call(const std::string& what, std::function<Status()> work) {
  if (lost_) return io_error(fmt::format("{}: the chip has stopped answering", what));
  std::unique_ptr<CallThread> thread;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      thread = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (thread == nullptr) {
    SAMC_ASSIGN(thread, CallThread::start());
  }
  Status status = thread->run(what, seconds_, std::move(work));
  if (thread->is_lost()) {
    lost_ = true;
    return status;
  }
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(thread));
  return status;
}

ChipBuffer::~ChipBuffer() {
  if (chip_->is_lost()) return;
  if (is_mapped_) (void)chip_->api().unmap(chip_->device(), host_.data(), static_cast<int>(host_.size()));
  if (is_allocated_) chip_->api().free_memory(chip_->device(), memory_);
}

Result<std::shared_ptr<ChipBuffer>> ChipBuffer::make(const std::shared_ptr<Chip>& chip, size_t bytes) {
  std::shared_ptr<ChipBuffer> buffer(new ChipBuffer(chip));
  const BmrtApi& api = chip->api();
  const int code = api.allocate(chip->device(), &buffer->memory_, static_cast<unsigned>(bytes));
  if (code != 0)
    return io_error(fmt::format("no {:.1f} MB of the chip's memory: bm_malloc_device_byte gave {}{}",
                                static_cast<double>(bytes) / 1e6, code, chip->memory_note()),
                    "end other programs that use the chip, or use a smaller model");
  buffer->is_allocated_ = true;
  if (!chip->maps_memory()) {
    buffer->copy_.resize(bytes);
    buffer->host_ = buffer->copy_;
    return buffer;
  }
  unsigned long long address = 0;
  if (const int mapped = api.map(chip->device(), &buffer->memory_, &address); mapped != 0 || address == 0)
    return failed("bm_mem_mmap_device_mem", mapped);
  buffer->is_mapped_ = true;
  buffer->host_ = {reinterpret_cast<std::byte*>(address), bytes};
  return buffer;
}

Status ChipBuffer::upload() {
  const BmrtApi& api = chip_->api();
  const int code =
      is_mapped_ ? api.flush(chip_->device(), &memory_) : api.copy_to_device(chip_->device(), memory_, host_.data());
  return code == 0 ? Status::ok() : failed(is_mapped_ ? "bm_mem_flush_device_mem" : "bm_memcpy_s2d", code);
}

Status ChipBuffer::download() {
  const BmrtApi& api = chip_->api();
  const int code = is_mapped_ ? api.invalidate(chip_->device(), &memory_)
                              : api.copy_from_device(chip_->device(), host_.data(), memory_);
  return code == 0 ? Status::ok() : failed(is_mapped_ ? "bm_mem_invalidate_device_mem" : "bm_memcpy_d2s", code);
}

Result<std::shared_ptr<ChipNetwork>> ChipNetwork::load(const std::shared_ptr<Chip>& chip, const std::string& path) {
  const StandardOutputAside aside;
  const std::shared_ptr<ChipNetwork> network(new ChipNetwork(chip, path));
  SAMC_TRY(chip->call("loading " + path, [network] { return network->load_unwatched(); }));
  return network;
}

ChipNetwork::~ChipNetwork() {
  const StandardOutputAside aside;
  if (runtime_ != nullptr && !chip_->is_lost()) chip_->api().destroy(runtime_);
}

Status ChipNetwork::load_unwatched() {
  const BmrtApi& api = chip_->api();
  runtime_ = api.create(chip_->device());
  if (runtime_ == nullptr) return io_error("bmrt_create gave nothing", kRestart);
  if (!api.load(runtime_, path_.c_str()))
    return invalid_input(
        fmt::format("{}: the runtime of {} refuses it{}", path_, chip_->name(), chip_->memory_note()),
        "it must be of this chip, of no newer TPU-MLIR than libsophon, and fit into the chip's memory");
  const char** names = nullptr;
  api.network_names(runtime_, &names);
  const BmNetInfo* net = names != nullptr && names[0] != nullptr ? api.network_info(runtime_, names[0]) : nullptr;
  ::free(names);
  if (net == nullptr || net->stage_num < 1)
    return invalid_input(path_ + " holds no network", "make it by samc deploy-all");
  name_ = net->name;
  const BmStage& stage = net->stages[0];
  for (int i = 0; i < net->input_num; ++i) {
    SAMC_ASSIGN(ChipTensor tensor,
                describe(path_.c_str(), net->input_names[i], net->input_dtypes[i], stage.input_shapes[i]));
    inputs_.push_back(std::move(tensor));
  }
  for (int i = 0; i < net->output_num; ++i) {
    SAMC_ASSIGN(ChipTensor tensor,
                describe(path_.c_str(), net->output_names[i], net->output_dtypes[i], stage.output_shapes[i]));
    outputs_.push_back(std::move(tensor));
  }
  return Status::ok();
}

Result<ChipBuffers> ChipNetwork::make_buffers(std::span<const ChipTensor> tensors) {
  const auto made = std::make_shared<ChipBuffers>();
  std::vector<size_t> sizes;
  for (const ChipTensor& tensor : tensors) sizes.push_back(tensor.bytes);
  const Status status = chip_->call("making room for " + path_, [chip = chip_, sizes, made]() -> Status {
    for (const size_t bytes : sizes) {
      SAMC_ASSIGN(std::shared_ptr<ChipBuffer> buffer, ChipBuffer::make(chip, bytes));
      made->push_back(std::move(buffer));
    }
    return Status::ok();
  });
  SAMC_TRY(status);
  return std::move(*made);
}

std::vector<BmTensor> ChipNetwork::tensors(const ChipBuffers& buffers, std::span<const ChipTensor> descriptions) const {
  SAMC_CHECK(buffers.size() == descriptions.size(), "{}: {} buffers for {} tensors", path_, buffers.size(),
             descriptions.size());
  std::vector<BmTensor> list;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const ChipTensor& description = descriptions[i];
    SAMC_CHECK(buffers[i]->host().size() == description.bytes, "{}: a buffer of {} bytes for {}", path_,
               buffers[i]->host().size(), description.name);
    BmTensor tensor{description.type, {}, buffers[i]->memory(), 0};
    tensor.shape.num_dims = static_cast<int>(description.shape.size());
    std::ranges::transform(description.shape, tensor.shape.dims,
                           [](int64_t extent) { return static_cast<int>(extent); });
    list.push_back(tensor);
  }
  return list;
}

Status ChipNetwork::run_unwatched(const ChipBuffers& inputs, const ChipBuffers& uploads, const ChipBuffers& outputs,
                                  const ChipBuffers& downloads) {
  for (const auto& buffer : uploads) SAMC_TRY(buffer->upload());
  const std::vector<BmTensor> given = tensors(inputs, inputs_);
  std::vector<BmTensor> results = tensors(outputs, outputs_);
  const BmrtApi& api = chip_->api();
  if (!api.launch(runtime_, name_.c_str(), given.data(), static_cast<int>(given.size()), results.data(),
                  static_cast<int>(results.size()), true, false))
    return io_error(fmt::format("{}: bmrt_launch_tensor_ex failed", path_), kRestart);
  if (const int code = api.wait(chip_->device()); code != 0) return failed("bm_thread_sync", code).at(path_);
  for (const auto& buffer : downloads) SAMC_TRY(buffer->download());
  return Status::ok();
}

Status ChipNetwork::run(const ChipBuffers& inputs, const ChipBuffers& uploads, const ChipBuffers& outputs,
                        const ChipBuffers& downloads) {
  const std::lock_guard lock(running_);
  return chip_->call("running " + path_, [network = shared_from_this(), inputs, uploads, outputs, downloads] {
    return network->run_unwatched(inputs, uploads, outputs, downloads);
  });
}

}  // namespace samc::sophgo
