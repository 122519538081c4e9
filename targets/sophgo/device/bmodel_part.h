#pragma once
// What a bmodel says of itself as a part of a SAM 2 model, and what the models made of such parts share.

#include <string>
#include <vector>

#include "base/named_tensors.h"
#include "base/status.h"
#include "runtime/image_model.h"
#include "runtime/prompt_points.h"
#include "targets/sophgo/device/bmodel.h"

namespace samc::sophgo {

// One network of a bmodel, by the names of the model's own values.
class BmodelPart {
 public:
  // what: "encoder", for messages.
  static Result<BmodelPart> read(const std::string& path, const char* what);

  const std::string& path() const { return path_; }
  const std::string& what() const { return what_; }
  const std::string& chip() const { return chip_; }

  Result<Shape> input(const std::string& name, size_t rank) const { return find(stage_.inputs, "input", name, rank); }
  Result<Shape> output(const std::string& name, size_t rank) const {
    return find(stage_.outputs, "output", name, rank);
  }
  bool has_input(const std::string& name) const { return has(stage_.inputs, name); }
  bool has_output(const std::string& name) const { return has(stage_.outputs, name); }
  // Errors where it is of another shape.
  Status expect_input(const std::string& name, const Shape& shape) const;
  Status expect_output(const std::string& name, const Shape& shape) const;

 private:
  static bool has(const std::vector<BmodelTensor>& tensors, const std::string& name);
  Result<Shape> find(const std::vector<BmodelTensor>& tensors, const char* kind, const std::string& name,
                     size_t rank) const;
  Status is_of(const char* kind, const std::string& name, const Shape& found, const Shape& wanted) const;

  std::string path_, what_, chip_;
  BmodelStage stage_;
};

// An output by the model's name for it, moved out of outputs.
Status take_output(NamedTensors& outputs, const std::string& name, const Shape& shape, Tensor& target);

// How a decoder takes points and gives masks.
struct DecoderInterface {
  int64_t places = 0;  // for points
  // As exporters have it: the pad point is appended inside, so that exactly `places` points make what the model means;
  // masks come without the single one. Else any number of points up to `places`, the pad point among them, and all
  // masks.
  bool exported = false;
};

// The shapes of an image model of these two, which fit together and are for one chip.
Result<ImageModelShapes> read_image_shapes(const BmodelPart& encoder, const BmodelPart& decoder,
                                           DecoderInterface& interface);

// Whether a prompt of so many points, the pad point included, can be given to the decoder at `path`.
Status check_point_places(int64_t points, const DecoderInterface& decoder, const std::string& path);

// A prompt in the places of a decoder of fixed shapes.
class PlacedPrompt {
 public:
  // points: as many as there are places for. mask_input: without data: none.
  PlacedPrompt(const DecoderPoints& points, const TensorView& mask_input, const DecoderInterface& decoder,
               const ImageModelShapes& shapes);
  // point_coords, point_labels, mask_input, has_mask_input; valid as long as this and the mask.
  NamedViews views() const;

 private:
  Tensor coordinates_, labels_, no_mask_, has_mask_;
  TensorView mask_;
};

}  // namespace samc::sophgo
