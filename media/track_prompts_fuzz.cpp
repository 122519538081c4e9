#include <cstddef>
#include <cstdint>
#include <string_view>

#include "media/track_prompts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto prompts = samc::parse_track_prompts({reinterpret_cast<const char*>(data), size});
  if (!prompts.is_ok()) return 0;
  for (const samc::TrackPrompt& prompt : prompts.value()) {
    SAMC_CHECK(prompt.frame >= 0 && prompt.object >= 0, "a number below 0");
    if (prompt.mask.empty()) static_cast<void>(samc::check_prompt(prompt.prompt, 100, 50));
  }
  return 0;
}
