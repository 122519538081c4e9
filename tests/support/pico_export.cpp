#include "tests/support/pico_export.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "base/files.h"
#include "tests/support/hash_weights.h"

namespace samc::test {
namespace {

const std::string kExport = SAMC_SOURCE_DIR "/tests/data/pico/onnx/";

Shape parse_shape(const std::string& text) {
  Shape shape;
  std::stringstream stream(text);
  for (std::string extent; std::getline(stream, extent, 'x');) shape.push_back(std::stoll(extent));
  return shape;
}

}  // namespace

Status write_pico_export(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::map<std::string, std::vector<float>> files;
  std::ifstream list(kExport + "weights.txt");
  std::string file, how, source, extents;
  for (size_t offset = 0; list >> file >> offset >> how >> source >> extents;) {
    const Shape shape = parse_shape(extents);
    const Tensor tensor = hash_weights(source, shape);
    std::vector<float>& data = files[file];
    const size_t start = offset / sizeof(float);
    const size_t count = static_cast<size_t>(tensor.count());
    data.resize(std::max(data.size(), start + count));
    const size_t columns = how == "transpose" ? static_cast<size_t>(shape[1]) : 1;
    const size_t rows = count / columns;
    for (size_t i = 0; i < count; ++i) data[start + i % columns * rows + i / columns] = tensor.f32()[i];
  }
  if (files.empty()) return io_error("cannot read " + kExport + "weights.txt");
  for (const auto& [name, data] : files)
    SAMC_TRY(write_file(folder + "/" + name, data.data(), data.size() * sizeof(float)));
  for (const char* name : {"encoder.onnx", "decoder.onnx"}) {
    std::filesystem::copy_file(kExport + name, folder + "/" + name, std::filesystem::copy_options::overwrite_existing,
                               error);
    if (error) return io_error(fmt::format("cannot copy {} to {}: {}", name, folder, error.message()));
  }
  return Status::ok();
}

}  // namespace samc::test
