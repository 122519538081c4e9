#include "ir/interpreter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>

#include "ir/graph_builder.h"
#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc {
namespace {

using Values = std::vector<float>;

struct Data {
  Shape shape;
  Values values;

  TensorView view() const { return {DType::kF32, shape, values.data()}; }
};

Data tensor(Shape shape, Values values) {
  SAMC_CHECK(element_count(shape) == static_cast<int64_t>(values.size()), "{} values", values.size());
  return {std::move(shape), std::move(values)};
}

// 0, 1, 2, ... times step
Data counting(Shape shape, float step = 1.0f) {
  Values values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * step;
  return {std::move(shape), std::move(values)};
}

class InterpreterTest : public testing::Test {
 protected:
  InterpreterTest() : module_(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_))), builder_(*module_, weights_) {}

  // Builds a function of the inputs named x, y, z with body, runs it, and compares its one output.
  template <class Body>
  void expect(const std::vector<Data>& inputs, const Body& body, const Shape& shape, const Values& wanted,
              float tolerance = 1e-6f) {
    static constexpr const char* kNames[] = {"x", "y", "z"};
    const std::string name = fmt::format("f{}", functions_++);
    std::vector<NamedShape> named;
    NamedViews views;
    for (size_t i = 0; i < inputs.size(); ++i) {
      named.push_back({kNames[i], inputs[i].shape});
      views[kNames[i]] = inputs[i].view();
    }
    const std::vector<mlir::Value> values = builder_.begin_function(name, named);
    const Status built = builder_.end_function({{"out", body(values)}});
    ASSERT_TRUE(built.is_ok()) << built.to_string();
    ThreadPool pool(2);
    const auto function = module_->lookupSymbol<mlir::func::FuncOp>(name);
    const auto outputs = interpret(function, views, weights_, {.pool = &pool, .observe = {}});
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    const Tensor& out = outputs.value().at("out");
    EXPECT_EQ(out.shape(), shape) << shape_to_string(out.shape());
    ASSERT_EQ(out.f32().size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (std::isnan(wanted[i])) {
        EXPECT_TRUE(std::isnan(out.f32()[i])) << "at " << i;
      } else {
        EXPECT_NEAR(out.f32()[i], wanted[i], tolerance * std::max(1.0f, std::abs(wanted[i]))) << "at " << i;
      }
    }
  }

  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  WeightStore weights_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  GraphBuilder builder_;
  int functions_ = 0;
};

using In = const std::vector<mlir::Value>&;

TEST_F(InterpreterTest, matmul) {
  expect({tensor({2, 3}, {1, 2, 3, 4, 5, 6}), tensor({3, 2}, {1, 0, 0, 1, 2, -1}), tensor({2}, {10, 20})},
         [&](In in) { return builder_.matmul("p", in[0], in[1], in[2]); }, {2, 2}, {17, 19, 26, 19});
  expect({tensor({2, 3}, {1, 2, 3, 4, 5, 6}), tensor({2, 3}, {1, 0, 2, 0, 1, -1})},
         [&](In in) { return builder_.matmul("p", in[0], in[1], {}, true); }, {2, 2}, {7, -1, 16, -1});
  // batches of heads, and one matrix for a batch of rows
  expect({tensor({2, 1, 2}, {1, 2, 3, 4}), tensor({2, 2, 1}, {1, 1, 2, 2})},
         [&](In in) { return builder_.matmul("p", in[0], in[1]); }, {2, 1, 1}, {3, 14});
  expect({tensor({2, 1, 2}, {1, 2, 3, 4}), tensor({2, 1}, {1, 10})},
         [&](In in) { return builder_.matmul("p", in[0], in[1]); }, {2, 1, 1}, {21, 43});
  expect({tensor({2, 1, 1, 2}, {1, 2, 3, 4}), tensor({2, 2, 1}, {1, 10, 2, 20})},
         [&](In in) { return builder_.matmul("p", in[0], in[1]); }, {2, 2, 1, 1}, {21, 42, 43, 86});
}

TEST_F(InterpreterTest, a_long_matmul_keeps_its_precision) {
  // 4,099 products of 1 + 2^-12 and 0.1: beyond every block size, with remainders
  constexpr int64_t kDepth = 4099;
  const Data a{{33, kDepth}, Values(33 * kDepth, 1.0f + 0x1p-12f)};
  const Data b{{kDepth, 257}, Values(257 * kDepth, 0.1f)};
  const double exact = static_cast<double>(kDepth) * (1.0 + 0x1p-12) * static_cast<double>(0.1f);
  const Values wanted(33 * 257, static_cast<float>(exact));
  expect(
      {a, b}, [&](In in) { return builder_.matmul("p", in[0], in[1]); }, {33, 257}, wanted, 3e-7f);
}

TEST_F(InterpreterTest, conv) {
  expect({counting({1, 1, 3, 3}), tensor({1, 1, 2, 2}, {1, 2, 3, 4}), tensor({1}, {0.5f})},
         [&](In in) { return builder_.conv("c", in[0], in[1], in[2]); }, {1, 1, 2, 2}, {27.5f, 37.5f, 57.5f, 67.5f});
  expect({counting({1, 1, 3, 3}), tensor({1, 1, 3, 3}, Values(9, 1.0f))},
         [&](In in) {
           return builder_.conv("c", in[0], in[1], {}, {.strides = {2, 2}, .pads = {1, 1, 1, 1}});
         },
         {1, 1, 2, 2}, {8, 12, 20, 24});
  // depthwise, dilated by 2
  expect({counting({1, 2, 3, 3}), tensor({2, 1, 2, 2}, {1, 0, 0, 1, 0, 1, 1, 0})},
         [&](In in) {
           return builder_.conv("c", in[0], in[1], {}, {.dilations = {2, 2}, .group = 2});
         },
         {1, 2, 1, 1}, {8, 26});
  // two images, two groups of two channels
  expect({counting({2, 4, 1, 1}), tensor({2, 2, 1, 1}, {1, 10, 1, 10})},
         [&](In in) { return builder_.conv("c", in[0], in[1], {}, {.group = 2}); }, {2, 2, 1, 1}, {10, 32, 54, 76});
}

TEST_F(InterpreterTest, deconv) {
  expect({tensor({1, 1, 2, 2}, {1, 2, 3, 4}), tensor({1, 1, 2, 2}, {1, 10, 100, 1000}), tensor({1}, {0.5f})},
         [&](In in) {
           return builder_.deconv("d", in[0], in[1], in[2], {.strides = {2, 2}});
         },
         {1, 1, 4, 4},
         {1.5f, 10.5f, 2.5f, 20.5f, 100.5f, 1000.5f, 200.5f, 2000.5f, 3.5f, 30.5f, 4.5f, 40.5f, 300.5f, 3000.5f, 400.5f,
          4000.5f});
  // windows that overlap
  expect({tensor({1, 1, 1, 2}, {1, 2}), tensor({1, 1, 1, 3}, {1, 10, 100})},
         [&](In in) { return builder_.deconv("d", in[0], in[1]); }, {1, 1, 1, 4}, {1, 12, 120, 200});
  // two channels in, one out: the filter is (out, in, kh, kw)
  expect({tensor({1, 2, 1, 1}, {2, 3}), tensor({1, 2, 1, 2}, {1, 2, 10, 20})},
         [&](In in) { return builder_.deconv("d", in[0], in[1]); }, {1, 1, 1, 2}, {32, 64});
}

TEST_F(InterpreterTest, norms) {
  const float unit = 1.0f / std::sqrt(1.25f);  // of 0, 1, 2, 3
  expect({counting({1, 4}), tensor({4}, {1, 1, 1, 2}), tensor({4}, {0, 0, 0, 1})},
         [&](In in) { return builder_.layer_norm("n", in[0], in[1], in[2], 0.0); }, {1, 4},
         {-1.5f * unit, -0.5f * unit, 0.5f * unit, 3.0f * unit + 1.0f});
  expect({tensor({1, 2, 1, 2}, {0, 5, 2, 5}), tensor({2, 1, 1}, {1, 2}), tensor({2, 1, 1}, {0, 1})},
         [&](In in) { return builder_.pixel_norm("n", in[0], in[1], in[2], 1.0); }, {1, 2, 1, 2},
         {-std::sqrt(0.5f), 0, 2.0f * std::sqrt(0.5f) + 1.0f, 1});
}

TEST_F(InterpreterTest, softmax) {
  expect({tensor({2, 2}, {0, std::log(3.0f), 1000, 1000})}, [&](In in) { return builder_.softmax("s", in[0]); }, {2, 2},
         {0.25f, 0.75f, 0.5f, 0.5f});
  expect({tensor({2, 1}, {0, std::log(3.0f)})}, [&](In in) { return builder_.softmax("s", in[0], 0); }, {2, 1},
         {0.25f, 0.75f});
}

TEST_F(InterpreterTest, pooling) {
  const PoolOptions halve{.kernel = {2, 2}, .strides = {2, 2}};
  const PoolOptions padded{.kernel = {2, 2}, .strides = {2, 2}, .pads = {1, 1, 0, 0}};
  PoolOptions counted = padded;
  counted.count_include_pad = true;
  PoolOptions up = halve;
  up.ceil_mode = true;
  expect({counting({1, 1, 4, 4})}, [&](In in) { return builder_.max_pool("m", in[0], halve); }, {1, 1, 2, 2},
         {5, 7, 13, 15});
  expect({counting({1, 1, 3, 3})}, [&](In in) { return builder_.max_pool("m", in[0], up); }, {1, 1, 2, 2},
         {4, 5, 7, 8});
  expect({counting({1, 1, 3, 3})}, [&](In in) { return builder_.avg_pool("a", in[0], padded); }, {1, 1, 2, 2},
         {0, 1.5f, 4.5f, 6});
  expect({counting({1, 1, 3, 3})}, [&](In in) { return builder_.avg_pool("a", in[0], counted); }, {1, 1, 2, 2},
         {0, 0.75f, 2.25f, 6});
}

TEST_F(InterpreterTest, interp) {
  expect({tensor({1, 1, 1, 2}, {1, 2})},
         [&](In in) { return builder_.interp("i", in[0], 2, 4, InterpMode::kNearest, CoordMode::kAsymmetric); },
         {1, 1, 2, 4}, {1, 1, 2, 2, 1, 1, 2, 2});
  expect({tensor({1, 1, 1, 2}, {0, 4})}, [&](In in) { return builder_.interp("i", in[0], 1, 4, InterpMode::kLinear); },
         {1, 1, 1, 4}, {0, 1, 3, 4});
  expect({tensor({1, 1, 1, 2}, {0, 3})},
         [&](In in) { return builder_.interp("i", in[0], 1, 4, InterpMode::kLinear, CoordMode::kAlignCorners); },
         {1, 1, 1, 4}, {0, 1, 2, 3});
  // torch.nn.functional.interpolate([0, 1, 4, 9], size 6, mode "bicubic"): values of PyTorch 2
  expect(
      {tensor({1, 1, 1, 4}, {0, 1, 4, 9})},
      [&](In in) { return builder_.interp("i", in[0], 1, 6, InterpMode::kCubic); }, {1, 1, 1, 6},
      {-0.0868056f, 0.2187500f, 1.4305550f, 3.1527777f, 6.7812500f, 9.4340286f}, 1e-5f);
}

TEST_F(InterpreterTest, unary) {
  const auto check = [&](auto method, const Values& in, const Values& wanted) {
    expect(
        {tensor({static_cast<int64_t>(in.size())}, in)}, [&](In x) { return (builder_.*method)("u", x[0]); },
        {static_cast<int64_t>(in.size())}, wanted);
  };
  const float nan = std::nanf("");
  check(&GraphBuilder::relu, {-1, 2, nan}, {0, 2, nan});
  check(&GraphBuilder::gelu, {-1, 0, 1}, {-0.158655254f, 0, 0.841344746f});
  check(&GraphBuilder::sigmoid, {0, 1000, -1000}, {0.5f, 1, 0});
  check(&GraphBuilder::silu, {0, 1}, {0, 0.731058579f});
  check(&GraphBuilder::softplus, {0, 1000, -1000}, {0.693147181f, 1000, 0});
  check(&GraphBuilder::sin, {0, 1}, {0, 0.841470985f});
  check(&GraphBuilder::cos, {0, 1}, {1, 0.540302306f});
  check(&GraphBuilder::exp, {0, 1}, {1, 2.718281828f});
  check(&GraphBuilder::log, {1, 2}, {0, 0.693147181f});
  check(&GraphBuilder::sqrt, {4, 2}, {2, 1.414213562f});
  check(&GraphBuilder::abs, {-1.5f, 2}, {1.5f, 2});
  check(&GraphBuilder::floor, {-1.5f, 1.5f}, {-2, 1});
  check(&GraphBuilder::ceil, {-1.5f, 1.5f}, {-1, 2});
  check(&GraphBuilder::round, {-1.5f, 0.5f, 1.5f, 2.5f}, {-2, 0, 2, 2});
  check(&GraphBuilder::tanh, {0, 1}, {0, 0.761594156f});
  check(&GraphBuilder::erf, {0, 1}, {0, 0.842700793f});
  check(&GraphBuilder::neg, {1, -2}, {-1, 2});
  check(&GraphBuilder::cast_to_int, {-1.7f, 1.7f}, {-1, 1});
  check(&GraphBuilder::logical_not, {0, 1}, {1, 0});
}

TEST_F(InterpreterTest, unary_with_a_constant) {
  const auto check = [&](const auto& body, const Values& in, const Values& wanted) {
    expect(
        {tensor({static_cast<int64_t>(in.size())}, in)}, [&](In x) { return body(x[0]); },
        {static_cast<int64_t>(in.size())}, wanted);
  };
  check([&](mlir::Value x) { return builder_.pow("u", x, 3.0); }, {2, -2}, {8, -8});
  check([&](mlir::Value x) { return builder_.pow("u", x, 2.0); }, {3}, {9});
  check([&](mlir::Value x) { return builder_.clip("u", x, -1.0, 1.0); }, {-2, 0.5f, 2}, {-1, 0.5f, 1});
  check([&](mlir::Value x) { return builder_.add_const("u", x, 1.5); }, {1}, {2.5f});
  check([&](mlir::Value x) { return builder_.sub_const("u", x, 1.5); }, {1}, {-0.5f});
  check([&](mlir::Value x) { return builder_.const_minus("u", 1.5, x); }, {1}, {0.5f});
  check([&](mlir::Value x) { return builder_.mul_const("u", x, 4.0); }, {1.5f}, {6});
  check([&](mlir::Value x) { return builder_.div_const("u", x, 4.0); }, {6}, {1.5f});
  check([&](mlir::Value x) { return builder_.const_over("u", 6.0, x); }, {4}, {1.5f});
  check([&](mlir::Value x) { return builder_.compare_const("u", x, 1.0, CompareMode::kGreater); }, {0, 1, 2},
        {0, 0, 1});
}

TEST_F(InterpreterTest, binary) {
  const auto check = [&](auto method, const Values& wanted) {
    expect(
        {tensor({2, 1}, {1, -7}), tensor({2}, {2, 3})}, [&](In in) { return (builder_.*method)("b", in[0], in[1]); },
        {2, 2}, wanted);
  };
  check(&GraphBuilder::add, {3, 4, -5, -4});
  check(&GraphBuilder::sub, {-1, -2, -9, -10});
  check(&GraphBuilder::mul, {2, 3, -14, -21});
  check(&GraphBuilder::div, {0.5f, 1.0f / 3.0f, -3.5f, -7.0f / 3.0f});
  check(&GraphBuilder::max, {2, 3, 2, 3});
  check(&GraphBuilder::min, {1, 1, -7, -7});
  check(&GraphBuilder::mod, {1, 1, 1, 2});
  expect({tensor({3}, {1, 2, 3}), tensor({}, {2})},
         [&](In in) { return builder_.compare("b", in[0], in[1], CompareMode::kLessOrEqual); }, {3}, {1, 1, 0});
  expect({tensor({2}, {1, 0}), tensor({2, 1}, {5, 6}), tensor({}, {9})},
         [&](In in) { return builder_.where("b", in[0], in[1], in[2]); }, {2, 2}, {5, 9, 6, 9});
  expect({tensor({2}, {1, 0}), tensor({2}, {5, 6})},
         [&](In in) { return builder_.where_const("b", in[0], in[1], -1.0); }, {2}, {5, -1});
}

TEST_F(InterpreterTest, movement) {
  expect({counting({2, 3})}, [&](In in) { return builder_.reshape("m", in[0], {3, -1}); }, {3, 2}, {0, 1, 2, 3, 4, 5});
  expect({counting({1, 2, 3})},
         [&](In in) {
           return builder_.permute("m", in[0], {2, 0, 1});
         },
         {3, 1, 2}, {0, 3, 1, 4, 2, 5});
  expect({counting({2, 2}), counting({2, 1}, 10)},
         [&](In in) {
           return builder_.concat("m", {in[0], in[1]}, 1);
         },
         {2, 3}, {0, 1, 0, 2, 3, 10});
  expect({counting({2, 5})}, [&](In in) { return builder_.slice("m", in[0], 1, 1, -1, 2); }, {2, 2}, {1, 3, 6, 8});
  expect({counting({2, 3})},
         [&](In in) {
           return builder_.split({"a", "b"}, in[0], 1, {1, 2})[1];
         },
         {2, 2}, {1, 2, 4, 5});
  expect({counting({3, 2}), tensor({2}, {2, -3})}, [&](In in) { return builder_.gather("m", in[0], in[1], 0); }, {2, 2},
         {4, 5, 0, 1});
  expect({counting({2, 3}), tensor({1}, {1})}, [&](In in) { return builder_.gather("m", in[0], in[1], 1, false); }, {2},
         {1, 4});
  expect({counting({1, 2, 1})}, [&](In in) { return builder_.squeeze("m", in[0], {-1}); }, {1, 2}, {0, 1});
  expect({counting({2})}, [&](In in) { return builder_.unsqueeze("m", in[0], {0, 2}); }, {1, 2, 1}, {0, 1});
  expect({counting({2, 2})},
         [&](In in) {
           return builder_.tile("m", in[0], {2, 2});
         },
         {4, 4}, {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3});
  expect({counting({2, 1})},
         [&](In in) {
           return builder_.expand("m", in[0], {2, 1, 2});
         },
         {2, 2, 2}, {0, 0, 1, 1, 0, 0, 1, 1});
  expect({counting({1, 2})},
         [&](In in) {
           return builder_.pad("m", in[0], {0, 1}, {1, 0}, 9.0);
         },
         {2, 3}, {9, 0, 1, 9, 9, 9});
  expect({counting({3})}, [&](In in) { return builder_.pad("m", in[0], {2}, {1}, 0.0, PadMode::kReflect); }, {6},
         {2, 1, 0, 1, 2, 1});
  expect({counting({2})}, [&](In in) { return builder_.pad("m", in[0], {1}, {1}, 0.0, PadMode::kEdge); }, {4},
         {0, 0, 1, 1});
  expect({tensor({2, 3}, {1, 5, 5, 4, 2, 0})}, [&](In in) { return builder_.arg_max("m", in[0], 1, false); }, {2},
         {1, 0});
}

TEST_F(InterpreterTest, reduce) {
  const auto check = [&](ReduceMode mode, const Values& wanted) {
    expect(
        {tensor({2, 2, 1}, {1, 2, 3, 4})},
        [&](In in) {
          return builder_.reduce("r", in[0], mode, {0, -1}, true);
        },
        {1, 2, 1}, wanted);
  };
  check(ReduceMode::kMean, {2, 3});
  check(ReduceMode::kSum, {4, 6});
  check(ReduceMode::kMax, {3, 4});
  check(ReduceMode::kMin, {1, 2});
  check(ReduceMode::kProd, {3, 8});
  check(ReduceMode::kL2, {std::sqrt(10.0f), std::sqrt(20.0f)});
  expect({tensor({2}, {1, 2})}, [&](In in) { return builder_.reduce("r", in[0], ReduceMode::kSum, {0}, false); }, {},
         {3});
}

TEST_F(InterpreterTest, a_fused_relu_is_applied) {
  expect({tensor({2}, {-3, 3}), tensor({2}, {1, 5})},
         [&](In in) {
           mlir::Value sum = builder_.add("sum", in[0], in[1]);
           sum.getDefiningOp()->setAttr("do_relu", mlir::BoolAttr::get(&context_, true));
           sum.getDefiningOp()->setAttr("relu_limit", mlir::Builder(&context_).getF64FloatAttr(6.0));
           return sum;
         },
         {2}, {0, 6});
}

TEST_F(InterpreterTest, weights_come_from_the_store_in_any_dtype) {
  Tensor half(DType::kBF16, {2});
  half.as<uint16_t>()[0] = f32_to_bf16(1.5f);
  half.as<uint16_t>()[1] = f32_to_bf16(-2.0f);
  ASSERT_TRUE(weights_.add("offset", std::move(half)).is_ok());
  expect({tensor({2}, {1, 1})}, [&](In in) { return builder_.add("a", in[0], builder_.weight("offset")); }, {2},
         {2.5f, -1});
  expect({tensor({2, 1}, {1, 1})},
         [&](In in) {
           return builder_.add("a", in[0], builder_.weight("offset", {2, 1}));
         },
         {2, 1}, {2.5f, -1});
}

TEST_F(InterpreterTest, wrong_inputs_are_errors) {
  const auto inputs = builder_.begin_function("f", {{"x", {2}}, {"index", {1}}});
  ASSERT_TRUE(builder_.end_function({{"out", builder_.gather("g", inputs[0], inputs[1], 0)}}).is_ok());
  const auto function = module_->lookupSymbol<mlir::func::FuncOp>("f");
  const Data x = counting({2});
  const Data index = tensor({1}, {7});
  const auto message = [&](const NamedViews& views) {
    const auto result = interpret(function, views, weights_);
    return result.is_ok() ? std::string("ok") : result.status().message();
  };
  EXPECT_EQ(message({{"x", x.view()}}), "input index is not given");
  EXPECT_EQ(message({{"x", index.view()}, {"index", index.view()}}), "input x is (1), not (2)");
  EXPECT_EQ(message({{"x", x.view()}, {"index", index.view()}, {"y", x.view()}}), "f has no input y");
  EXPECT_EQ(message({{"x", x.view()}, {"index", index.view()}}), "g: index 7 into an axis of 2");
}

}  // namespace
}  // namespace samc
