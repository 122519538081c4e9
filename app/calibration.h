#pragma once
// Tables for INT8 out of a folder of images, for every part of a model at once: what calibrate and deploy-all do.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/console.h"
#include "app/model_parts.h"
#include "base/status.h"
#include "targets/sophgo/calibrate/calibrate.h"

namespace samc {

struct CalibrationArguments {
  std::vector<std::string> images;  // files and folders
  std::string method = "max";
  double percentile = 99.99;
  double max_loss = 0.0008;
  int64_t measured = 4;
  int threads = 0;
};
// All but --images.
std::vector<CLI::Option*> add_calibration_options(CLI::App& command, CalibrationArguments& arguments);

struct CalibratedModel {
  sophgo::CalibrationTable calibration;
  sophgo::QuantizeTable quantize;  // empty where no mix was asked for
  std::vector<sophgo::Mix> mixes;  // one for each part then
  std::vector<std::string> notes;  // for the tables' heads
};

// parts: one that takes a picture; or the encoder and then the decoder, which gets what the encoder gave and prompts
// from a grid of points and boxes. Only the arguments are looked at; nothing is printed but progress.
// images: of calibration_images().
Result<CalibratedModel> calibrate_parts(const std::vector<PartFile>& parts, const std::vector<std::string>& images,
                                        const CalibrationArguments& arguments, bool find_mix, Progress& progress);

// The files of the images, all of which are there; an error where there are none. What is left out of a folder is
// warned of.
Result<std::vector<std::string>> calibration_images(const CalibrationArguments& arguments);

// What was measured, as a table for people.
void print_mix(const std::string& part, const sophgo::Mix& mix);

Status write_calibration(const CalibratedModel& model, const std::string& calibration_table,
                         const std::string& quantize_table);

}  // namespace samc
