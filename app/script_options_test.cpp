// The tables of script_options.h against the lists of what TPU-MLIR 1.30.2's scripts declare (tests/data/tpu_mlir), the
// commands, and the page that users read.

#include "app/script_options.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "app/commands.h"
#include "app/hints.h"

namespace samc {
namespace {

const std::string kSource = SAMC_SOURCE_DIR;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Script* const kScripts[] = {&model_transform_script(), &model_deploy_script()};

// "--chip --processor value -": names, kind, standard.
std::string declared(const ScriptOption& option) {
  std::string names = option.names;
  for (char& c : names)
    if (c == ',') c = ' ';
  const char* kind = option.kind == OptionKind::kFlag ? "flag" : option.kind == OptionKind::kValue ? "value" : "values";
  return names + " " + kind + " " + (*option.standard == 0 ? "-" : option.standard);
}

TEST(ScriptOptions, tables_hold_every_option_of_the_scripts) {
  for (const Script* script : kScripts) {
    std::set<std::string> wanted, given;
    const std::string stem = std::string(script->name).substr(0, std::string(script->name).size() - 3);
    std::istringstream lines(text_of(fmt::format("{}/tests/data/tpu_mlir/{}.options", kSource, stem)));
    for (std::string line; std::getline(lines, line);) wanted.insert(line);
    for (const ScriptOption& option : script->options) given.insert(declared(option));
    EXPECT_GT(wanted.size(), 40u);
    EXPECT_EQ(given, wanted) << script->name;
  }
}

TEST(ScriptOptions, commands_have_every_option) {
  std::string memory_limit;
  CLI::App app("samc");
  (void)add_commands(app);
  add_memory_limit(app, memory_limit);
  for (const Script* script : kScripts) {
    const CLI::App* command = app.get_subcommand(script->command);
    for (const ScriptOption& row : script->options) {
      std::istringstream names(row.names);
      for (std::string name; std::getline(names, name, ',');) {
        const CLI::Option* option = command->get_option_no_throw(name);
        ASSERT_NE(option, nullptr) << script->command << " " << name;
        const bool is_foreign = option->get_group().find(script->name) != std::string::npos &&
                                option->get_group().find("as in") == std::string::npos;
        EXPECT_EQ(is_foreign, row.treatment != Treatment::kOwn) << name << ": " << option->get_group();
        EXPECT_EQ(option->get_items_expected_max() == 0, row.kind == OptionKind::kFlag) << name;
      }
      EXPECT_EQ(*row.reason == 0, row.treatment == Treatment::kOwn) << row.names;
    }
  }
}

TEST(ScriptOptions, the_page_holds_both_tables) {
  const std::string page = text_of(kSource + "/docs/tpu_mlir_options.md");
  for (const Script* script : kScripts)
    EXPECT_NE(page.find("\n" + to_markdown(*script)), std::string::npos) << to_markdown(*script);
}

std::vector<std::string> completed(std::vector<std::string> words) {
  complete_script_options(words);
  return words;
}

TEST(ScriptOptions, beginnings_of_names_become_whole) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(completed({"transform", "--input_shape", "[[1,2]]", "--pixel=rgb", "--scale", "1"}),
            (Words{"transform", "--input_shapes", "[[1,2]]", "--pixel_format=rgb", "--scale", "1"}));
  EXPECT_EQ(completed({"deploy", "--proc", "bm1688", "--quant", "F16"}),
            (Words{"deploy", "--processor", "bm1688", "--quant", "F16"}));  // of several names
  EXPECT_EQ(completed({"deploy", "--model", "x", "--", "--proc"}), (Words{"deploy", "--model", "x", "--", "--proc"}));
  EXPECT_EQ(completed({"segment", "--input_shape"}), (Words{"segment", "--input_shape"}));
  EXPECT_EQ(completed({}), Words{});
}

TEST(ScriptOptions, samcs_own_names_stay_as_they_are) {
  std::string memory_limit;
  CLI::App app("samc");
  (void)add_commands(app);
  add_memory_limit(app, memory_limit);
  for (const CommandOptions& command : options_of_commands(app))
    for (const std::string& option : command.options)
      EXPECT_EQ(completed({command.name, option})[1], option) << command.name;
}

class Checked : public testing::Test {
 protected:
  // What check() gives and says for these words after `deploy`.
  Status check(std::vector<std::string> words) {
    CLI::App app;
    ForeignOptions options;
    options.add_to(app, model_deploy_script());
    std::reverse(words.begin(), words.end());
    app.parse(words);
    testing::internal::CaptureStderr();
    Status status = options.check();
    said_ = testing::internal::GetCapturedStderr();
    return status;
  }
  std::string said_;
};

TEST_F(Checked, what_has_no_effect_is_said_once_each) {
  EXPECT_TRUE(check({"--dynamic", "--merge_weight", "--model_version", "1.0"}).is_ok());
  EXPECT_EQ(said_,
            "samc: warning: --dynamic has no effect: the bmodel takes the shapes of the .mlir\n"
            "samc: warning: --merge_weight has no effect: it is for chips that samc does not compile for\n"
            "samc: warning: --model_version has no effect: it is for chips that samc does not compile for\n");
}

TEST_F(Checked, what_the_script_does_anyway_needs_no_word) {
  EXPECT_TRUE(check({"--model_version", "latest", "--num_device", "1", "--lg_debugger=0", "--iomem_set", ""}).is_ok());
  EXPECT_EQ(said_, "");
}

TEST_F(Checked, what_would_change_the_result_is_refused_by_name) {
  for (const ScriptOption& row : model_deploy_script().options) {
    if (row.treatment != Treatment::kRefused) continue;
    std::vector<std::string> words{row.names};
    if (row.kind != OptionKind::kFlag) words.emplace_back("2");
    const Status status = check(words);
    EXPECT_EQ(status.code(), StatusCode::kUsage) << row.names;
    EXPECT_TRUE(status.message().starts_with(row.names)) << status.message();
    EXPECT_NE(status.hint(), "") << row.names;
    EXPECT_EQ(said_, "");
  }
}

}  // namespace
}  // namespace samc
