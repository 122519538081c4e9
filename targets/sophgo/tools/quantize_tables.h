#pragma once
// TPU-MLIR's two tables of a model in INT8, read, written, and checked against the .mlir that they are for.
//
//   calibration table   NAME THRESHOLD MIN MAX   how large a value gets; NAME is an op's location in the .mlir
//   quantize table      NAME MODE                ops of another precision than the model's
//
// '#' begins a comment. tpuc-opt passes over unknown names and malformed lines without a word, so that a table of
// another model would make a wrong bmodel; here they are errors. A comment "# part NAME" begins the lines of another
// part of the model: names of a part that is not in the .mlir at all are no mistake.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace samc::sophgo {

constexpr size_t kMostTableBytes = size_t{64} << 20;
// What stands for a threshold of 0, whose steps would have no size: TPU-MLIR's own.
constexpr double kLeastThreshold = 1e-5;

struct CalibrationLine {
  std::string name;
  double threshold = 0, min = 0, max = 0;
};

struct QuantizeLine {
  std::string name, mode;
};

// The lines of one part of a model; of a table without "# part" the only one, without a name.
template <class Line>
struct TablePart {
  std::string name = {};
  std::vector<Line> lines = {};
};
using CalibrationTable = std::vector<TablePart<CalibrationLine>>;
using QuantizeTable = std::vector<TablePart<QuantizeLine>>;

// where: the file, for messages.
Result<CalibrationTable> parse_calibration_table(std::string_view text, const std::string& where);
Result<QuantizeTable> parse_quantize_table(std::string_view text, const std::string& where);

// notes: lines of comment at the head, without '#'.
std::string print_calibration_table(const CalibrationTable& table, const std::vector<std::string>& notes);
std::string print_quantize_table(const QuantizeTable& table, const std::vector<std::string>& notes);

// An op of a .mlir: "MatMul", and the names of its results.
struct NamedOp {
  std::string kind;
  std::vector<std::string> names;
};
// The ops of a Top-dialect text but for weights, whoever wrote it.
std::vector<NamedOp> read_named_ops(std::string_view text);

// Where the lines lie without which a .mlir of samc transform's makes a wrong bmodel: "NAME_quantize_table" beside it.
std::string table_beside(const std::string& mlir);
// Writes it; without lines takes one away that was written so.
Status write_table_beside(const std::string& mlir, std::span<const QuantizeLine> lines);
// Whether there is one that was written so.
bool has_table_beside(const std::string& mlir);

// Every op has its line but those that tpuc-opt fills in, such as Reshape.
Status check_calibration_table(const CalibrationTable& table, std::span<const NamedOp> ops, const std::string& where);
// Every name is an op's.
Status check_quantize_table(const QuantizeTable& table, std::span<const NamedOp> ops, const std::string& where);

}  // namespace samc::sophgo
