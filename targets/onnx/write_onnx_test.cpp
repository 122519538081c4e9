// Free numbers: what a file says of extents that depend on them, and what may not depend on them.

#include "targets/onnx/write_onnx.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "base/test_folder.h"
#include "targets/onnx/testing_export.h"

namespace samc::onnx_target {
namespace {

using Build = void (*)(GraphBuilder& graph, int64_t a, int64_t b);

// The function of build at (2, 3), (3, 3) and (2, 4), written with free numbers a and b.
class WriteOnnx : public testing::Test {
 protected:
  Result<WrittenModel> write(const Build& build) {
    mlir::MLIRContext context;
    load_dialects(context);
    std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
    std::vector<FunctionVersion> versions;
    std::vector<WeightStore> stores(3);
    for (const auto& [a, b] : {std::pair<int64_t, int64_t>{2, 3}, {3, 3}, {2, 4}}) {
      modules.push_back(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
      WeightStore& store = stores[versions.size()];
      GraphBuilder graph(*modules.back(), store);
      build(graph, a, b);
      EXPECT_TRUE(graph.is_ok()) << graph.status().to_string();
      versions.push_back({*modules.back()->getOps<mlir::func::FuncOp>().begin(), &store});
    }
    SAMC_ASSIGN(FileWriter writer, FileWriter::create(path_));
    SAMC_ASSIGN(const WrittenModel written,
                write_onnx(versions, {.free = {{"a", 2}, {"b", 3}}, .metadata = {{"key", "value"}}}, writer));
    SAMC_TRY(writer.commit());
    return written;
  }

  const TestFolder folder_;
  const std::string path_ = folder_.path("x.onnx");
};

TEST_F(WriteOnnx, extents_are_declared_by_what_they_are_of_the_free_numbers) {
  const Result<WrittenModel> written = write([](GraphBuilder& graph, int64_t a, int64_t b) {
    const auto x = graph.begin_function("f", {{"x", {a, 5}}, {"y", {4 * b, 5}}, {"z", {2 * a + b + 1, 5}}});
    const mlir::Value all = graph.concat("all", x, 0);
    ASSERT_TRUE(graph.end_function({{"flat", graph.reshape("flat", all, {1, (3 * a + 5 * b + 1) * 5})}}).is_ok());
  });
  ASSERT_TRUE(written.is_ok()) << written.status().to_string();
  const onnx::ModelProto model = read_proto(path_);
  EXPECT_EQ(interface_of(model.graph().input()),
            (Interface{{"x", {"a", "5"}}, {"y", {"4*b", "5"}}, {"z", {"2*a + b + 1", "5"}}}));
  EXPECT_EQ(interface_of(model.graph().output()), (Interface{{"flat", {"1", "15*a + 25*b + 5"}}}));
  ASSERT_EQ(model.metadata_props_size(), 1);
  EXPECT_EQ(model.metadata_props(0).key() + model.metadata_props(0).value(), "keyvalue");

  // The file serves other numbers.
  const Tensor x = scaled("x", {1, 5}, 1), y = scaled("y", {28, 5}, 1), z = scaled("z", {10, 5}, 1);
  const NamedViews inputs = {{"x", x.view()}, {"y", y.view()}, {"z", z.view()}};
  onnx::SimplifyOptions shapes;
  for (const auto& [name, view] : inputs) shapes.input_shapes[name] = view.shape;
  const NamedTensors outputs = run(path_, shapes, inputs);
  ASSERT_EQ(outputs.at("flat").shape(), (Shape{1, 195}));
  EXPECT_EQ(outputs.at("flat").f32()[194], z.f32()[49]);
}

TEST_F(WriteOnnx, what_may_not_depend_on_a_free_number_is_named) {
  const Status two_extents = write([](GraphBuilder& graph, int64_t a, int64_t b) {
                               const auto x = graph.begin_function("f", {{"x", {a * b, 5}}});
                               EXPECT_TRUE(graph.end_function({{"y", graph.reshape("y", x[0], {a, b, 5})}}).is_ok());
                             }).status();
  EXPECT_EQ(two_extents.to_string(), "f: two versions differ in more than the free number: y/shape");
  const Status constant = write([](GraphBuilder& graph, int64_t a, int64_t) {
                            const auto x = graph.begin_function("f", {{"x", {2, 5}}});
                            const mlir::Value y = graph.mul_const("y", x[0], static_cast<double>(a));
                            EXPECT_TRUE(graph.end_function({{"y", y}}).is_ok());
                          }).status();
  EXPECT_NE(constant.to_string().find("differ in more than the free number"), std::string::npos)
      << constant.to_string();
  const Status bounds = write([](GraphBuilder& graph, int64_t a, int64_t b) {
                          const auto x = graph.begin_function("f", {{"x", {a + b, 5}}});
                          EXPECT_TRUE(graph.end_function({{"y", graph.slice("y", x[0], 0, 0, a)}}).is_ok());
                        }).status();
  EXPECT_NE(bounds.to_string().find("y/ends"), std::string::npos) << bounds.to_string();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace samc::onnx_target
