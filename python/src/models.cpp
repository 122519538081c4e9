// Module: a compiled model; and what makes one.

#include <fmt/ranges.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <map>
#include <optional>
#include <variant>

#include "app/build_id.h"
#include "app/model_files.h"
#include "app/model_source.h"
#include "app/output_guard.h"
#include "base/cpu_precision.h"
#include "package/plan.h"
#include "python/src/module.h"
#include "python/src/support.h"
#include "targets/cpu/compile_model.h"
#include "targets/onnx/export_model.h"

namespace samc::python {
namespace {

// Opens what `samc --model` opens, with its cache.
class Opener : public ModelCompiler {
 public:
  using ModelCompiler::open_module;
};

Precision precision_of(const std::string& name) {
  const std::optional<Precision> precision = find_precision(name);
  if (!precision) raise(invalid_input("no precision '" + name + "'", "f32, bf16 or int8"));
  return *precision;
}

std::shared_ptr<LoadedModule> load(const std::string& model, const std::optional<std::string>& config,
                                   std::optional<int64_t> image_size, const std::optional<std::string>& precision,
                                   bool use_cache, int threads) {
  ModelArguments arguments;
  arguments.model = model;
  arguments.config = config;
  arguments.image_size = image_size;
  if (precision) arguments.precision = precision_of(*precision);
  arguments.no_cache = !use_cache;
  arguments.threads = threads;
  Progress quiet(true);
  return std::make_shared<LoadedModule>(take(unlocked([&] { return Opener().open_module(arguments, quiet); })));
}

using Fact = std::variant<bool, int64_t, double>;

// A fact of the model by the name that its YAML has.
struct FactPlaces {
  std::map<std::string, std::variant<bool*, int64_t*, float*>> places;

  explicit FactPlaces(ModelInfo& info) {
    places["sam_mask_decoder_extra_args.dynamic_multimask_via_stability"] = &info.dynamic_multimask_via_stability;
    places["sam_mask_decoder_extra_args.dynamic_multimask_stability_delta"] = &info.stability_delta;
    places["sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh"] = &info.stability_threshold;
    if (!info.video) return;
    VideoFacts& video = *info.video;
    places["max_cond_frames_in_attn"] = &video.max_cond_frames_in_attn;
    places["memory_temporal_stride_for_eval"] = &video.memory_temporal_stride_for_eval;
    places["binarize_mask_from_pts_for_mem_enc"] = &video.binarize_mask_from_pts_for_mem_enc;
    places["use_mask_input_as_output_without_sam"] = &video.use_mask_input_as_output_without_sam;
    places["multimask_output_in_sam"] = &video.multimask_output_in_sam;
    places["multimask_min_pt_num"] = &video.multimask_min_pt_num;
    places["multimask_max_pt_num"] = &video.multimask_max_pt_num;
    places["multimask_output_for_tracking"] = &video.multimask_output_for_tracking;
    places["use_multimask_token_for_obj_ptr"] = &video.use_multimask_token_for_obj_ptr;
    places["only_obj_ptrs_in_the_past_for_eval"] = &video.only_obj_ptrs_in_the_past_for_eval;
    places["non_overlap_masks_for_mem_enc"] = &video.non_overlap_masks_for_mem_enc;
  }
};

template <class T>
std::optional<T> as(const Fact& fact) {
  if constexpr (std::is_same_v<T, bool>) {
    if (const bool* value = std::get_if<bool>(&fact)) return *value;
  } else {
    if (const auto* value = std::get_if<int64_t>(&fact)) return static_cast<T>(*value);
    if constexpr (std::is_same_v<T, float>)
      if (const auto* value = std::get_if<double>(&fact)) return static_cast<float>(*value);
  }
  return std::nullopt;
}

// The same module where a predictor takes it otherwise: weights and functions are shared.
std::shared_ptr<LoadedModule> with_facts(const LoadedModule& loaded, const std::map<std::string, Fact>& facts) {
  PlanModule plan = loaded.module->plan();
  FactPlaces known(plan.info);
  for (const auto& [name, fact] : facts) {
    const auto place = known.places.find(name);
    if (place == known.places.end()) {
      std::vector<std::string> names;
      for (const auto& [key, unused] : known.places) names.push_back(key);
      raise(unsupported(fmt::format("model.{} cannot be changed in a compiled model", name),
                        fmt::format("what can: {}", fmt::join(names, ", "))));
    }
    const bool fits = std::visit(
        [&](auto* value) {
          const auto given = as<std::remove_pointer_t<decltype(value)>>(fact);
          if (given) *value = *given;
          return given.has_value();
        },
        place->second);
    if (!fits) raise(invalid_input(fmt::format("model.{} has a value of another type", name)));
  }
  return std::make_shared<LoadedModule>(take(unlocked([&]() -> Result<std::shared_ptr<const Module>> {
    SAMC_ASSIGN(std::shared_ptr<Module> module, Module::from_plan(std::move(plan)));
    return std::shared_ptr<const Module>(std::move(module));
  })));
}

std::vector<std::string> compile(const std::string& model, const std::string& output,
                                 const std::optional<std::string>& config, std::optional<int64_t> image_size,
                                 const std::string& precision) {
  CompileOptions options;
  options.model = model;
  options.config = config;
  options.image_size = image_size;
  options.precision = precision_of(precision);
  options.build_id = build_id();
  return take(unlocked([&]() -> Result<std::vector<std::string>> {
    OutputGuard guard;
    guard.add_inputs([&] { return model_files(model, config); });
    guard.add_output("output", output);
    SAMC_TRY(guard.check());
    SAMC_ASSIGN(CompileReport report, compile_model(options, output));
    return std::move(report.warnings);
  }));
}

std::pair<std::vector<std::string>, std::vector<std::string>> export_onnx(const std::string& model,
                                                                          const std::string& folder,
                                                                          const std::optional<std::string>& config,
                                                                          std::optional<int64_t> image_size,
                                                                          int64_t opset, bool video) {
  std::vector<std::string> warnings;
  onnx_target::ExportOptions options;
  options.model = model;
  options.config = config;
  options.image_size = image_size;
  options.opset = opset;
  options.for_video = video;
  options.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  std::vector<std::string> paths = take(unlocked([&]() -> Result<std::vector<std::string>> {
    OutputGuard guard;
    guard.add_inputs([&] { return model_files(model, config); });
    guard.add_output_folder("folder", folder);
    for (const std::string& part : onnx_target::exported_files(video)) guard.add_output("folder", folder + "/" + part);
    SAMC_TRY(guard.check());
    SAMC_ASSIGN(const auto files, onnx_target::export_model(options, folder));
    std::vector<std::string> names;
    for (const onnx_target::ExportedFile& file : files) names.push_back(file.path);
    return names;
  }));
  return {std::move(paths), std::move(warnings)};
}

std::vector<std::string> function_names(const LoadedModule& loaded) {
  std::vector<std::string> names;
  for (const PlanFunction& function : loaded.module->plan().functions) names.push_back(function.name);
  return names;
}

}  // namespace

void add_models(nb::module_& module) {
  nb::class_<LoadedModule>(module, "Module")
      .def_prop_ro("name", [](const LoadedModule& self) { return self.module->info().name; })
      .def_prop_ro("image_size", [](const LoadedModule& self) { return self.module->info().image_size; })
      .def_prop_ro("mask_threshold", [](const LoadedModule& self) { return self.module->info().mask_threshold; })
      .def_prop_ro("encoder_id", [](const LoadedModule& self) { return self.module->info().encoder_id; })
      .def_prop_ro("precision",
                   [](const LoadedModule& self) { return precision_name(self.module->plan().precision()); })
      .def_prop_ro("has_video", [](const LoadedModule& self) { return self.module->info().video.has_value(); })
      .def_prop_ro("notes", [](const LoadedModule& self) { return self.module->info().notes; })
      .def_prop_ro("functions", &function_names)
      .def("with_facts", &with_facts, nb::arg("facts"));
  module.def("load", &load, nb::arg("model"), nb::arg("config").none(), nb::arg("image_size").none(),
             nb::arg("precision").none(), nb::arg("use_cache"), nb::arg("threads"));
  module.def("compile", &compile, nb::arg("model"), nb::arg("output"), nb::arg("config").none(),
             nb::arg("image_size").none(), nb::arg("precision"));
  module.def("export_onnx", &export_onnx, nb::arg("model"), nb::arg("folder"), nb::arg("config").none(),
             nb::arg("image_size").none(), nb::arg("opset"), nb::arg("video"));
  module.def("version", [] { return std::string(version()); });
}

}  // namespace samc::python
