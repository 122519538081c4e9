#include "app/eval_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace samc {
namespace {

nlohmann::ordered_json measure_json(const Measure& measure) {
  return {{"mean", measure.mean}, {"recall", measure.recall}, {"decay", measure.decay}};
}

// Of an ObjectScore or a TotalScore.
template <class Score>
void add_scores(nlohmann::ordered_json& json, const Score& score) {
  json["J&F"] = score.j_and_f();
  json["J"] = measure_json(score.j);
  json["F"] = measure_json(score.f);
}

template <class Score>
std::string score_columns(const Score& score) {
  constexpr double kPercent = 100;
  return fmt::format("{:6.1f} {:6.1f} {:6.1f}  {:8.1f} {:8.1f}  {:8.1f} {:8.1f}\n", kPercent * score.j_and_f(),
                     kPercent * score.j.mean, kPercent * score.f.mean, kPercent * score.j.recall,
                     kPercent * score.j.decay, kPercent * score.f.recall, kPercent * score.f.decay);
}

}  // namespace

std::string score_table(std::span<const SequenceScore> sequences, const TotalScore& total) {
  const std::string mean = fmt::format("mean of {} {}", total.objects, total.objects == 1 ? "object" : "objects");
  size_t width = mean.size();
  for (const SequenceScore& sequence : sequences) width = std::max(width, printable(sequence.name).size());
  std::string table = fmt::format("{:<{}}  object frames    J&F      J      F  J recall  J decay  F recall  F decay\n",
                                  "sequence", width);
  for (const SequenceScore& sequence : sequences)
    for (const ObjectScore& object : sequence.objects)
      table += fmt::format("{:<{}}  {:6} {:6} {}", printable(sequence.name), width, object.object, object.frames,
                           score_columns(object));
  return table + fmt::format("{:<{}}  {:6} {:6} {}", mean, width, "", "", score_columns(total));
}

nlohmann::ordered_json score_json(std::span<const SequenceScore> sequences, const TotalScore& total) {
  nlohmann::ordered_json json;
  json["objects"] = total.objects;
  add_scores(json, total);
  json["sequences"] = nlohmann::ordered_json::array();
  for (const SequenceScore& sequence : sequences) {
    nlohmann::ordered_json objects = nlohmann::ordered_json::array();
    for (const ObjectScore& object : sequence.objects) {
      nlohmann::ordered_json entry{{"object", object.object}, {"frames", object.frames}};
      add_scores(entry, object);
      objects.push_back(std::move(entry));
    }
    json["sequences"].push_back({{"name", sequence.name}, {"objects", std::move(objects)}});
  }
  return json;
}

}  // namespace samc
