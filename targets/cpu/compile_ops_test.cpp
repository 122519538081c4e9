// What the compiled plan computes is what the reference interpreter says of the same graph, for each kind of op and for
// the shapes in which SAM 2 uses it, with all passes and without any one of those that can be left out.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "ir/graph_builder.h"
#include "ir/interpreter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "package/operations.h"
#include "runtime/executor.h"
#include "runtime/module.h"
#include "runtime/testing.h"
#include "targets/cpu/compile_model.h"
#include "targets/cpu/cpu_dialect.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/write_plan.h"

namespace samc {
namespace {

constexpr double kTolerance = 1e-5;  // of the largest value of the output, or of 1
// The same in bf16: both sides of each product in a row are rounded to 8 bits.
constexpr double kBf16Tolerance = 2e-2;

using Values = std::vector<mlir::Value>;
using Build = std::function<std::vector<NamedValue>(GraphBuilder&, const Values&)>;

// In [-1, 1), the same on every machine.
Tensor random_tensor(const Shape& shape, uint32_t seed, float scale = 1.0f) {
  Tensor tensor(shape);
  uint32_t state = seed * 2654435761u + 1u;
  for (float& element : tensor.f32()) {
    state = state * 1664525u + 1013904223u;
    element = (static_cast<float>(state >> 8) / 8388608.0f - 1.0f) * scale;
  }
  return tensor;
}

mlir::Value weight(GraphBuilder& g, const std::string& name, const Shape& shape, float scale = 0.5f) {
  return g.constant(name, random_tensor(shape, static_cast<uint32_t>(name.size() * 131 + name.back()), scale));
}

struct Graph {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  WeightStore weights;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;

  Graph(const std::vector<NamedShape>& inputs, const Build& build) {
    context.loadDialect<cpu::CpuDialect>();
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    GraphBuilder builder(*module, weights);
    const Values values = builder.begin_function("main", inputs);
    const std::vector<NamedValue> outputs = build(builder, values);
    const Status status = builder.end_function(outputs);
    EXPECT_TRUE(status.is_ok()) << status.to_string();
    function = module->lookupSymbol<mlir::func::FuncOp>("main");
  }
};

class CompileOps : public testing::Test {
 protected:
  // Compiles and compares; then kernels_ holds the kernels of the plan that all passes made.
  void check(const std::vector<NamedShape>& inputs, const Build& build) {
    std::vector<Tensor> data;
    for (size_t i = 0; i < inputs.size(); ++i)
      data.push_back(random_tensor(inputs[i].shape, static_cast<uint32_t>(i + 1)));
    check_with(inputs, data, build);
  }

  void check_with(const std::vector<NamedShape>& inputs, const std::vector<Tensor>& data, const Build& build) {
    run_plan(inputs, data, build, {});
    const std::vector<std::string> kernels = kernels_;
    if (!HasFailure()) {
      SCOPED_TRACE("in bf16");
      const Bf16Everywhere bf16_everywhere;
      run_plan(inputs, data, build, {}, Precision::kBf16);
    }
    for (const Pass& pass : cpu_pipeline().passes) {
      if (pass.required || HasFailure()) continue;
      SCOPED_TRACE(std::string("without ") + pass.name);
      run_plan(inputs, data, build, {pass.name});
    }
    kernels_ = kernels;
  }

  int64_t count(const std::string& kernel) const { return std::count(kernels_.begin(), kernels_.end(), kernel); }

  std::vector<std::string> kernels_;

 private:
  void run_plan(const std::vector<NamedShape>& inputs, const std::vector<Tensor>& data, const Build& build,
                const std::set<std::string>& disabled, Precision precision = Precision::kF32) {
    Graph graph(inputs, build);
    ASSERT_TRUE(graph.function);
    if (precision == Precision::kBf16)
      graph.module->getOperation()->setAttr(cpu::kPrecision, mlir::StringAttr::get(&graph.context, "bf16"));
    NamedViews views;
    std::vector<NamedInput> named_inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      views.emplace(inputs[i].name, data[i].view());
      named_inputs.push_back({inputs[i].name, data[i].view()});
    }
    const Result<NamedTensors> wanted = interpret(graph.function, views, graph.weights);
    ASSERT_TRUE(wanted.is_ok()) << wanted.status().to_string();

    PipelineOptions options;
    options.disabled = disabled;
    const auto times = run_passes(*graph.module, graph.weights, cpu_pipeline(), options);
    ASSERT_TRUE(times.is_ok()) << times.status().to_string();
    cpu::WeightTable table(graph.weights);
    Result<PlanFunction> function = cpu::write_function(graph.function, table);
    ASSERT_TRUE(function.is_ok()) << function.status().to_string();
    PlanModule plan;
    kernels_.clear();
    for (const Operation& operation : function.value().operations) {
      kernels_.push_back(operation.kernel);
      const bool may = find_operation(operation.kernel)->computes_in_bf16;
      const bool may_choose = operation.kernel == "max_pool" && may;  // where what it reads is stored so
      ASSERT_TRUE(may_choose || operation.precision == (may ? precision : Precision::kF32)) << operation.kernel;
    }
    plan.functions.push_back(std::move(function.value()));
    plan.weights = table.take();
    const auto module = Module::from_plan(std::move(plan));
    ASSERT_TRUE(module.is_ok()) << module.status().to_string();
    Result<Executor> executor = Executor::create(module.value(), 1);
    ASSERT_TRUE(executor.is_ok()) << executor.status().to_string();

    NamedTensors given;
    std::vector<NamedOutput> named_outputs;
    for (const auto& [name, tensor] : wanted.value()) named_outputs.push_back({name, &given[name]});
    const Status status = executor.value().run("main", {}, named_inputs, named_outputs);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    const double tolerance = precision == Precision::kBf16 ? kBf16Tolerance : kTolerance;
    for (const auto& [name, tensor] : wanted.value()) compare(name, tensor, given.at(name), tolerance);
  }

  static void compare(const std::string& name, const Tensor& wanted, const Tensor& given, double tolerance) {
    ASSERT_EQ(given.shape(), wanted.shape()) << name;
    double largest = 1.0;
    for (const float element : wanted.f32()) largest = std::max(largest, std::abs(static_cast<double>(element)));
    for (size_t i = 0; i < wanted.f32().size(); ++i) {
      const double difference = static_cast<double>(given.f32()[i]) - static_cast<double>(wanted.f32()[i]);
      ASSERT_LE(std::abs(difference), tolerance * largest) << name << " at " << i;
    }
  }
};

// Window partition and its inverse as the official code writes them; x is (1, height, width, c).
mlir::Value partition(GraphBuilder& g, const std::string& name, mlir::Value x, int64_t window) {
  const Shape shape = GraphBuilder::shape(x);
  const int64_t height = (shape[1] + window - 1) / window * window, width = (shape[2] + window - 1) / window * window;
  if (height != shape[1] || width != shape[2])
    x = g.pad(name + ".pad", x, {0, 0, 0, 0}, {0, height - shape[1], width - shape[2], 0});
  x = g.reshape(name + ".cut", x, {1, height / window, window, width / window, window, shape[3]});
  x = g.permute(name + ".exchange", x, {0, 1, 3, 2, 4, 5});
  return g.reshape(name, x, {-1, window, window, shape[3]});
}

mlir::Value unpartition(GraphBuilder& g, const std::string& name, mlir::Value windows, int64_t height, int64_t width) {
  const Shape shape = GraphBuilder::shape(windows);
  const int64_t rows = (height + shape[1] - 1) / shape[1], columns = (width + shape[2] - 1) / shape[2];
  mlir::Value x = g.reshape(name + ".cut", windows, {1, rows, columns, shape[1], shape[2], shape[3]});
  x = g.permute(name + ".exchange", x, {0, 1, 3, 2, 4, 5});
  x = g.reshape(name + ".whole", x, {1, rows * shape[1], columns * shape[2], shape[3]});
  if (rows * shape[1] != height) x = g.slice(name + ".rows", x, 1, 0, height);
  if (columns * shape[2] != width) x = g.slice(name + ".columns", x, 2, 0, width);
  return x;
}

// Hiera's attention over windows (windows, window, window, c), queries pooled by `pool`.
mlir::Value hiera_attention(GraphBuilder& g, mlir::Value x, int64_t heads, int64_t dim, int64_t pool) {
  const Shape shape = GraphBuilder::shape(x);
  const int64_t windows = shape[0], tokens = shape[1] * shape[2], c = heads * dim;
  mlir::Value qkv = g.linear("qkv", x, weight(g, "qkv.weight", {3 * c, shape[3]}), weight(g, "qkv.bias", {3 * c}));
  qkv = g.reshape("qkv.split", qkv, {windows, tokens, 3, heads, dim});
  const auto part = [&](const std::string& name, int64_t index) {
    return g.squeeze(name, g.slice(name + ".part", qkv, 2, index, index + 1), {2});
  };
  mlir::Value q = part("q", 0);
  int64_t height = shape[1], width = shape[2];
  if (pool > 1) {
    q = g.reshape("q.picture", q, {windows, height, width, c});
    q = g.max_pool("q.pool", g.permute("q.nchw", q, {0, 3, 1, 2}), {.kernel = {pool, pool}, .strides = {pool, pool}});
    height /= pool;
    width /= pool;
    q = g.reshape("q.tokens", g.permute("q.nhwc", q, {0, 2, 3, 1}), {windows, height * width, heads, dim});
  }
  q = g.permute("q.heads", q, {0, 2, 1, 3});
  const mlir::Value k = g.permute("k.heads", part("k", 1), {0, 2, 1, 3});
  const mlir::Value v = g.permute("v.heads", part("v", 2), {0, 2, 1, 3});
  mlir::Value scores = g.matmul("scores", g.mul_const("q.scaled", q, 1.0 / std::sqrt(static_cast<double>(dim))),
                                g.permute("k.transposed", k, {0, 1, 3, 2}));
  mlir::Value out = g.matmul("mixed", g.softmax("weights", scores), v);
  out = g.reshape("joined", g.permute("mixed.tokens", out, {0, 2, 1, 3}), {windows, height, width, c});
  return g.linear("proj", out, weight(g, "proj.weight", {c, c}), weight(g, "proj.bias", {c}));
}

struct WindowCase {
  int64_t height, width, window, pool;
};

class Windows : public CompileOps, public testing::WithParamInterface<WindowCase> {};

TEST_P(Windows, attention_over_windows) {
  const WindowCase p = GetParam();
  check({{"x", {1, p.height, p.width, 8}}}, [&](GraphBuilder& g, const Values& in) {
    mlir::Value x = g.layer_norm("norm", in[0], weight(g, "g", {8}), weight(g, "b", {8}), 1e-6);
    x = hiera_attention(g, partition(g, "windows", x, p.window), 2, 4, p.pool);
    x = unpartition(g, "whole", x, p.height / p.pool, p.width / p.pool);
    if (p.pool == 1) x = g.add("sum", in[0], x);
    return std::vector<NamedValue>{{"out", x}};
  });
  EXPECT_EQ(count("attention"), 1);
  EXPECT_EQ(count("permute"), 0) << "windows should have become addressing";
  EXPECT_EQ(count("concat"), 0);
  EXPECT_EQ(count("max_pool"), p.pool > 1 ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Windows,
                         testing::Values(WindowCase{8, 8, 4, 1}, WindowCase{8, 8, 4, 2}, WindowCase{7, 10, 4, 1},
                                         WindowCase{6, 10, 4, 2}, WindowCase{4, 6, 8, 1}, WindowCase{4, 4, 4, 2}));

// Somebody reads the results at positions outside the picture: they must be what the official code computes there.
TEST_F(CompileOps, windows_whose_padding_is_read) {
  check({{"x", {1, 6, 6, 8}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value x = hiera_attention(g, partition(g, "windows", in[0], 4), 2, 4, 1);
    return std::vector<NamedValue>{{"out", g.reduce("mean", x, ReduceMode::kMean, {1, 2}, false)}};
  });
}

TEST_F(CompileOps, pooled_windows_whose_padding_is_read) {
  check({{"x", {1, 6, 6, 8}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value x = hiera_attention(g, partition(g, "windows", in[0], 4), 2, 4, 2);
    return std::vector<NamedValue>{{"out", g.reduce("mean", x, ReduceMode::kMean, {1, 2}, false)}};
  });
}

// A pooling cell that reaches over the picture's edge sees the padding.
TEST_F(CompileOps, pooled_windows_of_an_odd_picture) {
  check({{"x", {1, 7, 7, 8}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value x = hiera_attention(g, partition(g, "windows", in[0], 4), 2, 4, 2);
    return std::vector<NamedValue>{{"out", unpartition(g, "whole", x, 4, 4)}};
  });
}

TEST_F(CompileOps, partition_alone_and_back) {
  check({{"x", {1, 5, 7, 3}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value windows = partition(g, "windows", in[0], 4);
    const mlir::Value back = unpartition(g, "whole", g.gelu("act", windows), 5, 7);
    return std::vector<NamedValue>{{"windows", windows}, {"back", back}};
  });
}

TEST_F(CompileOps, a_matrix_for_each_window) {
  check({{"x", {1, 8, 4, 3}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value windows = g.reshape("rows", partition(g, "windows", in[0], 4), {2, 16, 3});
    return std::vector<NamedValue>{{"out", g.matmul("product", windows, weight(g, "w", {2, 3, 5}))}};
  });
}

struct AttentionCase {
  int64_t batch, heads, queries, keys, dim, value_dim;
};

class Attention : public CompileOps, public testing::WithParamInterface<AttentionCase> {};

TEST_P(Attention, over_projections) {
  const AttentionCase p = GetParam();
  check({{"x", {p.batch, p.queries, 16}}, {"y", {p.batch, p.keys, 12}}}, [&](GraphBuilder& g, const Values& in) {
    const auto heads = [&](const std::string& name, mlir::Value x, int64_t in_dim, int64_t dim) {
      x = g.linear(name + ".proj", x, weight(g, name + ".w", {p.heads * dim, in_dim}),
                   weight(g, name + ".b", {p.heads * dim}));
      x = g.reshape(name + ".heads", x, {p.batch, GraphBuilder::dim(x, 1), p.heads, dim});
      return g.permute(name, x, {0, 2, 1, 3});
    };
    const mlir::Value q = heads("q", in[0], 16, p.dim), k = heads("k", in[1], 12, p.dim),
                      v = heads("v", in[1], 12, p.value_dim);
    const mlir::Value scores = g.matmul("scores", q, k, {}, true);
    const mlir::Value mixed = g.matmul("mixed", g.softmax("weights", g.mul_const("scaled", scores, 0.3)), v);
    const mlir::Value joined =
        g.reshape("joined", g.permute("rows", mixed, {0, 2, 1, 3}), {p.batch, p.queries, p.heads * p.value_dim});
    return std::vector<NamedValue>{{"out", joined}};
  });
  EXPECT_EQ(count("attention"), 1);
  EXPECT_EQ(count("permute"), 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         testing::Values(AttentionCase{1, 1, 5, 5, 8, 8}, AttentionCase{1, 2, 7, 33, 4, 4},
                                         AttentionCase{3, 2, 6, 9, 8, 8}, AttentionCase{1, 8, 1, 70, 16, 16},
                                         AttentionCase{2, 1, 3, 1, 5, 7}));

// Attention between a few tokens and many rows, as the mask decoder's layers have it: first the tokens attend to the
// rows, then the rows to the tokens.
TEST_F(CompileOps, attention_between_tokens_and_rows) {
  constexpr int64_t kHeads = 4, kDim = 8, kTokens = 5, kRows = 260, kWidth = 12;
  check({{"tokens", {1, kTokens, kWidth}}, {"rows", {1, kRows, kWidth}}}, [](GraphBuilder& g, const Values& in) {
    const auto attend = [&](const std::string& name, mlir::Value q_rows, mlir::Value k_rows) {
      const auto heads = [&](const char* which, mlir::Value x) {
        const std::string full = name + which;
        x = g.linear(full + ".proj", x, weight(g, full + ".w", {kHeads * kDim, kWidth}),
                     weight(g, full + ".b", {kHeads * kDim}));
        x = g.reshape(full + ".heads", x, {1, GraphBuilder::dim(x, 1), kHeads, kDim});
        return g.permute(full, x, {0, 2, 1, 3});
      };
      const mlir::Value q = heads(".q", q_rows), k = heads(".k", k_rows), v = heads(".v", k_rows);
      const mlir::Value scores = g.mul_const(name + ".scaled", g.matmul(name + ".scores", q, k, {}, true), 0.25);
      const mlir::Value mixed = g.matmul(name + ".mixed", g.softmax(name + ".weights", scores), v);
      const mlir::Value joined = g.reshape(name + ".joined", g.permute(name + ".rows", mixed, {0, 2, 1, 3}),
                                           {1, GraphBuilder::dim(q_rows, 1), kHeads * kDim});
      const mlir::Value out = g.linear(name + ".out", joined, weight(g, name + ".o", {kWidth, kHeads * kDim}),
                                       weight(g, name + ".c", {kWidth}));
      return g.add(name + ".residual", q_rows, out);
    };
    // The rows follow from the tokens, or else their projections would stay.
    const mlir::Value rows = attend("rows_first", in[1], in[0]);
    const mlir::Value tokens = attend("tokens", in[0], rows);
    return std::vector<NamedValue>{{"tokens_out", tokens}, {"rows_out", attend("rows_last", rows, tokens)}};
  });
  EXPECT_EQ(count("token_attention"), 2);
  EXPECT_EQ(count("attention"), 1);
  EXPECT_EQ(count("binary"), 1);  // the values' bias; residuals are in the kernels
}

TEST_F(CompileOps, attention_whose_operands_lie_otherwise) {
  // Heads outside, as a graph's own inputs: no projection wrote them as rows.
  check({{"q", {2, 3, 5, 8}}, {"k", {2, 3, 7, 8}}, {"v", {2, 3, 7, 4}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value scores = g.matmul("scores", in[0], in[1], {}, true);
    return std::vector<NamedValue>{{"out", g.matmul("mixed", g.softmax("weights", scores), in[2])}};
  });
  EXPECT_EQ(count("attention"), 1);
}

TEST_F(CompileOps, scores_that_are_wanted_too) {
  check({{"q", {1, 2, 5, 8}}, {"k", {1, 2, 7, 8}}, {"v", {1, 2, 7, 8}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value weights = g.softmax("weights", g.matmul("scores", in[0], in[1], {}, true));
    return std::vector<NamedValue>{{"out", g.matmul("mixed", weights, in[2])}, {"weights", weights}};
  });
}

struct ConvCase {
  int64_t in_c, out_c, kernel, stride, pad, group;
};

class Convolutions : public CompileOps, public testing::WithParamInterface<ConvCase> {};

TEST_P(Convolutions, with_activation) {
  const ConvCase p = GetParam();
  check({{"x", {1, p.in_c, 12, 16}}}, [&](GraphBuilder& g, const Values& in) {
    ConvOptions options;
    options.strides = {p.stride, p.stride};
    options.pads = {p.pad, p.pad, p.pad, p.pad};
    options.group = p.group;
    const mlir::Value filter = weight(g, "f", {p.out_c, p.in_c / p.group, p.kernel, p.kernel});
    const mlir::Value x = g.conv("conv", in[0], filter, weight(g, "b", {p.out_c}), options);
    return std::vector<NamedValue>{
        {"conv", x}, {"plain", g.conv("plain", in[0], filter, {}, options)}, {"act", g.gelu("act", x)}};
  });
}

INSTANTIATE_TEST_SUITE_P(Kinds, Convolutions,
                         testing::Values(ConvCase{3, 8, 7, 4, 3, 1}, ConvCase{8, 6, 1, 1, 0, 1},
                                         ConvCase{4, 5, 2, 2, 0, 1}, ConvCase{8, 6, 3, 1, 1, 1},
                                         ConvCase{8, 8, 7, 1, 3, 8}, ConvCase{1, 4, 2, 2, 0, 1},
                                         ConvCase{6, 4, 1, 2, 0, 1}));

TEST_F(CompileOps, convolution_of_uneven_padding) {
  check({{"x", {1, 3, 9, 11}}}, [](GraphBuilder& g, const Values& in) {
    ConvOptions options;
    options.strides = {2, 1};
    options.pads = {0, 1, 2, 0};
    return std::vector<NamedValue>{{"out", g.conv("conv", in[0], weight(g, "f", {5, 3, 3, 2}), {}, options)}};
  });
}

TEST_F(CompileOps, mask_downscaling) {
  check({{"x", {1, 1, 16, 16}}}, [](GraphBuilder& g, const Values& in) {
    ConvOptions halves;
    halves.strides = {2, 2};
    mlir::Value x = g.conv("c0", in[0], weight(g, "f0", {4, 1, 2, 2}), weight(g, "b0", {4}), halves);
    x = g.gelu("g0", g.pixel_norm("n0", x, weight(g, "s0", {4}), weight(g, "t0", {4}), 1e-6));
    x = g.conv("c1", x, weight(g, "f1", {8, 4, 2, 2}), weight(g, "b1", {8}), halves);
    x = g.gelu("g1", g.pixel_norm("n1", x, weight(g, "s1", {8, 1, 1}), weight(g, "t1", {8, 1, 1}), 1e-6));
    return std::vector<NamedValue>{{"out", g.conv("c2", x, weight(g, "f2", {6, 8, 1, 1}), weight(g, "b2", {6}))}};
  });
}

TEST_F(CompileOps, upscaling_with_a_skip) {
  check({{"x", {1, 8, 5, 6}}, {"skip", {1, 4, 10, 12}}}, [](GraphBuilder& g, const Values& in) {
    DeconvOptions twice;
    twice.strides = {2, 2};
    mlir::Value x = g.deconv("up", in[0], weight(g, "f", {4, 8, 2, 2}), weight(g, "b", {4}), twice);
    x = g.add("sum", x, in[1]);
    x = g.gelu("act", g.pixel_norm("norm", x, weight(g, "s", {4}), weight(g, "t", {4}), 1e-6));
    const mlir::Value again = g.deconv("again", x, weight(g, "h", {3, 4, 2, 2}), {}, twice);
    return std::vector<NamedValue>{{"out", g.relu("relu", again)}, {"middle", x}};
  });
  EXPECT_EQ(count("deconv2x2"), 2);
}

TEST_F(CompileOps, masks_of_upscaled_channels) {
  check({{"x", {1, 8, 5, 6}}, {"skip", {1, 16, 10, 12}}, {"rows", {1, 3, 8}}}, [](GraphBuilder& g, const Values& in) {
    DeconvOptions twice;
    twice.strides = {2, 2};
    mlir::Value x = g.deconv("up", in[0], weight(g, "f", {16, 8, 2, 2}), weight(g, "b", {16}), twice);
    x = g.add("sum", x, in[1]);
    x = g.gelu("act", g.pixel_norm("norm", x, weight(g, "s", {16}), weight(g, "t", {16}), 1e-6));
    x = g.gelu("act2", g.deconv("again", x, weight(g, "h", {8, 16, 2, 2}), weight(g, "d", {8}), twice));
    const mlir::Value masks = g.matmul("masks", in[2], g.reshape("pixels", x, {1, 8, 20 * 24}));
    return std::vector<NamedValue>{{"out", masks}};
  });
  EXPECT_EQ(count("deconv2x2"), 2);
  EXPECT_EQ(count("layer_norm") + count("batch_matmul") + count("unary"), 0) << "they belong into deconv2x2";
}

TEST_F(CompileOps, feature_pyramid) {
  check({{"fine", {1, 4, 8, 12}}, {"coarse", {1, 6, 4, 6}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value fine = g.conv("fine_conv", in[0], weight(g, "f", {5, 4, 1, 1}), weight(g, "b", {5}));
    const mlir::Value coarse = g.conv("coarse_conv", in[1], weight(g, "h", {5, 6, 1, 1}), weight(g, "d", {5}));
    const mlir::Value up = g.interp("up", coarse, 8, 12, InterpMode::kNearest, CoordMode::kAsymmetric);
    return std::vector<NamedValue>{{"sum", g.add("sum", fine, up)}, {"coarse", coarse}};
  });
  EXPECT_EQ(count("binary"), 0) << "the addition belongs into upsample_nearest";
}

TEST_F(CompileOps, linear_resizing) {
  check({{"x", {1, 3, 6, 8}}}, [](GraphBuilder& g, const Values& in) {
    return std::vector<NamedValue>{{"up", g.interp("up", in[0], 24, 20, InterpMode::kLinear)},
                                   {"down", g.interp("down", in[0], 3, 4, InterpMode::kLinear)}};
  });
}

TEST_F(CompileOps, max_pool_of_a_batch_and_of_a_slice) {
  check({{"x", {2, 3, 4, 6}}, {"y", {1, 8, 4, 6}}}, [](GraphBuilder& g, const Values& in) {
    const PoolOptions two{.kernel = {2, 2}, .strides = {2, 2}};
    const mlir::Value rows = g.slice("rows", g.permute("nhwc", in[1], {0, 2, 3, 1}), 1, 2, 4);
    const mlir::Value channels = g.slice("channels", g.permute("nhwc2", in[1], {0, 2, 3, 1}), 3, 2, 5);
    return std::vector<NamedValue>{{"batch", g.max_pool("p", in[0], two)},
                                   {"rows", g.max_pool("q", g.permute("nchw", rows, {0, 3, 1, 2}), two)},
                                   {"channels", g.max_pool("r", g.permute("nchw2", channels, {0, 3, 1, 2}), two)}};
  });
}

TEST_F(CompileOps, mlp_with_norm_activation_and_residual) {
  check({{"x", {1, 9, 16}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value norm = g.layer_norm("norm", in[0], weight(g, "s", {16}), weight(g, "t", {16}), 1e-6);
    const mlir::Value hidden = g.gelu("act", g.linear("fc1", norm, weight(g, "w1", {24, 16}), weight(g, "b1", {24})));
    const mlir::Value out = g.linear("fc2", hidden, weight(g, "w2", {16, 24}), weight(g, "b2", {16}));
    return std::vector<NamedValue>{{"out", g.add("sum", in[0], out)}};
  });
  EXPECT_EQ(kernels_, (std::vector<std::string>{"matmul", "matmul"}));
}

TEST_F(CompileOps, norm_whose_result_is_wanted_too) {
  check({{"x", {3, 16}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value norm = g.layer_norm("norm", in[0], weight(g, "s", {16}), weight(g, "t", {16}), 1e-6);
    const mlir::Value product = g.linear("fc", norm, weight(g, "w", {5, 16}));
    return std::vector<NamedValue>{{"norm", norm},
                                   {"product", product},
                                   {"relu", g.relu("act", product)},
                                   {"twice", g.add("twice", product, product)}};
  });
  EXPECT_EQ(count("layer_norm"), 1);
}

TEST_F(CompileOps, matrix_products) {
  check({{"a", {2, 3, 4, 5}}, {"b", {2, 3, 5, 6}}, {"c", {5, 6}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value kn = weight(g, "kn", {5, 7}), transposed = g.permute("bt", in[1], {0, 1, 3, 2});
    return std::vector<NamedValue>{{"batch", g.matmul("p", in[0], in[1])},
                                   {"transposed", g.matmul("q", in[0], transposed, {}, true)},
                                   {"weight", g.matmul("r", in[0], kn, weight(g, "bias", {7}))},
                                   {"shared", g.matmul("s", in[0], in[2], weight(g, "other", {6}))}};
  });
}

TEST_F(CompileOps, residual_of_another_shape) {
  check({{"x", {1, 4, 8}}, {"row", {1, 1, 6}}, {"more", {3, 4, 6}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value product = g.linear("fc", in[0], weight(g, "w", {6, 8}));
    const mlir::Value other = g.linear("fc2", in[0], weight(g, "w2", {6, 8}));
    return std::vector<NamedValue>{{"row", g.add("a", product, in[1])}, {"more", g.add("b", other, in[2])}};
  });
  EXPECT_EQ(count("binary"), 2);
}

TEST_F(CompileOps, elementwise) {
  check({{"x", {2, 3, 4}}, {"y", {3, 1}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value x = in[0], y = in[1];
    const mlir::Value positive = g.add_const("positive", g.abs("abs", x), 0.5);
    return std::vector<NamedValue>{{"sigmoid", g.sigmoid("o1", x)},
                                   {"exp", g.exp("o2", x)},
                                   {"sin", g.sin("o3", x)},
                                   {"cos", g.cos("o4", x)},
                                   {"sqrt", g.sqrt("o5", positive)},
                                   {"floor", g.floor("o6", x)},
                                   {"tanh", g.tanh("o7", x)},
                                   {"erf", g.erf("o8", x)},
                                   {"relu", g.relu("o9", x)},
                                   {"gelu", g.gelu("o10", x)},
                                   {"square", g.pow("o11", x, 2.0)},
                                   {"minus", g.const_minus("o12", 2.0, x)},
                                   {"mul", g.mul("o13", x, y)},
                                   {"sub", g.sub("o14", x, y)},
                                   {"div", g.div("o15", y, positive)},
                                   {"max", g.max("o16", x, y)},
                                   {"min", g.min("o17", x, y)},
                                   {"times", g.mul_const("o18", x, -3.5)},
                                   {"over", g.const_over("o19", 2.0, positive)},
                                   {"clip", g.clip("o20", x, -0.25, 0.5)}};
  });
}

TEST_F(CompileOps, elementwise_of_pictures_and_weights) {
  check({{"x", {1, 8, 4, 4}}}, [](GraphBuilder& g, const Values& in) {
    mlir::Value x = g.conv("conv", in[0], weight(g, "f", {8, 8, 3, 3}), {}, {.pads = {1, 1, 1, 1}});
    x = g.add("shifted", x, weight(g, "shift", {8, 1, 1}));
    x = g.mul("scaled", weight(g, "scale", {1, 8, 1, 1}), x);
    x = g.sub("less", weight(g, "map", {4, 4}), x);
    return std::vector<NamedValue>{{"out", x}, {"sum", g.add("sum", x, in[0])}};
  });
}

TEST_F(CompileOps, where_and_compare) {
  Tensor labels({2, 4});
  for (size_t i = 0; i < 8; ++i) labels.f32()[i] = static_cast<float>(i % 4) - 1.0f;
  std::vector<Tensor> data;
  data.push_back(std::move(labels));
  data.push_back(random_tensor({2, 4, 3}, 5));
  check_with({{"labels", {2, 4}}, {"x", {2, 4, 3}}}, data, [](GraphBuilder& g, const Values& in) {
    const mlir::Value column = g.unsqueeze("column", in[0], {2});
    const mlir::Value is_pad = g.compare_const("is_pad", column, -1.0, CompareMode::kEqual);
    const mlir::Value chosen = g.where("chosen", is_pad, weight(g, "row", {1, 1, 3}), in[1]);
    const mlir::Value zeroed = g.where_const("zeroed", is_pad, in[1], 0.0);
    const mlir::Value more = g.compare("more", in[1], column, CompareMode::kGreater);
    return std::vector<NamedValue>{{"chosen", chosen},
                                   {"zeroed", zeroed},
                                   {"more", more},
                                   {"not", g.logical_not("not", is_pad)},
                                   {"least", g.compare_const("least", in[1], 0.25, CompareMode::kLessOrEqual)}};
  });
}

TEST_F(CompileOps, movement) {
  check({{"x", {2, 6, 4}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value x = in[0];
    Tensor indices({3});
    for (size_t i = 0; i < 3; ++i) indices.f32()[i] = static_cast<float>(5 - 2 * i);
    const mlir::Value three = g.constant("three", std::move(indices));
    Tensor two({1});
    two.f32()[0] = 2.0f;
    const mlir::Value steps = g.slice("steps", x, 1, 1, 6, 2);
    return std::vector<NamedValue>{{"steps", steps},
                                   {"from_end", g.slice("from_end", x, -1, -3, -1)},
                                   {"gather", g.gather("gathered", x, three, 1)},
                                   {"one", g.gather("one_row", x, g.constant("two", std::move(two)), -2, false)},
                                   {"concat", g.concat("joined", {x, steps, x}, 1)},
                                   {"last", g.concat("joined_last", {x, weight(g, "w", {2, 6, 3})}, -1)},
                                   {"permute", g.permute("turned", x, {2, 0, 1})},
                                   {"pad", g.pad("padded", x, {0, 1, 2}, {1, 0, 3}, 0.5)},
                                   {"squeezed", g.squeeze("squeezed", g.slice("first", x, 0, 0, 1), {0})},
                                   {"mean", g.reduce("mean", x, ReduceMode::kMean, {-1}, true)},
                                   {"sum", g.reduce("sum", x, ReduceMode::kSum, {0, 2}, false)},
                                   {"largest", g.reduce("largest", x, ReduceMode::kMax, {1}, false)}};
  });
}

TEST_F(CompileOps, outputs_that_share_a_buffer) {
  check({{"x", {2, 6}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value doubled = g.mul_const("doubled", in[0], 2.0);
    return std::vector<NamedValue>{{"doubled", doubled},
                                   {"again", doubled},
                                   {"flat", g.reshape("flat", doubled, {12})},
                                   {"input", in[0]},
                                   {"weight", weight(g, "w", {3})}};
  });
}

// The output is written where it is wanted, by an operation that sees it under another shape and that others read.
TEST_F(CompileOps, outputs_that_are_views) {
  check({{"x", {2, 6}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value doubled = g.mul_const("doubled", in[0], 2.0);
    const mlir::Value tripled = g.mul_const("tripled", g.reshape("pairs", doubled, {6, 2}), 1.5);
    return std::vector<NamedValue>{{"flat", g.reshape("flat", doubled, {12})},
                                   {"doubled", doubled},
                                   {"columns", g.reshape("columns", doubled, {3, 4})},
                                   {"tripled", g.reshape("tripled_rows", tripled, {4, 3})}};
  });
}

// The names of what has no kernel, and how often: a user must see all of it at once.
TEST(CompileOpsErrors, name_what_has_no_kernel) {
  Graph graph({{"x", {4}}}, [](GraphBuilder& g, const Values& in) {
    const mlir::Value x = g.round("rounded", g.round("first_round", g.mod("rest", in[0], in[0])));
    return std::vector<NamedValue>{{"out", x}};
  });
  const auto times = run_passes(*graph.module, graph.weights, cpu_pipeline(), {});
  ASSERT_FALSE(times.is_ok());
  const std::string text = times.status().to_string();
  EXPECT_NE(text.find("top.Round x2 (first: first_round)"), std::string::npos) << text;
  EXPECT_NE(text.find("top.Mod x1 (first: rest)"), std::string::npos) << text;
}

}  // namespace
}  // namespace samc
