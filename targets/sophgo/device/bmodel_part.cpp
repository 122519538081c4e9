#include "targets/sophgo/device/bmodel_part.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "package/model_names.h"
#include "targets/sophgo/device/bmodel_runner.h"
#include "targets/sophgo/device/point_places.h"

namespace samc::sophgo {

Result<BmodelPart> BmodelPart::read(const std::string& path, const char* what) {
  SAMC_ASSIGN(const Bmodel file, Bmodel::read(path));
  if (file.networks.size() != 1 || file.networks[0].stages.size() != 1)
    return unsupported(fmt::format("{} has {} networks, one of one stage is expected", path, file.networks.size()));
  BmodelPart part;
  part.path_ = path;
  part.what_ = what;
  part.chip_ = file.chip;
  part.stage_ = file.networks[0].stages[0];
  return part;
}

bool BmodelPart::has(const std::vector<BmodelTensor>& tensors, const std::string& name) {
  return std::ranges::any_of(tensors, [&](const BmodelTensor& tensor) { return is_bmodel_name(tensor.name, name); });
}

Result<Shape> BmodelPart::find(const std::vector<BmodelTensor>& tensors, const char* kind, const std::string& name,
                               size_t rank) const {
  std::vector<std::string> names;
  for (const BmodelTensor& tensor : tensors) {
    if (tensor.name == name + "_raw")
      return unsupported(path_ + " takes 8-bit pixels: it was deployed with --fuse_preprocess",
                         "deploy it without, for samc to normalise the image");
    for (const char* ending : kBmodelEndings)
      if (tensor.name == name + ending && tensor.shape.size() == rank) return tensor.shape;
    names.push_back(tensor.name + " " + shape_to_string(tensor.shape));
  }
  return invalid_input(fmt::format("{} is no {} of SAM 2: it has no {} {} of {} dimensions but {}", path_, what_, kind,
                                   name, rank, fmt::join(names, ", ")),
                       "make both parts with samc deploy-all");
}

Status BmodelPart::is_of(const char* kind, const std::string& name, const Shape& found, const Shape& wanted) const {
  if (found == wanted) return Status::ok();
  return invalid_input(fmt::format("{}: {} {} is {}, and the other parts have it as {}", path_, kind, name,
                                   shape_to_string(found), shape_to_string(wanted)),
                       "they are of different models: make all parts with one samc deploy-all");
}

Status BmodelPart::expect_input(const std::string& name, const Shape& shape) const {
  SAMC_ASSIGN(const Shape found, input(name, shape.size()));
  return is_of("input", name, found, shape);
}

Status BmodelPart::expect_output(const std::string& name, const Shape& shape) const {
  SAMC_ASSIGN(const Shape found, output(name, shape.size()));
  return is_of("output", name, found, shape);
}

Status take_output(NamedTensors& outputs, const std::string& name, const Shape& shape, Tensor& target) {
  for (const char* ending : kBmodelEndings)
    if (const auto found = outputs.find(name + ending); found != outputs.end()) {
      if (found->second.shape() != shape)
        return invalid_input(fmt::format("output {} is {}, {} expected", name, shape_to_string(found->second.shape()),
                                         shape_to_string(shape)));
      target = std::move(found->second);
      return Status::ok();
    }
  return invalid_input(fmt::format("the bmodel gave no {}", name));
}

// Fills what the decoder says about masks.
static Result<DecoderInterface> read_decoder(const BmodelPart& decoder, ImageModelShapes& shapes) {
  DecoderInterface interface;
  interface.exported = decoder.has_output(kExportedMasks);
  SAMC_ASSIGN(const Shape labels, decoder.input(kPointLabels, 2));
  SAMC_ASSIGN(const Shape coordinates, decoder.input(kPointCoords, 3));
  SAMC_ASSIGN(const Shape has_mask, decoder.input(kHasMaskInput, 1));
  SAMC_ASSIGN(const Shape mask, decoder.input(kMaskInput, 4));
  SAMC_ASSIGN(const Shape masks, decoder.output(interface.exported ? kExportedMasks : kLowResLogits, 4));
  if (labels[0] != 1)
    return unsupported(fmt::format("{} takes {} prompts at once", decoder.path(), labels[0]),
                       "transform the decoder with 1 in front of the points in --input_shapes, as in [1,2,2]");
  const int64_t least = interface.exported ? 1 : 2;  // masks
  if (coordinates != Shape{1, labels[1], 2} || has_mask[0] != 1 || masks[0] != 1 || masks[1] < least ||
      mask != Shape{1, 1, masks[2], masks[3]})
    return invalid_input(fmt::format("{} takes points {} with labels {} and a mask {}, and gives masks {}",
                                     decoder.path(), shape_to_string(coordinates), shape_to_string(labels),
                                     shape_to_string(mask), shape_to_string(masks)),
                         "they do not fit together");
  interface.places = labels[1];
  shapes.single_mask = !interface.exported;
  shapes.masks = masks[1];
  shapes.low_height = masks[2];
  shapes.low_width = masks[3];
  return interface;
}

Result<ImageModelShapes> read_image_shapes(const BmodelPart& encoder, const BmodelPart& decoder,
                                           DecoderInterface& interface) {
  if (encoder.chip() != decoder.chip())
    return invalid_input(
        fmt::format("{} is for {} and {} for {}", encoder.path(), encoder.chip(), decoder.path(), decoder.chip()));
  ImageModelShapes shapes;
  SAMC_ASSIGN(const Shape image, encoder.input(kImage, 4));
  if (image[0] != 1 || image[1] != 3 || image[2] != image[3])
    return unsupported(fmt::format("{} takes an image {}", encoder.path(), shape_to_string(image)));
  shapes.size = image[2];
  SAMC_ASSIGN(shapes.high_res_feats_0, encoder.output(kHighResFeats0, 4));
  SAMC_ASSIGN(shapes.high_res_feats_1, encoder.output(kHighResFeats1, 4));
  SAMC_ASSIGN(shapes.image_embed, encoder.output(kImageEmbed, 4));
  for (const auto& [name, shape] : {std::pair{kHighResFeats0, &shapes.high_res_feats_0},
                                    {kHighResFeats1, &shapes.high_res_feats_1},
                                    {kImageEmbed, &shapes.image_embed}}) {
    SAMC_ASSIGN(const Shape taken, decoder.input(name, 4));
    if (taken != *shape)
      return invalid_input(fmt::format("{}: {} gives {} and {} takes {}", name, encoder.path(), shape_to_string(*shape),
                                       decoder.path(), shape_to_string(taken)),
                           "they are of different models");
  }
  SAMC_ASSIGN(interface, read_decoder(decoder, shapes));
  return shapes;
}

Status check_point_places(int64_t points, const DecoderInterface& decoder, const std::string& path) {
  const int64_t places = decoder.places;
  if (!decoder.exported && points > places)
    return unsupported(fmt::format("a prompt of {} points, the corners of its box and the pad point included: {} "
                                   "takes {}",
                                   points, path, places),
                       "make the bmodels by samc deploy-all with a larger --max_points");
  if (decoder.exported && points != places + 1)
    return unsupported(fmt::format("a prompt of {}, the corners of its box included: {} is of an export with fixed "
                                   "shapes and serves exactly {}",
                                   points == 0   ? "no point"
                                   : points == 2 ? "1 point"
                                                 : fmt::format("{} points", points - 1),
                                   path, places),
                       "samc deploy-all, or transform --part decoder, of the same export makes one for any prompt");
  return Status::ok();
}

PlacedPrompt::PlacedPrompt(const DecoderPoints& points, const TensorView& mask_input, const DecoderInterface& decoder,
                           const ImageModelShapes& shapes)
    : coordinates_(Tensor::zeros({1, decoder.places, 2})),
      labels_({1, decoder.places}),
      no_mask_(Tensor::zeros({1, 1, shapes.low_height, shapes.low_width})),
      has_mask_({1}) {
  std::fill(labels_.f32().begin(), labels_.f32().end(), kAbsentPoint);
  const int64_t given = points.count() - (decoder.exported ? 1 : 0);
  std::copy_n(points.coordinates.begin(), 2 * given, coordinates_.f32().begin());
  std::copy_n(points.labels.begin(), given, labels_.f32().begin());
  has_mask_.f32()[0] = mask_input.data != nullptr ? 1.0f : 0.0f;
  mask_ = (mask_input.data != nullptr ? mask_input : no_mask_.view()).with_shape(no_mask_.shape());
}

NamedViews PlacedPrompt::views() const {
  return {{kPointCoords, coordinates_.view()},
          {kPointLabels, labels_.view()},
          {kMaskInput, mask_},
          {kHasMaskInput, has_mask_.view()}};
}

}  // namespace samc::sophgo
