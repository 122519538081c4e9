#pragma once
// Several images at the same time. Each lane does one image after the other, from reading to writing, with a model of
// its own and its share of the threads: while one decodes or writes an image, which is work for one thread, another
// computes. Memory goes with the lanes, not with the images.

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/console.h"
#include "app/model_opener.h"
#include "app/outputs.h"
#include "base/status.h"
#include "runtime/image_model.h"

namespace samc {

void add_jobs_option(CLI::App& command, std::optional<int>& jobs);

// A model for each lane: as many as jobs says, else kUsualLanes where there is room for them, but no more than images
// or threads, and no more than the model allows. device and progress: as of ModelOpener::open().
Result<std::vector<std::unique_ptr<ImageModel>>> open_lanes(const ModelOpener& opener, ModelArguments arguments,
                                                            std::optional<int> jobs, size_t images, Progress& progress,
                                                            std::string& device);

// Does work(image, lane, report) for each image, and take(report) in the order of the images for each that is done.
// Gives how many are not. One bad image does not cost the others their masks: its error is reported, when those before
// it are; or is this one's, where there is no batch.
Result<size_t> do_images(size_t images, size_t lanes, bool batch, Progress& progress,
                         const std::function<Status(size_t image, size_t lane, ImageReport& report)>& work,
                         const std::function<Status(ImageReport& report)>& take);

}  // namespace samc
