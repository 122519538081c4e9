// samc_compare_interpreter MODEL.pt picture: every function of the compiled model against the reference interpreter on
// the same inputs. A table of the largest errors; exit code 1 when one is above 1e-4 of the output's largest value.
// Slow: the interpreter takes minutes for a model of 1024 pixels.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "media/image.h"
#include "model/recognise.h"
#include "runtime/executor.h"
#include "runtime/preprocess.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/interpreter_model.h"

namespace samc {
namespace {

constexpr double kTolerance = 1e-4;  // of the output's largest value
constexpr int64_t kPoints = 2;       // one point and the padding point

struct Comparison {
  const test::InterpreterModel& interpreter;
  Executor& executor;
  ThreadPool& pool;
  bool right = true;

  // Outputs of the interpreter, for the next function's inputs.
  Result<NamedTensors> run(const std::string& function, int64_t points, const NamedViews& inputs) {
    SAMC_ASSIGN(NamedTensors wanted, interpreter.run(function, points, inputs, pool));
    std::vector<NamedInput> named_inputs;
    for (const auto& [name, view] : inputs) named_inputs.push_back({name, view});
    NamedTensors given;
    std::vector<NamedOutput> named_outputs;
    for (const auto& [name, tensor] : wanted) named_outputs.push_back({name, &given[name]});
    SAMC_TRY(executor.run(function, name_sizes(*executor.module().plan().find(function), {points}), named_inputs,
                          named_outputs));
    for (const auto& [name, tensor] : wanted) report(function, name, tensor, given.at(name));
    return wanted;
  }

  void report(const std::string& function, const std::string& name, const Tensor& wanted, const Tensor& given) {
    double error = 0, largest = 0;
    for (size_t i = 0; i < wanted.f32().size(); ++i) {
      const double a = static_cast<double>(wanted.f32()[i]), b = static_cast<double>(given.f32()[i]);
      largest = std::max(largest, std::abs(a));
      error = std::isnan(a - b) ? INFINITY : std::max(error, std::abs(a - b));
    }
    const bool is_right = error <= kTolerance * largest;
    right = right && is_right;
    fmt::print("| `{}` `{}` | {:.2e} | {:.4g} | {:.2e} | {} |\n", function, name, error, largest, kTolerance * largest,
               is_right ? "ok" : "**out of tolerance**");
    std::fflush(stdout);
  }
};

Result<bool> compare(const std::string& model, const std::string& picture_path) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("samc_compare_{}.samc", ::getpid())).string();
  CompileOptions options;
  options.model = model;
  SAMC_TRY(compile_model(options, path).status());
  const Result<std::shared_ptr<Module>> loaded = Module::load(path);
  std::filesystem::remove(path);  // the mapping keeps it alive
  SAMC_ASSIGN(const std::shared_ptr<Module> compiled, loaded);
  SAMC_ASSIGN(Executor executor, Executor::create(compiled));

  SAMC_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(model));
  SAMC_ASSIGN(const Recognition recognition, find_model(model, tensor_specs(checkpoint), std::nullopt));
  const ModelConfig& config = recognition.config;
  SAMC_ASSIGN(const test::InterpreterModel interpreter, test::InterpreterModel::open(model, config, {kPoints}));

  ThreadPool pool;
  SAMC_ASSIGN(const Image picture, read_image(picture_path));
  const int64_t size = config.image_size;
  Tensor image({1, 3, size, size});
  const ModelInfo& info = compiled->info();
  preprocess_image(RgbView(picture), size, info.pixel_mean, info.pixel_std, pool, image.f32());

  fmt::print("| output of {} | largest error | largest value | allowed error | |\n|---|---|---|---|---|\n", info.name);
  Comparison comparison{interpreter, executor, pool};
  SAMC_ASSIGN(const NamedTensors features, comparison.run("image_encoder", 0, {{"image", image.view()}}));
  SAMC_ASSIGN(const NamedTensors no_mask, comparison.run("no_mask", 0, {}));
  Tensor coordinates({1, kPoints, 2}), labels({1, kPoints});
  const float point[] = {0.28f * static_cast<float>(size), 0.31f * static_cast<float>(size), 0.0f, 0.0f};
  std::copy(std::begin(point), std::end(point), coordinates.f32().begin());
  labels.f32()[0] = 1.0f;
  labels.f32()[1] = -1.0f;
  NamedViews inputs = {{"dense_embed", no_mask.at("dense_embed").view()},
                       {"point_coords", coordinates.view()},
                       {"point_labels", labels.view()}};
  for (const auto& [name, tensor] : features) inputs.emplace(name, tensor.view());
  SAMC_ASSIGN(const NamedTensors masks, comparison.run("mask_decoder", kPoints, inputs));
  Tensor mask({1, 1, size / 4, size / 4});
  std::copy_n(masks.at("low_res_logits").f32().begin(), mask.count(), mask.f32().begin());
  SAMC_TRY(comparison.run("mask_encoder", 0, {{"mask_input", mask.view()}}).status());
  return comparison.right;
}

}  // namespace
}  // namespace samc

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: samc_compare_interpreter MODEL.pt image\n");
    return 2;
  }
  const samc::Result<bool> right = samc::compare(argv[1], argv[2]);
  if (!right.is_ok()) {
    fmt::print(stderr, "samc_compare_interpreter: {}\n", right.status().to_string());
    return 1;
  }
  return right.value() ? 0 : 1;
}
