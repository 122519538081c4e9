// Any bytes as an embedding's .npz: an error, or an embedding that gives masks of the size that it names.

#include "app/embedding_file.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/tiny_predictor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 1 << 16;  // masks of every size are made: the fuzzer's time is short
  static const samc::FuzzFolder folder;
  static samc::ImagePredictor predictor = samc::make_tiny_predictor();
  auto stored = samc::read_embedding(folder.put("embedding.npz", data, size), predictor.info());
  if (!stored.is_ok()) return 0;
  samc::ImageEmbedding& embedding = stored.value().embedding;
  const int64_t width = embedding.width, height = embedding.height;
  if (width > kMostPixels / height) return 0;
  if (!predictor.set_embedding(std::move(embedding)).is_ok()) return 0;
  const auto prediction = predictor.predict(samc::ObjectPrompt{.points = {{1, 1, 1}}, .box = {}});
  if (!prediction.is_ok()) return 0;
  const samc::Shape& shape = prediction.value().masks.shape();
  SAMC_CHECK(shape.size() == 4 && shape[2] == height && shape[3] == width, "masks of {} for {} x {}",
             samc::shape_to_string(shape), width, height);
  return 0;
}
