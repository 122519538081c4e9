#pragma once
// The C++ interface of samc, whole: what samc::runtime (libsamc_runtime.a) has. Each header may be included alone.
// libsamc.so has the C interface only (samc.h), since C++ types make no stable border between compilers.

#include "samc/media/image.h"
#include "samc/runtime/automatic_masks.h"
#include "samc/runtime/image_predictor.h"
#include "samc/runtime/module.h"
#include "samc/runtime/video_predictor.h"
#include "samc/runtime/video_stream.h"
