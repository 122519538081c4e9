#pragma once
// A picture as the image encoder wants it. Official code: sam2/utils/transforms.py, SAM2Transforms.__call__.

#include <span>

#include "base/thread_pool.h"
#include "runtime/rgb_view.h"

namespace samc {

// Stretches the picture to (size, size), whatever its shape, by bilinear interpolation with antialiasing (a triangle
// filter as wide as the reduction, as torchvision's Resize on float), then (value / 255 - mean) / std for each channel.
// output is (3, size, size): red, green, blue planes. mean, std: three values each. is_image_size() of the picture must
// hold (base/limits.h). Memory beside the output is tables that go with the picture's sides, and a few rows a thread.
void preprocess_image(const RgbView& picture, int64_t size, std::span<const float> mean, std::span<const float> std,
                      ThreadPool& pool, std::span<float> output);
// The same where values are not divided by 255.
void preprocess_image(const RgbFloatView& picture, int64_t size, std::span<const float> mean,
                      std::span<const float> std, ThreadPool& pool, std::span<float> output);

// Only the stretching, to any height and width: output is (3, height, width), values from 0 to 255.
void resize_image(const RgbView& picture, int64_t height, int64_t width, ThreadPool& pool, std::span<float> output);

// The same of one plane of f32 values: F.interpolate(mode="bilinear", antialias=True), whose weights are f32
// throughout.
void resize_plane(std::span<const float> input, int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                  ThreadPool& pool, std::span<float> output);

}  // namespace samc
