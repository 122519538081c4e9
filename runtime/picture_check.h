#pragma once
// Whether an image is one that predictors take.

#include <cstdint>

#include "base/status.h"
#include "runtime/rgb_view.h"

namespace samc {

// what: of which image the error speaks.
Status too_large(const char* what, int64_t width, int64_t height);
// Errors: no pixels, more than the limits (base/limits.h), rows that overlap. Of an RgbView or an RgbFloatView.
template <class View>
Status check_picture(const View& picture);

}  // namespace samc
