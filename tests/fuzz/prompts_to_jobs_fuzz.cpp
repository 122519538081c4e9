// Any text as a prompts file, then its jobs: each has a name of its own for its files, and either what is wrong with it
// or prompts that a predictor can judge.

#include <set>

#include "app/jobs.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/tiny_predictor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const samc::FuzzFolder folder;
  static const samc::ImagePredictor predictor = samc::make_tiny_predictor();
  samc::PromptArguments arguments;
  arguments.file = folder.put("prompts.json", data, size);
  std::vector<std::string> warnings;
  const auto jobs = samc::make_jobs({}, arguments, warnings);
  if (!jobs.is_ok()) return 0;
  std::set<std::string> names;
  for (const samc::Job& job : jobs.value()) {
    if (!job.fault.is_ok()) continue;
    SAMC_CHECK(names.insert(job.stem).second, "two jobs whose files are called {}", job.stem);
    SAMC_CHECK(!job.image.empty(), "a job without an image and without a fault");
    for (const samc::Prompt& prompt : job.prompts) {
      if (!samc::check_prompt(prompt, 100, 50).is_ok()) continue;
      samc::ObjectPrompt object;
      for (const samc::PromptPoint& point : prompt.points)
        object.points.push_back({static_cast<float>(point.x), static_cast<float>(point.y), point.positive ? 1 : 0});
      (void)predictor.check(object).is_ok();
    }
  }
  return 0;
}
