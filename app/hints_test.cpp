// Every hint in the sources, as each command would say it, names options that the reader can give.

#include "app/hints.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "app/commands.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

const std::vector<CommandOptions>& commands() {
  static const std::vector<CommandOptions> list = [] {
    std::string memory_limit;
    CLI::App app("samc");
    (void)add_commands(app);
    add_memory_limit(app, memory_limit);
    return options_of_commands(app);
  }();
  return list;
}

const CommandOptions& command(const std::string& name) {
  for (const CommandOptions& one : commands())
    if (one.name == name) return one;
  throw std::out_of_range(name);
}

bool is_product_source(const fs::path& path) {
  const std::string name = path.filename().string();
  return path.extension() == ".cpp" && !name.ends_with("_test.cpp") && !name.ends_with("_fuzz.cpp") &&
         name != "samc_opt.cpp";  // a program of its own
}

// The string literals of a file, those that stand beside each other as one.
std::vector<std::string> literals(const fs::path& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text = std::regex_replace(text, std::regex(R"re("\s*\n\s*")re"), "");
  std::vector<std::string> found;
  static const std::regex pattern(R"re("((?:[^"\\\n]|\\.)*)")re");
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    found.push_back((*at)[1].str());
  return found;
}

// "cut it with --output_names", and no command line of another program.
bool is_prose_with_option(const std::string& text) {
  static const std::regex pattern(R"re([a-z,;)] --[a-z])re");
  return std::regex_search(text, pattern);
}

TEST(Hints, name_options_of_the_command_or_say_whose_they_are) {
  size_t hints = 0;
  for (const char* folder : {"app", "base", "checkpoint", "ir", "kernels", "media", "model", "onnx", "package",
                             "passes", "runtime", "targets"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SAMC_SOURCE_DIR) / folder)) {
      if (!is_product_source(entry.path())) continue;
      for (const std::string& hint : literals(entry.path())) {
        if (!is_prose_with_option(hint)) continue;
        ++hints;
        for (const CommandOptions& speaker : commands())
          for (const NamedOption& named : options_in(fit_hint(hint, speaker.name, commands()), commands()))
            EXPECT_TRUE(!named.command.empty() || speaker.options.count(named.option) != 0)
                << entry.path() << ": samc " << speaker.name << " would say: " << hint;
      }
    }
  EXPECT_GT(hints, 15u);  // the search finds them
}

TEST(Hints, an_option_of_another_command_is_named_with_it) {
  const auto said = [](const char* name, const char* hint) { return fit_hint(hint, name, commands()); };
  EXPECT_EQ(said("segment", "cut the graph before it with --output_names"),
            "cut the graph before it with samc transform --output_names");
  EXPECT_EQ(said("transform", "cut the graph before it with --output_names"),
            "cut the graph before it with --output_names");
  EXPECT_EQ(said("deploy", "transform with --mean, --scale and --pixel_format"),
            "transform with --mean, --scale and --pixel_format");
  EXPECT_EQ(said("segment", "leave --part out; samc compile --list-passes shows them"),
            "leave samc transform --part out; samc compile --list-passes shows them");
  EXPECT_EQ(said("segment", "samc compile shows them; --until top helps"),
            "samc compile shows them; samc compile --until top helps");
  EXPECT_EQ(said("segment", "a -- b, --, x--y"), "a -- b, --, x--y");
  EXPECT_EQ(said("segment", ""), "");
}

TEST(Hints, options_are_those_of_help) {
  EXPECT_EQ(command("segment").options.count("--output_names"), 0u);
  EXPECT_EQ(command("segment").options.count("--point"), 1u);
  EXPECT_EQ(command("transform").options.count("--output_names"), 1u);
  EXPECT_EQ(command("deploy").options.count("--processor"), 1u);
}

}  // namespace
}  // namespace samc
