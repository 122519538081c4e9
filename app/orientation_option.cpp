#include "app/orientation_option.h"

namespace samc {

void add_orientation_option(CLI::App& command, Orientation& orientation) {
  command.add_flag_callback(
      "--ignore-orientation", [&orientation] { orientation = Orientation::kAsStored; },
      "Take the image as its pixels are stored, not turned upright as its EXIF orientation asks");
}

}  // namespace samc
