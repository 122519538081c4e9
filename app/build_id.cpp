#include "app/build_id.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace samc {
namespace {

struct BuildId {
  std::array<unsigned char, 64> bytes{};
  size_t size = 0;
};

// Whether this code is in the object: the executable, or a library that it was linked into.
bool holds_this_code(const dl_phdr_info& info) {
  const auto here = reinterpret_cast<ElfW(Addr)>(&version);
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info.dlpi_phdr[i];
    const ElfW(Addr) begin = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && here >= begin && here - begin < header.p_memsz) return true;
  }
  return false;
}

// Called for each object; a non-zero result ends the walk. Takes no memory: libc, which calls it, can't be unwound.
int find_build_id(dl_phdr_info* info, size_t, void* out) {
  if (!holds_this_code(*info)) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    // The loader gives addresses as integers.
    const char* at =
        reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);  // NOLINT(performance-no-int-to-ptr)
    const char* end = at + header.p_memsz;
    while (static_cast<size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* name = at + sizeof note;
      const char* content = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
        BuildId& id = *static_cast<BuildId*>(out);
        id.size = std::min<size_t>(note.n_descsz, id.bytes.size());
        std::memcpy(id.bytes.data(), content, id.size);
        return 1;
      }
      at = content + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;
}

}  // namespace

const char* version() { return SAMC_VERSION; }

const std::string& build_id() {
  static const std::string id = [] {
    BuildId found;
    dl_iterate_phdr(find_build_id, &found);
    SAMC_CHECK(found.size > 0, "linked without a build id");
    std::string text;
    for (size_t k = 0; k < found.size; ++k) text += fmt::format("{:02x}", found.bytes[k]);
    return text;
  }();
  return id;
}

std::string version_line(const std::string& program) {
  return program + " " + version() + " (build " + build_id().substr(0, 12) + ")";
}

}  // namespace samc
