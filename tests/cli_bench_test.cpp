// samc bench: its JSON and its trace say the same as each other.

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/command_line.h"

namespace samc::test {
namespace {

using nlohmann::json;

class Bench : public CommandLine {
 protected:
  ProcessResult bench(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"bench", "--model", module(), "--threads", "2"});
    return samc(std::move(arguments));
  }
};

void expect_near(double value, double expected) { EXPECT_NEAR(value, expected, 1e-9 + 1e-6 * std::abs(expected)); }

TEST_F(Bench, json_adds_up) {
  expect_done(bench({"--repeat", "1", "--points", "3", "--json", path("b.json")}));
  const json all = json::parse(bytes_of(path("b.json")));
  EXPECT_EQ(all["threads"], 2);
  EXPECT_EQ(all["points"], 3);
  EXPECT_EQ(all["repetitions"], 1);
  for (const char* text : {"samc", "machine", "features", "instructions", "model"})
    EXPECT_FALSE(all[text].get<std::string>().empty()) << text;
  EXPECT_GT(all["working_bytes"], 0);
  const double peak = all["peaks"]["f32_gflops"], memory = all["peaks"]["memory_gbs"];
  EXPECT_GT(peak, 0);
  EXPECT_GT(memory, 0);

  std::map<std::string, std::map<std::string, double>> sums;
  for (const json& operation : all["operations"]) {
    const std::string function = operation["function"];
    const double ms = operation["ms"]["median"];
    sums[function]["ms"] += ms;
    for (const char* amount : {"gflop", "gb"}) sums[function][amount] += operation[amount].get<double>();
    EXPECT_FALSE(operation["name"].get<std::string>().empty());
    EXPECT_EQ(operation["precision"], "f32");
    EXPECT_GT(operation["gb"], 0);
    expect_near(operation["compute_share"], operation["gflop"].get<double>() / (ms / 1e3) / peak);
    expect_near(operation["memory_share"], operation["gb"].get<double>() / (ms / 1e3) / memory);
    if (operation["kernel"] == "matmul") {
      EXPECT_FALSE(operation["blocking"].get<std::string>().empty());
    }
  }
  std::map<std::string, double> phases;
  for (const json& phase : all["phases"]) phases[phase["name"]] = phase["ms"]["median"];
  double of_functions = 0;
  ASSERT_EQ(all["functions"].size(), sums.size());
  for (const json& function : all["functions"]) {
    const auto& sum = sums.at(function["function"]);
    expect_near(function["ms"]["median"], sum.at("ms"));
    expect_near(function["gflop"], sum.at("gflop"));
    expect_near(function["gb"], sum.at("gb"));
    of_functions += sum.at("ms");
  }
  EXPECT_TRUE(sums.contains("image_encoder"));
  expect_near(phases.at("set_image") + phases.at("predict"),
              of_functions + phases.at("preprocessing") + phases.at("upscaling and the rest"));
}

TEST_F(Bench, least_median_and_most_are_of_all_repetitions) {
  const ProcessResult result = bench({"--repeat", "3", "--json", "-"});
  expect_done(result);
  const json all = json::parse(result.out);  // and nothing else is there
  EXPECT_EQ(all["repetitions"], 3);
  bool differ = false;
  for (const json& operation : all["operations"]) {
    const json& ms = operation["ms"];
    EXPECT_LE(ms["min"], ms["median"]);
    EXPECT_LE(ms["median"], ms["max"]);
    differ = differ || ms["min"] < ms["max"];
  }
  EXPECT_TRUE(differ);
}

TEST_F(Bench, the_trace_shows_each_operation_inside_its_step_and_threads_inside_operations) {
  expect_done(bench({"--repeat", "2", "--json", path("b.json"), "--trace", path("t.json")}));
  const json all = json::parse(bytes_of(path("b.json"))), events = json::parse(bytes_of(path("t.json")));
  struct Slice {
    double begin, end;
    bool holds(const Slice& other) const { return begin <= other.begin + 1 && other.end <= end + 1; }  // microseconds
  };
  std::map<std::string, std::vector<Slice>> steps, operations;
  std::vector<std::pair<std::string, Slice>> of_threads;
  std::set<int> tracks, named;
  double milliseconds = 0;
  for (const json& event : events) {
    if (event["ph"] == "M") {
      named.insert(event["tid"].get<int>());
      continue;
    }
    ASSERT_EQ(event["ph"], "X");
    const Slice slice{event["ts"], event["ts"].get<double>() + event["dur"].get<double>()};
    const std::string name = event["name"];
    tracks.insert(event["tid"].get<int>());
    if (event["tid"] != 0) {
      of_threads.emplace_back(name, slice);
    } else if (event.contains("args")) {
      operations[name].push_back(slice);
      milliseconds += event["dur"].get<double>() / 1e3;
    } else {
      steps[name].push_back(slice);
    }
  }
  EXPECT_EQ(tracks, named);
  EXPECT_EQ(tracks, std::set({0, 1, 2}));
  EXPECT_EQ(steps.size(), 2u);
  const auto is_inside = [](const auto& slices, const Slice& slice) {
    return std::ranges::any_of(slices, [&](const Slice& outer) { return outer.holds(slice); });
  };
  for (const auto& [name, slices] : operations)
    for (const Slice& slice : slices)
      EXPECT_TRUE(is_inside(steps.at("set_image"), slice) || is_inside(steps.at("predict"), slice)) << name;
  EXPECT_GT(of_threads.size(), all["operations"].size());
  // What is done before and behind operations has the step's name.
  for (const auto& [name, slice] : of_threads)
    EXPECT_TRUE(is_inside(steps.contains(name) ? steps.at(name) : operations.at(name), slice)) << name;
  // The mean of two repetitions is their median.
  double expected = 0;
  for (const json& function : all["functions"]) expected += 2 * function["ms"]["median"].get<double>();
  EXPECT_NEAR(milliseconds, expected, 1e-3 * expected);
}

TEST_F(Bench, what_tracks_has_json_and_a_trace_too) {
  expect_done(bench({"--video", "--memories", "1", "--pointers", "1", "--repeat", "1", "--json", path("b.json"),
                     "--trace", path("t.json")}));
  const json all = json::parse(bytes_of(path("b.json")));
  std::set<std::string> phases;
  for (const json& phase : all["phases"]) phases.insert(phase["name"].get<std::string>());
  EXPECT_EQ(phases, (std::set<std::string>{"image encoder", "memory encoder", "memory attention", "mask decoder"}));
  EXPECT_EQ(all["memories"], 1);
  EXPECT_GT(json::parse(bytes_of(path("t.json"))).size(), all["operations"].size());
}

TEST_F(Bench, its_files_are_no_inputs) {
  expect_error(bench({"--trace", module()}), 2, {"--trace", "which is read"});
  expect_error(bench({"--image", kTruck, "--json", kTruck}), 2, {"--json", "which is read"});
  expect_error(bench({"--json", path("x"), "--trace", path("x")}), 2, {"are one file"});
}

}  // namespace
}  // namespace samc::test
