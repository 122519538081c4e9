#pragma once
// Where the two bmodels of an image model run: on the chip, in this process, where they stay loaded (ChipRunner); or in
// its simulator, in a process for each call.

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/named_tensors.h"
#include "base/status.h"
#include "runtime/image_predictor.h"
#include "targets/sophgo/device/chip.h"

namespace samc::sophgo {

// What the names of a bmodel's inputs and outputs have behind those of the model's values.
inline constexpr const char* kBmodelEndings[] = {"", "_f32", "_f16", "_bf16"};

// Whether a bmodel's name for a value is this one of the model's.
inline bool is_bmodel_name(const std::string& bmodels, const std::string& name) {
  return std::ranges::any_of(kBmodelEndings, [&](const char* ending) { return bmodels == name + ending; });
}

// The one of the values that this input takes.
Result<TensorView> value_for(const ChipTensor& input, const NamedViews& values, const std::string& bmodel);

class BmodelRunner {
 public:
  virtual ~BmodelRunner() = default;

  // image: f32. Outputs by the bmodel's own names. on_device: gets what stays on the chip of them, where something
  // does.
  virtual Result<NamedTensors> encode(const TensorView& image, std::shared_ptr<const DeviceEmbedding>& on_device) = 0;
  // As of ImageModel.
  virtual Status set_picture(const ImageEmbedding& embedding) = 0;
  virtual void forget_picture() = 0;
  // prompt: all inputs but the embedding. wanted: names of outputs, without endings.
  virtual Result<NamedTensors> decode(const ImageEmbedding& embedding, const NamedViews& prompt,
                                      std::span<const std::string> wanted) = 0;

  // One for another thread, with the same bmodels; and how many may be at work.
  virtual Result<std::unique_ptr<BmodelRunner>> another() const = 0;
  virtual int most_at_once() const = 0;
};

Result<std::unique_ptr<BmodelRunner>> make_chip_runner(const std::shared_ptr<Chip>& chip, const std::string& encoder,
                                                       const std::string& decoder);

}  // namespace samc::sophgo
