#pragma once
// Where the masks of `samc everything` go: an overlay, a PNG for each mask, and one list for all images in the form of
// COCO's results.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "media/image.h"
#include "runtime/automatic_masks.h"

namespace samc {

// An image's number in COCO: its file's name where that is a number, else the name.
nlohmann::ordered_json image_id_of(const std::string& name);
nlohmann::ordered_json result_entry(const std::string& image_name, const AutomaticMask& mask, const Rle& runs);

// The runs of a mask in form kUncompressedRle.
const Rle& runs_of(const AutomaticMask& mask);

// All masks in colours, the small ones over the large ones.
void draw_masks(Image& image, const std::vector<AutomaticMask>& masks);

// NAME_maskN.png in the folder.
std::string mask_png_path(const std::string& folder, const std::string& name, size_t mask);
Status write_mask_pngs(const std::string& folder, const std::string& name, const std::vector<AutomaticMask>& masks);

}  // namespace samc
