#include "eval/vos_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>

#include "base/files.h"
#include "base/guard.h"
#include "base/natural_order.h"
#include "base/quote.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string& name, std::initializer_list<std::string_view> endings) {
  std::string ending = fs::path(name).extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::ranges::find(endings, ending) != endings.end();
}

struct Listing {
  std::vector<std::string> folders, files;  // names in natural order; hidden ones are left out
};

Result<Listing> list(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;
    (entries->is_directory(ignored) ? listing.folders : listing.files).push_back(name);
  }
  if (error) return io_error(fmt::format("cannot read the folder {}: {}", folder.string(), error.message()));
  std::ranges::sort(listing.folders, comes_before);
  std::ranges::sort(listing.files, comes_before);
  return listing;
}

// The first of the names that is a folder in the root, and 480p in it where that is one.
std::optional<fs::path> find_part(const fs::path& root, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const fs::path folder = root / name;
    if (!is_folder(folder.string())) continue;
    const fs::path resolution = folder / "480p";
    return is_folder(resolution.string()) ? resolution : folder;
  }
  return std::nullopt;
}

Result<VosAnnotations> annotations_in(const fs::path& root, const std::string& folder,
                                      const std::vector<std::string>& files) {
  VosAnnotations annotations;
  annotations.folder = folder;
  for (const std::string& file : files)
    if (ends_with(file, {".png"})) annotations.frames.push_back(fs::path(file).stem().string());
  if (annotations.frames.empty()) return invalid_input(fmt::format("no PNG in {}", (root / folder).string()));
  return annotations;
}

Result<int> object_number(const std::string& folder, const std::string& where) {
  int number = 0;
  const char* end = folder.data() + folder.size();
  const auto [stop, error] = std::from_chars(folder.data(), end, number);
  if (error != std::errc() || stop != end || number < 0)
    return invalid_input(
        fmt::format("{} holds the folder {}, and folders of objects are called by number", where, quote(folder)),
        "000, 001, ...; or PNGs of all objects without folders");
  return number;
}

Result<VosSequence> open_sequence(const fs::path& annotation_root, const std::optional<fs::path>& image_root,
                                  const std::string& name) {
  VosSequence sequence;
  sequence.name = name;
  SAMC_ASSIGN(const Listing found, list(annotation_root / name));
  const bool has_images = std::ranges::any_of(found.files, [](const auto& file) { return ends_with(file, {".png"}); });
  if (has_images || found.folders.empty()) {
    SAMC_ASSIGN(VosAnnotations annotations, annotations_in(annotation_root, name, found.files));
    sequence.annotations.push_back(std::move(annotations));
  } else {
    for (const std::string& object : found.folders) {
      SAMC_ASSIGN(const int number, object_number(object, (annotation_root / name).string()));
      const std::string folder = (fs::path(name) / object).string();
      SAMC_ASSIGN(const Listing inside, list(annotation_root / folder));
      SAMC_ASSIGN(VosAnnotations annotations, annotations_in(annotation_root, folder, inside.files));
      annotations.object = number;
      sequence.annotations.push_back(std::move(annotations));
    }
  }
  if (!image_root || !is_folder((*image_root / name).string())) return sequence;
  sequence.image_folder = (*image_root / name).string();
  SAMC_ASSIGN(const Listing images, list(sequence.image_folder));
  for (const std::string& file : images.files)
    if (ends_with(file, {".jpg", ".jpeg", ".png"})) sequence.images.push_back(file);
  return sequence;
}

Result<VosDataset> open_unguarded(const std::string& root, std::span<const std::string> names) {
  if (!is_folder(root)) return io_error(fmt::format("{} is no folder", root));
  const std::optional<fs::path> annotations = find_part(root, {"Annotations", "Annotations_6fps"});
  if (!annotations)
    return invalid_input(fmt::format("{} holds no folder Annotations", root),
                         "the data set is laid out as DAVIS or SA-V: docs/eval.md");
  const std::optional<fs::path> images = find_part(root, {"JPEGImages", "JPEGImages_24fps"});
  SAMC_ASSIGN(const Listing found, list(*annotations));
  if (found.folders.empty())
    return invalid_input(fmt::format("no sequences in {}", annotations->string()), "each is a folder of PNGs there");
  VosDataset dataset;
  dataset.annotation_root = annotations->string();
  for (const std::string& name : names.empty() ? std::span<const std::string>(found.folders) : names) {
    if (std::ranges::find(found.folders, name) == found.folders.end())
      return invalid_input(fmt::format("no sequence {} in {}", quote(name), annotations->string()));
    SAMC_ASSIGN(VosSequence sequence, open_sequence(*annotations, images, name));
    dataset.sequences.push_back(std::move(sequence));
  }
  return dataset;
}

}  // namespace

Result<VosDataset> open_vos_dataset(const std::string& root, std::span<const std::string> names) {
  return guarded([&] { return open_unguarded(root, names); });
}

std::string label_path(const std::string& root, const VosAnnotations& annotations, const std::string& frame) {
  return (fs::path(root) / annotations.folder / fmt::format("{}.png", frame)).string();
}

Result<PaletteImage> read_labels(const std::string& root, const VosAnnotations& annotations, const std::string& frame) {
  const std::string path = label_path(root, annotations, frame);
  SAMC_ASSIGN(PaletteImage image, read_palette_png(path));
  if (!annotations.object) return image;
  uint8_t number = 0;
  for (uint8_t& label : image.indices) {
    if (label == 0) continue;
    if (number != 0 && label != number)
      return invalid_input(
          fmt::format("{} holds the numbers {} and {}, and a folder of one object has one", path, number, label));
    number = label;
    label = 1;
  }
  return image;
}

}  // namespace samc
