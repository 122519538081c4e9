#pragma once
// Frames of a video as the official code sees those of a folder: sam2/utils/misc.py (_load_img_as_tensor,
// load_video_frames_from_jpg_images), which resizes by Pillow's Image.resize() with its default filter.

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "runtime/rgb_view.h"

namespace samc {

// The bytes of Image.resize((width, height)) of Pillow 13.0 for an RGB image: bicubic (a = -0.5) with antialiasing,
// along the rows and along the columns, each in whole numbers with 22 bits behind the point and rounded to bytes.
// Earlier releases give other bytes, by one or two, for images that become lower by much (portrait ones mostly). output
// is (height, width, 3). is_image_size() of the image must hold (base/limits.h).
void resize_pil_bicubic(const RgbView& image, int64_t height, int64_t width, ThreadPool& pool,
                        std::span<uint8_t> output);

// Those bytes of (size, size), divided by 255, then (value - mean) / std for each channel in f32. output is (3, size,
// size): red, green, blue planes. mean, std: three values each.
void preprocess_video_frame(const RgbView& frame, int64_t size, std::span<const float> mean, std::span<const float> std,
                            ThreadPool& pool, std::span<float> output);

}  // namespace samc
