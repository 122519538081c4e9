// Calibration without tpuc-opt: statistics, rounding, groups and the mix, on pico and on a small attention.

#include "targets/sophgo/calibrate/calibrate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/files.h"
#include "base/test_folder.h"
#include "base/test_waves.h"
#include "ir/graph_builder.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace samc::sophgo {
namespace {

// pico's encoder as transform writes it, read again.
class Pico : public ::testing::Test {
 protected:
  void SetUp() override {
    TransformOptions options;
    options.model_name = "pico";
    options.model = std::string(SAMC_SOURCE_DIR) + "/tests/data/pico/pico.pt";
    options.part = ModelPart::kEncoder;
    const auto made = TransformedModel::make(options);
    ASSERT_TRUE(made.is_ok()) << made.status().to_string();
    ASSERT_TRUE(made.value()->write(folder_.path("pico.mlir")).is_ok());
    auto read = TransformedModel::read(folder_.path("pico.mlir"));
    ASSERT_TRUE(read.is_ok()) << read.status().to_string();
    model_ = std::move(read).value();
    auto part = PartCalibration::make(*model_, pool_);
    ASSERT_TRUE(part.is_ok()) << part.status().to_string();
    part_ = std::move(part).value();
  }
  NamedTensors picture(double step) const {
    NamedTensors inputs;
    for (const NamedShape& input : model_->inputs()) inputs[input.name] = waves(input.shape, step);
    return inputs;
  }

  const TestFolder folder_;
  ThreadPool pool_{2};
  std::unique_ptr<TransformedModel> model_;
  std::unique_ptr<PartCalibration> part_;
};

TEST_F(Pico, RunsAsTheInterpreterDoes) {
  const NamedTensors inputs = picture(0.37);
  NamedViews views;
  for (const auto& [name, tensor] : inputs) views[name] = tensor.view();
  const auto outputs = part_->add(inputs);
  ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
  const auto reference = model_->run(views, &pool_);
  ASSERT_TRUE(reference.is_ok());
  ASSERT_EQ(outputs.value().size(), reference.value().size());
  for (const auto& [name, tensor] : reference.value())
    EXPECT_LT(output_loss(tensor.view(), outputs.value().at(name).view()), 1e-10) << name;
}

TEST_F(Pico, TableHasEveryOpOfTheText) {
  ASSERT_TRUE(part_->add(picture(0.37)).is_ok());
  ASSERT_TRUE(part_->add(picture(1.91)).is_ok());
  const CalibrationTable table = {part_->table({})};
  const auto text = read_text_file(folder_.path("pico.mlir"), kMostTableBytes);
  ASSERT_TRUE(text.is_ok());
  const auto ops = read_named_ops(text.value());
  EXPECT_TRUE(check_calibration_table(table, ops, "t").is_ok()) << check_calibration_table(table, ops, "t").to_string();
  size_t names = 0;
  for (const NamedOp& op : ops) names += op.names.size();
  EXPECT_EQ(table[0].lines.size(), names);
  for (const CalibrationLine& line : table[0].lines) {
    EXPECT_GE(line.threshold, kLeastThreshold) << line.name;
    EXPECT_EQ(line.threshold, std::max({-line.min, line.max, kLeastThreshold})) << line.name;
  }
}

// Of every method, with all that may be in INT8: a threshold is at most the largest magnitude, and what it loses is
// measured.
TEST_F(Pico, MethodsOfThresholds) {
  std::vector<NamedTensors> samples;
  samples.push_back(picture(0.37));
  ASSERT_TRUE(part_->add(samples[0]).is_ok());
  const auto largest = part_->table({});
  for (const char* name : {"percentile", "kl", "mse"}) {
    const auto method = find_threshold_method(name);
    ASSERT_TRUE(method.is_ok());
    const auto table = part_->table({method.value(), 99.9});
    ASSERT_EQ(table.lines.size(), largest.lines.size());
    size_t cut = 0;
    for (size_t i = 0; i < table.lines.size(); ++i) {
      EXPECT_LE(table.lines[i].threshold, largest.lines[i].threshold) << name << " " << table.lines[i].name;
      EXPECT_GE(table.lines[i].threshold, kLeastThreshold) << name << " " << table.lines[i].name;
      cut += table.lines[i].threshold < largest.lines[i].threshold ? 1 : 0;
    }
    EXPECT_GT(cut, table.lines.size() / 20) << name;
    const auto mix = part_->find_mix(samples, table, 0.01, [](const std::string&) {});
    ASSERT_TRUE(mix.is_ok()) << mix.status().to_string();
    EXPECT_LE(mix.value().loss(), 0.01) << name;
    EXPECT_GT(mix.value().loss(), 0.0) << name;
  }
}

TEST_F(Pico, MixKeepsToTheLoss) {
  std::vector<NamedTensors> samples;
  samples.push_back(picture(0.37));
  samples.push_back(picture(1.91));
  for (const NamedTensors& sample : samples) ASSERT_TRUE(part_->add(sample).is_ok());
  const auto table = part_->table({});
  double gain_before = 2;
  for (const double allowed : {1.0, 0.001, 0.0}) {
    const auto mix = part_->find_mix(samples, table, allowed, [](const std::string&) {});
    ASSERT_TRUE(mix.is_ok()) << mix.status().to_string();
    EXPECT_LE(mix.value().loss(), allowed);
    double gain = 0;
    for (const MeasuredGroup& group : mix.value().groups) gain += group.int8 ? group.gain : 0;
    EXPECT_LE(gain, gain_before);
    gain_before = gain;
    // What the table says is what was measured.
    const auto measured = part_->measure(samples, table, mix.value().table);
    ASSERT_TRUE(measured.is_ok());
    for (const OutputLoss& output : mix.value().outputs) {
      const auto again = std::find_if(measured.value().begin(), measured.value().end(),
                                      [&](const OutputLoss& other) { return other.output == output.output; });
      ASSERT_NE(again, measured.value().end()) << output.output;
      EXPECT_DOUBLE_EQ(again->loss, output.loss);
    }
  }
  EXPECT_EQ(gain_before, 0.0);  // without any loss nothing is in INT8
}

TEST_F(Pico, NotANumberInAnImage) {
  NamedTensors inputs = picture(0.37);
  inputs.begin()->second.f32()[7] = std::nanf("");
  const auto outputs = part_->add(inputs);
  ASSERT_FALSE(outputs.is_ok());
  EXPECT_NE(outputs.status().message().find("NaN"), std::string::npos);
}

// An op with its activation, as TPU-MLIR writes it, is two to the interpreter and one to the tables.
TEST(Calibrate, NamesOfAFileOfTpuMlirs) {
  const std::string file = std::string(SAMC_SOURCE_DIR) + "/tests/data/tpu_mlir/block.mlir";
  const auto model = TransformedModel::read(file);
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  ThreadPool pool(1);
  auto part = PartCalibration::make(*model.value(), pool);
  ASSERT_TRUE(part.is_ok()) << part.status().to_string();
  std::vector<NamedTensors> samples(1);
  samples[0]["image"] = waves({1, 3, 16, 16}, 0.37);
  ASSERT_TRUE(part.value()->add(samples[0]).is_ok());
  const auto text = read_text_file(file, kMostTableBytes);
  ASSERT_TRUE(text.is_ok());
  const auto ops = read_named_ops(text.value());
  const CalibrationTable table = {part.value()->table({})};
  EXPECT_TRUE(check_calibration_table(table, ops, "t").is_ok()) << check_calibration_table(table, ops, "t").to_string();
  for (const double allowed : {1.0, 0.0}) {
    const auto mix = part.value()->find_mix(samples, table[0], allowed, [](const std::string&) {});
    ASSERT_TRUE(mix.is_ok()) << mix.status().to_string();
    const Status named = check_quantize_table({mix.value().table}, ops, "q");
    EXPECT_TRUE(named.is_ok()) << named.to_string();
    EXPECT_TRUE(part.value()->measure(samples, table[0], mix.value().table).is_ok());
  }
}

// Attention with a mask, a projection and a small network, whose ops are told by their names.
class SmallAttention : public ::testing::Test {
 protected:
  void SetUp() override {
    load_dialects(context_);
    module_ = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_));
    GraphBuilder graph(*module_, weights_);
    const auto inputs = graph.begin_function("main", {{"x", {1, 16, 8}}});
    const auto weight = [&](const char* name, double step) { return graph.constant(name, waves({8, 8}, step)); };
    const mlir::Value y = graph.layer_norm("norm", inputs[0], {}, {}, 1e-6);
    const auto heads = [&](const std::string& name, mlir::Value value) {
      const mlir::Value split = graph.reshape(name + "_split", value, {1, 16, 2, 4});
      return graph.permute(name + "_heads", split, {0, 2, 1, 3});
    };
    const mlir::Value q = heads("q", graph.matmul("q", y, weight("wq", 0.3)));
    const mlir::Value k = heads("k", graph.matmul("k", y, weight("wk", 0.7)));
    const mlir::Value v = heads("v", graph.matmul("v", y, weight("wv", 1.1)));
    const mlir::Value scores = graph.matmul("scores", q, k, {}, true);
    Tensor mask = Tensor::zeros({1, 1, 16, 16});
    for (size_t i = 0; i < 256; ++i) mask.f32()[i] = i % 16 / 8 == i / 128 ? 0.0f : -30000.0f;
    const mlir::Value masked = graph.add("masked", scores, graph.constant("mask", std::move(mask)));
    const mlir::Value mixed = graph.matmul("mixed", graph.softmax("softmax", masked), v);
    const mlir::Value joined = graph.reshape("joined", graph.permute("back", mixed, {0, 2, 1, 3}), {1, 16, 8});
    const mlir::Value out = graph.add("residual", inputs[0], graph.matmul("proj", joined, weight("wo", 1.3)));
    const mlir::Value hidden = graph.gelu("gelu", graph.matmul("fc1", out, weight("w1", 1.7)));
    ASSERT_TRUE(graph.end_function({{"y", graph.matmul("fc2", hidden, weight("w2", 1.9))}}).is_ok());
    function_ = *module_->getOps<mlir::func::FuncOp>().begin();
    for (mlir::Operation& op : function_.getBody().front())
      if (op.getNumResults() == 1) ops_[name_of(&op)] = &op;
    Executor executor(function_, weights_, pool_);
    NamedTensors values;
    values["x"] = waves({1, 16, 8}, 0.9);
    const auto outputs = executor.run(values, [&](mlir::Value value, const TensorView& data) {
      float largest = 0;
      for (const float element : data.f32()) largest = std::max(largest, std::fabs(element));
      ranges_[value] = {static_cast<double>(largest)};
      return Status::ok();
    });
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
  }
  std::set<std::string> names(const OpSet& ops) const {
    std::set<std::string> result;
    for (const auto& [name, op] : ops_)
      if (ops.count(op) != 0) result.insert(name);
    return result;
  }
  std::set<std::string> int8_with(const std::vector<std::string>& computing) {
    OpSet ops;
    for (const std::string& name : computing) ops.insert(ops_.at(name));
    return names(with_movement(function_, ops));
  }

  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  WeightStore weights_;
  ThreadPool pool_{1};
  mlir::func::FuncOp function_;
  std::map<std::string, mlir::Operation*> ops_;
  Int8Ranges ranges_;
};

TEST_F(SmallAttention, Groups) {
  std::map<std::string, std::set<std::string>> groups;
  for (const OpGroup& group : group_ops(function_, ranges_))
    groups[group.what] = names(OpSet(group.ops.begin(), group.ops.end()));
  const std::map<std::string, std::set<std::string>> expected = {
      {"MatMul to attention (1, 16, 8)", {"q", "k"}},
      {"probabilities x values (1, 2, 16, 4)", {"v", "mixed"}},  // V's projection goes with the product
      {"queries x keys (1, 2, 16, 16)", {"scores"}},
      {"MatMul of attention (1, 16, 8)", {"proj"}},
      {"Add (1, 16, 8)", {"residual"}},
      {"MatMul to GELU (1, 16, 8)", {"fc1"}},
      {"GELU (1, 16, 8)", {"gelu"}},
      {"MatMul of GELU (1, 16, 8)", {"fc2"}},
  };  // the sum with the mask, norm and softmax are in none
  EXPECT_EQ(groups, expected);
}

TEST_F(SmallAttention, MovementFollows) {
  using Names = std::set<std::string>;
  // Permutes of heads have the product's precision; the reshape in front of them follows its reader.
  EXPECT_EQ(int8_with({"scores"}), (Names{"scores", "q_heads", "q_split", "k_heads", "k_split"}));
  EXPECT_EQ(int8_with({"q"}), (Names{"q"}));
  EXPECT_EQ(int8_with({"mixed", "v"}), (Names{"mixed", "v", "v_heads", "v_split", "back"}));
  // What the projection in INT8 reads is moved in INT8, but for the permute beside a product in 16 bits.
  EXPECT_EQ(int8_with({"proj"}), (Names{"proj", "joined"}));
}

TEST_F(SmallAttention, RoundedAsTheChipDoes) {
  Executor executor(function_, weights_, pool_);
  NamedTensors values;
  values["x"] = waves({1, 16, 8}, 0.9);
  const auto exact = executor.run(values);
  ASSERT_TRUE(exact.is_ok());
  const auto rounded = executor.run_int8({ops_.at("fc2")}, ranges_);
  ASSERT_TRUE(rounded.is_ok());
  const double loss = output_loss(exact.value().at("y").view(), rounded.value().at("y").view());
  EXPECT_GT(loss, 1e-7);
  EXPECT_LT(loss, 1e-3);
  // Nothing in INT8 is f32.
  const auto none = executor.run_int8({}, ranges_);
  ASSERT_TRUE(none.is_ok());
  EXPECT_EQ(output_loss(exact.value().at("y").view(), none.value().at("y").view()), 0.0);
}

TEST(RoundToInt8, Steps) {
  ThreadPool pool(1);
  std::vector<float> values = {0.0f, 0.5f, -0.5f, 1.4f, 126.6f, 500.0f, -500.0f};
  round_to_int8(values, {127.0}, pool);
  EXPECT_EQ(values, (std::vector<float>{0.0f, 0.0f, 0.0f, 1.0f, 127.0f, 127.0f, -128.0f}));
  values = {-3.0f, 0.3f, 254.7f, 300.0f};
  round_to_int8(values, {255.0, false}, pool);
  EXPECT_EQ(values, (std::vector<float>{0.0f, 0.0f, 255.0f, 255.0f}));
}

TEST(OutputLoss, OfKnownTensors) {
  Tensor a({2}), b({2});
  a.f32()[0] = 3;
  a.f32()[1] = 4;
  b.f32()[0] = 4;
  b.f32()[1] = 3;
  EXPECT_NEAR(output_loss(a.view(), b.view()), 1 - 24.0 / 25.0, 1e-12);
  EXPECT_EQ(output_loss(a.view(), a.view()), 0.0);
  b.f32()[0] = 6;
  b.f32()[1] = 8;
  EXPECT_NEAR(output_loss(a.view(), b.view()), 0.25, 1e-12);  // the same direction, twice as long
  const Tensor zero = Tensor::zeros({2});
  EXPECT_EQ(output_loss(zero.view(), zero.view()), 0.0);
  EXPECT_EQ(output_loss(a.view(), zero.view()), 1.0);
}

}  // namespace
}  // namespace samc::sophgo
