#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "base/cpu_detection.h"
#include "base/cpu_features.h"
#include "base/cpu_precision.h"
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

TEST(TensorView, knows_whether_its_numbers_are_finite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Tensor f32 = Tensor::zeros({2, 3});
  f32.f32()[4] = std::numeric_limits<float>::max();
  EXPECT_TRUE(is_finite(f32));
  EXPECT_EQ(first_non_finite(f32.f32()), nullptr);
  f32.f32()[5] = -kInfinity;
  EXPECT_FALSE(is_finite(f32.view()));
  EXPECT_STREQ(first_non_finite(f32.f32()), "an infinite value");
  f32.f32()[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_STREQ(first_non_finite(f32.f32()), "NaN");
  EXPECT_TRUE(is_finite(Tensor({0})));

  Tensor bf16(DType::kBF16, {2});
  bf16.as<uint16_t>()[0] = f32_to_bf16(-1.5f);
  bf16.as<uint16_t>()[1] = f32_to_bf16(0);
  EXPECT_TRUE(is_finite(bf16));
  bf16.as<uint16_t>()[1] = f32_to_bf16(kInfinity);
  EXPECT_FALSE(is_finite(bf16));
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

// Its threads are not in the child, which neither waits for them in run() nor at the pool's end.
TEST(ThreadPool, works_in_a_forked_child) {
  auto pool = std::make_unique<ThreadPool>(3);
  std::atomic<int64_t> sum{0};
  const auto add = [&](int64_t piece, int) { sum.fetch_add(piece); };
  pool->run(100, add);
  const pid_t child = ::fork();
  if (child == 0) {
    sum = 0;
    pool->run(100, add);
    pool.reset();
    ThreadPool(1).run(1, add);
    ::_exit(sum == 4950 ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  sum = 0;
  pool->run(100, add);
  EXPECT_EQ(sum, 4950);
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

TEST(ThreadPool, its_watcher_hears_of_each_worker_that_did_something) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::vector<int> pieces(static_cast<size_t>(threads)), calls(static_cast<size_t>(threads));
    const auto start = std::chrono::steady_clock::now();
    pool.watch([&](int worker, std::chrono::steady_clock::time_point begin) {
      EXPECT_LE(start, begin);
      EXPECT_GT(pieces[static_cast<size_t>(worker)], 0);
      ++calls[static_cast<size_t>(worker)];
    });
    pool.run(50, [&](int64_t, int worker) { ++pieces[static_cast<size_t>(worker)]; });
    for (size_t worker = 0; worker < calls.size(); ++worker) EXPECT_EQ(calls[worker], pieces[worker] > 0 ? 1 : 0);
    const std::vector<int> before = calls;
    pool.watch({});
    pool.run(50, [](int64_t, int) {});
    EXPECT_EQ(calls, before);
  }
}

TEST(CpuFeatures, a_forced_set_must_exist) {
  ASSERT_EQ(::setenv("SAMC_ISA", "scalar", 1), 0);
  EXPECT_EQ(choose_isa().value(), kScalarIsa);
  ASSERT_EQ(::setenv("SAMC_ISA", "sse9", 1), 0);
  EXPECT_EQ(choose_isa().status().code(), StatusCode::kUsage);
  EXPECT_NE(choose_isa().status().to_string().find(
                "use scalar, avx2, avx512, avx512_vnni, avx512_bf16, amx, neon or neon_i8mm"),
            std::string::npos);
  for (const Isa& isa : known_isas()) {
    ASSERT_EQ(::setenv("SAMC_ISA", isa.name, 1), 0);
    const Result<Isa> chosen = choose_isa();
    ASSERT_EQ(chosen.is_ok(), isa_available(isa)) << isa.name;
    if (chosen.is_ok()) {
      EXPECT_EQ(chosen.value(), isa);  // and nothing beyond
      EXPECT_STREQ(chosen.value().name, isa.name);
    } else {
      EXPECT_EQ(chosen.status().code(), StatusCode::kUnsupported);
    }
  }
  ::unsetenv("SAMC_ISA");
  EXPECT_EQ(choose_isa().value().features, cpu_features());
}

// Plain code in bf16 is far slower than f32: it must be asked for.
TEST(CpuFeatures, bf16_needs_its_instructions) {
  ::unsetenv("SAMC_ISA");
  EXPECT_TRUE(can_compute(Precision::kF32, kScalarIsa).is_ok());
  EXPECT_TRUE(can_compute(Precision::kBf16, kAvx512Bf16Isa).is_ok());
  EXPECT_TRUE(can_compute(Precision::kBf16, kAmxIsa).is_ok());
  for (const Isa& isa : {kScalarIsa, kAvx2Isa, kAvx512Isa}) {
    const Status status = can_compute(Precision::kBf16, isa);
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << isa.name;
    EXPECT_NE(status.message().find("no bf16 arithmetic (avx512_bf16)"), std::string::npos) << status.to_string();
    EXPECT_NE(status.hint().find("--precision f32"), std::string::npos) << status.to_string();
  }
  ASSERT_EQ(::setenv("SAMC_ISA", "scalar", 1), 0);
  EXPECT_TRUE(can_compute(Precision::kBf16, choose_isa().value()).is_ok());
  EXPECT_TRUE(can_compute(Precision::kInt8, choose_isa().value()).is_ok());
  ::unsetenv("SAMC_ISA");
}

// A machine that has all of x86-64.
X64Identity complete() { return {~0u, ~0u, ~0u, ~0u, ~0u, ~uint64_t{0}, true}; }

TEST(CpuFeatures, x64_needs_the_processor_and_the_operating_system) {
  EXPECT_EQ(x64_features({}).to_string(), "scalar");
  EXPECT_EQ(x64_features(complete()).to_string(), "avx512+vnni+bf16+avx_vnni+amx+amx_int8+amx_bf16");
  X64Identity identity = complete();
  identity.saved_state = 0x7;  // nothing beyond ymm
  EXPECT_EQ(x64_features(identity).to_string(), "avx2+avx_vnni");
  identity.saved_state = 0xe7;  // no tiles
  EXPECT_EQ(x64_features(identity).to_string(), "avx512+vnni+bf16+avx_vnni");
  identity.saved_state = 0x1;
  EXPECT_EQ(x64_features(identity), CpuFeatures());
  identity = complete();
  identity.leaf1_ecx &= ~(1u << 27);  // no xgetbv, so what it said is not known
  EXPECT_EQ(x64_features(identity), CpuFeatures());
  identity = complete();
  identity.tiles_permitted = false;
  EXPECT_FALSE(x64_features(identity).has(CpuFeature::kAmxTile));
  EXPECT_FALSE(x64_features(identity).has(CpuFeature::kAmxBf16));
  EXPECT_TRUE(x64_features(identity).has(CpuFeature::kAvx512));
  for (const unsigned bit : {16u, 17u, 30u, 31u}) {  // AVX-512 is all four of F, DQ, BW and VL
    identity = complete();
    identity.leaf7_ebx &= ~(1u << bit);
    EXPECT_FALSE(x64_features(identity).has(CpuFeature::kAvx512));
    EXPECT_FALSE(x64_features(identity).has(CpuFeature::kAvx512Bf16));
    EXPECT_TRUE(x64_features(identity).has(CpuFeature::kAvx2));
  }
  for (const unsigned bit : {12u, 28u, 29u}) {  // FMA, AVX, F16C
    identity = complete();
    identity.leaf1_ecx &= ~(1u << bit);
    EXPECT_EQ(x64_features(identity), CpuFeatures());
  }
}

TEST(CpuFeatures, arm64_goes_by_capabilities) {
  EXPECT_EQ(arm64_features(0, ~uint64_t{0}), CpuFeatures());
  EXPECT_EQ(arm64_features(2, 0).to_string(), "neon");
  EXPECT_EQ(arm64_features(2 | 1 << 20, 1 << 13 | 1 << 14).to_string(), "neon+dotprod+i8mm+bf16");
}

TEST(CpuFeatures, sets_have_their_names) {
  for (const Isa& isa : known_isas()) EXPECT_EQ(isa_name(isa.features), isa.name);
  EXPECT_EQ(isa_name({CpuFeature::kAvx2, CpuFeature::kAvxVnni}), "avx2+avx_vnni");
}

#if defined(__x86_64__)
// A second opinion on what we read from cpuid ourselves.
TEST(CpuFeatures, agree_with_the_compilers) {
  __builtin_cpu_init();
  EXPECT_EQ(cpu_features().has(CpuFeature::kAvx2), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  EXPECT_EQ(cpu_features().has(CpuFeature::kAvx512),
            __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
  EXPECT_EQ(cpu_features().has(CpuFeature::kAvx512Vnni), __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ(cpu_features().has(CpuFeature::kAvx512Bf16), __builtin_cpu_supports("avx512bf16") != 0);
}
#endif

}  // namespace
}  // namespace samc
