// Models that are damaged in ways that the reader does not see: they become top ops or an error, never a crash. The
// fuzz target onnx_fuzz goes as far as simplify and compose; this goes on, without coverage's guidance.

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/files.h"
#include "ir/top_dialect.h"
#include "media/npz.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/import.h"
#include "onnx/test_model.h"

namespace samc::onnx {
namespace {

const std::string kSource = SAMC_SOURCE_DIR;

class HostileModels : public testing::Test {
 protected:
  HostileModels() { load_dialects(context_); }

  // Whether it became a function.
  bool imports(std::span<const std::byte> bytes) {
    const Result<Model> model = Model::parse(bytes, kSource + "/tests/data/onnx", "hostile.onnx");
    if (!model.is_ok()) return false;
    SimplifyOptions options;
    options.dimensions = {{"n", 3}};
    options.most_constant_bytes = 1 << 26;
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_));
    WeightStore weights;
    GraphBuilder builder(*module, weights);
    return import_model(model.value(), options, {.function = "f"}, builder).is_ok();
  }

  mlir::MLIRContext context_;
};

TEST_F(HostileModels, of_the_fuzz_corpus) {
  size_t files = 0, imported = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource + "/tests/corpus/onnx_fuzz")) {
    const Result<MappedFile> file = MappedFile::open(entry.path().string());
    ASSERT_TRUE(file.is_ok()) << file.status().to_string();
    imported += imports(file.value().bytes()) ? 1 : 0;
    ++files;
  }
  EXPECT_GE(files, 400u);
  EXPECT_GE(imported, 50u);
}

TEST_F(HostileModels, with_bytes_changed) {
  const Npz file = Npz::read(kSource + "/tests/data/onnx/operators.npz").value();
  const Tensor& models = *file.get("models").value();
  const auto* bytes = static_cast<const std::byte*>(models.data());
  std::mt19937 random(1);
  size_t imported = 0, begin = 0;
  constexpr size_t kVariants = 8, kMostChanges = 4;
  for (const int64_t end : file.get("ends").value()->as<int64_t>()) {
    const std::vector<std::byte> whole(bytes + begin, bytes + end);
    begin = static_cast<size_t>(end);
    imported += imports(whole) ? 1 : 0;
    for (size_t variant = 0; variant < kVariants; ++variant) {
      std::vector<std::byte> changed = whole;
      for (size_t change = 0; change <= variant % kMostChanges; ++change) {
        const size_t at = random() % changed.size();
        // A small step makes another extent, axis or type; any byte makes anything.
        changed[at] = variant % 2 == 0
                          ? static_cast<std::byte>(std::to_integer<unsigned>(changed[at]) + random() % 5 - 2)
                          : static_cast<std::byte>(random());
      }
      imports(changed);
    }
  }
  EXPECT_GE(imported, 400u);  // as they are
}

// As ONNX's backend tests test_split_zero_size_splits have it: an output of no elements, which no operation makes.
TEST_F(HostileModels, with_outputs_of_no_elements) {
  const auto import = [&](const TestModel& test) {
    const std::string bytes = test.proto_bytes();
    return imports(std::as_bytes(std::span(bytes)));
  };
  TestModel split(13);
  split.input("x", {2}).output("a").output("b").output("c").integers("sizes", {0, 0, 2});
  split.node("Split", {"x", "sizes"}, {"a", "b", "c"});
  EXPECT_TRUE(import(split));
  TestModel joined(13);
  joined.input("x", {2}).output("y").integers("sizes", {0, 0, 2});
  joined.node("Split", {"x", "sizes"}, {"a", "b", "c"});
  set(joined.node("Concat", {"a", "c", "b"}, {"y"}), "axis", 0);
  EXPECT_TRUE(import(joined));
  for (const char* op : {"Relu", "Softmax", "Transpose", "Shape", "Size", "Not", "GlobalAveragePool", "ReduceMax",
                         "ReduceSum", "ArgMax", "MaxPool", "ConvTranspose", "Resize"})
    for (const Shape& shape : {Shape{0, 4, 2, 2}, Shape{1, 0, 2, 2}, Shape{1, 4, 0, 2}}) {
      TestModel test(13);
      test.input("x", shape).output("y");
      test.node(op, {"x"}, {"y"});
      import(test);  // one or the other
    }
}

}  // namespace
}  // namespace samc::onnx
