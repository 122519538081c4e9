#pragma once
// Numbers of the .samc file format; docs/samc_format.md is the specification.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "package/plan.h"

namespace samc {

// As PNG's: a byte that 7-bit transfers break, a name, and line ends that text mode would change.
constexpr std::array<unsigned char, 8> kModuleMagic = {0x89, 'S', 'A', 'M', 'C', '\r', '\n', 0x1a};
constexpr uint32_t kModuleVersion = 4;
constexpr uint64_t kSectionAlignment = 64;
constexpr uint64_t kChecksumBlock = uint64_t{1} << 20;

enum class SectionKind : uint32_t { kInfo = 1, kFunctions = 2, kWeightTable = 3, kBlockChecksums = 4, kWeights = 5 };
constexpr std::array<SectionKind, 5> kSectionOrder = {SectionKind::kInfo, SectionKind::kFunctions,
                                                      SectionKind::kWeightTable, SectionKind::kBlockChecksums,
                                                      SectionKind::kWeights};
constexpr std::array<const char*, 5> kSectionNames = {"info", "functions", "weight table", "block checksums",
                                                      "weights"};

struct ModuleHeader {
  std::array<unsigned char, 8> magic;
  uint32_t version;
  uint32_t section_count;
  uint64_t file_bytes;
  uint64_t checksum;  // XXH3-64 of header and section table, this field taken as 0
};
struct SectionEntry {
  uint32_t kind;
  uint32_t reserved;
  uint64_t offset;
  uint64_t bytes;
  uint64_t checksum;  // XXH3-64 of the section; 0 for the weights, which have one checksum for each block
};
static_assert(sizeof(ModuleHeader) == 32 && sizeof(SectionEntry) == 32);
static_assert(std::endian::native == std::endian::little, "the file is little-endian and mapped as it is");

// The file stores these enums by number, so their order is part of the format.
static_assert(static_cast<int>(DType::kF32) == 0 && static_cast<int>(DType::kF16) == 1 &&
              static_cast<int>(DType::kBF16) == 2 && static_cast<int>(DType::kF64) == 3 &&
              static_cast<int>(DType::kI64) == 4 && static_cast<int>(DType::kI32) == 5 &&
              static_cast<int>(DType::kI16) == 6 && static_cast<int>(DType::kI8) == 7 &&
              static_cast<int>(DType::kU8) == 8 && static_cast<int>(DType::kBool) == 9);
constexpr uint8_t kDTypeCount = 10;
static_assert(static_cast<int>(Place::kInput) == 0 && static_cast<int>(Place::kOutput) == 1 &&
              static_cast<int>(Place::kWeight) == 2 && static_cast<int>(Place::kArena) == 3 &&
              static_cast<int>(Place::kAlias) == 4);
constexpr uint8_t kPlaceCount = 5;
static_assert(static_cast<int>(Precision::kF32) == 0 && static_cast<int>(Precision::kBf16) == 1 &&
              static_cast<int>(Precision::kInt8) == 2);
constexpr uint8_t kPrecisionCount = 3;
static_assert(static_cast<int>(WeightLayout::kPlain) == 0 && static_cast<int>(WeightLayout::kPackedKByN) == 1 &&
              static_cast<int>(WeightLayout::kPackedIhwByO) == 2 &&
              static_cast<int>(WeightLayout::kPackedHwiByO) == 3 &&
              static_cast<int>(WeightLayout::kPackedIByHwo) == 4 && static_cast<int>(WeightLayout::kHwc) == 5);
constexpr uint8_t kWeightLayoutCount = 6;

constexpr uint64_t align_section(uint64_t position) {
  return (position + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

}  // namespace samc
