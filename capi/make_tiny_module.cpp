// make_tiny_module MODULE.samc IMAGE.png: the model of runtime/testing_models.h as a file, and an image for it.

#include <cstdio>

#include "media/image.h"
#include "package/writer.h"
#include "runtime/testing_models.h"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  samc::Image image(24, 20);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i * 7);
  for (const samc::Status& status :
       {samc::write_module(samc::tiny_model_in_parts(), arguments[1]), samc::write_png(arguments[2], image)}) {
    if (status.is_ok()) continue;
    std::fprintf(stderr, "make_tiny_module: %s\n", status.to_string().c_str());
    return 1;
  }
  return 0;
}
