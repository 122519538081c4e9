// Modules whose structure is sound but whose operations lie about their operands: refused when loaded, or run without
// touching anything but their own values (which ASan sees).

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "runtime/testing_models.h"

namespace samc {
namespace {

// Loads the module, and runs what loads. How many loaded.
int try_module(const PlanModule& plan) {
  const Bf16Everywhere bf16_everywhere;
  const auto module = Module::from_plan(plan);
  if (!module.is_ok()) return 0;
  run_what_is_small(module.value());
  return 1;
}

std::string error_of(const PlanModule& module) { return Module::from_plan(module).status().message(); }

constexpr std::array<int64_t, 12> kLies = {-1,
                                           0,
                                           1,
                                           2,
                                           3,
                                           7,
                                           63,
                                           1000,
                                           int64_t{1} << 20,
                                           int64_t{1} << 31,
                                           std::numeric_limits<int64_t>::max(),
                                           std::numeric_limits<int64_t>::min()};

TEST(HostileModule, TheHonestOnesRun) {
  EXPECT_EQ(try_module(every_kernel()), 1);
  EXPECT_EQ(try_module(every_kernel_in(Precision::kBf16)), 1);
  EXPECT_EQ(try_module(every_kernel_in(Precision::kInt8)), 1);
  EXPECT_EQ(try_module(tiny_model()), 1);
  EXPECT_EQ(try_module(tiny_model_in_parts()), 1);
}

// Each change is made to a module of one function, so that what loads is run at once.
std::vector<PlanModule> single_functions() {
  std::vector<PlanModule> result;
  for (const PlanModule& all : {every_kernel(), every_kernel_in(Precision::kBf16), every_kernel_in(Precision::kInt8)}) {
    for (const PlanFunction& function : all.functions) {
      result.push_back(all);
      result.back().functions = {function};
    }
  }
  return result;
}

TEST(HostileModule, IntegerAttributesThatLie) {
  for (const PlanModule& honest : single_functions()) {
    for (size_t operation = 0; operation < honest.functions[0].operations.size(); ++operation) {
      for (size_t attribute = 0; attribute < honest.functions[0].operations[operation].integers.size(); ++attribute) {
        for (const int64_t lie : kLies) {
          PlanModule module = honest;
          for (Extent& extent : module.functions[0].operations[operation].integers[attribute].values) extent.base = lie;
          try_module(module);
          module = honest;
          module.functions[0].operations[operation].integers[attribute].values.push_back(lie);
          // Only the axes of reduce are a list of any length, in which one may stand twice.
          EXPECT_TRUE(try_module(module) == 0 || module.functions[0].operations[operation].kernel == "reduce");
          module = honest;
          if (!honest.functions[0].sizes.empty()) {
            module.functions[0].operations[operation].integers[attribute].values[0].steps[0] = lie;
            try_module(module);
          }
        }
      }
    }
  }
}

TEST(HostileModule, ShapesThatLie) {
  for (const PlanModule& honest : single_functions()) {
    for (size_t value = 0; value < honest.functions[0].values.size(); ++value) {
      for (size_t extent = 0; extent < honest.functions[0].values[value].shape.size(); ++extent) {
        for (const int64_t lie : kLies) {
          PlanModule module = honest;
          module.functions[0].values[value].shape[extent] = lie;
          try_module(module);
        }
      }
      for (const DType dtype : {DType::kI64, DType::kU8, DType::kF32, DType::kF16, DType::kBF16}) {
        PlanModule module = honest;
        module.functions[0].values[value].dtype = dtype;
        try_module(module);
      }
    }
  }
}

// A packed weight holds as many numbers as another layout of it, so only the layout tells them apart.
TEST(HostileModule, LayoutsAndPrecisionsThatLie) {
  constexpr std::array kLayouts = {WeightLayout::kPlain,        WeightLayout::kPackedKByN,
                                   WeightLayout::kPackedIhwByO, WeightLayout::kPackedHwiByO,
                                   WeightLayout::kPackedIByHwo, WeightLayout::kHwc};
  for (const PlanModule& honest : single_functions()) {
    for (const Value& value : honest.functions[0].values) {
      if (value.place != Place::kWeight || value.dtype == DType::kI64) continue;
      for (const WeightLayout layout : kLayouts) {
        PlanModule module = honest;
        WeightData& weight = module.weights[static_cast<size_t>(value.weight)];
        const bool is_its_own = weight.layout == layout;
        weight.layout = layout;
        EXPECT_EQ(try_module(module), is_its_own ? 1 : 0) << error_of(module);
      }
    }
    // A precision without an implementation; or a weight, or a value, that is of the other one.
    const Operation& operation = honest.functions[0].operations[0];
    const OperationSchema& schema = *find_operation(operation.kernel);
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      if (precision == operation.precision) continue;
      PlanModule module = honest;
      module.functions[0].operations[0].precision = precision;
      const std::string error = error_of(module);
      if (!schema.computes_in(precision)) {
        EXPECT_NE(error.find(fmt::format("has no {} implementation", precision_name(precision))), std::string::npos)
            << error;
      } else if (operation.kernel == "axial_attention") {  // all that it takes and gives is f32 in each
        EXPECT_EQ(error, "");
      } else if (precision == Precision::kF32) {
        EXPECT_NE(error.find(" is bf16"), std::string::npos) << operation.kernel << ": " << error;
      } else if (operation.kernel == "max_pool") {
        EXPECT_NE(error.find("in bf16 it is of f32 and gives f32"), std::string::npos) << error;
      } else if (operation.kernel != "attention") {  // its operands are right in each, as none is packed
        EXPECT_NE(error.find(fmt::format(", and the operation computes in {}", precision_name(precision))),
                  std::string::npos)
            << error;
      }
    }
  }
  PlanModule module = every_kernel();
  module.target = "cuda";
  EXPECT_EQ(error_of(module), "a module for cuda");
}

// Of each value alone, the type of its elements, its bytes kept as many as they should be then.
TEST(HostileModule, TypesThatLie) {
  for (const PlanModule& honest : single_functions()) {
    const Operation& operation = honest.functions[0].operations[0];
    const OperationSchema& schema = *find_operation(operation.kernel);
    if (!schema.computes_in_bf16) continue;
    const bool in_bf16 = operation.precision == Precision::kBf16, is_narrow = operation.precision != Precision::kF32;
    const bool all_alike = operation.kernel == "max_pool" && in_bf16;
    const auto with_type = [&](int32_t index, DType dtype) {
      PlanModule module = honest;
      Value& value = module.functions[0].values[static_cast<size_t>(index)];
      value.dtype = dtype;
      if (value.place == Place::kWeight) {
        WeightData& weight = module.weights[static_cast<size_t>(value.weight)];
        auto zeros = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(value.bytes({})));
        weight.dtype = dtype;
        weight.bytes = *zeros;
        weight.owner = zeros;
      }
      return module;
    };
    for (size_t position = 0; position < operation.operands.size(); ++position) {
      SCOPED_TRACE(fmt::format("{} {}", operation.kernel, position));
      const int32_t index = operation.operands[position];
      const OperandSchema& operand = schema.operand(position);
      if (index == kAbsent) continue;
      if (std::ranges::count(operation.operands, index) > 1) continue;  // q, k and v of one buffer
      const bool is_packed = operand.need == OperandNeed::kPacked;
      const bool is_normalised = operation.kernel == "matmul" && position == 0 &&
                                 honest.functions[0].values[static_cast<size_t>(index)].dtype == DType::kF32 &&
                                 is_narrow;
      EXPECT_EQ(try_module(with_type(index, DType::kF32)), (is_packed && is_narrow) || all_alike ? 0 : 1);
      EXPECT_EQ(try_module(with_type(index, DType::kBF16)), is_narrow && (is_packed ? in_bf16 : operand.may_be_bf16) &&
                                                                    !is_normalised &&
                                                                    !is_positioned(operation, position)
                                                                ? 1
                                                                : 0);
      EXPECT_EQ(try_module(with_type(index, DType::kF16)), 0);
    }
    EXPECT_EQ(try_module(with_type(operation.results[0], DType::kF32)), all_alike ? 0 : 1);
    EXPECT_EQ(try_module(with_type(operation.results[0], DType::kBF16)),
              is_narrow && schema.result_may_be_bf16 && !is_finished(operation) ? 1 : 0)
        << operation.kernel;
  }
}

// The packed weights of an operation in bf16 are of even depth and whole panels: any other length is refused, and so
// are half elements.
TEST(HostileModule, LengthsOfBf16WeightsThatLie) {
  int tried = 0;
  const std::vector<std::byte> zeros(1 << 16);
  for (const PlanModule& honest : single_functions()) {
    for (size_t index = 0; index < honest.functions[0].values.size(); ++index) {
      const Value& value = honest.functions[0].values[index];
      if (value.place != Place::kWeight || value.dtype != DType::kBF16) continue;
      const int64_t count = value.count({});
      for (const int64_t lie : {count - 1, count + 1, count / 2, 2 * count, count - 16, count + 512}) {
        PlanModule module = honest;
        module.functions[0].values[index].shape = {lie};
        module.weights[static_cast<size_t>(value.weight)].bytes = std::span(zeros).first(static_cast<size_t>(2 * lie));
        EXPECT_NE(error_of(module).find(fmt::format("weight has {} elements, {} expected", lie, count)),
                  std::string::npos)
            << error_of(module);
        ++tried;
      }
      PlanModule module = honest;
      module.weights[static_cast<size_t>(value.weight)].bytes =
          std::span(zeros).first(static_cast<size_t>(2 * count - 1));
      EXPECT_NE(error_of(module).find("does not fit weight"), std::string::npos) << error_of(module);
    }
  }
  EXPECT_GT(tried, 0);
}

// Sums in int8 fit 32 bits up to a certain k.
TEST(HostileModule, AProductInInt8ThatIsTooLong) {
  PlanModule module = every_kernel_in(Precision::kInt8);
  std::erase_if(module.functions,
                [](const PlanFunction& function) { return function.operations[0].kernel != "matmul"; });
  ASSERT_FALSE(module.functions.empty());
  module.functions.resize(1);
  PlanFunction& function = module.functions[0];
  Operation& operation = function.operations[0];
  std::ranges::find(operation.integers, "k", &IntegerAttribute::name)->values[0] = kInt8MostK + 1;
  function.values[static_cast<size_t>(operation.operands[0])].shape = {1, kInt8MostK + 1};
  EXPECT_NE(error_of(module).find("is too long for sums in int8"), std::string::npos) << error_of(module);
}

TEST(HostileModule, OperandsThatLie) {
  for (const PlanModule& honest : single_functions()) {
    for (size_t operation = 0; operation < honest.functions[0].operations.size(); ++operation) {
      const auto& operands = honest.functions[0].operations[operation].operands;
      const auto values = static_cast<int32_t>(honest.functions[0].values.size());
      for (size_t operand = 0; operand < operands.size(); ++operand) {
        for (int32_t other = -2; other <= values; ++other) {
          PlanModule module = honest;
          module.functions[0].operations[operation].operands[operand] = other;
          try_module(module);
        }
      }
      PlanModule module = honest;
      module.functions[0].operations[operation].operands.resize(2000, 0);
      try_module(module);
      module.functions[0].operations[operation].operands.clear();
      EXPECT_EQ(try_module(module), 0);
    }
  }
}

TEST(HostileModule, AttributesThatAreMissingUnknownOrNotANumber) {
  for (const PlanModule& honest : single_functions()) {
    PlanModule module = honest;
    module.functions[0].operations[0].set("colour", 1);
    EXPECT_EQ(try_module(module), 0);
    module = honest;
    module.functions[0].operations[0].set_string("activation", "swish");
    EXPECT_EQ(try_module(module), 0);
    module = honest;
    module.functions[0].operations[0].kernel = "nothing";
    EXPECT_EQ(try_module(module), 0);
    for (FloatAttribute& attribute : (module = honest).functions[0].operations[0].floats) {
      attribute.value = std::numeric_limits<double>::infinity();
      EXPECT_EQ(try_module(module), 0);
    }
    module = honest;
    Operation& operation = module.functions[0].operations[0];
    if (operation.integers.empty() || operation.kernel == "interp_linear" || operation.kernel == "conv") continue;
    operation.integers.erase(operation.integers.begin());
    EXPECT_EQ(try_module(module), 0);
  }
}

// A window that steps far beyond the picture would want scratch memory for all that it covers: 1 TB of a 4 kB file.
TEST(HostileModule, WindowsStayWithThePicture) {
  PlanBuilder plan;
  plan.function("f");
  const int32_t src = plan.input("src", {4, 4, 1}), weight = plan.weight({1.0f}, WeightLayout::kHwc);
  plan.operation("depthwise_conv", {src, weight}, plan.output("dst", {4, 4, 1}))
      .set("in_h", 4)
      .set("in_w", 4)
      .set("in_c", 1)
      .set("out_h", 4)
      .set("out_w", 4)
      .set("kernel_h", 1)
      .set("kernel_w", 1)
      .set("stride_h", 1)
      .set("stride_w", 1)
      .set("pad_top", 0)
      .set("pad_left", 0);
  EXPECT_EQ(error_of(plan.module), "");
  for (const char* name : {"stride_h", "stride_w"}) {
    PlanModule module = plan.module;
    for (IntegerAttribute& attribute : module.functions[0].operations[0].integers)
      if (attribute.name == name) attribute.values = {int64_t{1} << 16};
    EXPECT_NE(error_of(module).find("its last window lies beyond the image"), std::string::npos) << error_of(module);
  }
  PlanModule module = plan.module;
  std::vector<float> column(100'000);
  for (IntegerAttribute& attribute : module.functions[0].operations[0].integers)
    if (attribute.name == "kernel_h") attribute.values = {100'000};
  module.weights[0].bytes = std::as_bytes(std::span<const float>(column));
  module.functions[0].values[1].shape = {100'000};
  EXPECT_NE(error_of(module).find("its kernel is far larger than the image"), std::string::npos) << error_of(module);
}

// Planning takes time by the square of the values.
TEST(HostileModule, FunctionsValuesAndBordersAreBounded) {
  PlanBuilder functions;
  for (size_t i = 0; i < 65; ++i) functions.function(fmt::format("f{}", i));
  EXPECT_EQ(error_of(functions.module), "65 functions, at most 64 are allowed");
  PlanBuilder values;
  values.function("f");
  int32_t last = values.input("in", {1});
  for (size_t i = 0; i < 32'768; ++i) {
    const int32_t next = values.arena({1});
    values.operation("unary", {last}, next).set_string("op", "relu");
    last = next;
  }
  EXPECT_EQ(error_of(values.module), "32769 values, at most 32768 are allowed");
  PlanBuilder border;
  border.function("f");
  for (size_t i = 0; i < 257; ++i) border.input(fmt::format("in{}", i), {1});
  EXPECT_EQ(error_of(border.module), "function f: 257 inputs, at most 256 are allowed");
}

}  // namespace
}  // namespace samc
