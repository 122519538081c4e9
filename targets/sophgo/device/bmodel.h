#pragma once
// What a .bmodel says about itself: a 64-byte header, a flatbuffer (its schema: tpu_mlir/Builder/BM168x/bmodel.fbs in
// the wheel), and the binaries that it points into. Every offset is checked; nothing is trusted.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc::sophgo {

struct BmodelTensor {
  std::string name;
  uint32_t type = 0;  // the file's number
  Shape shape;
  float scale = 1;
  int32_t zero_point = 0;
};

// A network has a stage for each set of input shapes; static ones have one.
struct BmodelStage {
  std::vector<BmodelTensor> inputs, outputs;
  bool is_dynamic = false;
  uint32_t cores = 1;
  uint64_t weight_bytes = 0;
  uint64_t command_bytes = 0;
  uint64_t neuron_bytes = 0;  // device memory for activations
};

struct BmodelNetwork {
  std::string name;
  int32_t address_mode = 0;
  std::vector<BmodelStage> stages;
};

struct Bmodel {
  std::string type, version, time, chip;
  std::string kernel_module;
  uint64_t kernel_bytes = 0;
  uint64_t neuron_bytes = 0;
  uint64_t file_bytes = 0;
  std::vector<BmodelNetwork> networks;

  static Result<Bmodel> read(const std::string& path);
  static Result<Bmodel> parse(std::span<const std::byte> bytes);
};

bool is_bmodel(std::span<const std::byte> bytes);
std::string bmodel_type_name(uint32_t type);         // "f16"
std::string bmodel_address_mode_name(int32_t mode);  // "io_tag"

}  // namespace samc::sophgo
