#pragma once
// A compiled module as a video model: its functions on the CPU.

#include <memory>

#include "base/status.h"
#include "runtime/module.h"
#include "runtime/video_model.h"

namespace samc {

// Errors: the module says nothing of video, lacks the functions of a video model, or has others of these names.
Result<std::unique_ptr<VideoModel>> make_video_model(std::shared_ptr<const Module> module, int threads);

}  // namespace samc
