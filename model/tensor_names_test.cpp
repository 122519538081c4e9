// Checkpoints whose tensors have other names than the official ones: the same tensors, under the official names.

#include "model/tensor_names.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>
#include <set>

#include "base/test_folder.h"
#include "checkpoint/test_support.h"
#include "model/config.h"
#include "model/recognise.h"

namespace samc {
namespace {

using test::NamedTensor;

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define EXPECT_HOLDS(text, part) EXPECT_PRED2(holds, text, part)

// names.json: {their name: [official names]}; what the library and its own conversion script say (make_names.py).
std::map<std::string, std::vector<std::string>> transformers_names() {
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& entry : YAML::LoadFile(kData + "transformers/names.json"))
    names[entry.first.as<std::string>()] = entry.second.as<std::vector<std::string>>();
  return names;
}

class TensorNames : public testing::Test {
 protected:
  TensorNames() : pico_(Checkpoint::open(kData + "pico/pico.pt").value()) {}

  std::string path(const std::string& name) const { return folder_.path(name); }
  Tensor read(const std::string& name) const { return pico_.read(*pico_.find(name)).value(); }

  // pico's tensors, each under the name that this gives it.
  template <class Rename>
  std::vector<NamedTensor> renamed(const Rename& rename) const {
    std::vector<NamedTensor> tensors;
    for (const CheckpointTensor& tensor : pico_.tensors()) tensors.push_back({rename(tensor.name), read(tensor.name)});
    return tensors;
  }
  std::vector<NamedTensor> with_prefix(const std::string& prefix) const {
    return renamed([&](const std::string& name) { return prefix + name; });
  }
  // pico as transformers has it; wanted: which of their names.
  template <class Wanted>
  std::vector<NamedTensor> of_transformers(const Wanted& wanted) const {
    std::vector<NamedTensor> tensors;
    for (const auto& [name, official] : transformers_names()) {
      if (!wanted(name) || pico_.find(official[0]) == nullptr) continue;
      Tensor whole = read(official[0]);
      if (official.size() > 1) {  // one tensor of several rows
        const Shape row = whole.shape();
        whole = Tensor({static_cast<int64_t>(official.size()), row[1]});
        for (size_t i = 0; i < official.size(); ++i)
          std::ranges::copy(std::as_const(*this).read(official[i]).f32(),
                            whole.f32().begin() + static_cast<std::ptrdiff_t>(i) * row[1]);
      }
      tensors.push_back({name, std::move(whole)});
    }
    return tensors;
  }
  NamedCheckpoint opened(const std::vector<NamedTensor>& tensors) const {
    EXPECT_TRUE(test::write_test_checkpoint(path("x.pt"), tensors).is_ok());
    Result<NamedCheckpoint> result = open_with_official_names(path("x.pt"));
    SAMC_CHECK(result.is_ok(), "{}", result.status().to_string());
    return std::move(result).value();
  }
  std::string error_of(const std::vector<NamedTensor>& tensors) const {
    EXPECT_TRUE(test::write_test_checkpoint(path("x.pt"), tensors).is_ok());
    return open_with_official_names(path("x.pt")).status().to_string();
  }
  // Each tensor is there that is wanted of pico, with its values, and no other.
  template <class Wanted>
  void expect_pico(const Checkpoint& checkpoint, const Wanted& wanted) const {
    size_t count = 0;
    for (const CheckpointTensor& tensor : pico_.tensors()) {
      const CheckpointTensor* found = checkpoint.find(tensor.name);
      EXPECT_EQ(found != nullptr, wanted(tensor.name)) << tensor.name;
      if (found == nullptr) continue;
      ++count;
      ASSERT_EQ(found->shape, tensor.shape) << tensor.name;
      EXPECT_TRUE(std::ranges::equal(checkpoint.read_f32(*found).value().f32(), read(tensor.name).f32()))
          << tensor.name;
    }
    EXPECT_EQ(checkpoint.tensors().size(), count);
  }
  void expect_pico(const Checkpoint& checkpoint) const {
    expect_pico(checkpoint, [](const std::string&) { return true; });
  }

  const TestFolder folder_;
  const Checkpoint pico_;
};

bool any(const std::string&) { return true; }
bool is_copy(const std::string& name) { return name == "prompt_encoder.shared_embedding.positional_embedding"; }

TEST_F(TensorNames, official_ones_stay) {
  const NamedCheckpoint named = opened(with_prefix(""));
  EXPECT_EQ(named.renamed_as, "");
  expect_pico(named.checkpoint);
  EXPECT_EQ(named.checkpoint.tensors()[0].name, pico_.tensors()[0].name);
}

TEST_F(TensorNames, prefixes_are_taken_off) {
  for (const char* prefix :
       {"module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.model.", "sam2."}) {
    SCOPED_TRACE(prefix);
    const NamedCheckpoint named = opened(with_prefix(prefix));
    expect_pico(named.checkpoint);
    EXPECT_HOLDS(named.renamed_as, "names of tensors without \"");
    for (const char* part : {"module.", "_orig_mod.", "model."})
      EXPECT_EQ(holds(named.renamed_as, part), holds(prefix, part)) << named.renamed_as;
  }
  // torch.compile of a part, and the average of torch.optim.swa_utils, which counts beside the weights.
  expect_pico(opened(renamed([](std::string name) {
                if (name.starts_with("image_encoder.")) name.insert(14, "_orig_mod.");
                return name;
              })).checkpoint);
  std::vector<NamedTensor> averaged = with_prefix("module.");
  averaged.push_back({"n_averaged", read("image_encoder.neck.convs.0.conv.bias")});
  expect_pico(opened(averaged).checkpoint);
}

TEST_F(TensorNames, what_is_not_behind_the_prefix_is_named_as_unknown) {
  std::vector<NamedTensor> tensors = with_prefix("model.");
  tensors.push_back({"loss.weight", read("image_encoder.neck.convs.0.conv.bias")});
  const NamedCheckpoint named = opened(tensors);
  const ModelConfig config = read_config(kData + "pico/pico.yaml").value();
  EXPECT_HOLDS(check_tensors(config, tensor_specs(named.checkpoint)).to_string(), "1 unknown (loss.weight)");
}

TEST_F(TensorNames, two_models_in_one_are_named) {
  std::vector<NamedTensor> tensors = with_prefix("model.");
  for (NamedTensor& tensor : with_prefix("ema_model.")) tensors.push_back(std::move(tensor));
  EXPECT_HOLDS(error_of(tensors),
               "several models, by the prefixes of their names: \"ema_model.\" (399 tensors), "
               "\"model.\" (399 tensors)");
  tensors = renamed([](const std::string& name) { return name == "no_mem_embed" ? "_orig_mod." + name : name; });
  tensors.push_back({"no_mem_embed", read("no_mem_embed")});
  EXPECT_HOLDS(error_of(tensors), "the tensor no_mem_embed is there twice");
}

TEST_F(TensorNames, of_transformers) {
  for (const bool with_copy : {false, true})
    for (const char* prefix : {"", "model."}) {
      std::vector<NamedTensor> tensors =
          of_transformers([&](const std::string& name) { return with_copy || !is_copy(name); });
      for (NamedTensor& tensor : tensors) tensor.name.insert(0, prefix);
      const NamedCheckpoint named = opened(tensors);
      expect_pico(named.checkpoint);
      EXPECT_HOLDS(named.renamed_as, "those of Hugging Face's transformers");
    }
  std::vector<NamedTensor> differing = of_transformers(any);
  for (NamedTensor& tensor : differing)
    if (is_copy(tensor.name)) tensor.tensor.f32()[0] += 1;
  EXPECT_HOLDS(error_of(differing), "two tensors stand for sam_prompt_encoder.pe_layer");
}

// What Sam2Model has, which is without memory.
TEST_F(TensorNames, of_the_image_model_of_transformers) {
  std::set<std::string> image;
  for (const auto& name : YAML::LoadFile(kData + "transformers/image_names.json")) image.insert(name.as<std::string>());
  ASSERT_GT(image.size(), 200u);
  const NamedCheckpoint named = opened(of_transformers([&](const std::string& name) { return image.contains(name); }));
  expect_pico(named.checkpoint, [](const std::string& name) { return !is_for_video(name); });
}

// By name, and over every tensor of the eight models.
TEST(OfficialName, of_every_tensor_of_the_largest_model) {
  size_t count = 0;
  for (const auto& [name, official] : transformers_names()) {
    if (official.size() > 1) {
      EXPECT_EQ(official_name(name, 4), "sam_prompt_encoder.point_embed.weight");  // not an official one: it is cut
      continue;
    }
    EXPECT_EQ(official_name(name, 4), official[0]) << name;
    ++count;
  }
  EXPECT_GE(count, expected_tensors(*find_official_config("sam2.1_hiera_large")).size() - 4);
  EXPECT_EQ(official_name("memory_encoder.mask_downsampler.final_conv.bias", 2),
            "memory_encoder.mask_downsampler.encoder.6.bias");
}

TEST(OfficialName, of_nothing_else) {
  for (const char* name : {"", "image_encoder.trunk.pos_embed", "no_memory_embeddings", "x.no_memory_embedding",
                           "vision_encoder.neck.convs.", "vision_encoder.neck.convs.a.weight",
                           "memory_encoder.mask_downsampler.layers.99999999999999999999.conv.weight"})
    EXPECT_EQ(official_name(name, 4), std::nullopt) << name;
}

}  // namespace
}  // namespace samc
