#include "app/jobs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "media/npy.h"

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

bool is_picture_name(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

Result<std::vector<std::string>> expand_folders(const std::vector<std::string>& images) {
  std::vector<std::string> files;
  for (const std::string& image : images) {
    std::error_code error;
    if (!fs::is_directory(image, error)) {
      files.push_back(image);
      continue;
    }
    std::vector<std::string> inside;
    for (fs::directory_iterator entries(image, error), end; !error && entries != end; entries.increment(error)) {
      std::error_code ignored;
      if (is_picture_name(entries->path()) && entries->is_regular_file(ignored))
        inside.push_back(entries->path().string());
    }
    if (error) return io_error(fmt::format("cannot read the folder {}: {}", image, error.message()));
    if (inside.empty()) return invalid_input(fmt::format("no .jpg, .jpeg or .png in the folder {}", image));
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

fs::path plain(const fs::path& path) {
  std::error_code error;
  const fs::path result = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : result;
}

Job job_of(PicturePrompts entry, const std::string& image, const fs::path& folder, const PromptArguments& arguments) {
  for (Prompt& prompt : entry.prompts)
    if (!prompt.mask_input.empty()) prompt.mask_input = (folder / prompt.mask_input).string();
  return {image,
          {},
          std::move(entry.prompts),
          entry.multimask.value_or(arguments.multimask),
          entry.normalized.value_or(arguments.normalized)};
}

Result<std::vector<Job>> jobs_of_file(const std::vector<std::string>& images, const PromptArguments& arguments) {
  if (!arguments.points.empty() || !arguments.boxes.empty() || !arguments.mask_input.empty())
    return usage_error("--prompts beside --point, --box or --mask-input", "give one or the other");
  SAMC_ASSIGN(std::vector<PicturePrompts> entries, read_prompts(arguments.file));
  const fs::path folder = fs::path(arguments.file).parent_path();
  std::vector<Job> jobs;
  if (images.empty()) {
    for (PicturePrompts& entry : entries) {
      const std::string image = (folder / entry.image).string();
      jobs.push_back(job_of(std::move(entry), image, folder, arguments));
    }
    return jobs;
  }
  std::map<fs::path, PicturePrompts*> by_path;
  for (PicturePrompts& entry : entries) by_path[plain(folder / entry.image)] = &entry;
  for (const std::string& image : images) {
    const auto found = by_path.find(plain(image));
    if (found == by_path.end())
      return invalid_input(fmt::format("{} has no prompts for {}", arguments.file, image),
                           "paths in it are relative to its own folder");
    jobs.push_back(job_of(*found->second, image, folder, arguments));
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

Result<std::vector<Job>> make_jobs(const std::vector<std::string>& images, const PromptArguments& arguments) {
  SAMC_ASSIGN(const std::vector<std::string> files, expand_folders(images));
  std::vector<Job> jobs;
  if (!arguments.file.empty()) {
    SAMC_ASSIGN(jobs, jobs_of_file(files, arguments));
  } else {
    SAMC_ASSIGN(const std::vector<Prompt> prompts, prompts_of(arguments));
    for (const std::string& file : files)
      jobs.push_back({file, {}, prompts, arguments.multimask, arguments.normalized});
    if (files.empty()) jobs.push_back({{}, {}, prompts, arguments.multimask, arguments.normalized});
  }
  std::set<std::string> stems;
  for (Job& job : jobs) {
    job.stem = job.image.empty() ? "embedding" : fs::path(job.image).stem().string();
    if (!stems.insert(job.stem).second)  // a.jpg beside a.png: the second keeps its ending
      job.stem = fs::path(job.image).filename().string();
    stems.insert(job.stem);
  }
  if (stems.size() < jobs.size())
    return usage_error("two pictures of one name: their outputs would replace each other", "do them in two calls");
  return jobs;
}

Result<Tensor> read_mask_input(const std::string& path, int64_t low, size_t prompt, size_t prompts) {
  SAMC_ASSIGN(const Tensor given, read_npy(path));
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
  for (const float value : target)
    if (!std::isfinite(value))
      return invalid_input(fmt::format("{}: a mask input with values that are not finite", path));
  return logits;
}

}  // namespace samc
