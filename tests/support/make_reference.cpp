// samc_make_reference MODEL OUT.pt: the checkpoint with formula weights of a model whose names and shapes are known.
// MODEL is a name in tests/data/state_dicts, or the path of such a list.
// samc_make_reference calibration-images FOLDER: sixteen images to calibrate on, into a folder that is there.
// samc_make_reference pico-export FOLDER: pico as samexporter exports it, encoder.onnx and decoder.onnx.

#include <cstdio>

#include "base/files.h"
#include "tests/support/calibration_images.h"
#include "tests/support/hash_weights.h"
#include "tests/support/pico_export.h"

namespace {

samc::Status make(const std::string& model, const std::string& path) {
  if (model == "calibration-images") return samc::test::write_calibration_images(path);
  if (model == "pico-export") return samc::test::write_pico_export(path);
  std::vector<samc::test::NamedShape> shapes;
  if (model.ends_with(".json")) {
    SAMC_ASSIGN(const std::string text, samc::read_text_file(model, size_t{1} << 24));
    SAMC_ASSIGN(shapes, samc::test::parse_shape_list(text));
  } else {
    SAMC_ASSIGN(shapes, samc::test::load_shape_list(model));
  }
  return samc::test::write_hash_checkpoint(path, shapes);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::fprintf(stderr,
                 "usage: samc_make_reference MODEL|LIST.json OUT.pt, or calibration-images|pico-export FOLDER\n");
    return 2;
  }
  const samc::Status status = make(arguments[1], arguments[2]);
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "samc_make_reference: %s\n", status.to_string().c_str());
  return 1;
}
