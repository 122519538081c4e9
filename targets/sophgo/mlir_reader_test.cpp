// Top-dialect .mlir that TPU-MLIR made, whole and damaged: thousands of mutations of a text and its weights, each of
// which is read or refused, never a crash. Beside mlir_fuzz: through files, and computed too.
// SAMC_MUTATIONS: how many.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/files.h"
#include "targets/sophgo/transform.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

const std::string kData = std::string(SAMC_SOURCE_DIR) + "/tests/data/tpu_mlir/";
constexpr const char* kWeights = "block_top_f32_all_weight.npz";
constexpr int64_t kMostElements = 1 << 20;  // of a damaged model that is computed all the same

class MlirReader : public ::testing::Test {
 protected:
  MlirReader() : folder_(fs::temp_directory_path() / fmt::format("mlir_reader_test-{}", ::getpid())) {
    fs::create_directories(folder_);
    text_ = bytes_of(kData + "block.mlir");
    weights_ = bytes_of(kData + kWeights);
    put("block.mlir", text_);
    put(kWeights, weights_);
  }
  ~MlirReader() override { fs::remove_all(folder_); }

  static std::string bytes_of(const std::string& path) {
    auto text = read_text_file(path, size_t{1} << 20);
    EXPECT_TRUE(text.is_ok()) << text.status().to_string();
    return std::move(text).value();
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void put(const std::string& name, const std::string& bytes) const {
    const Status written = write_file(path(name), bytes);
    ASSERT_TRUE(written.is_ok()) << written.to_string();
  }

  // All that is asked of a model that was read. True when it could be read.
  bool use() const {
    const auto model = TransformedModel::read(path("block.mlir"));
    if (!model.is_ok()) {
      EXPECT_FALSE(model.status().message().empty());
      return false;
    }
    const TransformedModel& m = *model.value();
    EXPECT_GE(m.multiply_adds(), 0);
    m.operation_counts();
    int64_t elements = 0;
    NamedTensors inputs;
    for (const auto& list : {m.inputs(), m.outputs()})
      for (const NamedShape& value : list) elements = std::max(elements, element_count(value.shape));
    m.function().walk([&](mlir::Operation* op) {
      for (const mlir::Value value : op->getResults())
        if (const auto type = mlir::dyn_cast<mlir::RankedTensorType>(value.getType()); type && type.hasStaticShape())
          elements = std::max(elements, type.getNumElements());
    });
    if (elements > kMostElements) return true;
    for (const NamedShape& input : m.inputs()) {
      m.preprocess(input.name);
      inputs[input.name] = Tensor::zeros(input.shape);
    }
    NamedViews views;
    for (const auto& [name, tensor] : inputs) views[name] = tensor.view();
    const auto outputs = m.run(views, nullptr);
    return outputs.is_ok();
  }

  static int mutations(int otherwise) {
    const char* given = std::getenv("SAMC_MUTATIONS");
    return given != nullptr ? std::atoi(given) : otherwise;
  }

  std::string text_, weights_;

 private:
  fs::path folder_;
};

size_t below(std::mt19937_64& random, size_t limit) { return random() % limit; }

// A byte changed, a stretch removed, doubled or copied elsewhere, a number replaced.
std::string mutated(const std::string& from, std::mt19937_64& random, bool is_text) {
  static const char* kNumbers[] = {"0",     "-1", "1", "7", "65536", "2147483648", "9223372036854775807",
                                   "1e300", "?",  "*"};
  std::string text = from;
  const size_t times = 1 + below(random, 3);
  for (size_t i = 0; i < times && !text.empty(); ++i) {
    const size_t place = below(random, text.size()), length = std::min(text.size() - place, 1 + below(random, 40));
    switch (below(random, is_text ? 6 : 4)) {
      case 0:
        text[place] = static_cast<char>(below(random, is_text ? 128 : 256));
        break;
      case 1:
        text.erase(place, length);
        break;
      case 2:
        text.insert(place, text.substr(place, length));
        break;
      case 3:
        text.insert(below(random, text.size()), text.substr(place, length));
        break;
      default: {  // numbers are what shapes and attributes are made of
        const size_t first = text.find_first_of("0123456789", place);
        if (first == std::string::npos) break;
        const size_t last = std::min(text.find_first_not_of("0123456789", first), text.size());
        text.replace(first, last - first, kNumbers[below(random, std::size(kNumbers))]);
      }
    }
  }
  return text;
}

TEST_F(MlirReader, OpsOfTpuMlirAloneAreUnderstood) {
  const auto model = TransformedModel::read(path("block.mlir"));
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  EXPECT_TRUE(model.value()->unknown_operations().empty());
  auto counts = model.value()->operation_counts();
  EXPECT_EQ(counts["Interp"], 1);  // Upsample
  EXPECT_EQ(counts["Mul"], 1);     // Scale
  EXPECT_EQ(counts["Relu"], 2);    // fused into Conv and MatMul
  EXPECT_EQ(counts["MatMul"], 4);
  const auto preprocess = model.value()->preprocess("image");
  ASSERT_TRUE(preprocess.has_value());
  EXPECT_EQ(preprocess->pixel_format, "rgb");
  EXPECT_EQ(preprocess->mean.size(), 3u);
  EXPECT_TRUE(use());
}

// What would use up the parser's stack, or take for ever to print (ir/mlir_text.h).
TEST_F(MlirReader, NestingIsCountedFirst) {
  const size_t place = text_.find("func.func");
  ASSERT_NE(place, std::string::npos);
  for (const std::string& hostile : {"\"top.None\"() {a = " + std::string(100'000, '['), std::string(100'000, '('),
                                     "tuple<" + std::string(9'999, '<')}) {
    put("block.mlir", text_.substr(0, place) + hostile + text_.substr(place));
    const Status status = TransformedModel::read(path("block.mlir")).status();
    EXPECT_NE(status.message().find("nested more than 100 deep"), std::string::npos) << status.message();
  }
}

TEST_F(MlirReader, OtherUnknownOpsAreNamed) {
  std::string text = text_;
  text.replace(text.find("top.Sigmoid"), 11, "top.Mystery");
  put("block.mlir", text);
  const auto model = TransformedModel::read(path("block.mlir"));
  ASSERT_TRUE(model.is_ok()) << model.status().to_string();
  EXPECT_EQ(model.value()->operation_counts()["Mystery"], 1);
  Tensor image = Tensor::zeros({1, 3, 16, 16});
  const auto outputs = model.value()->run({{"image", image.view()}}, nullptr);
  ASSERT_FALSE(outputs.is_ok());
  EXPECT_NE(outputs.status().message().find("Mystery"), std::string::npos) << outputs.status().message();
}

TEST_F(MlirReader, DamagedTextIsReadOrRefused) {
  int refused = 0;
  const int count = mutations(1500);
  for (int i = 0; i < count; ++i) {
    std::mt19937_64 random(static_cast<uint64_t>(i));
    const std::string text = mutated(text_, random, true);
    put("block.mlir", text);
    refused += use() ? 0 : 1;
  }
  EXPECT_GT(refused, count / 4);
}

TEST_F(MlirReader, DamagedWeightsAreReadOrRefused) {
  int refused = 0;
  const int count = mutations(500);
  for (int i = 0; i < count; ++i) {
    std::mt19937_64 random(static_cast<uint64_t>(i) + 1000000);
    put(kWeights, mutated(weights_, random, false));
    refused += use() ? 0 : 1;
  }
  EXPECT_GT(refused, count / 4);
}

}  // namespace
}  // namespace samc::sophgo
