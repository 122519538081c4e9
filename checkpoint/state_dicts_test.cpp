// Which dict of a pickle is the model's state_dict.

#include "checkpoint/state_dicts.h"

#include <gtest/gtest.h>

#include "checkpoint/test_support.h"

namespace samc {
namespace {

using test::PickleWriter;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

// Appends a dict of this many tensors.
void add_tensors(PickleWriter& pickle, int count) {
  pickle.raw("}");
  for (int i = 0; i < count; ++i)
    pickle.text(fmt::format("w{}", i)).tensor("FloatStorage", "0", 8, 0, {8}, {1}).raw("s");
}

class StateDicts : public testing::Test {
 protected:
  StateDicts() { writer_.raw("}"); }
  // A dict of tensors under this key.
  void add(const std::string& key, int count) {
    writer_.text(key);
    add_tensors(writer_, count);
    writer_.raw("s");
  }
  // {key: {inner: dict of tensors}}
  void add_within(const std::string& key, const std::string& inner, int count) {
    writer_.text(key).raw("}").text(inner);
    add_tensors(writer_, count);
    writer_.raw("ss");
  }
  void add_number(const std::string& key) { writer_.text(key).integer(3).raw("s"); }
  // {key: {"state": {0: {"exp_avg": tensor}}}}, as torch.optim has it
  void add_optimizer() {
    writer_.text("optimizer").raw("}").text("state").raw("}");
    for (int i = 0; i < 9; ++i)
      writer_.integer(i).raw("}").text("exp_avg").tensor("FloatStorage", "0", 8, 0, {8}, {1}).raw("ss");
    writer_.raw("ss");
  }

  ChosenStateDict chosen(const std::optional<std::string>& key = std::nullopt) {
    Result<ChosenStateDict> result = choose_state_dict(pickle(), key);
    SAMC_CHECK(result.is_ok(), "{}", result.status().to_string());
    return std::move(result).value();
  }
  std::string error(const std::optional<std::string>& key = std::nullopt) {
    return choose_state_dict(pickle(), key).status().to_string();
  }

 private:
  const Pickle& pickle() {
    if (!pickle_) {
      text_ = writer_.stop();
      pickle_ = Pickle::parse(std::as_bytes(std::span(text_))).value();
    }
    return *pickle_;
  }
  PickleWriter writer_;
  std::string text_;
  std::optional<Pickle> pickle_;
};

TEST_F(StateDicts, a_training_checkpoint_of_the_official_code) {
  add("model", 4);
  add_optimizer();
  add_number("epoch");
  const ChosenStateDict found = chosen();
  EXPECT_EQ(found.where, "model");
  EXPECT_EQ(found.dict->items.size(), 8u);
  EXPECT_EQ(found.other_keys, (std::vector<std::string>{"optimizer", "epoch"}));
  EXPECT_TRUE(found.other_weights.empty());
}

TEST_F(StateDicts, weights_and_their_averages) {
  add("ema", 4);
  add("model", 5);
  add_within("teacher", "net", 5);
  EXPECT_EQ(chosen().where, "model");
  EXPECT_EQ(chosen().dict->items.size(), 10u);
  EXPECT_EQ(chosen().other_weights, (std::vector<std::string>{"ema", "teacher.net"}));
  EXPECT_EQ(chosen("ema").where, "ema");
  EXPECT_EQ(chosen("ema").dict->items.size(), 8u);
  EXPECT_EQ(chosen("teacher.net").where, "teacher.net");
  EXPECT_EQ(chosen("teacher.net").other_keys, (std::vector<std::string>{"ema", "model"}));
  const std::string wrong = error("mode");
  EXPECT_HOLDS(wrong, "--state-dict mode: no tensors there");
  EXPECT_HOLDS(wrong, "\"model\" (5 tensors)");
}

TEST_F(StateDicts, the_only_one_under_any_key) {
  add_within("ema_state", "shadow", 4);
  add_number("decay");
  EXPECT_EQ(chosen().where, "ema_state.shadow");
  EXPECT_EQ(chosen().other_keys, std::vector<std::string>{"decay"});
}

TEST_F(StateDicts, several_under_keys_that_say_nothing) {
  add("net", 4);
  add("net_ema", 4);
  add("random_states", 1);  // no model beside these
  const std::string several = error();
  EXPECT_HOLDS(several, "several state_dicts: \"net\" (4 tensors), \"net_ema\" (4 tensors);");
  EXPECT_HOLDS(several, "--state-dict");
  EXPECT_EQ(chosen("net_ema").where, "net_ema");
  EXPECT_EQ(chosen("random_states").where, "random_states");
}

TEST_F(StateDicts, the_usual_keys_come_first) {
  add("net", 4);
  add("state_dict", 4);
  add("model_state_dict", 4);
  EXPECT_EQ(chosen().where, "state_dict");
}

TEST_F(StateDicts, tensors_at_the_top) {
  add_number("step");
  EXPECT_HOLDS(error(), "no state_dict");
  EXPECT_HOLDS(error(), "(step)");
}

// Dicts that hold each other, and one that is referred to a thousand times on three levels: each is looked at once.
TEST(StateDictsOfHostilePickles, end) {
  std::string text = "\x80\x02}q\x01";  // the top, which will hold itself
  text += "X\x01";
  text += std::string(3, '\0') + "ah\x01s.";
  const Pickle cyclic = Pickle::parse(std::as_bytes(std::span(text))).value();
  EXPECT_HOLDS(choose_state_dict(cyclic, std::nullopt).status().to_string(), "no state_dict");

  PickleWriter writer;
  writer.raw("}q\x02");  // the innermost
  const auto dict_of_references = [&](const char* recall) {
    writer.raw("}");
    for (int i = 0; i < 3000; ++i) writer.text(fmt::format("k{}", i)).raw(recall).raw("s");
  };
  dict_of_references("h\x02");
  writer.raw("q\x03");
  dict_of_references("h\x03");
  writer.raw("q\x04");
  dict_of_references("h\x04");
  const std::string wide = writer.stop();
  const Pickle nested = Pickle::parse(std::as_bytes(std::span(wide))).value();
  EXPECT_HOLDS(choose_state_dict(nested, std::nullopt).status().to_string(), "no state_dict");
}

}  // namespace
}  // namespace samc
