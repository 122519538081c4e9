#include "app/model_parts.h"

#include <span>

namespace samc {
namespace {

// model_transform.py's mean and scale of SAM 2, in pixels of 0 to 255: read by calibrate, and by --fuse_preprocess.
sophgo::Preprocess preprocess_of_sam2() {
  sophgo::Preprocess preprocess;
  preprocess.mean = {123.675, 116.28, 103.53};
  preprocess.scale = {0.01712475, 0.017507, 0.01742919};
  preprocess.pixel_format = "rgb";
  return preprocess;
}

Result<std::string> write_part(const std::shared_ptr<const ModelSource>& source, sophgo::ModelPart part,
                               const PartsOptions& options, const TemporaryFolder& folder) {
  sophgo::TransformOptions transform;
  transform.source = source;
  transform.model_name = source->info().name + "_" + sophgo::part_name(part);
  transform.part = part;
  transform.max_points = options.max_points;
  transform.for_video = options.for_video;
  transform.memory = options.memory;
  transform.preprocess = preprocess_of_sam2();
  SAMC_ASSIGN(const auto model, sophgo::TransformedModel::make(transform));
  const std::string path = folder.file(std::string(sophgo::part_name(part)) + ".mlir");
  SAMC_TRY(model->write(path));
  return path;
}

}  // namespace

Result<std::vector<PartFile>> write_parts(const std::shared_ptr<const ModelSource>& source, const PartsOptions& options,
                                          const TemporaryFolder& folder, Progress& progress) {
  std::vector<PartFile> parts;
  for (const sophgo::ModelPart part : options.for_video ? std::span<const sophgo::ModelPart>(kVideoParts)
                                                        : std::span<const sophgo::ModelPart>(kImageParts)) {
    progress.show(fmt::format("{}: transforming ...", sophgo::part_name(part)));
    SAMC_ASSIGN(const std::string mlir, write_part(source, part, options, folder));
    parts.push_back({sophgo::part_name(part), mlir});
  }
  return parts;
}

}  // namespace samc
