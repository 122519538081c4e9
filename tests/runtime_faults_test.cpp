// The nth allocation fails, for every n, and the nth write, fsync, rename, mmap, open, close and thread: in loading a
// module, reading images and arrays, setting an image, predicting, and writing. Each time an error of one line, nothing
// leaked, nothing torn or left over, and the same objects give the right result when asked again.

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/guard.h"
#include "base/memory_budget.h"
#include "base/test_folder.h"
#include "base/thread_pool.h"
#include "media/image.h"
#include "media/npz.h"
#include "media/prompts.h"
#include "package/plan.h"
#include "package/reader.h"
#include "package/writer.h"
#include "runtime/image_predictor.h"
#include "runtime/testing_models.h"
#include "tests/support/fault_choice.h"
#include "tests/support/faults.h"
#include "tests/support/process.h"

namespace samc::test {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";

// FNV-1a: takes no memory.
class Digest {
 public:
  void add(const void* data, size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < size; ++i) value_ = (value_ ^ bytes[i]) * 0x100000001b3u;
  }
  void add(const Tensor& tensor) { add(tensor.data(), static_cast<size_t>(tensor.bytes())); }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

// What is done with a fault in it: gives a digest of what came out.
using Deed = std::function<Result<uint64_t>()>;

struct Sweep {
  Fault fault = Fault::kMemory;
  bool onwards = false;      // all calls after the nth fail too
  int64_t all_up_to = 3000;  // every n up to here, then some by chance; with SAMC_EVERY_FAULT every n
  int64_t by_chance = 100;
  int64_t again_each = 1;  // how often it is done again without a fault
  bool is_error = true;    // whether a call that failed must be an error: a thread need not be
  bool counts_leaks = true;
  bool may_be_absent = false;  // whether it is no fault of the test when nothing makes such a call
};

void expect_one_line(const Status& status, Fault fault) {
  const std::string text = status.to_string();
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  if (fault != Fault::kMemory) return;
  EXPECT_TRUE(status.code() == StatusCode::kOutOfMemory || text.find("memory") != std::string::npos) << text;
}

PredictorOptions with_threads(int threads) {
  PredictorOptions options;
  options.threads = threads;
  return options;
}

ObjectPrompt with_points(std::vector<PointPrompt> points) {
  ObjectPrompt prompt;
  prompt.points = std::move(points);
  return prompt;
}

// check: what must hold after each time, as "no file is left over".
void sweep(
    const Deed& deed, const Sweep& how = {}, const std::function<void()>& check = [] {}) {
  uint64_t right = 0;
  for (int warm = 0; warm < 2; ++warm) {  // what libraries keep for good, they have after it
    const Result<uint64_t> result = deed();
    ASSERT_TRUE(result.is_ok()) << result.status().to_string();
    right = result.value();
  }
  fail_call(how.fault, 0);
  ASSERT_TRUE(deed().is_ok());
  const int64_t count = calls(how.fault);
  if (count == 0 && how.may_be_absent) return;
  ASSERT_GT(count, 0);
  int64_t errors = 0, reached = 0;
  const std::vector<int64_t> list =
      is_every_fault() ? calls_between(1, count) : sample_of_calls(count, how.all_up_to, how.by_chance);
  { SCOPED_TRACE("gtest keeps what its first trace takes"); }
  const int64_t live = live_allocations();
  for (const int64_t n : list) {
    const int64_t untraced = live_allocations();
    SCOPED_TRACE(fmt::format("{} {} of {}{}", kFaultNames[static_cast<int>(how.fault)], n, count,
                             how.onwards ? " and all after it" : ""));
    const int64_t trace = live_allocations() - untraced;  // more where its text is longer
    {
      fail_call(how.fault, n, how.onwards);
      const Result<uint64_t> result = deed();
      const bool failed = failures(how.fault) > 0;
      fail_call(how.fault, 0);
      reached += failed ? 1 : 0;
      errors += result.is_ok() ? 0 : 1;
      if (result.is_ok())
        EXPECT_EQ(result.value(), right);
      else
        expect_one_line(result.status(), how.fault);
      EXPECT_TRUE(failed || result.is_ok());
    }
    check();
    if (n % how.again_each == 0) {
      const Result<uint64_t> again = deed();
      ASSERT_TRUE(again.is_ok()) << again.status().to_string();
      EXPECT_EQ(again.value(), right);
    }
    // What was done again left all as it was at first.
    if (n % how.again_each == 0 && how.counts_leaks) {
      EXPECT_EQ(live_allocations() - trace, live);
    }
    if (testing::Test::HasFailure()) return;  // one is enough to read
  }
  if (is_every_fault())
    fmt::print("{}, {}{}: {} calls, {} of them failed here, {} errors\n",
               testing::UnitTest::GetInstance()->current_test_info()->name(), kFaultNames[static_cast<int>(how.fault)],
               how.onwards ? " and all after it" : "", count, reached, errors);
  if (how.is_error && reached > 0) {
    EXPECT_GT(errors, reached * 3 / 4) << "of " << reached;
  }
}

void sweep_memory(
    const Deed& deed, Sweep how = {}, const std::function<void()>& check = [] {}) {
  for (const bool onwards : {false, true}) {
    how.onwards = onwards;
    sweep(deed, how, check);
  }
}

class RuntimeFaults : public testing::Test {
 protected:
  // pico where there is a compiler, else a model by hand.
  static void SetUpTestSuite() {
    shared_ = new TestFolder;
#ifdef SAMC_BINARY
    const ProcessResult result = run_process({SAMC_BINARY, "compile", kData + "pico/pico.pt", "-o", module_path()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
#else
    ASSERT_TRUE(write_module(tiny_model_in_parts(), module_path()).is_ok());
#endif
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }
  void TearDown() override { set_memory_limit(0); }

  static std::string module_path() { return shared_->path("model.samc"); }
  static std::shared_ptr<const Module> module() {
    static const std::shared_ptr<const Module> loaded = Module::load(module_path(), {.threads = 1}).value();
    return loaded;
  }
  static ImagePredictor predictor(int threads = 1) {
    return ImagePredictor::create(module(), with_threads(threads)).value();
  }
  static Image picture() {
    Image image(50, 30);
    for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i * 37 + i / 150);
    return image;
  }
  static uint64_t digest_of(const Prediction& prediction) {
    Digest digest;
    digest.add(prediction.masks);
    digest.add(prediction.iou_predictions);
    digest.add(prediction.low_res_logits);
    return digest.value();
  }
  std::string path(const std::string& name) const { return folder_.path(name); }

  // Writes over an older file, and reads what has come of it.
  Deed writing(const std::string& file, std::function<Status()> write) {
    return [this, file, write = std::move(write)]() -> Result<uint64_t> {
      {
        const FaultsPause pause;
        put_old_file(file);
      }
      SAMC_TRY(write());
      const FaultsPause pause;
      const uint64_t digest = digest_of_file(file);
      EXPECT_NE(digest, old_digest_) << "nothing was written";
      return digest;
    };
  }
  void put_old_file(const std::string& file) {
    std::remove(file.c_str());  // ext4 waits for the disk where a file is cut short
    std::FILE* opened = std::fopen(file.c_str(), "wb");
    std::fputs("what stood there before", opened);
    std::fclose(opened);
    old_digest_ = digest_of_file(file);
  }
  static uint64_t digest_of_file(const std::string& file) {
    Digest digest;
    std::FILE* opened = std::fopen(file.c_str(), "rb");
    std::array<char, 4096> buffer;
    for (size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), opened)) > 0;)
      digest.add(buffer.data(), count);
    std::fclose(opened);
    return digest.value();
  }
  // The file is there as it was before, or as it is now, and nothing is beside it.
  std::function<void()> whole(const std::string& file, uint64_t right) {
    return [this, file, right] {
      EXPECT_EQ(folder_.count(), 1u);
      const uint64_t now = digest_of_file(file);
      EXPECT_TRUE(now == old_digest_ || now == right) << "torn";
    };
  }

  static inline TestFolder* shared_ = nullptr;
  TestFolder folder_;
  uint64_t old_digest_ = 0;
};

TEST_F(RuntimeFaults, loading_a_module) {
  const std::string file = module_path();
  const Deed load = [&]() -> Result<uint64_t> {
    SAMC_ASSIGN(const std::shared_ptr<Module> loaded, Module::load(file, {.threads = 1}));
    SAMC_ASSIGN(ImagePredictor made, ImagePredictor::create(loaded, with_threads(1)));
    return static_cast<uint64_t>(made.info().image_size) + loaded->plan().weights.size();
  };
  sweep_memory(load, {.all_up_to = 1000, .again_each = 100});
  for (const Fault fault : {Fault::kMap, Fault::kOpen, Fault::kRead})
    sweep(load, {.fault = fault, .is_error = false, .may_be_absent = true});
}

TEST_F(RuntimeFaults, reading_images) {
  for (const char* file : {"rgb8.png", "rgba16.png", "palette8.png", "rgb.jpg", "progressive.jpg", "cmyk.jpg",
                           "orientation6.jpg", "orientation6.png"}) {
    SCOPED_TRACE(file);
    const std::string name = kData + "images/formats/" + file;
    const Deed read = [&]() -> Result<uint64_t> {
      ImageSource source;
      SAMC_ASSIGN(const Image image, read_image(name, &source));
      Digest digest;
      digest.add(image.rgb.data(), image.rgb.size());
      return digest.value();
    };
    sweep_memory(read);
    for (const Fault fault : {Fault::kMap, Fault::kOpen, Fault::kRead})
      sweep(read, {.fault = fault, .is_error = false, .may_be_absent = true});
  }
}

TEST_F(RuntimeFaults, reading_arrays_and_prompts) {
  const Tensor tensor = Tensor::zeros({2, 3, 5});
  const std::vector<std::pair<std::string, TensorView>> arrays{{"first", tensor.view()}, {"second", tensor.view()}};
  ASSERT_TRUE(write_npz(path("a.npz"), arrays).is_ok());
  ASSERT_TRUE(write_npy(path("a.npy"), tensor.view()).is_ok());
  ASSERT_TRUE(write_file(path("a.json"), std::string(R"({"pictures": [{"image": "a picture of some length.jpg",
      "prompts": [{"points": [[1, 2], [3, 4]], "labels": [1, 0]}, {"box": [1, 2, 3, 4]}]}]})"))
                  .is_ok());
  const std::string npz_file = path("a.npz"), npy_file = path("a.npy"), json_file = path("a.json"),
                    second_name = "second";
  const Deed read_arrays = [&]() -> Result<uint64_t> {
    SAMC_ASSIGN(const Npz npz, Npz::read(npz_file));
    SAMC_ASSIGN(const Tensor* second, npz.get(second_name));
    SAMC_ASSIGN(const Tensor alone, read_npy(npy_file));
    return static_cast<uint64_t>(second->count() + alone.count());
  };
  sweep_memory(read_arrays);
  const Deed read_prompt_file = [&]() -> Result<uint64_t> {
    SAMC_ASSIGN(const std::vector<PicturePrompts> pictures, read_prompts(json_file));
    return pictures.size() * 100 + pictures[0].prompts.size();
  };
  sweep_memory(read_prompt_file);
  for (const Deed& read : {read_arrays, read_prompt_file})
    for (const Fault fault : {Fault::kMap, Fault::kOpen, Fault::kRead})
      sweep(read, {.fault = fault, .is_error = false, .may_be_absent = true});
}

TEST_F(RuntimeFaults, setting_an_image) {
  ImagePredictor kept = predictor();
  const Image image = picture();
  const Deed set = [&]() -> Result<uint64_t> {
    SAMC_TRY(kept.set_image(image));
    SAMC_ASSIGN(const ImageEmbedding* embedding, kept.embedding());
    Digest digest;
    digest.add(embedding->image_embed);
    digest.add(embedding->high_res_feats_1);
    return digest.value();
  };
  const auto unset_or_set = [&] { EXPECT_LE(kept.pictures(), 1u); };
  sweep_memory(set, {.all_up_to = 400, .by_chance = 60, .again_each = 20}, unset_or_set);
}

TEST_F(RuntimeFaults, the_first_image_and_the_first_prompt_of_a_predictor) {
  const Image image = picture();
  const ObjectPrompt prompt = with_points({{20, 10, 1}});
  const Deed all = [&]() -> Result<uint64_t> {
    SAMC_ASSIGN(ImagePredictor fresh, ImagePredictor::create(module(), with_threads(1)));
    SAMC_TRY(fresh.set_image(image));
    SAMC_ASSIGN(const Prediction prediction, fresh.predict(prompt));
    return digest_of(prediction);
  };
  sweep_memory(all, {.all_up_to = 150, .by_chance = 60, .again_each = 50});
}

// What a predictor computes once, it must not take for computed when that failed half-way.
TEST_F(RuntimeFaults, a_predictor_that_failed_at_first_is_right_later) {
  const Image image = picture();
  const ObjectPrompt prompt = with_points({{20, 10, 1}});
  const auto use = [&](ImagePredictor& used) -> Result<uint64_t> {
    SAMC_TRY(used.set_image(image));
    SAMC_ASSIGN(const Prediction prediction, used.predict(prompt));
    return digest_of(prediction);
  };
  ImagePredictor first = predictor();
  fail_call(Fault::kMemory, 0);
  const uint64_t right = use(first).value();
  const int64_t count = calls(Fault::kMemory);
  int errors = 0;
  for (int64_t n = 1; n <= count; n += n < 20 || is_every_fault() ? 1 : 13) {
    SCOPED_TRACE(fmt::format("allocation {} of {}", n, count));
    ImagePredictor used = predictor();
    fail_call(Fault::kMemory, n);
    errors += use(used).is_ok() ? 0 : 1;
    fail_call(Fault::kMemory, 0);
    const Result<uint64_t> later = use(used);
    ASSERT_TRUE(later.is_ok()) << later.status().to_string();
    ASSERT_EQ(later.value(), right);
  }
  EXPECT_GT(errors, 20);
}

TEST_F(RuntimeFaults, predicting) {
  ImagePredictor kept = predictor();
  const Image image = picture();
  ASSERT_TRUE(kept.set_image(image).is_ok());
  const int64_t low = kept.predict(with_points({{20, 10, 1}})).value().low_res_logits.shape().back();
  Tensor mask = Tensor::zeros({1, low, low});
  std::vector<ObjectPrompt> prompts{with_points({{20, 10, 1}}), with_points({{20, 10, 1}, {5, 5, 0}}),
                                    with_points({{1, 1, 1}, {2, 2, 1}, {3, 3, 1}, {4, 4, 1}, {5, 5, 1}, {6, 6, 1}}),
                                    ObjectPrompt()};
  prompts[1].box = BoxPrompt{1, 2, 30, 20};
  prompts[3].mask_input = mask.view();
  for (const PredictOptions& options :
       {PredictOptions{}, PredictOptions{.multimask_output = false}, PredictOptions{.return_logits = true}}) {
    const Deed predict = [&]() -> Result<uint64_t> {
      SAMC_ASSIGN(Prediction prediction, kept.predict(prompts, options));
      const uint64_t digest = digest_of(prediction);
      kept.reuse(std::move(prediction.masks));
      return digest;
    };
    sweep_memory(predict, {.all_up_to = 250, .by_chance = 60, .again_each = 20});
  }
}

TEST_F(RuntimeFaults, taking_an_embedding) {
  ImagePredictor kept = predictor();
  const Image image = picture();
  ASSERT_TRUE(kept.set_image(image).is_ok());
  const ImageEmbedding* embedding = kept.embedding().value();
  const Tensor feats_0 = Tensor::copy_of(embedding->high_res_feats_0.view()),
               feats_1 = Tensor::copy_of(embedding->high_res_feats_1.view()),
               embed = Tensor::copy_of(embedding->image_embed.view());
  ImagePredictor other = predictor();
  const Deed take = [&]() -> Result<uint64_t> {
    return guarded([&]() -> Result<uint64_t> {
      ImageEmbedding copy;
      copy.high_res_feats_0 = Tensor::copy_of(feats_0.view());
      copy.high_res_feats_1 = Tensor::copy_of(feats_1.view());
      copy.image_embed = Tensor::copy_of(embed.view());
      copy.width = image.width;
      copy.height = image.height;
      SAMC_TRY(other.set_embedding(std::move(copy)));
      SAMC_ASSIGN(const Prediction prediction, other.predict(with_points({{20, 10, 1}, {30, 20, 0}})));
      return digest_of(prediction);
    });
  };
  sweep_memory(take, {.all_up_to = 300, .by_chance = 60, .again_each = 20});
}

TEST_F(RuntimeFaults, writing) {
  const Image image = picture();
  const std::vector<uint8_t> grey(50 * 30, 255);
  const Tensor tensor = Tensor::zeros({300, 30});
  const std::vector<std::pair<std::string, TensorView>> arrays{{"first", tensor.view()}, {"second", tensor.view()}};
  const PlanModule plan = tiny_model();
  const std::string file = path("out");
  const std::vector<std::pair<const char*, std::function<Status()>>> writers{
      {"write_file", [&] { return write_file(file, std::string(10000, 'x')); }},
      {"write_png", [&] { return write_png(file, image); }},
      {"write_png_grey", [&] { return write_png_grey(file, 50, 30, grey); }},
      {"write_npy", [&] { return write_npy(file, tensor.view()); }},
      {"write_npz", [&] { return write_npz(file, arrays); }},
      {"write_npz, stored", [&] { return write_npz(file, arrays, NpzCompression::kStored); }},
      {"write_module", [&] { return write_module(plan, file); }}};
  for (const auto& [name, write] : writers) {
    SCOPED_TRACE(name);
    const Deed deed = writing(file, [&write = write] { return guarded(write); });
    const std::function<void()> check = whole(file, deed().value());
    sweep_memory(deed, {}, check);
    for (const Fault fault : {Fault::kWrite, Fault::kRename, Fault::kOpen, Fault::kClose})
      sweep(deed, {.fault = fault, .is_error = fault == Fault::kWrite || fault == Fault::kRename}, check);
    fail_call(Fault::kSync, 0);
    ASSERT_TRUE(deed().is_ok());
    if (calls(Fault::kSync) > 0) sweep(deed, {.fault = Fault::kSync, .is_error = false}, check);
  }
}

TEST_F(RuntimeFaults, missing_threads_make_it_slower_and_no_more) {
  const Image image = picture();
  const std::string file = module_path();
  const Deed all = [&]() -> Result<uint64_t> {
    SAMC_ASSIGN(const std::shared_ptr<const Module> loaded, Module::load(file, {.threads = 4}));
    SAMC_ASSIGN(ImagePredictor made, ImagePredictor::create(loaded, with_threads(4)));
    SAMC_TRY(made.set_image(image));
    SAMC_ASSIGN(const Prediction prediction, made.predict(with_points({{20, 10, 1}})));
    return digest_of(prediction);
  };
  for (const bool onwards : {false, true})
    sweep(all, {.fault = Fault::kThread, .onwards = onwards, .is_error = false, .counts_leaks = false});
  fail_call(Fault::kThread, 2, true);
  const ThreadPool pool(4);
  fail_call(Fault::kThread, 0);
  EXPECT_EQ(pool.threads(), 2);
  EXPECT_EQ(pool.asked(), 4);
  const std::optional<ThreadShortage> shortage = ThreadPool::shortage();
  ASSERT_TRUE(shortage.has_value());
  EXPECT_EQ(shortage->asked, 4);
  EXPECT_EQ(shortage->got, 1);
}

TEST_F(RuntimeFaults, memory_is_missing_in_any_thread) {
  ImagePredictor kept = predictor(3);
  const Image image = picture();
  const ObjectPrompt prompt = with_points({{20, 10, 1}});
  const Deed all = [&]() -> Result<uint64_t> {
    SAMC_TRY(kept.set_image(image));
    SAMC_ASSIGN(const Prediction prediction, kept.predict(prompt));
    return digest_of(prediction);
  };
  sweep_memory(all, {.all_up_to = 60, .by_chance = 100, .again_each = 20, .counts_leaks = false});
}

// Each limit from a few kilobytes up to what is needed.
TEST_F(RuntimeFaults, any_limit_of_memory_is_an_error_that_says_so_or_enough) {
  const Image image = picture();
  const Deed all = [&]() -> Result<uint64_t> {
    SAMC_ASSIGN(ImagePredictor made, ImagePredictor::create(module(), with_threads(1)));
    SAMC_TRY(made.set_image(image));
    SAMC_ASSIGN(const Prediction prediction, made.predict(with_points({{20, 10, 1}})));
    return digest_of(prediction);
  };
  const uint64_t right = all().value();
  const int64_t before = memory_taken();
  int errors = 0, done = 0;
  for (int64_t limit = 100; limit < int64_t{1} << 30 && done < 2; limit += limit / 4) {
    set_memory_limit(before + limit);
    const Result<uint64_t> result = all();
    EXPECT_EQ(memory_taken(), before);
    if (result.is_ok()) {
      EXPECT_EQ(result.value(), right);
      ++done;
      continue;
    }
    ++errors;
    EXPECT_EQ(done, 0) << "less was enough";
    EXPECT_EQ(result.status().code(), StatusCode::kOutOfMemory);
    EXPECT_NE(result.status().message().find("limit of memory"), std::string::npos) << result.status().to_string();
  }
  EXPECT_GT(errors, 3);
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace samc::test
