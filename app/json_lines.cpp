#include "app/json_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "app/signals.h"
#include "base/file_writer.h"

namespace samc {

LineWriter::~LineWriter() {
  if (descriptor_ >= 0 && descriptor_ != STDOUT_FILENO) ::close(descriptor_);
}

Status LineWriter::error(int code) const {
  const bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return io_error(fmt::format("cannot write {}: {}", path_ == "-" ? "to standard output" : path_, std::strerror(code)),
                  is_full ? "the disk is full: free some space or write elsewhere" : "");
}

Status LineWriter::open() {
  if (path_ == "-") {
    descriptor_ = STDOUT_FILENO;
    return Status::ok();
  }
  constexpr mode_t kNew = 0666;
  SAMC_ASSIGN(const std::string place, follow_links(path_));
  // A named pipe opens when somebody reads it. Until then a signal has to be heard.
  for (;;) {
    descriptor_ = ::open(place.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, kNew);
    if (descriptor_ >= 0 || errno != ENXIO) break;
    if (FinishOnSignal::is_asked()) return {StatusCode::kInterrupted, "interrupted"};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (descriptor_ < 0) return error(errno);
  const int flags = ::fcntl(descriptor_, F_GETFL);
  return flags >= 0 && ::fcntl(descriptor_, F_SETFL, flags & ~O_NONBLOCK) == 0 ? Status::ok() : error(errno);
}

Status LineWriter::write(std::string text) {
  if (descriptor_ < 0) SAMC_TRY(open());
  text += '\n';
  for (size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int code = errno;
      // Not of standard output, where others may have written before. A pipe takes nothing back.
      if (path_ != "-") (void)!::ftruncate(descriptor_, static_cast<off_t>(size_));
      return error(code);
    }
    done += static_cast<size_t>(count);
  }
  size_ += static_cast<int64_t>(text.size());
  return Status::ok();
}

Status LineWriter::finish() {
  if (descriptor_ < 0 || path_ == "-") return Status::ok();
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOSYS) return error(errno);
  return Status::ok();
}

}  // namespace samc
