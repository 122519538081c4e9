#include "base/quote.h"

#include <fmt/format.h>

namespace samc {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u; }

}  // namespace

std::string shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  const std::string gap = fmt::format(" ... ({} bytes) ... ", text.size());
  if (most <= gap.size()) return std::string(text.substr(0, most));
  // The beginning says more than the end; an error's reason often stands at its end.
  const size_t kept = most - gap.size();
  size_t head = kept - kept / 3;
  size_t tail = text.size() - kept / 3;
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  std::string out(text.substr(0, head));
  out += gap;
  out += text.substr(tail);
  return out;
}

std::string quote(std::string_view text) {
  std::string out = shortened(text, kLongestQuote);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

}  // namespace samc
