#pragma once
// Where the masks of one picture go: overlay, PNGs, JSON, npz. Each is written when all prompts are done, whole or not
// at all.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/jobs.h"
#include "base/status.h"
#include "media/image.h"
#include "runtime/image_predictor.h"

namespace samc {

struct OutputPaths {
  std::string overlay;    // a .png
  std::string masks_dir;  // STEM_promptP_maskM.png inside
  std::string npz;
  bool json = false;  // collect the JSON: whoever calls writes it
};

// With those above it; nothing for "".
Status make_folder(const std::string& path);

// What came of one image.
struct ImageReport {
  std::vector<std::string> warnings;
  std::string summary;                          // for people
  std::vector<nlohmann::ordered_json> entries;  // of the JSON
};

// Those of a batch: each with the folders inside it that files of these names go into ("clip1/0001").
Status make_folders(const std::vector<std::string>& folders, const std::vector<std::string>& names);

// One line of JSON. path "-": standard output.
Status write_json(const std::string& path, const nlohmann::ordered_json& document);

// The PNG of one mask in paths.masks_dir.
std::string mask_path(const OutputPaths& paths, const Job& job, size_t prompt, size_t mask);

// Takes the prediction of one prompt after the other.
class PictureOutputs {
 public:
  // picture is drawn on; may be null when there is no overlay to make. It must live as long as this object.
  PictureOutputs(const Job& job, const OutputPaths& paths, Image* picture, int64_t width, int64_t height);

  // prediction is of one prompt. Writes its mask PNGs.
  Status add(size_t prompt, Prediction prediction);
  // Writes overlay and npz.
  Status finish();

  // {"prompts": [...]} as docs/segment_json.md says, and the lines for people.
  const nlohmann::ordered_json& json() const { return json_; }
  const std::string& summary() const { return summary_; }

 private:
  Status write_npz_file();

  const Job& job_;
  const OutputPaths& paths_;
  Image* picture_;
  int64_t width_ = 0, height_ = 0;
  std::vector<Prediction> kept_;  // for the npz
  nlohmann::ordered_json json_ = nlohmann::ordered_json::array();
  std::string summary_;
};

}  // namespace samc
