#include "targets/sophgo/tools/quantize_tables.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "base/files.h"
#include "targets/sophgo/tools/mlir_escapes.h"

namespace samc::sophgo {
namespace {

constexpr std::string_view kPart = "# part ";
// What TPU-MLIR's tools append for other precisions.
constexpr std::string_view kOtherSections[] = {"#int4_th", "#asym_op", "#weight_scale"};
constexpr const char* kModes[] = {"F32", "F16", "BF16", "INT8", "W8F16", "W8BF16", "W4F16", "W4BF16"};
// What tpuc-opt finds out by itself. Of every other op without a line it stops at an assertion.
constexpr const char* kFilledIn[] = {"Reshape", "Permute",  "Slice",   "Squeeze", "Unsqueeze",
                                     "Interp",  "Upsample", "MaxPool", "Softmax"};
constexpr size_t kMostQuoted = 60;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpace = " \t\r\v\f";
  for (size_t at = line.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kSpace, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kSpace, end);
  }
  return words;
}

bool read_number(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Calls take(words, line number) for each line that is no comment; parts begin as the comments say.
template <class Line>
Status read_lines(std::string_view text, const std::string& where, std::vector<TablePart<Line>>& table,
                  const std::function<Status(const std::vector<std::string_view>&, TablePart<Line>&)>& take) {
  int64_t number = 0;
  table.emplace_back();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.starts_with(kPart)) {
      const auto words = words_of(line.substr(kPart.size()));
      if (table.back().lines.empty()) table.pop_back();
      table.push_back({words.empty() ? std::string() : std::string(words[0]), {}});
      continue;
    }
    if (std::any_of(std::begin(kOtherSections), std::end(kOtherSections),
                    [&](std::string_view section) { return line.starts_with(section); }))
      break;
    const auto words = words_of(line);
    if (words.empty() || words[0][0] == '#') continue;
    if (const Status taken = take(words, table.back()); !taken.is_ok())
      return taken.at(fmt::format("{}: line {}", where, number));
  }
  if (table.back().lines.empty()) table.pop_back();
  if (table.empty()) return invalid_input(fmt::format("{} is empty: it has no line 'NAME ...'", where));
  return Status::ok();
}

std::string quoted(const std::vector<std::string_view>& words) {
  const std::string line = fmt::format("{}", fmt::join(words, " "));
  return line.size() <= kMostQuoted ? line : line.substr(0, kMostQuoted) + "...";
}

Status take_calibration(const std::vector<std::string_view>& words, TablePart<CalibrationLine>& part) {
  CalibrationLine line;
  if (words.size() != 4 || !read_number(words[1], line.threshold) || !read_number(words[2], line.min) ||
      !read_number(words[3], line.max))
    return invalid_input(fmt::format("'{}' is not NAME THRESHOLD MIN MAX", quoted(words)));
  line.name = words[0];
  if (!std::isfinite(line.threshold) || !std::isfinite(line.min) || !std::isfinite(line.max))
    return invalid_input(fmt::format("{} has a number that is not finite", line.name),
                         "calibrate again: the model or an image gave NaN or infinite values");
  if (line.threshold <= 0)
    return invalid_input(fmt::format("{} has the threshold {}", line.name, line.threshold),
                         "a threshold is the largest magnitude, above 0");
  if (line.min > line.max)
    return invalid_input(fmt::format("{}: MIN {} is above MAX {}", line.name, line.min, line.max));
  part.lines.push_back(std::move(line));
  return Status::ok();
}

Status take_mode(const std::vector<std::string_view>& words, TablePart<QuantizeLine>& part) {
  if (words.size() != 2) return invalid_input(fmt::format("'{}' is not NAME MODE", quoted(words)));
  QuantizeLine line{std::string(words[0]), std::string(words[1])};
  if (std::find(std::begin(kModes), std::end(kModes), words[1]) == std::end(kModes))
    return invalid_input(fmt::format("the mode {} is not known", line.mode),
                         fmt::format("use one of: {}", fmt::join(kModes, ", ")));
  part.lines.push_back(std::move(line));
  return Status::ok();
}

std::string head_of(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += "# " + note + "\n";
  return text;
}

// What the table has for the .mlir: of several parts, the one with most of its names. An encoder's outputs and a
// decoder's inputs may have the same names.
struct Match {
  std::set<std::string_view> listed;
  std::string_view unknown;  // the first of that part
  size_t unknown_count = 0, lines = 0;
};

template <class Line>
Match match(const std::vector<TablePart<Line>>& table, const std::set<std::string_view>& known) {
  Match result;
  const auto known_of = [&](const TablePart<Line>& part) {
    return std::count_if(part.lines.begin(), part.lines.end(),
                         [&](const Line& line) { return known.count(line.name) != 0; });
  };
  std::ptrdiff_t most = 0;
  for (const TablePart<Line>& part : table) most = std::max<std::ptrdiff_t>(most, known_of(part));
  for (const TablePart<Line>& part : table) {
    result.lines += part.lines.size();
    if (most == 0 || known_of(part) != most) continue;
    for (const Line& line : part.lines) {
      if (known.count(line.name) != 0) {
        result.listed.insert(line.name);
      } else if (result.unknown_count++ == 0) {
        result.unknown = line.name;
      }
    }
  }
  return result;
}

std::set<std::string_view> names_of(std::span<const NamedOp> ops) {
  std::set<std::string_view> names;
  for (const NamedOp& op : ops) names.insert(op.names.begin(), op.names.end());
  return names;
}

Status of_another_model(const std::string& where) {
  return invalid_input(fmt::format("{} is of another model: none of its names is in the .mlir", where),
                       "calibrate the same model, transformed in the same way");
}

Status has_unknown(const std::string& where, const Match& found) {
  return invalid_input(
      fmt::format("{} names {}{}, which is no op of the .mlir", where, found.unknown,
                  found.unknown_count == 1 ? "" : fmt::format(" and {} more", found.unknown_count - 1)),
      "it was made from another transformation of the model");
}

using Aliases = std::map<std::string_view, std::string_view>;

constexpr const char* kBesideNote = "samc transform wrote this with the .mlir, which is wrong without it";

constexpr size_t kMostNames = 64;  // of an op, and of the aliases that its location leads to
constexpr size_t kMostAliases = 256;

// The names in a location: "a", #loc3, fused["a", #loc3].
void collect_names(std::string_view location, const Aliases& aliases, std::vector<std::string>& names) {
  std::vector<std::string_view> left{location};  // the last one is being read
  for (size_t followed = 0; !left.empty() && names.size() < kMostNames;) {
    std::string_view& text = left.back();
    const size_t at = text.find_first_of("\"#");
    if (at == std::string_view::npos) {
      left.pop_back();
    } else if (text[at] == '"') {
      size_t end = at + 1;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end, text.size());
      names.push_back(unescaped(std::string(text.substr(at + 1, end - at - 1))));
      text.remove_prefix(std::min(end + 1, text.size()));
    } else {
      const size_t end = std::min(text.find_first_of(",)] \t\r", at), text.size());
      const auto alias = aliases.find(text.substr(at, end - at));
      text.remove_prefix(std::max(end, at + 1));
      if (alias != aliases.end() && followed++ < kMostAliases) left.push_back(alias->second);
    }
  }
}

}  // namespace

Result<CalibrationTable> parse_calibration_table(std::string_view text, const std::string& where) {
  CalibrationTable table;
  SAMC_TRY(read_lines<CalibrationLine>(text, where, table, take_calibration));
  return table;
}

Result<QuantizeTable> parse_quantize_table(std::string_view text, const std::string& where) {
  QuantizeTable table;
  SAMC_TRY(read_lines<QuantizeLine>(text, where, table, take_mode));
  return table;
}

std::string print_calibration_table(const CalibrationTable& table, const std::vector<std::string>& notes) {
  std::string text = head_of(notes) + "###\n# op_name    threshold    min    max\n";
  for (const auto& part : table) {
    if (!part.name.empty()) text += fmt::format("{}{}\n", kPart, part.name);
    for (const CalibrationLine& line : part.lines)
      text += fmt::format("{} {:.7f} {:.7f} {:.7f}\n", line.name, std::max(line.threshold, kLeastThreshold), line.min,
                          line.max);
  }
  return text;
}

std::string print_quantize_table(const QuantizeTable& table, const std::vector<std::string>& notes) {
  std::string text = head_of(notes) + "# op_name    quantize_mode\n";
  for (const auto& part : table) {
    if (!part.name.empty()) text += fmt::format("{}{}\n", kPart, part.name);
    for (const QuantizeLine& line : part.lines) text += fmt::format("{} {}\n", line.name, line.mode);
  }
  return text;
}

std::string table_beside(const std::string& mlir) {
  const std::filesystem::path path(mlir);
  return (path.parent_path() / (path.stem().string() + "_quantize_table")).string();
}

bool has_table_beside(const std::string& mlir) {
  const Result<std::string> text = read_text_file(table_beside(mlir), kMostTableBytes);
  return text.is_ok() && text.value().starts_with(head_of({kBesideNote}));
}

Status write_table_beside(const std::string& mlir, std::span<const QuantizeLine> lines) {
  const std::string path = table_beside(mlir);
  if (!lines.empty()) {
    const QuantizeTable table = {{.lines = {lines.begin(), lines.end()}}};
    return write_file(path, print_quantize_table(table, {kBesideNote}));
  }
  std::error_code error;
  if (has_table_beside(mlir) && !std::filesystem::remove(path, error))
    return io_error(fmt::format("cannot remove {}, which is of an earlier model: {}", path, error.message()));
  return Status::ok();
}

std::vector<NamedOp> read_named_ops(std::string_view text) {
  // What stands in quotes, unescaped, or is a name for a location that stands further down.
  struct Place {
    size_t op;
    std::string_view location;
  };
  constexpr std::string_view kTop = "\"top.", kLocation = "loc(", kAlias = "#loc";
  std::vector<NamedOp> ops;
  std::vector<Place> places;
  Aliases aliases;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const size_t location = line.rfind(kLocation);
    if (location == std::string_view::npos) continue;
    const std::string_view inside = line.substr(location + kLocation.size());
    if (line.starts_with(kAlias)) {
      aliases[line.substr(0, std::min(line.find(' '), line.size()))] = inside;
      continue;
    }
    const size_t kind = line.find(kTop);
    if (kind == std::string_view::npos || kind > location) continue;
    const std::string_view rest = line.substr(kind + kTop.size());
    const std::string_view name = rest.substr(0, rest.find('"'));
    if (name == "Weight" || name == "None") continue;
    ops.push_back({std::string(name), {}});
    places.push_back({ops.size() - 1, inside});
  }
  for (const Place& place : places) collect_names(place.location, aliases, ops[place.op].names);
  return ops;
}

Status check_calibration_table(const CalibrationTable& table, std::span<const NamedOp> ops, const std::string& where) {
  const Match found = match(table, names_of(ops));
  if (found.listed.empty()) return of_another_model(where);
  std::string_view missing;
  size_t count = 0;
  for (const NamedOp& op : ops) {
    if (std::find(std::begin(kFilledIn), std::end(kFilledIn), op.kind) != std::end(kFilledIn)) continue;
    for (const std::string& name : op.names)
      if (found.listed.count(name) == 0 && count++ == 0) missing = name;
  }
  if (count != 0)
    return invalid_input(fmt::format("{} has no line for {}{}", where, missing,
                                     count == 1 ? "" : fmt::format(" and {} more ops", count - 1)),
                         "calibrate the same model, transformed in the same way");
  if (found.unknown_count != 0) return has_unknown(where, found);
  return Status::ok();
}

Status check_quantize_table(const QuantizeTable& table, std::span<const NamedOp> ops, const std::string& where) {
  const Match found = match(table, names_of(ops));
  if (found.listed.empty()) return of_another_model(where);
  if (found.unknown_count != 0) return has_unknown(where, found);
  return Status::ok();
}

}  // namespace samc::sophgo
