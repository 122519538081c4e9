// The nth allocation of the whole program fails, and the nth write, fsync, rename, mmap, open, close, read and thread:
// samc itself runs, with a library before libc that lets the call fail. Each time one line on standard error and exit
// code 1, no torn or left-over file, and the next run is right. In the compiler too, whose MLIR cannot be unwound.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "media/image.h"
#include "tests/support/command_line.h"
#include "tests/support/fault_choice.h"
#include "tests/support/fault_forks.h"
#include "tests/support/faults.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

class CommandFaults : public CommandLine {
 protected:
  void SetUp() override {
    Image image(60, 40);
    for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i * 31 + i / 180);
    ASSERT_TRUE(write_png(path("in.png"), image).is_ok());
    fs::create_directory(path("out"));
  }

  ProcessResult faulty(const std::vector<std::string>& arguments, Fault fault, int64_t n, bool onwards = false,
                       const std::string& count_file = {}) const {
    ProcessOptions options;
    options.environment = {{"LD_PRELOAD", SAMC_FAULTS_LIBRARY},
                           {"SAMC_TEST_FAULT", fmt::format("{}:{}:{}", kFaultNames[static_cast<int>(fault)], n,
                                                           onwards ? "onwards" : "once")}};
    if (!count_file.empty()) options.environment.emplace_back("SAMC_TEST_FAULT_COUNT", count_file);
    return samc(arguments, options);
  }

  // All files under out/, by name. .lock files and folders are no results.
  std::map<std::string, std::string> outputs() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path("out")))
      if (entry.is_regular_file()) files[entry.path().string()] = bytes_of(entry.path().string());
    return files;
  }
  void clear_outputs() const {
    fs::remove_all(path("out"));
    fs::remove_all(path("cache"));
    fs::create_directory(path("out"));
  }

  struct Extent {
    int64_t all_up_to = 100;
    int64_t by_chance = 30;
    bool can_be_each = true;  // false: some even with SAMC_EVERY_FAULT, since forks end early
  };

  // What a command does when nothing fails.
  struct Usual {
    std::map<std::string, std::string> outputs;
    std::array<int64_t, kFaultKinds> calls{};
  };
  const Usual& usual(const std::vector<std::string>& arguments) {
    const auto [found, is_new] = usual_.try_emplace(arguments);
    Usual& usual = found->second;
    if (!is_new) return usual;
    clear_outputs();
    expect_done(samc(arguments));
    usual.outputs = outputs();
    EXPECT_FALSE(usual.outputs.empty());
    clear_outputs();
    expect_done(faulty(arguments, Fault::kMemory, 0, false, path("counts")));
    std::ifstream counts(path("counts"));
    for (int64_t& count : usual.calls) counts >> count;
    EXPECT_TRUE(counts.good());
    EXPECT_GT(usual.calls[static_cast<size_t>(Fault::kMemory)], 0);
    counts.close();
    fs::remove(path("counts"));
    return usual;
  }

  // Some calls, or with SAMC_EVERY_FAULT each.
  void sweep(const std::vector<std::string>& arguments, Fault fault, bool onwards, Extent extent) {
    const int64_t count = usual(arguments).calls[static_cast<size_t>(fault)];
    std::vector<int64_t> positions;
    if (!is_every_fault() || !extent.can_be_each || onwards)
      positions = sample_of_calls(count, extent.all_up_to, extent.by_chance);
    else
      positions = fault == Fault::kMemory ? fail_in_forks(arguments, fault) : calls_between(1, count);
    for (size_t i = 0; i < positions.size(); ++i) {
      SCOPED_TRACE(fmt::format("{}: {} {} of {}{}", arguments[0], kFaultNames[static_cast<int>(fault)], positions[i],
                               count, onwards ? " and all after it" : ""));
      fail_in_a_run(arguments, fault, positions[i], onwards);
      if (i % 50 == 0) {  // on top of what was left, the cache included
        expect_done(faulty(arguments, fault, 0));
        EXPECT_EQ(outputs(), usual(arguments).outputs);
      }
      if (HasFailure() && !is_every_fault()) return;  // one is enough to read
    }
    if (is_every_fault())
      fmt::print("{}, {}{}: {} calls, {} runs\n", arguments[0], kFaultNames[static_cast<int>(fault)],
                 onwards ? " and all after it" : "", count, positions.size());
  }

  void fail_in_a_run(const std::vector<std::string>& arguments, Fault fault, int64_t n, bool onwards) {
    const std::map<std::string, std::string>& right = usual(arguments).outputs;
    clear_outputs();
    const ProcessResult result = faulty(arguments, fault, n, onwards);
    if (result.exit_code == 0) {
      EXPECT_EQ(outputs(), right);
      expect_warnings(result.err);
    } else {
      expect_one_error(result);
      EXPECT_TRUE(is_of(fault, result.err)) << result.err;
      for (const auto& [name, bytes] : outputs()) {
        ASSERT_TRUE(right.contains(name)) << name << " is left over";
        EXPECT_EQ(bytes == right.at(name), true) << name << " is torn";
      }
    }
    EXPECT_EQ(count_torn_files(), 0u);
  }

  // Each call in a fork of one run. Gives those that need a run of their own: from the first file on, those of other
  // threads, and those whose fork did not end as it should.
  std::vector<int64_t> fail_in_forks(const std::vector<std::string>& arguments, Fault fault) {
    const int64_t count = usual(arguments).calls[static_cast<size_t>(fault)];
    clear_outputs();
    expect_done(samc(arguments));
    const uint64_t right = digest_of_folder(path("out"));
    clear_outputs();
    ProcessOptions options;
    options.environment = {{"LD_PRELOAD", SAMC_FAULTS_LIBRARY},
                           {"SAMC_TEST_FAULT", fmt::format("{}:each", kFaultNames[static_cast<int>(fault)])},
                           {"SAMC_TEST_FAULT_FOLDER", path("out")},
                           {"SAMC_TEST_FAULT_LOG", path("forks")}};
    expect_done(samc(arguments, options));
    const ForkNotes forks = read_fork_notes(path("forks"));
    std::vector<int64_t> alone = forks.in_threads;
    int64_t errors = 0, done = 0;
    std::map<std::string, int64_t> said;
    for (const ForkNote& note : forks.notes) {
      const std::vector<int64_t> calls = calls_between(note.first, note.last);
      const bool is_whole = note.digest == right,
                 is_error = note.exit_code == 1 && count_errors(note.err) == 1 && is_of(fault, note.err);
      (note.exit_code == 0 ? done : errors) += static_cast<int64_t>(calls.size());
      said[note.err] += static_cast<int64_t>(calls.size());
      if (note.exit_code == 0 ? is_whole : is_error && (is_whole || note.digest == 0)) continue;
      fmt::print("{}, {} {} to {} in a fork: exit code {}, {}\n", arguments[0], kFaultNames[static_cast<int>(fault)],
                 note.first, note.last, note.exit_code, note.err);
      alone.insert(alone.end(), calls.begin(), calls.end());
    }
    EXPECT_GT(errors, 0);
    EXPECT_GT(forks.first_without, 0);
    for (const int64_t n : calls_between(forks.first_without, count)) alone.push_back(n);
    fmt::print("{}, {}: {} calls, {} errors and {} done in forks, {} in threads, forks until {}\n", arguments[0],
               kFaultNames[static_cast<int>(fault)], count, errors, done, forks.in_threads.size(),
               forks.first_without - 1);
    for (const auto& [text, times] : said) fmt::print("  {} times: {}\n", times, text);
    std::fflush(stdout);
    return alone;
  }

  // Whether the program was never begun: the system kills what it cannot map, and the loader says what it misses. In
  // some 75 kB of limits the initialisers of libyaml-cpp find no memory, not even for an exception.
  static bool is_not_begun(const ProcessResult& result) {
    if (result.exit_code == 127) return !result.err.starts_with("samc");
    if (result.exit_code == 128 + SIGABRT) return result.err == "terminate called without an active exception\n";
    return (result.exit_code == 128 + SIGKILL || result.exit_code == 128 + SIGSEGV) &&
           (result.out + result.err).empty();
  }

  // Lines that are errors; -1 where one is neither error nor warning.
  static int count_errors(const std::string& text) {
    int errors = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("samc: error: "))
        ++errors;
      else if (!line.starts_with("samc: warning: "))
        return -1;
    }
    return errors;
  }
  // Whether it tells of the fault: of memory at least, always in the same words.
  static bool is_of(Fault fault, const std::string& text) {
    return fault != Fault::kMemory || text.find("memory") != std::string::npos;
  }
  static void expect_warnings(const std::string& text) { EXPECT_EQ(count_errors(text), 0) << text; }
  // Its last line is the error, and those before it are warnings.
  static void expect_one_error(const ProcessResult& result) {
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_EQ(count_errors(result.err), 1) << result.err;
  }

  std::vector<std::string> compile() const { return {"compile", kPico, "-o", path("out/pico.samc")}; }
  std::vector<std::string> segment() const {
    return {"segment",     path("in.png"),
            "--model",     module(),
            "--threads",   "1",
            "--point",     "20,10",
            "--box",       "5,5,40,30",
            "-o",          path("out/o.png"),
            "--json",      path("out/o.json"),
            "--save-npz",  path("out/o.npz"),
            "--masks-dir", path("out/masks")};
  }
  std::vector<std::string> segment_checkpoint() const {
    return {"segment", path("in.png"), "--model", kPico, "--threads", "1", "--point", "20,10", "-o", path("out/o.png")};
  }
  std::vector<std::string> encode() const {
    return {"encode", path("in.png"), "--model", module(), "--threads", "1", "-o", path("out/e.npz")};
  }
  std::vector<std::string> transform() const {
    return {"transform", "--model_name", "pico",   "--model_def",        kPico,
            "--part",    "decoder",      "--mlir", path("out/pico.mlir")};
  }
  std::vector<std::string> export_onnx() const { return {"export", kPico, "-o", path("out/onnx")}; }

 private:
  std::map<std::vector<std::string>, Usual> usual_;
};

TEST_F(CommandFaults, memory_in_compile) {
  sweep(compile(), Fault::kMemory, false, {.all_up_to = 150, .by_chance = 40});
  sweep(compile(), Fault::kMemory, true, {.all_up_to = 40, .by_chance = 10});
}

TEST_F(CommandFaults, memory_in_segment) {
  sweep(segment(), Fault::kMemory, false, {.all_up_to = 150, .by_chance = 40});
  sweep(segment(), Fault::kMemory, true, {.all_up_to = 40, .by_chance = 10});
}

TEST_F(CommandFaults, memory_in_segment_that_compiles) {
  // The cache's lock is a file. What follows is what compile does, and segment.
  sweep(segment_checkpoint(), Fault::kMemory, false, {.all_up_to = 0, .by_chance = 20, .can_be_each = false});
  sweep(segment_checkpoint(), Fault::kMemory, true, {.all_up_to = 0, .by_chance = 10});
}

TEST_F(CommandFaults, memory_in_transform) {
  sweep(transform(), Fault::kMemory, false, {.all_up_to = 30, .by_chance = 30});
  sweep(transform(), Fault::kMemory, true, {.all_up_to = 0, .by_chance = 10});
}

TEST_F(CommandFaults, memory_in_export_and_encode) {
  // The encoder is written before the decoder is made.
  sweep(export_onnx(), Fault::kMemory, false, {.all_up_to = 40, .by_chance = 10, .can_be_each = false});
  sweep(encode(), Fault::kMemory, false, {.all_up_to = 40, .by_chance = 10});
}

TEST_F(CommandFaults, the_system_refuses) {
  for (const auto& arguments : {compile(), segment(), transform()})
    for (const Fault fault :
         {Fault::kWrite, Fault::kSync, Fault::kRename, Fault::kMap, Fault::kOpen, Fault::kRead, Fault::kClose}) {
      sweep(arguments, fault, false, {.all_up_to = 6, .by_chance = 2});
      if (HasFailure()) return;
    }
  sweep(export_onnx(), Fault::kWrite, true, {.all_up_to = 4, .by_chance = 2});
  sweep(segment_checkpoint(), Fault::kThread, true, {.all_up_to = 2, .by_chance = 0});
}

// As a shell's ulimit -v gives it: from too little for the program to start up to enough.
TEST_F(CommandFaults, any_limit_of_address_space_is_an_error_or_enough) {
  for (const auto& arguments : {segment(), compile(), segment_checkpoint()}) {
    const std::map<std::string, std::string>& right = usual(arguments).outputs;
    int errors = 0, done = 0;
    for (long kilobytes = 8 << 10; kilobytes <= 1 << 20 && done < 2; kilobytes += kilobytes / 12) {
      SCOPED_TRACE(fmt::format("{} in {} kB", arguments[0], kilobytes));
      clear_outputs();
      ProcessOptions options;
      options.most_address_space = kilobytes << 10;
      const ProcessResult result = samc(arguments, options);
      if (errors == 0 && is_not_begun(result)) continue;
      EXPECT_EQ(count_torn_files(), 0u);
      if (result.exit_code == 0) {
        EXPECT_EQ(outputs(), right);
        ++done;
      } else {
        expect_one_error(result);
        ++errors;
      }
    }
    EXPECT_GT(errors, 2);
    EXPECT_EQ(done, 2);
  }
}

TEST_F(CommandFaults, the_limit_of_memory_is_an_option_and_in_the_environment) {
  std::vector<std::string> arguments = segment();
  arguments.insert(arguments.end(), {"--memory-limit", "2M"});
  expect_error(samc(arguments), 1, {"out of memory", "limit of memory of 2.1 MB", "--memory-limit"});
  arguments.back() = "2G";
  expect_done(samc(arguments));
  arguments.back() = "much";
  expect_error(samc(arguments), 2, {"--memory-limit", "much"});
  ProcessOptions options;
  options.environment = {{"SAMC_MEMORY_LIMIT", "2M"}};
  expect_error(samc(segment(), options), 1, {"limit of memory of 2.1 MB"});
}

TEST_F(CommandFaults, what_cannot_be_said_is_an_error) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, {"--version"}, {"segment", "--help"}, {"inspect", kPico}}) {
    std::string command = SAMC_BINARY;
    for (const std::string& argument : arguments) command += " " + argument;
    expect_error(run_process({"/bin/sh", "-c", command + " > /dev/full"}), 1, {"standard output"});
  }
}

// The next file that is opened would get the number of a closed one, and messages would be written into it.
TEST_F(CommandFaults, descriptors_that_the_caller_closed_get_no_output_file) {
  std::string command = SAMC_BINARY;
  for (const std::string& argument : segment()) command += " '" + argument + "'";
  expect_done(samc(segment()));
  const std::map<std::string, std::string> right = outputs();
  for (const char* closed : {"<&-", "2>&-", "<&- 2>&-"}) {
    SCOPED_TRACE(closed);
    clear_outputs();
    EXPECT_EQ(run_process({"/bin/sh", "-c", command + " " + closed}).exit_code, 0);
    EXPECT_EQ(outputs(), right);
  }
  // What would have been printed is lost: an error, but the files are whole.
  clear_outputs();
  EXPECT_EQ(run_process({"/bin/sh", "-c", command + " >&-"}).exit_code, 1);
  EXPECT_EQ(outputs(), right);
  clear_outputs();
  EXPECT_EQ(run_process({"/bin/sh", "-c", command + " <&- >&- 2>&-"}).exit_code, 1);
  EXPECT_EQ(outputs(), right);
}

// 82 bytes that declare an initialiser of 400 GB.
TEST_F(CommandFaults, an_enormous_constant_is_an_ordinary_error) {
  const std::vector<int> model{8,  8,   58,  72, 10, 14,  10, 1,  120, 10,  1,   119, 18, 1,   121, 34, 3,
                               65, 100, 100, 18, 1,  103, 42, 19, 8,   128, 128, 16,  8,  128, 128, 16, 16,
                               1,  34,  4,   0,  0,  128, 63, 66, 1,   119, 90,  19,  10, 1,   120, 18, 14,
                               10, 12,  8,   1,  18, 8,   10, 2,  8,   1,   10,  2,   8,  4,   98,  9,  10,
                               1,  121, 18,  4,  10, 2,   8,  1,  66,  4,   10,  0,   16, 17};
  put_bytes(path("giant.onnx"), std::string(model.begin(), model.end()));
  expect_error(
      samc({"transform", "--model_name", "x", "--model_def", path("giant.onnx"), "--mlir", path("out/x.mlir")}), 1,
      {"giant.onnx"});
  EXPECT_EQ(samc({"inspect", path("giant.onnx")}).exit_code, 1);
  EXPECT_TRUE(outputs().empty());
}

}  // namespace
}  // namespace samc::test
