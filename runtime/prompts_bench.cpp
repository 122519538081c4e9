// prompts_bench MODULE.samc [PROMPTS [THREADS [ROUNDS]]]: prompts of one point each, one call for all of them and one
// call for each, in turns, on an image that is set. Masks stay at the decoder's size (low_res_only), so that this is
// the decoder's time. Both must give the same bits.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "runtime/image_predictor.h"

namespace samc {
namespace {

struct Times {
  std::vector<double> wall, cpu;  // ms a prompt

  static double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
  }
};

template <class Work>
void measure(Times& times, size_t prompts, const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t cpu_begin = std::clock();
  work();
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  times.wall.push_back(taken.count() / static_cast<double>(prompts));
  times.cpu.push_back(1e3 * static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC /
                      static_cast<double>(prompts));
}

Status run(const char* path, size_t prompts, int threads, int rounds) {
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(path));
  PredictorOptions options;
  options.threads = threads;
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(module, options));
  Image image(640, 480);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>((i * 2654435761u) >> 24);
  SAMC_TRY(predictor.set_image(image));
  std::vector<ObjectPrompt> objects(prompts);
  for (size_t i = 0; i < prompts; ++i)
    objects[i].points = {{static_cast<float>(i * 97 % 640), static_cast<float>(i * 61 % 480), 1}};
  const PredictOptions wanted{.low_res_only = true};

  Times alone, together;
  size_t different = 0;
  for (int round = 0; round <= rounds; ++round) {  // the first is not counted
    std::vector<Prediction> single;
    Prediction all;
    Status status;
    Times warm_up;
    measure(round == 0 ? warm_up : alone, prompts, [&] {
      for (const ObjectPrompt& object : objects) {
        Result<Prediction> result = predictor.predict(object, wanted);
        if (!result.is_ok()) {
          status = result.status();
          return;
        }
        single.push_back(std::move(result).value());
      }
    });
    SAMC_TRY(status);
    measure(round == 0 ? warm_up : together, prompts, [&] {
      Result<Prediction> result = predictor.predict(objects, wanted);
      if (result.is_ok()) {
        all = std::move(result).value();
      } else {
        status = result.status();
      }
    });
    SAMC_TRY(status);
    const size_t count = all.low_res_logits.f32().size() / prompts;
    for (size_t i = 0; i < prompts; ++i)
      different += std::memcmp(all.low_res_logits.f32().data() + i * count, single[i].low_res_logits.f32().data(),
                               count * sizeof(float)) != 0
                       ? 1
                       : 0;
  }
  const double alone_wall = Times::median(alone.wall), together_wall = Times::median(together.wall);
  const double alone_cpu = Times::median(alone.cpu), together_cpu = Times::median(together.cpu);
  fmt::print("{}: {} prompts, {} thread(s), {} rounds, {} results of other bits\n", predictor.info().name, prompts,
             threads, rounds, different);
  fmt::print("  wall: alone {:.3f} ms a prompt, together {:.3f}, ratio {:.2f}\n", alone_wall, together_wall,
             together_wall / alone_wall);
  fmt::print("  processor: alone {:.3f} ms a prompt, together {:.3f}, ratio {:.2f}\n", alone_cpu, together_cpu,
             together_cpu / alone_cpu);
  return different == 0 ? Status::ok() : invalid_input("results differ");
}

}  // namespace
}  // namespace samc

int main(int count, char** arguments) {
  const auto number = [&](int at, int otherwise) { return count > at ? std::atoi(arguments[at]) : otherwise; };
  if (count < 2) {
    fmt::print(stderr, "prompts_bench MODULE.samc [PROMPTS [THREADS [ROUNDS]]]\n");
    return 2;
  }
  const samc::Status status =
      samc::run(arguments[1], static_cast<size_t>(std::max(1, number(2, 64))), number(3, 2), number(4, 5));
  if (!status.is_ok()) fmt::print(stderr, "{}\n", status.to_string());
  return status.is_ok() ? 0 : 1;
}
