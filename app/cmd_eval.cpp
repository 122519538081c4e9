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
#include "base/files.h"
#include "base/thread_pool.h"
#include "eval/vos_dataset.h"
#include "eval/vos_evaluation.h"

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

// Whatever the call reads: the JSON must be none of it.
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

// Sequences at the same time. The error is that of the first sequence that has one.
Result<std::vector<SequenceScore>> evaluate_predictions(const VosDataset& dataset, const Arguments& arguments,
                                                        int threads) {
  const size_t count = dataset.sequences.size();
  std::vector<std::optional<Result<SequenceScore>>> results(count);
  Progress progress;
  std::mutex mutex;
  size_t done = 0;
  ThreadPool pool(threads);
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

Status eval(const Arguments& arguments, int threads) {
  SAMC_ASSIGN(const std::vector<std::string> names, chosen_sequences(arguments));
  SAMC_ASSIGN(const VosDataset dataset, open_vos_dataset(arguments.dataset, names));
  OutputGuard guard;
  guard.add_input(arguments.sequence_list);
  guard.add_inputs([&] { return files_read(dataset, arguments.predictions); });
  if (arguments.json != "-") guard.add_output("--json", arguments.json);
  SAMC_TRY(guard.check());

  SAMC_ASSIGN(const std::vector<SequenceScore> scores, evaluate_predictions(dataset, arguments, threads));
  for (const SequenceScore& sequence : scores)
    for (const std::string& warning : sequence.warnings) warn(warning);
  SAMC_ASSIGN(const TotalScore total, total_of(scores));
  if (!arguments.json.empty()) {
    nlohmann::ordered_json document{{"samc", version()}, {"dataset", arguments.dataset}};
    document["predictions"] = arguments.predictions;
    document["protocol"] = arguments.protocol;
    document.update(score_json(scores, total));
    SAMC_TRY(write_json(arguments.json, document));
  }
  if (!arguments.quiet && arguments.json != "-") print_text(score_table(scores, total));
  return Status::ok();
}

}  // namespace

Command add_eval(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  auto threads = std::make_shared<int>(0);
  CLI::App* command = parent.add_subcommand("eval", "Measure masks of videos against annotations: J, F and J&F");
  command
      ->add_option("--vos", arguments->dataset,
                   "A data set for video object segmentation, laid out as DAVIS or SA-V (docs/eval.md)")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--predictions", arguments->predictions,
                   "Masks to measure: DIR/SEQUENCE/FRAME.png, palette PNGs as the annotations are")
      ->required()
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
  add_threads_option(*command, *threads);
  command->add_option("--json", arguments->json, "The scores as JSON (docs/eval.md); - is standard output")
      ->type_name("FILE.json");
  command->add_flag("--quiet,-q", arguments->quiet, "Print no table");
  command->footer(
      "davis equals davis2017-evaluation, sav the evaluator of SA-V; both leave out the first and the last frame.\n"
      "Example:\n"
      "  samc eval --vos DAVIS --sequence-list DAVIS/ImageSets/2017/val.txt --predictions masks/");
  return [arguments, threads] { return eval(*arguments, *threads); };
}

}  // namespace samc
