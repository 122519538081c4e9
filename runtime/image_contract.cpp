#include "runtime/image_contract.h"

#include <fmt/format.h>

#include <algorithm>

#include "package/model_names.h"

namespace samc {
namespace {

constexpr const char* kOtherPurpose = "it was made for another purpose or by another version of samc";

}  // namespace

const Value* ShapeReader::find(const char* function_name, const char* value_name, Place place) const {
  const PlanFunction* function = module_.plan().find(function_name);
  const Value* found = nullptr;
  if (function != nullptr)
    for (const Value& value : function->values)
      if (value.place == place && value.name == value_name) found = &value;
  return found;
}

Shape ShapeReader::shape(const char* function_name, const char* value_name, Place place, size_t rank) {
  const Value* found = find(function_name, value_name, place);
  const bool fixed = found != nullptr && found->shape.size() == rank && found->dtype == DType::kF32 &&
                     std::ranges::all_of(found->shape, [](const Extent& extent) { return extent.is_fixed(); });
  if (fixed) return found->shape_at({});
  if (status_.is_ok())
    status_ = invalid_input(
        fmt::format("module {} has no {} of {} as such a model has", module_.info().name, value_name, function_name),
        kOtherPurpose);
  return {};
}

void ShapeReader::expect(const char* function_name, const char* value_name, Place place, const Shape& expected) {
  const Shape found = shape(function_name, value_name, place, expected.size());
  if (status_.is_ok() && found != expected)
    status_ = invalid_input(fmt::format("{} of {} is {}, {} expected", value_name, function_name,
                                        shape_to_string(found), shape_to_string(expected)));
}

void ShapeReader::expect_sizes(const char* function_name, const std::vector<std::string_view>& names) {
  const PlanFunction* function = module_.plan().find(function_name);
  const bool has_them = function != nullptr && std::ranges::equal(function->sizes, names, {}, &FreeSize::name);
  if (!has_them && status_.is_ok())
    status_ = invalid_input(fmt::format("{} of module {} does not take any number of {}", function_name,
                                        module_.info().name, fmt::join(names, " and ")),
                            kOtherPurpose);
}

Result<ImageContract> read_image_contract(const Module& module) {
  ShapeReader reader(module);
  ImageContract contract;
  contract.size = module.info().image_size;
  const int64_t size = contract.size;
  reader.expect(kImageEncoder, kImage, Place::kInput, {1, 3, size, size});
  contract.high_res_feats_0 = reader.shape(kImageEncoder, kHighResFeats0, Place::kOutput, 4);
  contract.high_res_feats_1 = reader.shape(kImageEncoder, kHighResFeats1, Place::kOutput, 4);
  contract.image_embed = reader.shape(kImageEncoder, kImageEmbed, Place::kOutput, 4);
  contract.dense_embed = reader.shape(kNoMask, kDenseEmbed, Place::kOutput, 4);
  const Shape low_res = reader.shape(kMaskDecoder, kLowResLogits, Place::kOutput, 4);
  if (!reader.status().is_ok()) return reader.status();
  contract.masks = low_res[1];
  contract.low_height = low_res[2];
  contract.low_width = low_res[3];
  if (low_res[0] != 1 || contract.masks < 2 || contract.low_height < 1 || contract.low_width < 1)
    return invalid_input(fmt::format("mask_decoder gives low_res_logits {}", shape_to_string(low_res)));
  reader.expect(kMaskEncoder, kMaskInput, Place::kInput, {1, 1, contract.low_height, contract.low_width});
  reader.expect(kMaskEncoder, kDenseEmbed, Place::kOutput, contract.dense_embed);
  reader.expect_sizes(kMaskDecoder, {kPoints});
  reader.expect(kMaskDecoder, kImageEmbed, Place::kInput, contract.image_embed);
  reader.expect(kMaskDecoder, kHighResFeats0, Place::kInput, contract.high_res_feats_0);
  reader.expect(kMaskDecoder, kHighResFeats1, Place::kInput, contract.high_res_feats_1);
  reader.expect(kMaskDecoder, kDenseEmbed, Place::kInput, contract.dense_embed);
  reader.expect(kMaskDecoder, kIouPredictions, Place::kOutput, {1, contract.masks});
  if (!reader.status().is_ok()) return reader.status();
  return contract;
}

}  // namespace samc
