#pragma once
// NumPy's .npz: a zip archive of .npy files, stored or deflated.

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "media/npy.h"

namespace samc {

// All arrays of an archive, in its order, checked against their CRC.
class Npz {
 public:
  // most_bytes: of all arrays together, inflated. A few MB of file may hold 4 GB of zeros.
  static Result<Npz> read(const std::string& path, int64_t most_bytes = kMostArrayBytes);
  static Result<Npz> parse(std::span<const std::byte> bytes, int64_t most_bytes = kMostArrayBytes);

  const std::vector<std::pair<std::string, Tensor>>& arrays() const { return arrays_; }
  // Null when there is no such array.
  const Tensor* find(const std::string& name) const;
  // An error that names the missing key and some of those that are there.
  Result<const Tensor*> get(const std::string& name) const;

 private:
  static Result<Npz> parse_unguarded(std::span<const std::byte> bytes, int64_t most_bytes);

  std::string path_ = "npz";
  std::vector<std::pair<std::string, Tensor>> arrays_;
};

enum class NpzCompression { kStored, kDeflated };

// names without ".npy", unique. Equal arrays give equal bytes (no time stamps).
Status write_npz(const std::string& path, std::span<const std::pair<std::string, TensorView>> arrays,
                 NpzCompression compression = NpzCompression::kDeflated);

}  // namespace samc
