#pragma once
// Inside media/: whether a video file is as long as its container says. libavformat takes a file that was cut short
// for one that ends there.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace samc {

struct ContainerEnd {
  const char* format = "file";  // "mp4", "mkv", "gif"
  bool is_cut = false;
  uint64_t end = 0;  // of an mp4: behind its last box; zeros may follow
};

// By the outermost structure: boxes of mp4 and mov, the segment of mkv and webm, blocks of gif. What only lacks a gif's
// end mark is whole. Nothing is said of other files, and of those that do not tell their length (a recording).
ContainerEnd find_container_end(const std::string& path);
ContainerEnd find_container_end(std::span<const std::byte> file);

}  // namespace samc
