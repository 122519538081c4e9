#include "tests/support/hash_weights.h"

#include <gtest/gtest.h>

#include <cstring>

#include "checkpoint/checkpoint.h"

namespace samc::test {
namespace {

// pico.pt was written by PyTorch from the formula's first implementation, in NumPy.
TEST(HashWeights, equal_picos_checkpoint_bit_for_bit) {
  const auto checkpoint = Checkpoint::open(SAMC_SOURCE_DIR "/tests/data/pico/pico.pt");
  ASSERT_TRUE(checkpoint.is_ok()) << checkpoint.status().to_string();
  const auto shapes = load_shape_list("pico");
  ASSERT_TRUE(shapes.is_ok()) << shapes.status().to_string();
  ASSERT_EQ(checkpoint.value().tensors().size(), shapes.value().size());
  for (const NamedShape& item : shapes.value()) {
    const CheckpointTensor* stored = checkpoint.value().find(item.name);
    ASSERT_NE(stored, nullptr) << item.name;
    ASSERT_EQ(stored->shape, item.shape) << item.name;
    const auto read = checkpoint.value().read_f32(*stored);
    ASSERT_TRUE(read.is_ok()) << read.status().to_string();
    const Tensor made = hash_weights(item.name, item.shape);
    EXPECT_EQ(std::memcmp(made.data(), read.value().data(), static_cast<size_t>(made.bytes())), 0) << item.name;
  }
}

TEST(HashWeights, a_list_that_is_not_one_is_an_error) {
  for (const char* text : {"", "[]", "{", "{\"a\"", "{\"a\": 1}", "{\"a\": [1}", "{\"a\": [1] \"b\": [2]}"})
    EXPECT_FALSE(parse_shape_list(text).is_ok()) << text;
  EXPECT_FALSE(load_shape_list("no_such_model").is_ok());
}

}  // namespace
}  // namespace samc::test
