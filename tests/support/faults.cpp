#include "tests/support/faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/support/fault_forks.h"

namespace samc::test {
namespace {

struct Counter {
  std::atomic<int64_t> calls, failures, fail_at;
  std::atomic<bool> onwards;
};
// Zero before any code runs.
std::array<Counter, kFaultKinds> counters;
std::atomic<int64_t> live;
std::atomic<int> pauses;

// The function of this name that the caller would have got without this library.
template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

const char* count_path = nullptr;

void write_counts() {
  if (count_path == nullptr) return;
  std::array<int64_t, kFaultKinds> counts{};
  for (int kind = 0; kind < kFaultKinds; ++kind) counts[static_cast<size_t>(kind)] = calls(static_cast<Fault>(kind));
  const FaultsPause pause;
  const int file = ::open(count_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) std::abort();
  for (const int64_t count : counts) ::dprintf(file, "%lld\n", static_cast<long long>(count));
  ::close(file);
}

void begin_by_environment() {
  const char* fault = ::getenv("SAMC_TEST_FAULT");
  if (fault == nullptr) return;
  for (int kind = 0; kind < kFaultKinds; ++kind) {
    const size_t size = std::strlen(kFaultNames[kind]);
    if (std::strncmp(fault, kFaultNames[kind], size) != 0 || fault[size] != ':') continue;
    char* end = nullptr;
    const int64_t n = std::strtoll(fault + size + 1, &end, 10);
    count_path = ::getenv("SAMC_TEST_FAULT_COUNT");
    if (count_path != nullptr) std::atexit(write_counts);
    for (int other = 0; other < kFaultKinds; ++other) fail_call(static_cast<Fault>(other), 0);
    fail_call(static_cast<Fault>(kind), n, std::strcmp(end, ":onwards") == 0);
    if (std::strcmp(end, "each") == 0) begin_forks(static_cast<Fault>(kind));
  }
}

int (*real_main)(int, char**, char**) = nullptr;
int main_with_faults(int count, char** arguments, char** environment) {
  begin_by_environment();
  return real_main(count, arguments, environment);
}

}  // namespace

bool fails_now(Fault kind) {
  if (pauses.load() > 0) return false;
  Counter& counter = counters[static_cast<size_t>(kind)];
  const int64_t call = counter.calls.fetch_add(1) + 1;
  if (is_fork_to_fail(kind, call)) {
    counter.failures.fetch_add(1);
    count_path = nullptr;
    return true;
  }
  const int64_t fail_at = counter.fail_at.load();
  if (fail_at == 0 || (counter.onwards.load() ? call < fail_at : call != fail_at)) return false;
  counter.failures.fetch_add(1);
  return true;
}

void fail_call(Fault kind, int64_t n, bool onwards) {
  Counter& counter = counters[static_cast<size_t>(kind)];
  counter.fail_at.store(0);
  counter.onwards.store(onwards);
  counter.calls.store(0);
  counter.failures.store(0);
  counter.fail_at.store(n);
}

int64_t calls(Fault kind) { return counters[static_cast<size_t>(kind)].calls.load(); }
int64_t failures(Fault kind) { return counters[static_cast<size_t>(kind)].failures.load(); }
FaultsPause::FaultsPause() { pauses.fetch_add(1); }
FaultsPause::~FaultsPause() { pauses.fetch_sub(1); }
int64_t live_allocations() { return live.load(); }

}  // namespace samc::test

using samc::test::fails_now;
using samc::test::Fault;

namespace {

// Sets errno and gives what a failed call gives.
template <class Value>
Value failed(int code, Value value) {
  errno = code;
  return value;
}

bool is_standard(int descriptor) { return descriptor <= STDERR_FILENO; }

}  // namespace

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier): libc's own names
int __libc_start_main(int (*main)(int, char**, char**), int count, char** arguments, void (*init)(), void (*fini)(),
                      void (*linker_fini)(), void* stack_end) {
  samc::test::real_main = main;
  using Start = int (*)(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(), void (*)(), void*);
  return samc::test::next<Start>("__libc_start_main")(samc::test::main_with_faults, count, arguments, init, fini,
                                                      linker_fini, stack_end);
}

// Under a sanitizer the allocator is its own: it stands before this library, and failing_new.cpp makes operator new
// fail.
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
// NOLINTEND(bugprone-reserved-identifier)

static void* counted(void* memory) {
  if (memory != nullptr) samc::test::live.fetch_add(1);
  return memory;
}

void* malloc(size_t size) {
  if (fails_now(Fault::kMemory)) return failed<void*>(ENOMEM, nullptr);
  return counted(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) {
  if (fails_now(Fault::kMemory)) return failed<void*>(ENOMEM, nullptr);
  return counted(__libc_calloc(count, size));
}
void* realloc(void* old, size_t size) {
  if (fails_now(Fault::kMemory)) return failed<void*>(ENOMEM, nullptr);
  void* memory = __libc_realloc(old, size);
  if (old == nullptr) return counted(memory);
  if (size == 0) samc::test::live.fetch_sub(1);
  return memory;
}
void* memalign(size_t alignment, size_t size) {
  if (fails_now(Fault::kMemory)) return failed<void*>(ENOMEM, nullptr);
  return counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  if (memory != nullptr) samc::test::live.fetch_sub(1);
  __libc_free(memory);
}

ssize_t write(int file, const void* data, size_t size) {
  static const auto real = samc::test::next<ssize_t (*)(int, const void*, size_t)>("write");
  if (!is_standard(file) && fails_now(Fault::kWrite)) return failed<ssize_t>(ENOSPC, -1);
  return real(file, data, size);
}
ssize_t read(int file, void* data, size_t size) {
  static const auto real = samc::test::next<ssize_t (*)(int, void*, size_t)>("read");
  if (fails_now(Fault::kRead)) return failed<ssize_t>(EIO, -1);
  return real(file, data, size);
}
// The disk is not waited for: no test takes its power away.
int fsync(int file) {
  if (::fcntl(file, F_GETFD) < 0) return -1;
  return fails_now(Fault::kSync) ? failed(EIO, -1) : 0;
}
int fdatasync(int file) { return fsync(file); }
int close(int file) {
  static const auto real = samc::test::next<int (*)(int)>("close");
  const int result = real(file);
  if (!is_standard(file) && fails_now(Fault::kClose)) return failed(EIO, -1);
  return result;
}
int rename(const char* from, const char* to) {
  static const auto real = samc::test::next<int (*)(const char*, const char*)>("rename");
  if (fails_now(Fault::kRename)) return failed(EIO, -1);
  return real(from, to);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  static const auto real = samc::test::next<int (*)(int, const char*, int, const char*)>("renameat");
  if (fails_now(Fault::kRename)) return failed(EIO, -1);
  return real(from_folder, from, to_folder, to);
}
void* mmap(void* where, size_t size, int protection, int flags, int file, off_t offset) {
  static const auto real = samc::test::next<void* (*)(void*, size_t, int, int, int, off_t)>("mmap");
  if (file >= 0 && fails_now(Fault::kMap)) return failed(ENOMEM, MAP_FAILED);
  return real(where, size, protection, flags, file, offset);
}
void* mmap64(void* where, size_t size, int protection, int flags, int file, off_t offset) {
  return mmap(where, size, protection, flags, file, offset);
}

char* mkdtemp(char* pattern) {
  static const auto real = samc::test::next<char* (*)(char*)>("mkdtemp");
  samc::test::stop_forks();
  return real(pattern);
}

static bool makes_file(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }
static mode_t mode_of(int flags, va_list& rest) { return makes_file(flags) ? va_arg(rest, mode_t) : 0; }
int openat(int folder, const char* path, int flags, ...) {
  static const auto real = samc::test::next<int (*)(int, const char*, int, ...)>("openat");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  if (fails_now(Fault::kOpen)) return failed(EMFILE, -1);
  if (makes_file(flags)) samc::test::stop_forks();
  return real(folder, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return openat(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return openat(AT_FDCWD, path, flags, mode);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = samc::test::next<Create>("pthread_create");
  if (fails_now(Fault::kThread)) return EAGAIN;
  return real(thread, attributes, body, argument);
}
}
