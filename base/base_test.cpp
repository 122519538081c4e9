#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "base/cpu_features.h"
#include "base/dtype.h"
#include "base/files.h"
#include "base/status.h"
#include "base/tensor.h"
#include "base/test_folder.h"
#include "base/thread_pool.h"

namespace samc {
namespace {

class InFolder : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  TestFolder test_folder_;
  const std::filesystem::path& folder_ = test_folder_.root();
};

TEST(DType, every_f16_survives_the_round_trip) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      EXPECT_EQ(f32_to_f16(value), bits);
    }
  }
}

TEST(DType, rounding_is_to_nearest_even) {
  EXPECT_EQ(f32_to_bf16(1.0f), 0x3f80);
  EXPECT_EQ(f32_to_bf16(1.00390625f), 0x3f80);  // half way between 0x3f80 and 0x3f81
  EXPECT_EQ(f32_to_bf16(1.01171875f), 0x3f82);  // half way between 0x3f81 and 0x3f82
  EXPECT_EQ(f32_to_f16(65519.0f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);  // rounds up to infinity
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);  // half of the smallest subnormal
  EXPECT_EQ(f32_to_f16(1.5f * 0x1p-24f), 0x0002);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(Tensor, knows_its_shape_and_bytes) {
  Tensor tensor = Tensor::zeros({2, 3, 4});
  EXPECT_EQ(tensor.count(), 24);
  EXPECT_EQ(tensor.bytes(), 96);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
  tensor.reshape({6, 4});
  EXPECT_EQ(shape_to_string(tensor.shape()), "(6, 4)");
  EXPECT_DEATH(tensor.reshape({5}), "reshape");
}

TEST(TensorView, takes_a_shape_that_its_elements_fill_and_no_other) {
  const Tensor tensor = Tensor::zeros({2, 3});
  const TensorView view = tensor.view().with_shape({3, 2});
  EXPECT_EQ(view.shape, (Shape{3, 2}));
  EXPECT_EQ(view.data, tensor.data());
  EXPECT_DEATH((void)tensor.view().with_shape({3, 3}), "a view of \\(2, 3\\) read as \\(3, 3\\)");
}

TEST_F(InFolder, a_file_appears_only_when_it_is_whole) {
  {
    Result<FileWriter> writer = FileWriter::create(path("a"));
    ASSERT_TRUE(writer.is_ok());
    ASSERT_TRUE(writer.value().write(std::string("half")).is_ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  ASSERT_TRUE(write_file(path("a"), std::string("whole")).is_ok());
  EXPECT_EQ(read_text_file(path("a"), 100).value(), "whole");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(InFolder, interrupted_writing_leaves_nothing) {
  Result<FileWriter> writer = FileWriter::create(path("a"));
  ASSERT_TRUE(writer.is_ok());
  EXPECT_FALSE(std::filesystem::is_empty(folder_));
  remove_unfinished_files();
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(InFolder, a_full_disk_is_one_clear_line) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  std::filesystem::create_symlink("/dev/full", folder_ / "full");
  const Status full = write_file(path("full"), std::string("x"));
  EXPECT_EQ(full.code(), StatusCode::kIo);
  EXPECT_NE(full.to_string().find("the disk is full"), std::string::npos) << full.to_string();
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "full"));  // written in place, not replaced
  const Status absent = write_file(path("missing/folder/file"), std::string("x"));
  EXPECT_EQ(absent.code(), StatusCode::kIo);
  EXPECT_NE(absent.to_string().find("missing/folder/file"), std::string::npos);
}

TEST_F(InFolder, mapping_what_is_not_a_file_fails) {
  EXPECT_EQ(MappedFile::open(path("none")).status().code(), StatusCode::kIo);
  EXPECT_EQ(MappedFile::open(folder_.string()).status().code(), StatusCode::kInvalidInput);
  ASSERT_TRUE(write_file(path("empty"), std::string()).is_ok());
  EXPECT_EQ(MappedFile::open(path("empty")).value().bytes().size(), 0u);
}

TEST(ThreadPool, does_every_piece_once) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> counts(37);
      std::vector<std::atomic<int>> inside(static_cast<size_t>(threads));
      pool.run(37, [&](int64_t piece, int worker) {
        EXPECT_EQ(inside[static_cast<size_t>(worker)].fetch_add(1), 0);
        counts[static_cast<size_t>(piece)].fetch_add(1);
        inside[static_cast<size_t>(worker)].fetch_sub(1);
      });
      for (const auto& count : counts) EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST(CpuFeatures, a_forced_set_must_exist) {
  ASSERT_EQ(::setenv("SAMC_ISA", "scalar", 1), 0);
  EXPECT_EQ(choose_isa().value(), Isa::kScalar);
  ASSERT_EQ(::setenv("SAMC_ISA", "sse9", 1), 0);
  EXPECT_EQ(choose_isa().status().code(), StatusCode::kUsage);
  ::unsetenv("SAMC_ISA");
  EXPECT_TRUE(choose_isa().is_ok());
}

}  // namespace
}  // namespace samc
