#pragma once
// `samc bench --video`: the functions by which a model tracks, by themselves.

#include <CLI/CLI.hpp>
#include <cstdint>

#include "app/bench_report.h"
#include "app/model_opener.h"
#include "base/status.h"

namespace samc {

struct VideoBenchArguments {
  bool on = false;
  int64_t memories = 7;
  int64_t pointers = 16;
};

void add_video_bench_options(CLI::App& command, VideoBenchArguments& arguments);

// One frame and one object on it, `repeat` times after one for warming up.
Status bench_video(const ModelArguments& model, const VideoBenchArguments& arguments, int repeat, BenchReport& report,
                   const ModelOpener& opener, Progress& progress);

}  // namespace samc
