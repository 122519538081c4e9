// Any bytes as a Top-dialect .mlir: text, a zero byte, and the weights' .npz.

#include <algorithm>
#include <cstdint>
#include <span>

#include "ir/top_dialect.h"
#include "targets/sophgo/text/foreign_ops.h"
#include "targets/sophgo/text/read_top.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint8_t* const end = data + size;
  const uint8_t* const zero = std::find(data, end, uint8_t{0});
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  samc::load_dialects(context);
  context.allowUnregisteredDialects();
  const auto read = samc::sophgo::parse_top_module(std::string(data, zero), "fuzz.mlir", context);
  if (!read.is_ok()) return 0;
  samc::sophgo::foreign_names(*read.value().module);
  const std::span<const uint8_t> archive(zero == end ? zero : zero + 1, end);
  const samc::Result<samc::Npz> npz = samc::Npz::parse(std::as_bytes(archive));
  samc::WeightStore weights;
  if (npz.is_ok()) static_cast<void>(samc::sophgo::add_weights(npz.value(), *read.value().module, weights));
  return 0;
}
