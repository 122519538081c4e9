#include "app/everything_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <numeric>

#include "media/overlay.h"
#include "media/rle.h"

namespace samc {

nlohmann::ordered_json image_id_of(const std::string& name) {
  int64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, number);
  if (error == std::errc() && stop == end && number >= 0) return number;
  return name;
}

const Rle& runs_of(const AutomaticMask& mask) {
  const Rle* runs = std::get_if<Rle>(&mask.segmentation);
  SAMC_CHECK(runs != nullptr, "a mask in another form");
  return *runs;
}

nlohmann::ordered_json result_entry(const std::string& image_name, const AutomaticMask& mask, const Rle& runs) {
  constexpr int kAnything = 1;  // COCO wants a category, and what it is of is not known
  return {{"image_id", image_id_of(image_name)},
          {"category_id", kAnything},
          {"segmentation", {{"size", {runs.height, runs.width}}, {"counts", compress_rle(runs)}}},
          {"area", mask.area},
          {"bbox", rle_box(runs)},
          {"score", mask.predicted_iou},
          {"stability_score", mask.stability_score},
          {"point_coords", {{mask.point_coords[0], mask.point_coords[1]}}},
          {"crop_box", mask.crop_box}};
}

void draw_masks(Image& image, const std::vector<AutomaticMask>& masks) {
  std::vector<size_t> order(masks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return masks[a].area > masks[b].area; });
  for (size_t place = 0; place < order.size(); ++place) {
    const std::vector<uint8_t> pixels = decode_rle(runs_of(masks[order[place]]));
    const OverlayMask mask{pixels, static_cast<int>(place)};
    draw_overlay(image, std::span(&mask, 1), {}, {});
  }
}

std::string mask_png_path(const std::string& folder, const std::string& name, size_t mask) {
  return (std::filesystem::path(folder) / fmt::format("{}_mask{}.png", name, mask)).string();
}

Status write_mask_pngs(const std::string& folder, const std::string& name, const std::vector<AutomaticMask>& masks) {
  for (size_t number = 0; number < masks.size(); ++number) {
    const Rle& runs = runs_of(masks[number]);
    std::vector<uint8_t> pixels = decode_rle(runs);
    for (uint8_t& pixel : pixels) pixel = pixel != 0 ? 255 : 0;
    SAMC_TRY(write_png_grey(mask_png_path(folder, name, number), runs.width, runs.height, pixels));
  }
  return Status::ok();
}

}  // namespace samc
