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
  const auto module = Module::from_plan(plan);
  if (!module.is_ok()) return 0;
  run_what_is_small(module.value());
  return 1;
}

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
  EXPECT_EQ(try_module(tiny_model()), 1);
  EXPECT_EQ(try_module(tiny_model_in_parts()), 1);
}

// Each change is made to a module of one function, so that what loads is run at once.
std::vector<PlanModule> single_functions() {
  const PlanModule all = every_kernel();
  std::vector<PlanModule> result;
  for (const PlanFunction& function : all.functions) {
    result.push_back(all);
    result.back().functions = {function};
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
          if (honest.functions[0].greatest_points > 0) {
            module.functions[0].operations[operation].integers[attribute].values[0].step = lie;
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
      for (const DType dtype : {DType::kI64, DType::kU8}) {
        PlanModule module = honest;
        module.functions[0].values[value].dtype = dtype;
        try_module(module);
      }
    }
  }
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

}  // namespace
}  // namespace samc
