#pragma once
// For the tests of this folder: what the interpreter makes of written files.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/import.h"
#include "onnx/onnx.pb.h"
#include "tests/support/hash_weights.h"

namespace samc::onnx_target {

// Values by formula, made greater by the factor.
inline Tensor scaled(const std::string& name, const Shape& shape, float factor) {
  Tensor tensor = test::hash_weights(name, shape);
  for (float& value : tensor.f32()) value *= factor;
  return tensor;
}

// The file, read again, in the interpreter.
inline NamedTensors run(const std::string& path, const onnx::SimplifyOptions& options, const NamedViews& inputs) {
  mlir::MLIRContext context;
  load_dialects(context);
  const onnx::Model model = onnx::Model::load(path).value();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  WeightStore weights;
  GraphBuilder builder(*module, weights);
  const Result<onnx::ImportReport> report = onnx::import_model(model, options, {}, builder);
  EXPECT_TRUE(report.is_ok()) << report.status().to_string();
  if (!report.is_ok()) return {};
  Result<NamedTensors> outputs = interpret(*module->getOps<mlir::func::FuncOp>().begin(), inputs, weights);
  EXPECT_TRUE(outputs.is_ok()) << outputs.status().to_string();
  return outputs.is_ok() ? std::move(outputs).value() : NamedTensors();
}

// A free dimension has a name, a fixed one an extent.
using Dimensions = std::vector<std::string>;
using Interface = std::map<std::string, Dimensions>;

inline onnx::ModelProto read_proto(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromIstream(&file)) << path;
  return model;
}

template <class Values>
Interface interface_of(const Values& values) {
  Interface interface;
  for (const onnx::ValueInfoProto& value : values) {
    Dimensions& dimensions = interface[value.name()];
    for (const auto& dimension : value.type().tensor_type().shape().dim())
      dimensions.push_back(dimension.dim_param().empty() ? fmt::format("{}", dimension.dim_value())
                                                         : dimension.dim_param());
  }
  return interface;
}

// tolerance: of each output's largest value. All of `wanted`, and nothing else, is in `given`.
inline void expect_equal(const NamedTensors& wanted, const NamedTensors& given, double tolerance) {
  ASSERT_EQ(wanted.size(), given.size());
  for (const auto& [name, tensor] : wanted) {
    ASSERT_EQ(given.count(name), 1u) << name;
    const Tensor& other = given.at(name);
    ASSERT_EQ(other.shape(), tensor.shape()) << name;
    double largest = 0, error = 0;
    for (size_t i = 0; i < tensor.f32().size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(tensor.f32()[i])));
      error = std::max(error, std::abs(static_cast<double>(tensor.f32()[i] - other.f32()[i])));
    }
    EXPECT_LE(error, tolerance * largest) << name;
  }
}

}  // namespace samc::onnx_target
