#pragma once
// What the files that belong to an image are called.

#include <string>
#include <vector>

namespace samc {

// For each image a name without ending, none of which is another's: the image's own, "truck" for x/truck.jpg. Where
// images of different folders have one name, every name has the image's folder before it, as seen from the folder that
// holds them all: "clip1/0001" and "clip2/0001". Of two images in one folder (a.jpg, a.png) the second keeps its
// ending: "a.png"; an image that is given again is numbered: "a.jpg.2".
std::vector<std::string> output_names(const std::vector<std::string>& images);

}  // namespace samc
