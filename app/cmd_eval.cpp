#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>

#include "app/build_id.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/eval_report.h"
#include "app/model_opener.h"
#include "app/output_guard.h"
#include "app/outputs.h"
#include "app/vos_tracker.h"
#include "base/files.h"
#include "base/thread_pool.h"
#include "eval/vos_dataset.h"
#include "eval/vos_evaluation.h"
#include "media/palette_png.h"

namespace samc {
namespace {

constexpr const char* kDavis = "davis";
constexpr const char* kSav = "sav";

struct Arguments {
  std::string dataset;
  std::vector<std::string> sequences;
  std::string sequence_list;
  std::string protocol = kDavis;
  std::string predictions;
  ModelArguments model;
  std::string results;
  std::string json;
  bool quiet = false;
};

VosProtocol protocol_of(const Arguments& arguments) {
  return arguments.protocol == kDavis ? VosProtocol::kDavis : VosProtocol::kSav;
}

// Each name once, in the order given.
Result<std::vector<std::string>> chosen_sequences(const Arguments& arguments) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const std::string& name : arguments.sequences) add(name);
  if (arguments.sequence_list.empty()) return names;
  constexpr size_t kLargestList = size_t{16} << 20;
  SAMC_ASSIGN(const std::string text, read_text_file(arguments.sequence_list, kLargestList));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
    if (first != std::string::npos) add(line.substr(first, last - first + 1));
  }
  if (names.empty()) return invalid_input(fmt::format("{} names no sequence", arguments.sequence_list));
  return names;
}

bool has_model(const Arguments& arguments) { return !arguments.model.model.empty(); }

Status check_arguments(const Arguments& arguments) {
  if (has_model(arguments) && !arguments.predictions.empty())
    return usage_error("--model beside --predictions", "a model makes the masks, or they are there already");
  if (!has_model(arguments) && arguments.predictions.empty())
    return usage_error("nothing to measure", "give --model to track, or --predictions");
  if (!has_model(arguments) && !arguments.results.empty())
    return usage_error("--results without --model", "only a model makes masks to write");
  return Status::ok();
}

// Whatever the call reads: no output may be among it.
std::vector<std::string> files_read(const VosDataset& dataset, const std::string& predictions) {
  std::vector<std::string> files;
  for (const VosSequence& sequence : dataset.sequences) {
    for (const VosAnnotations& annotations : sequence.annotations)
      for (const std::string& frame : annotations.frames) {
        files.push_back(label_path(dataset.annotation_root, annotations, frame));
        if (!predictions.empty()) files.push_back(label_path(predictions, annotations, frame));
      }
    for (const std::string& image : sequence.images)
      files.push_back((std::filesystem::path(sequence.image_folder) / image).string());
  }
  return files;
}

Status check_outputs(const Arguments& arguments, const ModelOpener& opener, const VosDataset& dataset) {
  OutputGuard guard;
  guard.add_input(arguments.sequence_list);
  guard.add_inputs([&] { return files_read(dataset, arguments.predictions); });
  guard.add_inputs([&] { return opener.files(arguments.model); });
  if (arguments.json != "-") guard.add_output("--json", arguments.json);
  guard.add_output_folder("--results", arguments.results);
  if (!arguments.results.empty())
    for (const VosSequence& sequence : dataset.sequences)
      for (const VosAnnotations& annotations : sequence.annotations)
        for (const std::string& image : sequence.images)
          guard.add_output("--results",
                           label_path(arguments.results, annotations, std::filesystem::path(image).stem().string()));
  return guard.check();
}

// Sequences at the same time. The error is that of the first sequence that has one.
Result<std::vector<SequenceScore>> evaluate_predictions(const VosDataset& dataset, const Arguments& arguments) {
  const size_t count = dataset.sequences.size();
  std::vector<std::optional<Result<SequenceScore>>> results(count);
  Progress progress;
  std::mutex mutex;
  size_t done = 0;
  ThreadPool pool(arguments.model.threads);
  pool.run(static_cast<int64_t>(count), [&](int64_t piece, int) {
    const auto index = static_cast<size_t>(piece);
    results[index] =
        evaluate_sequence(dataset, dataset.sequences[index], arguments.predictions, protocol_of(arguments));
    const std::lock_guard lock(mutex);
    progress.show(fmt::format("{} of {} sequences ...", ++done, count));
  });
  std::vector<SequenceScore> scores;
  for (std::optional<Result<SequenceScore>>& result : results) {
    SAMC_ASSIGN(SequenceScore score, std::move(*result));
    scores.push_back(std::move(score));
  }
  return scores;
}

// Scores of what the model tracks, a sequence after the other. All annotations are looked at before the work.
Result<std::vector<SequenceScore>> evaluate_model(const VosDataset& dataset, const Arguments& arguments,
                                                  const ModelOpener& opener, std::string& model) {
  const VosProtocol protocol = protocol_of(arguments);
  std::vector<SequenceEvaluation> evaluations;
  for (const VosSequence& sequence : dataset.sequences) {
    SAMC_TRY(VosTracker::check(dataset, sequence));
    SAMC_ASSIGN(SequenceEvaluation evaluation, SequenceEvaluation::begin(dataset, sequence, protocol));
    evaluations.push_back(std::move(evaluation));
  }
  Progress progress;
  SAMC_ASSIGN(std::shared_ptr<const Module> module, opener.open_video_module(arguments.model, progress));
  model = module->info().name;
  const VosTracker tracker(std::move(module), arguments.model.threads);
  std::vector<SequenceScore> scores;
  for (size_t i = 0; i < evaluations.size(); ++i) {
    const VosSequence& sequence = dataset.sequences[i];
    if (!arguments.results.empty())
      for (const VosAnnotations& annotations : sequence.annotations)
        SAMC_TRY(make_folder((std::filesystem::path(arguments.results) / annotations.folder).string()));
    const auto take = [&](size_t part, const std::string& frame, const LabelView& labels) -> Status {
      const VosAnnotations& annotations = sequence.annotations[part];
      const std::string path = label_path(arguments.results, annotations, frame);
      if (!arguments.results.empty()) SAMC_TRY(write_palette_png(path, labels.width, labels.height, labels.labels));
      return evaluations[i].add(part, frame, labels, label_path(sequence.name, annotations, frame));
    };
    std::vector<std::string> warnings;
    SAMC_TRY(tracker.track(dataset, sequence, protocol, progress, take, warnings));
    scores.push_back(evaluations[i].finish());
    scores.back().warnings.insert(scores.back().warnings.begin(), warnings.begin(), warnings.end());
  }
  return scores;
}

Status eval(const Arguments& arguments, const ModelOpener& opener) {
  SAMC_TRY(check_arguments(arguments));
  SAMC_ASSIGN(const std::vector<std::string> names, chosen_sequences(arguments));
  SAMC_ASSIGN(const VosDataset dataset, open_vos_dataset(arguments.dataset, names));
  SAMC_TRY(check_outputs(arguments, opener, dataset));

  std::string model;
  SAMC_ASSIGN(const std::vector<SequenceScore> scores, has_model(arguments)
                                                           ? evaluate_model(dataset, arguments, opener, model)
                                                           : evaluate_predictions(dataset, arguments));
  for (const SequenceScore& sequence : scores)
    for (const std::string& warning : sequence.warnings) warn(warning);
  SAMC_ASSIGN(const TotalScore total, total_of(scores));
  if (!arguments.json.empty()) {
    nlohmann::ordered_json document{{"samc", version()}, {"dataset", arguments.dataset}};
    if (has_model(arguments))
      document["model"] = model;
    else
      document["predictions"] = arguments.predictions;
    document["protocol"] = arguments.protocol;
    document.update(score_json(scores, total));
    SAMC_TRY(write_json(arguments.json, document));
  }
  if (!arguments.quiet && arguments.json != "-") print_text(score_table(scores, total));
  return Status::ok();
}

}  // namespace

Command add_eval(CLI::App& parent, const ModelOpener& opener) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("eval", "Measure tracking against annotations: J, F and J&F");
  command
      ->add_option("--vos", arguments->dataset,
                   "A data set for video object segmentation, laid out as DAVIS or SA-V (docs/eval.md)")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--predictions", arguments->predictions,
                   "Masks to measure: DIR/SEQUENCE/FRAME.png, palette PNGs as the annotations are")
      ->type_name("DIR");
  opener.add_module_options(*command, arguments->model);
  command
      ->add_option("--results", arguments->results,
                   "Where the masks that the model tracks go, laid out as --predictions takes them")
      ->type_name("DIR");
  command->add_option("--sequences", arguments->sequences, "Sequences to take; all without")
      ->delimiter(',')
      ->type_name("NAME,...");
  command
      ->add_option("--sequence-list", arguments->sequence_list,
                   "The same from a file, a name on each line: DAVIS has ImageSets/2017/val.txt")
      ->type_name("FILE.txt");
  command->add_option("--protocol", arguments->protocol, "Which official evaluator to be equal to")
      ->check(CLI::IsMember({kDavis, kSav}))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--json", arguments->json, "The scores as JSON (docs/eval.md); - is standard output")
      ->type_name("FILE.json");
  command->add_flag("--quiet,-q", arguments->quiet, "Print no table");
  command->footer(
      "davis equals davis2017-evaluation, sav the evaluator of SA-V; both leave out the first and the last frame.\n"
      "With --model each object is tracked from its mask in the first annotation that has it. Examples:\n"
      "  samc eval --vos DAVIS --sequences dog,camel --model sam2.1_hiera_tiny.pt --results masks/\n"
      "  samc eval --vos DAVIS --sequence-list DAVIS/ImageSets/2017/val.txt --predictions masks/");
  return [arguments, &opener] { return eval(*arguments, opener); };
}

}  // namespace samc
