// The library itself, images in files, models.

#include "app/build_id.h"
#include "base/limits.h"
#include "base/memory_budget.h"
#include "capi/handles.h"

using namespace samc;
using namespace samc::capi;

const char* samc_version(void) { return version(); }

const char* samc_last_error(void) { return last_error(); }

samc_status samc_set_memory_limit(int64_t bytes) {
  return border([&]() -> Status {
    if (bytes < 0) return usage_error(fmt::format("a limit of memory of {} bytes", bytes), "0 sets the default");
    set_memory_limit(bytes);
    return Status::ok();
  });
}

samc_status samc_picture_read(const char* path, samc_picture** picture) {
  clear(picture);
  return border([&]() -> Status {
    SAMC_NEED(path);
    SAMC_NEED(picture);
    SAMC_ASSIGN(Image image, read_image(path));
    give(std::move(image), picture);
    return Status::ok();
  });
}

samc_status samc_picture_get(const samc_picture* picture, samc_image* image) {
  return border([&]() -> Status {
    SAMC_NEED(picture);
    SAMC_NEED(image);
    const Image& read = picture->image;
    *image = {read.rgb.data(), read.width, read.height, int64_t{read.width} * 3};
    return Status::ok();
  });
}

void samc_picture_free(samc_picture* picture) { delete picture; }

samc_status samc_write_png(const char* path, const uint8_t* grey, int64_t width, int64_t height) {
  return border([&]() -> Status {
    SAMC_NEED(path);
    SAMC_ASSIGN(const TensorView mask, mask_of(grey, width, height));
    return write_png_grey(path, static_cast<int>(width), static_cast<int>(height),
                          {grey, static_cast<size_t>(mask.count())});
  });
}

samc_status samc_model_load(const char* path, int threads, samc_model** model) {
  clear(model);
  return border([&]() -> Status {
    SAMC_NEED(path);
    SAMC_NEED(model);
    if (threads < 0) return usage_error(fmt::format("{} threads", threads), "0: one for each core");
    LoadOptions options;
    options.threads = threads;
    SAMC_ASSIGN(std::shared_ptr<const Module> module, Module::load(path, options));
    give(std::move(module), model);
    return Status::ok();
  });
}

samc_status samc_model_get_info(const samc_model* model, samc_model_info* info) {
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(info);
    const ModelInfo& known = model->module->info();
    samc_model_info view{};
    view.name = known.name.c_str();
    view.image_size = known.image_size;
    view.low_size = low_size(known);
    view.mask_threshold = known.mask_threshold;
    view.has_video = known.video.has_value() ? 1 : 0;
    return give_view(view, info);
  });
}

void samc_model_free(samc_model* model) { delete model; }
