#pragma once
// f32 as the types that a bmodel's inputs and outputs have, and back. Integers are rounded and clamped.

#include <cstddef>
#include <span>

namespace samc::sophgo {

// type: BmType, one that bm_type_bytes() knows. bytes: as many as the values take in it.
void write_bmodel_values(std::span<const float> values, int type, std::span<std::byte> bytes);
void read_bmodel_values(std::span<const std::byte> bytes, int type, std::span<float> values);

}  // namespace samc::sophgo
