#include <cstddef>
#include <cstdint>
#include <string_view>

#include "media/prompts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pictures = samc::parse_prompts({reinterpret_cast<const char*>(data), size});
  if (!pictures.is_ok()) return 0;
  for (const samc::PicturePrompts& picture : pictures.value())
    for (const samc::Prompt& prompt : picture.prompts) static_cast<void>(samc::check_prompt(prompt, 100, 50));
  return 0;
}
