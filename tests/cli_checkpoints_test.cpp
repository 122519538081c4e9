// Checkpoints as people have them, through `samc`: each compiles to the module that the plain checkpoint compiles to,
// bit for bit, and what was done is said.

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <set>

#include "checkpoint/checkpoint.h"
#include "checkpoint/test_support.h"
#include "package/reader.h"
#include "package/writer.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

const std::string kYaml = kData + "pico/pico.yaml";

class Checkpoints : public CommandLine {
 protected:
  Checkpoints() : pico_(Checkpoint::open(kPico).value()) {}

  Tensor read(const std::string& name) const { return pico_.read(*pico_.find(name)).value(); }
  std::vector<NamedTensor> tensors(const std::string& prefix = "") const {
    std::vector<NamedTensor> result;
    for (const CheckpointTensor& tensor : pico_.tensors()) result.push_back({prefix + tensor.name, read(tensor.name)});
    return result;
  }
  // Of pico's tensors, under their names in transformers (tests/data/transformers/make_names.py).
  template <class Wanted>
  std::vector<NamedTensor> of_transformers(const Wanted& wanted) const {
    std::vector<NamedTensor> result;
    for (const auto& entry : YAML::LoadFile(kData + "transformers/names.json")) {
      const auto name = entry.first.as<std::string>();
      const auto official = entry.second.as<std::vector<std::string>>();
      if (pico_.find(official[0]) == nullptr || !wanted(name)) continue;
      Tensor whole = read(official[0]);
      if (official.size() > 1) {
        const int64_t channels = whole.shape()[1];
        whole = Tensor({static_cast<int64_t>(official.size()), channels});
        for (size_t row = 0; row < official.size(); ++row)
          std::ranges::copy(std::as_const(*this).read(official[row]).f32(),
                            whole.f32().begin() + static_cast<std::ptrdiff_t>(row) * channels);
      }
      result.push_back({name, std::move(whole)});
    }
    return result;
  }
  // A module's bytes without its notes, which say where it came from.
  std::string without_notes(const std::string& file) const {
    PlanModule module = read_module(file).value();
    module.info.notes.clear();
    EXPECT_TRUE(write_module(module, path("without_notes.samc")).is_ok());
    return bytes_of(path("without_notes.samc"));
  }
  std::string plain() const { return without_notes(module()); }
  // The same of what a model compiles to, and what compiling it said.
  std::string compiled(const std::string& model, std::vector<std::string> more = {},
                       std::string* said = nullptr) const {
    std::vector<std::string> call{"compile", model, "-o", path("module.samc")};
    call.insert(call.end(), more.begin(), more.end());
    const ProcessResult result = samc(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    if (said != nullptr) *said = result.out + result.err;
    return without_notes(path("module.samc"));
  }
  static bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  const Checkpoint pico_;
};
#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

TEST_F(Checkpoints, safetensors_of_the_official_names) {
  ASSERT_TRUE(write_test_safetensors(path("x.safetensors"), tensors()).is_ok());
  EXPECT_TRUE(compiled(path("x.safetensors"), {"--config", kYaml}) == plain());
  fs::copy_file(kYaml, path("x.yaml"));
  std::string said;
  compiled(path("x.safetensors"), {}, &said);
  EXPECT_HOLDS(said, "x: as " + path("x.yaml") + " says");
  const ProcessResult inspected = samc({"inspect", path("x.safetensors"), "--summary"});
  EXPECT_HOLDS(inspected.out, "x.safetensors: safetensors\n  tensors     399 under no key");
  // In two files.
  std::vector<NamedTensor> first = tensors(), second;
  std::string map;
  for (size_t i = 0; i < first.size(); ++i)
    map += fmt::format("{}\"{}\": \"{}.safetensors\"", i == 0 ? "" : ", ", first[i].name, i < 200 ? "first" : "second");
  std::move(first.begin() + 200, first.end(), std::back_inserter(second));
  first.resize(200);
  ASSERT_TRUE(write_test_safetensors(path("first.safetensors"), first).is_ok());
  ASSERT_TRUE(write_test_safetensors(path("second.safetensors"), second).is_ok());
  put_bytes(path("m.safetensors.index.json"), "{\"weight_map\": {" + map + "}}");
  EXPECT_TRUE(compiled(path("m.safetensors.index.json"), {"--config", kYaml}) == plain());
  // What the cache keeps of one follows from all of its files.
  const std::vector<std::string> call{"segment",  kTruck,    "--model",    path("m.safetensors.index.json"),
                                      "--point",  "500,375", "--save-npz", path("masks.npz"),
                                      "--config", kYaml,     "--threads",  "1"};
  ASSERT_EQ(samc(call).exit_code, 0);
  const std::string masks = bytes_of(path("masks.npz"));
  second.back().tensor.f32()[0] += 1;
  for (NamedTensor& tensor : second)
    if (tensor.name == "sam_mask_decoder.iou_token.weight")
      for (float& value : tensor.tensor.f32()) value += 1;
  ASSERT_TRUE(write_test_safetensors(path("second.safetensors"), second).is_ok());
  ASSERT_EQ(samc(call).exit_code, 0);
  EXPECT_NE(bytes_of(path("masks.npz")), masks);
  expect_error(samc({"compile", path("first.safetensors"), "--config", kYaml, "-o", path("o.samc")}), 1,
               {"first.safetensors: the tensors are not those of pico", "missing"});
  expect_error(samc({"compile", path("first.safetensors"), "--config", kYaml, "-o", path("second.safetensors")}), 1,
               {});
}

TEST_F(Checkpoints, a_folder_of_transformers) {
  fs::create_directories(path("pico"));
  ASSERT_TRUE(
      write_test_safetensors(path("pico/model.safetensors"), of_transformers([](const std::string&) { return true; }))
          .is_ok());
  fs::copy_file(kData + "transformers/pico_config.json", path("pico/config.json"));
  std::string said;
  EXPECT_TRUE(compiled(path("pico"), {}, &said) == plain());
  EXPECT_HOLDS(said, "pico: as " + path("pico/config.json") + " says; names of tensors those of Hugging Face's");
  EXPECT_TRUE(compiled(path("pico/model.safetensors"), {"--config", kYaml}) == plain());
  EXPECT_HOLDS(samc({"inspect", path("pico"), "--summary"}).out,
               "names       names of tensors those of Hugging Face's");
  // No output is one of its files.
  expect_error(samc({"compile", path("pico"), "-o", path("pico/config.json")}), 2, {"config.json"});
}

// Sam2Model has no memory: it gives the masks of the whole model, and does not track.
TEST_F(Checkpoints, the_image_model_of_transformers) {
  std::set<std::string> image;
  for (const auto& name : YAML::LoadFile(kData + "transformers/image_names.json")) image.insert(name.as<std::string>());
  fs::create_directories(path("pico"));
  ASSERT_TRUE(write_test_safetensors(path("pico/model.safetensors"),
                                     of_transformers([&](const std::string& name) { return image.contains(name); }))
                  .is_ok());
  fs::copy_file(kData + "transformers/pico_image_config.json", path("pico/config.json"));
  const auto masks = [&](const std::string& model) {
    const ProcessResult result = samc(
        {"segment", kTruck, "--model", model, "--point", "500,375", "--save-npz", path("masks.npz"), "--threads", "1"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return bytes_of(path("masks.npz"));
  };
  EXPECT_EQ(masks(path("pico")), masks(module()));
  const ProcessResult tracked =
      samc({"track", kData + "images/bedroom", "--model", path("pico"), "--point", "20,20", "-o", path("o")});
  EXPECT_EQ(tracked.exit_code, 1);
  EXPECT_HOLDS(tracked.err, "warning: " + path("pico/model.safetensors") + ": the checkpoint holds the image parts");
  EXPECT_HOLDS(tracked.err, "has no functions for video");
}

TEST_F(Checkpoints, prefixes_and_halves) {
  std::string said;
  ASSERT_TRUE(write_test_checkpoint(path("ddp.pt"), tensors("module._orig_mod.")).is_ok());
  EXPECT_TRUE(compiled(path("ddp.pt"), {"--config", kYaml}, &said) == plain());
  EXPECT_HOLDS(said, "names of tensors without \"module.\", \"_orig_mod.\"");
  // bf16 and f16: what these values are in f32 is what is compiled.
  for (const DType half : {DType::kBF16, DType::kF16}) {
    std::vector<NamedTensor> halves, rounded;
    for (NamedTensor& tensor : tensors()) {
      Tensor small(half, tensor.tensor.shape());
      for (size_t i = 0; i < tensor.tensor.f32().size(); ++i) {
        float& value = tensor.tensor.f32()[i];
        uint16_t& bits = small.as<uint16_t>()[i];
        bits = half == DType::kBF16 ? f32_to_bf16(value) : f32_to_f16(value);
        value = half == DType::kBF16 ? bf16_to_f32(bits) : f16_to_f32(bits);
      }
      halves.push_back({tensor.name, std::move(small)});
      rounded.push_back(std::move(tensor));
    }
    ASSERT_TRUE(write_test_safetensors(path("half.safetensors"), halves).is_ok());
    ASSERT_TRUE(write_test_safetensors(path("rounded.safetensors"), rounded).is_ok());
    EXPECT_TRUE(compiled(path("half.safetensors"), {"--config", kYaml}) ==
                compiled(path("rounded.safetensors"), {"--config", kYaml}));
  }
}

TEST_F(Checkpoints, weights_and_their_averages) {
  // Two state_dicts in one file: in the second the IoU token has the values of the object score's.
  const std::vector<NamedTensor> model = tensors();
  const auto place_of = [&](const std::string& name) {
    return std::find_if(model.begin(), model.end(), [&](const NamedTensor& tensor) { return tensor.name == name; }) -
           model.begin();
  };
  const auto iou_token = place_of("sam_mask_decoder.iou_token.weight");
  const auto score_token = place_of("sam_mask_decoder.obj_score_token.weight");
  const auto write = [&](const std::string& file, const std::string& first, const std::string& second) {
    TestCheckpointOptions options;
    options.key = first;
    options.more_keys = [&](PickleWriter& pickle) {
      pickle.text(second).empty_ordered_dict();
      for (size_t i = 0; i < model.size(); ++i) {
        const Shape& shape = model[i].tensor.shape();
        const auto storage = static_cast<std::ptrdiff_t>(i) == iou_token ? score_token : static_cast<std::ptrdiff_t>(i);
        pickle.text(model[i].name);
        pickle.tensor("FloatStorage", std::to_string(storage), element_count(shape), 0, shape, dense_strides(shape));
        pickle.raw("s");
      }
      pickle.raw("s");
    };
    ASSERT_TRUE(write_test_checkpoint(path(file), model, options).is_ok());
  };
  const auto masks = [&](const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> call{"segment", kTruck,    "--model",    path(file),        "--config",  kYaml,
                                  "--point", "500,375", "--save-npz", path("masks.npz"), "--threads", "1"};
    call.insert(call.end(), more.begin(), more.end());
    const ProcessResult result = samc(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(holds(result.err, "it holds weights at"), file == "both.pt" || file == "unclear.pt") << result.err;
    return bytes_of(path("masks.npz"));
  };
  fs::copy_file(kPico, path("plain.pt"));
  const std::string plain = masks("plain.pt");
  write("both.pt", "model", "ema");
  EXPECT_EQ(masks("both.pt"), plain);
  EXPECT_EQ(masks("both.pt", {"--state-dict", "model"}), plain);
  EXPECT_NE(masks("both.pt", {"--state-dict", "ema"}), plain);  // not the others from the cache
  std::string said;
  compiled(path("both.pt"), {"--config", kYaml}, &said);
  EXPECT_HOLDS(said, "it holds weights at \"model\" and at \"ema\": those at \"model\" are taken");
  write("unclear.pt", "net", "average");
  expect_error(samc({"compile", path("unclear.pt"), "--config", kYaml, "-o", path("o.samc")}), 1,
               {"several state_dicts: \"net\" (399 tensors), \"average\" (399 tensors)", "--state-dict"});
  EXPECT_EQ(masks("unclear.pt", {"--state-dict", "net"}), plain);
  expect_error(samc({"compile", path("both.pt"), "--state-dict", "x", "-o", path("o.samc")}), 2,
               {"--state-dict x: no tensors there"});
  expect_error(
      samc({"segment", kTruck, "--model", module(), "--state-dict", "x", "--point", "1,1", "--json", path("o")}), 2,
      {"--state-dict is for checkpoints"});
  ASSERT_TRUE(write_test_safetensors(path("x.safetensors"), tensors()).is_ok());
  expect_error(samc({"compile", path("x.safetensors"), "--state-dict", "model", "-o", path("o.samc")}), 2,
               {"--state-dict is for PyTorch checkpoints"});
}

TEST_F(Checkpoints, the_config_of_training) {
  const std::string pico = bytes_of(kYaml);
  std::string text = "scratch:\n  resolution: 256\ntrainer:\n  max_epochs: ${times:${scratch.resolution},2}\n";
  for (size_t from = pico.find("model:"); from < pico.size();) {
    const size_t end = std::min(pico.find('\n', from), pico.size());
    text += "  " + pico.substr(from, end - from) + "\n";
    from = end + 1;
  }
  text.replace(text.find("image_size: 256"), 15, "image_size: ${scratch.resolution}");
  text.replace(text.find("sam2_base.SAM2Base"), 18, "sam2.SAM2Train");
  fs::create_directories(path("run"));
  put_bytes(path("run/pico.yaml"), text + "    freeze_image_encoder: true\n");
  EXPECT_TRUE(compiled(kPico, {"--config", path("run/pico.yaml")}) == plain());
}

}  // namespace
}  // namespace samc::test
