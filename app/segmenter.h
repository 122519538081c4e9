#pragma once
// What `samc segment` does with one image: read it, predict each of its prompts, write what was asked for.

#include <string>

#include "app/console.h"
#include "app/jobs.h"
#include "app/outputs.h"
#include "base/status.h"
#include "media/image.h"
#include "runtime/image_predictor.h"

namespace samc {

class Segmenter {
 public:
  // embedding: a file that stands in for the encoder; empty: none.
  Segmenter(ImagePredictor& predictor, Progress& progress, std::string embedding, Orientation orientation);

  // Everything for one image. Errors name the image, and the prompt where one is at fault.
  Status run(const Job& job, const OutputPaths& paths, ImageReport& report);

 private:
  Status check_prompts(const Job& job, int64_t width, int64_t height, const OutputPaths& paths) const;
  Status predict(const Job& job, PictureOutputs& outputs);
  // The file that a job's messages are about.
  const std::string& name_of(const Job& job) const { return job.image.empty() ? embedding_ : job.image; }
  // For the messages about one of its prompts.
  std::string place_of(const Job& job, size_t prompt) const;

  ImagePredictor& predictor_;
  Progress& progress_;
  std::string embedding_;
  Orientation orientation_;
};

}  // namespace samc
