// samc_fidelity MODEL golden.npz picture: a table of the errors against what the official PyTorch code gave. Exit code
// 1 when a key is out of tolerance. samc_fidelity --video MODEL golden.npz folder: the same of a clip. samc_fidelity
// --run MODEL picture: compiles the model, asks it for masks from one point, and prints a line of a table.
// samc_fidelity --precision bf16|int8 MODEL golden.npz|grid picture...: a line of how masks in that precision agree
// with those in f32; exit code 1 when they do not as docs/precision.md says. MODEL is a checkpoint (.pt), or, without
// --run and --precision, a module (.samc).

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/cpu_precision.h"
#include "checkpoint/checkpoint.h"
#include "media/image.h"
#include "runtime/image_predictor.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/agreement.h"
#include "tests/support/golden.h"

namespace samc::test {
namespace {

// A compiled module in the temporary folder, removed at the end.
class CompiledModule {
 public:
  CompiledModule() {
    static int made = 0;
    path_ =
        (std::filesystem::temp_directory_path() / fmt::format("samc_fidelity_{}_{}.samc", ::getpid(), made++)).string();
  }
  ~CompiledModule() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  Status compile(const std::string& model, Precision precision = Precision::kF32) {
    CompileOptions options;
    options.model = model;
    options.precision = precision;
    SAMC_ASSIGN(report_, compile_model(options, path_));
    return Status::ok();
  }
  const std::string& path() const { return path_; }
  const CompileReport& report() const { return report_; }

 private:
  std::string path_;
  CompileReport report_;
};

Result<bool> compare(const std::string& model, const std::string& golden, const std::string& input, bool is_video) {
  CompiledModule compiled;
  const bool is_module = model.ends_with(".samc");
  if (!is_module) SAMC_TRY(compiled.compile(model));
  const std::string module = is_module ? model : compiled.path();
  SAMC_ASSIGN(const std::vector<GoldenRow> rows, is_video ? compare_video_with_golden(module, golden, input, "video.")
                                                          : compare_with_golden(module, golden, input));
  bool right = true;
  fmt::print("| key | largest error | largest value | allowed error | |\n|---|---|---|---|---|\n");
  for (const GoldenRow& row : rows) {
    fmt::print("| `{}` | {:.2e} | {:.4g} | {:.2e} | {} |\n", row.key, row.largest_error, row.largest_value, row.allowed,
               row.is_right() ? "ok" : "**out of tolerance**");
    right = right && row.is_right();
  }
  return right;
}

// A precision beside f32: a line of a table for each golden.npz (its prompts), or without one for a grid of prompts.
Result<bool> compare_precisions(Precision precision, const std::string& model, const std::string& golden,
                                const std::vector<std::string>& pictures) {
  CompiledModule f32, other;
  SAMC_TRY(f32.compile(model));
  SAMC_TRY(other.compile(model, precision));
  std::vector<MaskAgreement> rows;
  for (const std::string& picture : pictures) {
    SAMC_ASSIGN(std::vector<MaskAgreement> found, golden == "grid"
                                                      ? compare_grid(f32.path(), other.path(), picture)
                                                      : compare_masks(f32.path(), other.path(), golden, picture));
    rows.insert(rows.end(), found.begin(), found.end());
  }
  const AgreementSummary summary = summarise(rows);
  const auto megabytes = [](const CompiledModule& module) {
    return static_cast<double>(std::filesystem::file_size(module.path())) / 1e6;
  };
  fmt::print("| {} | {} | {} | {} | {:.4f} | {:.4f} | {:.4f} | {:.1e} | {:.1f} | {:.1f} |\n", f32.report().model_name,
             precision_name(precision),
             golden == "grid" ? fmt::format("25 clicks and 9 boxes on each of {} images", pictures.size())
                              : "the golden prompts",
             summary.masks, summary.mean, summary.twentieth, summary.least, summary.score_error, megabytes(f32),
             megabytes(other));
  const MaskAim aim = mask_aim(precision);
  return summary.mean >= aim.mean && summary.twentieth >= aim.least;
}

Result<bool> run(const std::string& model, const std::string& picture_path) {
  CompiledModule compiled;
  SAMC_TRY(compiled.compile(model));
  SAMC_ASSIGN(const Image picture, read_image(picture_path));
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(compiled.path()));
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(module));
  SAMC_TRY(predictor.set_image(RgbView(picture)));
  ObjectPrompt prompt;
  prompt.points = {{500, 375, 1}};
  SAMC_ASSIGN(const Prediction prediction, predictor.predict({prompt}, {}));
  const std::span<const float> scores = prediction.iou_predictions.f32();
  SAMC_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(model));
  int64_t encoder_arena = 0;
  for (const auto& [function, bytes] : compiled.report().arena_bytes)
    if (function == "image_encoder") encoder_arena = bytes;
  constexpr double kMib = 1024.0 * 1024.0;
  fmt::print("| {} | {:.1f} M | {:.0f} MiB | {:.0f} MiB | {:.3f} {:.3f} {:.3f} |\n", compiled.report().model_name,
             static_cast<double>(checkpoint.parameter_count()) / 1e6,
             static_cast<double>(std::filesystem::file_size(compiled.path())) / kMib,
             static_cast<double>(encoder_arena) / kMib, scores[0], scores[1], scores[2]);
  return std::ranges::all_of(scores, [](float score) { return score == score; });
}

}  // namespace
}  // namespace samc::test

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string mode = !arguments.empty() && arguments[0].starts_with("--") ? arguments[0] : "";
  if (!mode.empty()) arguments.erase(arguments.begin());
  const bool is_run = mode == "--run", is_video = mode == "--video", is_precision = mode == "--precision";
  const bool is_known = mode.empty() || is_run || is_video || is_precision;
  const std::optional<samc::Precision> precision =
      is_precision && !arguments.empty() ? samc::find_precision(arguments[0]) : std::nullopt;
  if (!is_known || (is_precision ? arguments.size() < 4 || !precision : arguments.size() != (is_run ? 2u : 3u))) {
    fmt::print(stderr,
               "usage: samc_fidelity MODEL golden.npz image | samc_fidelity --video MODEL golden.npz folder | "
               "samc_fidelity --run MODEL image | samc_fidelity --precision bf16|int8 MODEL golden.npz|grid "
               "image...\n");
    return 2;
  }
  const samc::Result<bool> right = is_precision
                                       ? samc::test::compare_precisions(*precision, arguments[1], arguments[2],
                                                                        {arguments.begin() + 3, arguments.end()})
                                   : is_run ? samc::test::run(arguments[0], arguments[1])
                                            : samc::test::compare(arguments[0], arguments[1], arguments[2], is_video);
  if (!right.is_ok()) {
    fmt::print(stderr, "samc_fidelity: {}\n", right.status().to_string());
    return 1;
  }
  return right.value() ? 0 : 1;
}
