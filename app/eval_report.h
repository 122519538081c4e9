#pragma once
// What `samc eval` says of the scores: a table for people, JSON for programs (docs/eval.md).

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "eval/vos_evaluation.h"

namespace samc {

// A line for each object and one for their mean. Scores in percent.
std::string score_table(std::span<const SequenceScore> sequences, const TotalScore& total);

// {"J&F": 0.8, "J": {"mean", "recall", "decay"}, "F": {...}, "sequences": [...]}. Scores from 0 to 1.
nlohmann::ordered_json score_json(std::span<const SequenceScore> sequences, const TotalScore& total);

}  // namespace samc
