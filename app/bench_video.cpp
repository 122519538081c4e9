#include "app/bench_video.h"

#include <memory>
#include <random>
#include <utility>

#include "runtime/prompt_points.h"
#include "runtime/video_model.h"

namespace samc {
namespace {

Tensor noise(Shape shape, uint32_t seed) {
  Tensor tensor(std::move(shape));
  std::minstd_rand random(seed);
  std::uniform_real_distribution<float> values(-1, 1);
  for (float& value : tensor.f32()) value = values(random);
  return tensor;
}

}  // namespace

void add_video_bench_options(CLI::App& command, VideoBenchArguments& arguments) {
  command.add_flag("--video", arguments.on, "Time what tracks an object through a video instead");
  command.add_option("--memories", arguments.memories, "With --video: frames that are remembered (7)")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  command.add_option("--pointers", arguments.pointers, "With --video: object pointers (16)")
      ->check(CLI::Range(0, 512))
      ->type_name("N");
}

Status bench_video(const ModelArguments& model_arguments, const VideoBenchArguments& arguments, int repeat,
                   BenchReport& report, const ModelOpener& opener, Progress& progress) {
  SAMC_ASSIGN(std::unique_ptr<VideoModel> model, opener.open_video(model_arguments, progress));
  progress.clear();
  report.say("one object, {} memories, {} pointers, {} repetition(s) after one for warming up; medians\n\n",
             arguments.memories, arguments.pointers, repeat);
  report.set("model", model->info().name);
  report.set("memories", arguments.memories);
  report.set("pointers", arguments.pointers);
  report.set("repetitions", repeat);
  const ImageModelShapes& shapes = model->shapes();
  const int64_t size = shapes.size;
  const Tensor image = noise({1, 3, size, size}, 1), mask = noise({1, 1, size, size}, 2);
  FrameFeatures features;
  Tensor memory, pointer, conditioned;
  const float present = 1;
  const TensorView score{DType::kF32, {1, 1}, &present};
  const DecoderPoints none{{0, 0, 0, 0}, {-1, -1}};  // what a tracked frame has for a prompt
  DecoderOutputs outputs;
  MemoryBank bank;

  report.add_step("image encoder", [&] { return model->encode(image.view(), features); });
  report.add_step("memory encoder", [&] { return model->encode_memory(features, mask.view(), score, memory); });
  report.add_step("memory attention", [&] {
    bank.memories.assign(static_cast<size_t>(arguments.memories), {&memory, 1});
    bank.pointers.assign(static_cast<size_t>(arguments.pointers), {&pointer, 0.5f});
    return model->attend(features, bank, conditioned);
  });
  report.add_step("mask decoder", [&] { return model->decode(features, conditioned, none, {}, outputs); });
  pointer = noise({1, shapes.image_embed[1]}, 3);
  SAMC_TRY(report.run_steps(
      repeat, [&](OperationObserver observer) { model->observe(std::move(observer)); }, model->pool()));
  report.begin_phases();
  report.say_steps();
  report.say("  working memory {}\n\n", human_bytes(static_cast<double>(model->working_bytes())));
  report.set("working_bytes", model->working_bytes());
  return report.finish();
}

}  // namespace samc
