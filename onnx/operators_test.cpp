// Every operator, at each opset that defines it anew, against ONNX Runtime: once working on data, once on constants
// (scripts/make_operator_cases wrote the models and what they give).

#include <gtest/gtest.h>

#include <cmath>

#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "media/npz.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/import.h"

namespace samc::onnx {
namespace {

constexpr double kTolerance = 2e-6;  // of the largest value; ONNX Runtime computes in f32, its resizing coordinates too

// What samc does not do with data, and says so. (It does with constants, where `constants_too` is not set.)
struct Refusal {
  const char* message;
  bool constants_too = false;
};
const std::map<std::string, Refusal> kRefused = {
    {"Sign", {"Sign node 'y' works on the data here"}},
    {"Div-integers", {"it divides integers that depend on the data"}},
    {"Mod-fmod", {"fmod = 1"}},
    {"Mod-fmod-integers", {"fmod = 1"}},
    {"ScatterElements-add", {"it reduces while it scatters"}},
    {"ScatterElements-mul", {"it reduces while it scatters"}},
    {"ScatterElements-max", {"it reduces while it scatters"}},
    {"ScatterElements-min", {"it reduces while it scatters"}},
    {"ScatterElements-integers", {"it reduces while it scatters"}},
    {"ScatterElements-data", {"its indices depend on the data"}},
    {"ScatterND-add", {"it reduces while it scatters"}},
    {"ScatterND-mul", {"it reduces while it scatters"}},
    {"ScatterND-max", {"it reduces while it scatters"}},
    {"ScatterND-min", {"it reduces while it scatters"}},
    {"GatherND-data-batch", {"its indices depend on the data, with batch_dims"}},
    {"DequantizeLinear-data", {"DequantizeLinear node 'y' works on the data here"}},
    {"Pow-wider", {"its exponent"}},
    {"BatchNormalization-training", {"it is in training mode", true}},
    {"Gelu-tanh", {"export with approximate='none'", true}},
    {"Resize-nearest-ceil", {"nearest pixel by ceil with half_pixel", true}},
    {"Resize-scales-not-whole", {"its scales give no whole number of pixels", true}},
    {"Resize-antialias", {"it resizes with antialiasing", true}},
};

struct Case {
  std::string name;  // with the opset behind a point
  Model model;

  std::string operation() const { return name.substr(0, name.find('.')); }
};

class Operators : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const Result<Npz> file = Npz::read(SAMC_SOURCE_DIR "/tests/data/onnx/operators.npz");
    ASSERT_TRUE(file.is_ok()) << file.status().to_string();
    const Tensor& models = *file.value().get("models").value();
    const Tensor& ends = *file.value().get("ends").value();
    int64_t begin = 0;
    for (const int64_t end : ends.as<int64_t>()) {
      const auto* bytes = static_cast<const std::byte*>(models.data());
      Result<Model> model = Model::parse({bytes + begin, bytes + end}, "/nonexistent", "case.onnx");
      ASSERT_TRUE(model.is_ok()) << model.status().to_string();
      cases_.push_back({model.value().graph.name, std::move(model).value()});
      begin = end;
    }
    ASSERT_GT(cases_.size(), 400u);
  }

  // Its outputs, and where it fails, why.
  Result<NamedTensors> run(const Model& model, bool on_constants) {
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_));
    WeightStore weights;
    GraphBuilder builder(*module, weights);
    SimplifyOptions options;
    NamedViews inputs;
    for (const ValueType& input : model.graph.inputs) {
      const Constant& given = model.graph.initialisers.at("given/" + input.name);
      if (on_constants)
        options.fixed_inputs[input.name] = given;
      else
        inputs[input.name] = given.view;
    }
    SAMC_TRY(import_model(model, options, {.function = "f"}, builder).status());
    return interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs, weights);
  }

  void expect_equal(const Case& test, const NamedTensors& given, bool on_constants) {
    for (const ValueType& output : test.model.graph.outputs) {
      const Constant& wanted = test.model.graph.initialisers.at("want/" + output.name);
      const Tensor& tensor = given.at(output.name);
      ASSERT_EQ(tensor.shape(), wanted.view.shape) << test.name;
      double largest = 1e-30, error = 0;
      for (int64_t i = 0; i < wanted.count(); ++i) {
        const double value = wanted.real(i);
        largest = std::max(largest, std::fabs(value));
        error = std::max(error, std::fabs(value - static_cast<double>(tensor.f32()[static_cast<size_t>(i)])));
      }
      EXPECT_LE(error, kTolerance * largest) << test.name << (on_constants ? " on constants" : " on data");
    }
  }

  void check(const Case& test, bool on_constants) {
    const Result<NamedTensors> result = run(test.model, on_constants);
    const auto refused = kRefused.find(test.operation());
    if (refused != kRefused.end() && (!on_constants || refused->second.constants_too)) {
      ASSERT_FALSE(result.is_ok()) << test.name << " runs";
      EXPECT_NE(result.status().to_string().find(refused->second.message), std::string::npos)
          << test.name << ": " << result.status().to_string();
      return;
    }
    ASSERT_TRUE(result.is_ok()) << test.name << (on_constants ? " on constants: " : " on data: ")
                                << result.status().to_string();
    expect_equal(test, result.value(), on_constants);
  }

  mlir::MLIRContext context_;
  static inline std::vector<Case> cases_;
};

TEST_F(Operators, on_data) {
  load_dialects(context_);
  for (const Case& test : cases_) check(test, false);
}

TEST_F(Operators, on_constants) {
  load_dialects(context_);
  for (const Case& test : cases_) check(test, true);
}

}  // namespace
}  // namespace samc::onnx
