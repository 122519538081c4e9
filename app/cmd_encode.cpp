#include <memory>

#include "app/commands.h"
#include "app/console.h"
#include "app/embedding_file.h"
#include "app/model_opener.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "media/image.h"
#include "runtime/image_predictor.h"

namespace samc {
namespace {

struct Arguments {
  std::string image;
  std::string output;
  ModelArguments model;
  bool allow_nonfinite = false;
  Orientation orientation = Orientation::kUpright;
};

Status encode(const Arguments& arguments, const ModelOpener& opener) {
  OutputGuard guard;
  guard.add_input(arguments.image);
  guard.add_inputs([&] { return opener.files(arguments.model); });
  guard.add_output("-o", arguments.output);
  SAMC_TRY(guard.check());
  Progress progress;
  ImageSource source;
  SAMC_ASSIGN(const Image image, read_image(arguments.image, &source, kMostPixels, arguments.orientation));
  for (const std::string& warning : source.warnings) warn(fmt::format("{}: {}", arguments.image, warning));
  std::string device;
  SAMC_ASSIGN(std::unique_ptr<ImageModel> model, opener.open(arguments.model, progress, device));
  PredictorOptions options;
  options.threads = arguments.model.threads;
  options.allow_nonfinite = arguments.allow_nonfinite;
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(std::move(model), options));
  progress.show(fmt::format("encoding {} ...", arguments.image));
  if (const Status status = predictor.set_image(image); !status.is_ok()) return status.at(arguments.image);
  SAMC_ASSIGN(const ImageEmbedding* embedding, predictor.embedding());
  SAMC_TRY(write_embedding(arguments.output, *embedding, predictor.info(), image_identity(image)));
  progress.clear();
  say("{}: {} x {}, {}: {}\n", arguments.image, image.width, image.height, predictor.info().name, arguments.output);
  return Status::ok();
}

}  // namespace

Command add_encode(CLI::App& parent, const ModelOpener& opener) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("encode", "Run the image encoder once and keep its result");
  command->add_option("image", arguments->image, "A JPEG or PNG")->required()->type_name("IMAGE");
  command->add_option("-o,--output", arguments->output, "Where the embedding goes")->required()->type_name("FILE.npz");
  opener.add_options(*command, arguments->model);
  command->add_flag("--allow-nonfinite", arguments->allow_nonfinite,
                    "Keep an embedding that holds NaN or infinite values");
  add_orientation_option(*command, arguments->orientation);
  command->footer(
      "The .npz holds high_res_feats_0, high_res_feats_1, image_embed, original_size (height, width), the model's\n"
      "name, and what tells its encoder and the image from others. Example:\n"
      "  samc encode truck.jpg --model sam2_hiera_tiny.pt -o truck.npz\n"
      "  samc segment truck.jpg --model sam2_hiera_tiny.pt --embedding truck.npz --point 500,375 -o overlay.png");
  return [arguments, &opener] { return encode(*arguments, opener); };
}

}  // namespace samc
