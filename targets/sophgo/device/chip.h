#pragma once
// Sophgo's chip, held by this process through libbmrt: bmodels are loaded once and stay, inputs and outputs lie in
// device memory that is kept from run to run. (The wheel's simulator serves too, in a process whose libcmodel.so is the
// right one.) Every call that may hang is given up after a time that the caller states.
//
//   auto chip = Chip::open({.libraries = "/opt/sophon/libsophon-current/lib"});
//   auto network = ChipNetwork::load(chip.value(), "encoder.bmodel");
//   auto in = network.value()->make_inputs();         // buffers, by the network's order
//   ... write_bmodel_values(picture, type, in[0]->host()) ...
//   network.value()->run(in, uploads, out, downloads);

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "targets/sophgo/device/bmrt_api.h"
#include "targets/sophgo/device/call_thread.h"

namespace samc::sophgo {

struct ChipOptions {
  std::string libraries;            // the folder of libbmlib and libbmrt
  bool simulator = false;           // open_bmrt()
  std::optional<double> seconds{};  // that a call may take; nothing: any time
};

struct ChipMemory {
  int64_t total = 0, used = 0;  // bytes
};

class Chip : public std::enable_shared_from_this<Chip> {
 public:
  static Result<std::shared_ptr<Chip>> open(const ChipOptions& options);
  ~Chip();
  Chip(const Chip&) = delete;
  Chip& operator=(const Chip&) = delete;

  const std::string& name() const { return name_; }  // "BM1688"
  bool maps_memory() const { return maps_memory_; }  // whether this processor reaches the chip's memory
  // Nothing where the runtime does not say.
  Result<std::optional<ChipMemory>> memory();

  // For the classes below: work that calls the runtime, as CallThread::run() does it. Several may be under way.
  Status call(const std::string& what, std::function<Status()> work);
  bool is_lost() const { return lost_; }
  const BmrtApi& api() const { return api_; }
  void* device() const { return device_; }
  // Within call(): what there is to say of the chip's memory, "; 30 of 4096 MB of its memory are free", or "".
  std::string memory_note() const;

 private:
  Chip(BmrtApi api, std::optional<double> seconds) : api_(api), seconds_(seconds) {}
  Status connect();
  std::optional<ChipMemory> ask_memory() const;

  BmrtApi api_;
  std::optional<double> seconds_;
  void* device_ = nullptr;
  std::string name_;
  bool maps_memory_ = false;
  std::atomic<bool> lost_ = false;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CallThread>> idle_;
};

// Device memory of one input or output, and bytes of this processor's that stand for it: the same memory where the chip
// lets it be mapped, else a copy.
class ChipBuffer {
 public:
  ~ChipBuffer();
  ChipBuffer(const ChipBuffer&) = delete;
  ChipBuffer& operator=(const ChipBuffer&) = delete;

  std::span<std::byte> host() { return host_; }
  const BmMemory& memory() const { return memory_; }

 private:
  friend class ChipNetwork;
  explicit ChipBuffer(std::shared_ptr<Chip> chip) : chip_(std::move(chip)) {}
  // Within Chip::call().
  static Result<std::shared_ptr<ChipBuffer>> make(const std::shared_ptr<Chip>& chip, size_t bytes);
  Status upload();
  Status download();

  std::shared_ptr<Chip> chip_;
  BmMemory memory_{};
  bool is_allocated_ = false, is_mapped_ = false;
  std::vector<std::byte> copy_;
  std::span<std::byte> host_;
};

using ChipBuffers = std::vector<std::shared_ptr<ChipBuffer>>;

struct ChipTensor {
  std::string name;
  int type = 0;  // BmType
  Shape shape;
  size_t bytes = 0;
};

// The first network of a bmodel, in a runtime of its own: names of networks may be those of another bmodel's.
class ChipNetwork : public std::enable_shared_from_this<ChipNetwork> {
 public:
  static Result<std::shared_ptr<ChipNetwork>> load(const std::shared_ptr<Chip>& chip, const std::string& path);
  ~ChipNetwork();
  ChipNetwork(const ChipNetwork&) = delete;
  ChipNetwork& operator=(const ChipNetwork&) = delete;

  const std::string& path() const { return path_; }
  std::span<const ChipTensor> inputs() const { return inputs_; }
  std::span<const ChipTensor> outputs() const { return outputs_; }

  // A buffer for each of these.
  Result<ChipBuffers> make_buffers(std::span<const ChipTensor> tensors);

  // Brings the host's bytes of `uploads` to the chip, runs the network, brings those of `downloads` back. The network
  // has one memory for what it computes, so calls wait for each other; those of other networks do not.
  Status run(const ChipBuffers& inputs, const ChipBuffers& uploads, const ChipBuffers& outputs,
             const ChipBuffers& downloads);

 private:
  ChipNetwork(std::shared_ptr<Chip> chip, std::string path) : chip_(std::move(chip)), path_(std::move(path)) {}
  Status load_unwatched();
  Status run_unwatched(const ChipBuffers& inputs, const ChipBuffers& uploads, const ChipBuffers& outputs,
                       const ChipBuffers& downloads);
  std::vector<BmTensor> tensors(const ChipBuffers& buffers, std::span<const ChipTensor> descriptions) const;

  std::shared_ptr<Chip> chip_;
  std::string path_, name_;
  void* runtime_ = nullptr;
  std::vector<ChipTensor> inputs_, outputs_;
  std::mutex running_;
};

}  // namespace samc::sophgo
