#include "app/outputs.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/files.h"
#include "media/npz.h"
#include "media/overlay.h"
#include "media/rle.h"

namespace samc {
namespace {

// Several tensors of the same shape but for the first extent, one after the other.
Tensor concatenated(const std::vector<Prediction>& predictions, Tensor Prediction::*member) {
  const Tensor& first = predictions.front().*member;
  Shape shape = first.shape();
  shape[0] = static_cast<int64_t>(predictions.size());
  Tensor all(first.dtype(), shape);
  auto* target = static_cast<std::byte*>(all.data());
  for (const Prediction& prediction : predictions) {
    const Tensor& part = prediction.*member;
    SAMC_CHECK(part.bytes() == first.bytes(), "predictions of different shapes");
    std::memcpy(target, part.data(), static_cast<size_t>(part.bytes()));
    target += part.bytes();
  }
  return all;
}

}  // namespace

Status make_folder(const std::string& path) {
  if (path.empty()) return Status::ok();
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return io_error(fmt::format("cannot make the folder {}: {}", path, error.message()));
  return Status::ok();
}

Status make_folders(const std::vector<std::string>& folders, const std::vector<std::string>& names) {
  for (const std::string& folder : folders) {
    if (folder.empty()) continue;
    SAMC_TRY(make_folder(folder));
    for (const std::string& name : names)
      if (const std::filesystem::path inner = std::filesystem::path(name).parent_path(); !inner.empty())
        SAMC_TRY(make_folder((folder / inner).string()));
  }
  return Status::ok();
}

Status write_json(const std::string& path, const nlohmann::ordered_json& document) {
  // Paths may hold bytes that are no UTF-8, which JSON cannot.
  const std::string text = fmt::format("{}\n", document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (path != "-") return write_file(path, text);
  std::cout << text;
  return Status::ok();
}

std::string mask_path(const OutputPaths& paths, const Job& job, size_t prompt, size_t mask) {
  return (std::filesystem::path(paths.masks_dir) / fmt::format("{}_prompt{}_mask{}.png", job.stem, prompt, mask))
      .string();
}

PictureOutputs::PictureOutputs(const Job& job, const OutputPaths& paths, Image* picture, int64_t width, int64_t height)
    : job_(job), paths_(paths), picture_(picture), width_(width), height_(height) {}

Status PictureOutputs::add(size_t prompt, Prediction prediction) {
  const size_t masks = static_cast<size_t>(prediction.iou_predictions.count());
  const size_t pixels = static_cast<size_t>(width_ * height_);
  const std::span<const uint8_t> all = std::as_const(prediction.masks).as<uint8_t>();
  const std::span<const float> scores = std::as_const(prediction.iou_predictions).f32();
  const size_t best = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  for (size_t m = 0; m < masks; ++m) {
    const std::span<const uint8_t> mask = all.subspan(m * pixels, pixels);
    const Rle rle = encode_rle(mask, static_cast<int>(height_), static_cast<int>(width_));
    if (paths_.json)
      entries.push_back({{"segmentation", {{"size", {height_, width_}}, {"counts", compress_rle(rle)}}},
                         {"area", rle_area(rle)},
                         {"bbox", rle_box(rle)},
                         {"predicted_iou", scores[m]}});
    summary_ += fmt::format("  prompt {} mask {}: score {:.4f}, {} pixels{}\n", prompt, m, scores[m], rle_area(rle),
                            masks > 1 && m == best ? ", best" : "");
    if (!paths_.masks_dir.empty()) {
      std::vector<uint8_t> grey(pixels);
      for (size_t i = 0; i < pixels; ++i) grey[i] = mask[i] != 0 ? 255 : 0;
      SAMC_TRY(write_png_grey(mask_path(paths_, job_, prompt, m), static_cast<int>(width_), static_cast<int>(height_),
                              grey));
    }
  }
  if (paths_.json) json_.push_back({{"best", best}, {"masks", std::move(entries)}});
  if (!paths_.overlay.empty()) {
    const OverlayMask mask{all.subspan(best * pixels, pixels), static_cast<int>(prompt)};
    draw_overlay(*picture_, std::span(&mask, 1), {}, {});
  }
  if (!paths_.npz.empty()) kept_.push_back(std::move(prediction));
  return Status::ok();
}

Status PictureOutputs::finish() {
  if (!paths_.npz.empty()) SAMC_TRY(write_npz_file());
  if (paths_.overlay.empty()) return Status::ok();
  const float scale_x = job_.normalized ? static_cast<float>(width_) : 1,
              scale_y = job_.normalized ? static_cast<float>(height_) : 1;
  std::vector<OverlayBox> boxes;
  std::vector<OverlayPoint> points;
  for (size_t i = 0; i < job_.prompts.size(); ++i) {
    const Prompt& prompt = job_.prompts[i];
    const auto at = [](double value, float scale) { return static_cast<float>(value) * scale; };
    if (const auto& box = prompt.box)
      boxes.push_back({at((*box)[0], scale_x), at((*box)[1], scale_y), at((*box)[2], scale_x), at((*box)[3], scale_y),
                       static_cast<int>(i)});
    for (const PromptPoint& point : prompt.points)
      points.push_back({at(point.x, scale_x), at(point.y, scale_y), point.positive});
  }
  draw_overlay(*picture_, {}, boxes, points);
  return write_png(paths_.overlay, *picture_);
}

Status PictureOutputs::write_npz_file() {
  const Tensor logits = concatenated(kept_, &Prediction::low_res_logits);
  const Tensor scores = concatenated(kept_, &Prediction::iou_predictions);
  const Tensor masks = concatenated(kept_, &Prediction::masks);
  const std::pair<std::string, TensorView> arrays[] = {
      {"low_res_logits", logits.view()}, {"iou_predictions", scores.view()}, {"masks", masks.view()}};
  return write_npz(paths_.npz, arrays);
}

}  // namespace samc
