#include "app/image_lanes.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/guard.h"
#include "base/memory_budget.h"
#include "base/thread_pool.h"

namespace samc {
namespace {

constexpr int kUsualLanes = 2;
constexpr int64_t kRoomForLanes = int64_t{4} << 30;

}  // namespace

void add_jobs_option(CLI::App& command, std::optional<int>& jobs) {
  command
      .add_option(
          "--jobs", jobs,
          "So many images at the same time, each with its share of the threads and memory of its own (2; 1 with "
          "less than 4 GB). Changes no result")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
}

Result<std::vector<std::unique_ptr<ImageModel>>> open_lanes(const ModelOpener& opener, ModelArguments arguments,
                                                            std::optional<int> jobs, size_t images, Progress& progress,
                                                            std::string& device) {
  const int threads = arguments.threads > 0 ? arguments.threads : usable_cores();
  const int wanted = jobs.value_or(memory_limit() < kRoomForLanes ? 1 : kUsualLanes);
  const int lanes = static_cast<int>(std::min(images, static_cast<size_t>(std::min(wanted, threads))));
  std::vector<std::unique_ptr<ImageModel>> models;
  for (int lane = 0; lane < lanes && (lane == 0 || lane < models.front()->most_lanes()); ++lane) {
    arguments.threads = threads / lanes + (lane < threads % lanes ? 1 : 0);
    SAMC_ASSIGN(std::unique_ptr<ImageModel> model,
                lane == 0 ? opener.open(arguments, progress, device) : models.front()->another(arguments.threads));
    models.push_back(std::move(model));
  }
  return models;
}

Result<size_t> do_images(size_t images, size_t lanes, bool batch, Progress& progress,
                         const std::function<Status(size_t image, size_t lane, ImageReport& report)>& work,
                         const std::function<Status(ImageReport& report)>& take) {
  struct Done {
    Status status;
    ImageReport report;
  };
  std::mutex mutex;
  std::map<size_t, Done> waiting;  // for images before them
  size_t next = 0, failed = 0;
  Status error;
  const auto hand_over = [&](Done& done) {
    progress.clear();
    for (const std::string& warning : done.report.warnings) warn(warning);
    if (done.status.is_ok()) done.status = take(done.report);
    if (!done.status.is_ok()) {
      ++failed;
      if (batch) report_error(done.status);
      error = std::move(done.status);
    }
    ++next;
    if (lanes > 1) progress.show(fmt::format("{} of {} images ...", next, images));
  };
  ThreadPool pool(static_cast<int>(lanes));
  pool.run(static_cast<int64_t>(images), [&](int64_t image, int lane) {
    Done done;
    done.status = guarded([&] { return work(static_cast<size_t>(image), static_cast<size_t>(lane), done.report); });
    const std::lock_guard lock(mutex);
    waiting.emplace(static_cast<size_t>(image), std::move(done));
    for (auto first = waiting.begin(); first != waiting.end() && first->first == next; first = waiting.erase(first))
      hand_over(first->second);
  });
  progress.clear();
  if (!batch && failed > 0) return error;
  return failed;
}

}  // namespace samc
