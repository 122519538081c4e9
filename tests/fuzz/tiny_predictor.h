#pragma once
// For fuzz targets: a predictor of the runtime's tiny model (runtime/testing_models.h), on one thread.

#include <utility>

#include "runtime/image_predictor.h"
#include "runtime/testing_models.h"

namespace samc {

inline ImagePredictor make_tiny_predictor(PredictorOptions options = {}) {
  auto module = Module::from_plan(tiny_model_in_parts());
  SAMC_CHECK(module.is_ok(), "{}", module.status().to_string());
  options.threads = 1;
  auto predictor = ImagePredictor::create(module.value(), options);
  SAMC_CHECK(predictor.is_ok(), "{}", predictor.status().to_string());
  return std::move(predictor).value();
}

}  // namespace samc
