#include "app/jobs.h"

#include <sys/stat.h>

#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "app/image_list.h"
#include "app/output_names.h"
#include "media/npy.h"
#include "media/npz.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

// Comma-separated finite numbers, and nothing else.
bool parse_numbers(std::string_view text, std::vector<double>& numbers) {
  while (true) {
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) return false;
    numbers.push_back(value);
    text.remove_prefix(static_cast<size_t>(stop - text.data()));
    if (text.empty()) return true;
    if (text.front() != ',') return false;
    text.remove_prefix(1);
  }
}

Result<std::vector<Prompt>> prompts_of(const PromptArguments& arguments) {
  std::vector<PromptPoint> points;
  for (const std::string& text : arguments.points) {
    SAMC_ASSIGN(const PromptPoint point, parse_point(text));
    points.push_back(point);
  }
  std::vector<Prompt> prompts;
  for (const std::string& text : arguments.boxes) {
    SAMC_ASSIGN(const auto box, parse_box(text));
    prompts.push_back({{}, box, arguments.mask_input});
  }
  if (prompts.size() > 1 && !points.empty())
    return usage_error("points beside several boxes: it is not clear which box they belong to",
                       "give each object's points and box in a file, with --prompts");
  if (prompts.empty()) prompts.push_back({{}, {}, arguments.mask_input});
  prompts.front().points = std::move(points);
  if (prompts.size() == 1 && prompts[0].points.empty() && !prompts[0].box && prompts[0].mask_input.empty())
    return usage_error("no prompt", "give --point, --box, --mask-input or --prompts");
  return prompts;
}

Job job_of(PicturePrompts entry, const std::string& image, const fs::path& folder, const PromptArguments& arguments) {
  for (Prompt& prompt : entry.prompts)
    if (!prompt.mask_input.empty()) prompt.mask_input = (folder / prompt.mask_input).string();
  return {image,
          {},
          std::move(entry.prompts),
          entry.multimask.value_or(arguments.multimask),
          entry.normalized.value_or(arguments.normalized),
          std::move(entry.fault)};
}

// What --save-npz wrote, where its masks are those of so many prompts.
Result<Tensor> read_saved_logits(const std::string& path, size_t prompts) {
  constexpr const char* kLogits = "low_res_logits";
  SAMC_ASSIGN(const Npz npz, Npz::read(path));
  SAMC_ASSIGN(const Tensor* logits, npz.get(kLogits));
  const Shape& shape = logits->shape();
  if (shape.size() == 4 && (shape[1] != 1 || (shape[0] != 1 && shape[0] != static_cast<int64_t>(prompts))))
    return invalid_input(fmt::format("{}: {} holds {} x {} masks (prompts x masks), and a prompt takes one", path,
                                     kLogits, shape[0], shape[1]),
                         fmt::format("make it with --single, or choose one in Python: "
                                     "numpy.save('mask.npy', numpy.load('{}')['{}'][PROMPT, MASK])",
                                     fs::path(path).filename().string(), kLogits));
  return Tensor::copy_of(logits->view());
}

Job faulty_job(const std::string& image, Status fault) {
  Job job;
  job.image = image;
  job.fault = std::move(fault);
  return job;
}

// Where a file is, and what it is called there: links, hard ones too, are other names of one place.
struct FileName {
  explicit FileName(const fs::path& path) {
    std::error_code error;
    const fs::path whole = fs::absolute(path, error);
    name = (error ? path : whole).lexically_normal();
    place = fs::weakly_canonical(path, error);
    if (error) place = name;
    // No path is relative and begins so: what is not there keeps its path.
    if (struct stat info{}; ::stat(path.c_str(), &info) == 0)
      place = fmt::format("device {} inode {}", info.st_dev, info.st_ino);
  }
  bool operator<(const FileName& other) const { return std::tie(place, name) < std::tie(other.place, other.name); }

  fs::path place, name;
};

// The entries of a prompts file by the file that each is about.
class PromptEntries {
 public:
  PromptEntries(const std::vector<PicturePrompts>& entries, const fs::path& folder) {
    for (const PicturePrompts& entry : entries) {
      if (entry.image.empty()) continue;
      FileName file(folder / entry.image);
      by_place_[std::move(file.place)].push_back({std::move(file.name), &entry});
    }
  }

  // Those that call it by this name; where there are none, all of the same file.
  std::vector<const PicturePrompts*> of(const FileName& image) const {
    std::vector<const PicturePrompts*> named, all;
    if (const auto found = by_place_.find(image.place); found != by_place_.end())
      for (const auto& [name, entry] : found->second) {
        all.push_back(entry);
        if (name == image.name) named.push_back(entry);
      }
    return named.empty() ? all : named;
  }

 private:
  std::map<fs::path, std::vector<std::pair<fs::path, const PicturePrompts*>>> by_place_;
};

Result<std::vector<Job>> jobs_of_file(const std::vector<ListedImage>& images, const PromptArguments& arguments) {
  if (!arguments.points.empty() || !arguments.boxes.empty() || !arguments.mask_input.empty())
    return usage_error("--prompts beside --point, --box or --mask-input", "give one or the other");
  SAMC_ASSIGN(const std::vector<PicturePrompts> entries, read_prompts(arguments.file));
  const fs::path folder = fs::path(arguments.file).parent_path();
  std::vector<Job> jobs;
  for (const PicturePrompts& entry : entries) {
    if (entry.image.empty())
      jobs.push_back(faulty_job({}, entry.fault));
    else if (images.empty())
      jobs.push_back(job_of(entry, (folder / entry.image).string(), folder, arguments));
  }
  const PromptEntries by_image(entries, folder);
  std::set<FileName> done;
  for (const auto& [image, fault] : images) {
    if (!fault.is_ok()) {
      jobs.push_back(faulty_job(image, fault));
      continue;
    }
    const FileName file(image);
    if (!done.insert(file).second) continue;
    const std::vector<const PicturePrompts*> found = by_image.of(file);
    for (const PicturePrompts* entry : found) jobs.push_back(job_of(*entry, image, folder, arguments));
    if (found.empty())
      jobs.push_back(faulty_job(image, invalid_input(fmt::format("{} has no prompts for {}", arguments.file, image),
                                                     "paths in it are relative to its own folder")));
  }
  return jobs;
}

}  // namespace

Result<PromptPoint> parse_point(std::string_view text) {
  std::vector<double> numbers;
  if (!parse_numbers(text, numbers) || numbers.size() < 2 || numbers.size() > 3)
    return usage_error(fmt::format("--point {}: not x,y or x,y,label", text));
  if (numbers.size() == 3 && numbers[2] != 0 && numbers[2] != 1)
    return usage_error(fmt::format("--point {}: the label {} is neither 0 nor 1", text, numbers[2]),
                       "1 belongs to the object, 0 does not; boxes have --box");
  return PromptPoint{numbers[0], numbers[1], numbers.size() < 3 || numbers[2] == 1};
}

Result<std::array<double, 4>> parse_box(std::string_view text) {
  std::vector<double> numbers;
  if (!parse_numbers(text, numbers) || numbers.size() != 4)
    return usage_error(fmt::format("--box {}: not x0,y0,x1,y1", text));
  return std::array<double, 4>{numbers[0], numbers[1], numbers[2], numbers[3]};
}

Result<std::vector<Job>> make_jobs(const std::vector<std::string>& images, const PromptArguments& arguments,
                                   std::vector<std::string>& warnings) {
  std::vector<ListedImage> files = list_images(images, warnings);
  std::vector<Job> jobs;
  if (!arguments.file.empty()) {
    SAMC_ASSIGN(jobs, jobs_of_file(files, arguments));
  } else {
    SAMC_ASSIGN(const std::vector<Prompt> prompts, prompts_of(arguments));
    if (images.empty()) files.push_back({{}, {}});
    for (ListedImage& file : files)
      jobs.push_back(
          {std::move(file.path), {}, prompts, arguments.multimask, arguments.normalized, std::move(file.fault)});
  }
  std::vector<std::string> named;
  for (const Job& job : jobs)
    if (job.fault.is_ok()) named.push_back(job.image.empty() ? "embedding" : job.image);
  std::vector<std::string> names = output_names(named);
  auto name = names.begin();
  for (Job& job : jobs)
    if (job.fault.is_ok()) job.stem = std::move(*name++);
  return jobs;
}

Result<Tensor> read_mask_input(const std::string& path, int64_t low, size_t prompt, size_t prompts) {
  SAMC_ASSIGN(const Tensor given, path.ends_with(".npz") ? read_saved_logits(path, prompts) : read_npy(path));
  const Shape& shape = given.shape();
  const size_t rank = shape.size();
  const auto refuse = [&] {
    return invalid_input(fmt::format("{}: a mask input of shape {} where the model takes (1, {}, {})", path,
                                     shape_to_string(shape), low, low),
                         "give low_res_logits of an earlier call, one mask of it");
  };
  if (rank < 2 || rank > 4 || shape[rank - 1] != low || shape[rank - 2] != low) return refuse();
  if (rank == 4 && shape[1] != 1) return refuse();
  const int64_t masks = rank > 2 ? shape[0] : 1;
  if (masks != 1 && masks != static_cast<int64_t>(prompts)) return refuse();
  const size_t pixels = static_cast<size_t>(low * low);
  const size_t start = masks == 1 ? 0 : prompt * pixels;

  Tensor logits({1, low, low});
  const std::span<float> target = logits.f32();
  switch (given.dtype()) {
    case DType::kF32:
      for (size_t i = 0; i < pixels; ++i) target[i] = given.f32()[start + i];
      break;
    case DType::kF16:
      for (size_t i = 0; i < pixels; ++i) target[i] = f16_to_f32(given.as<uint16_t>()[start + i]);
      break;
    case DType::kF64:
      for (size_t i = 0; i < pixels; ++i) target[i] = static_cast<float>(given.as<double>()[start + i]);
      break;
    default:
      return invalid_input(fmt::format("{}: a mask input of {}", path, dtype_name(given.dtype())),
                           "it holds logits, as floating-point numbers, and no binary mask");
  }
  if (!is_finite(logits)) return invalid_input(fmt::format("{}: a mask input with values that are not finite", path));
  return logits;
}

}  // namespace samc
