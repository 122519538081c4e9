// samc_fidelity MODEL golden.npz picture: a table of the errors against what the official PyTorch code gave. Exit code
// 1 when a key is out of tolerance. samc_fidelity --video MODEL golden.npz folder: the same of a clip. samc_fidelity
// --run MODEL picture: compiles the model, asks it for masks from one point, and prints a line of a table. MODEL is a
// checkpoint (.pt) or a module (.samc; not with --run).

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "media/image.h"
#include "runtime/image_predictor.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/golden.h"

namespace samc::test {
namespace {

// A compiled module in the temporary folder, removed at the end.
class CompiledModule {
 public:
  CompiledModule() {
    path_ = (std::filesystem::temp_directory_path() / fmt::format("samc_fidelity_{}.samc", ::getpid())).string();
  }
  ~CompiledModule() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  Status compile(const std::string& model) {
    CompileOptions options;
    options.model = model;
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
  const bool is_run = !arguments.empty() && arguments[0] == "--run";
  const bool is_video = !arguments.empty() && arguments[0] == "--video";
  if (is_run || is_video) arguments.erase(arguments.begin());
  if (arguments.size() != (is_run ? 2u : 3u)) {
    fmt::print(stderr,
               "usage: samc_fidelity MODEL golden.npz image | samc_fidelity --video MODEL golden.npz folder | "
               "samc_fidelity --run MODEL image\n");
    return 2;
  }
  const samc::Result<bool> right = is_run ? samc::test::run(arguments[0], arguments[1])
                                          : samc::test::compare(arguments[0], arguments[1], arguments[2], is_video);
  if (!right.is_ok()) {
    fmt::print(stderr, "samc_fidelity: {}\n", right.status().to_string());
    return 1;
  }
  return right.value() ? 0 : 1;
}
