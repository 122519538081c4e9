// What the command writes: never over what it reads, never what cannot be written after the work is done, and nothing
// that a terminal obeys. What stands in the cache's way costs no result.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

class Outputs : public CommandLine {
 protected:
  Outputs() {
    fs::copy(kPico, path("pico.pt"));
    fs::copy(kData + "pico/pico.yaml", path("pico.yaml"));
    fs::copy(kFormats + "orientation6.png", path("a.png"));
    fs::create_symlink("a.png", path("link.png"));
    fs::create_hard_link(path("a.png"), path("hard.png"));
    fs::copy(module(), path("pico.samc"));
    fs::create_directory(path("export"));
    for (const auto& entry : fs::directory_iterator(kData + "pico/onnx")) fs::copy(entry, path("export"));
    fs::copy(kData + "tpu_mlir/block.mlir", path("block.mlir"));
    fs::copy(kData + "tpu_mlir/block_top_f32_all_weight.npz", path("block_top_f32_all_weight.npz"));
    put_bytes(path("p.json"), R"({"pictures": [{"image": "a.png", "prompts": [{"points": [[20, 60]]}]}]})");
    before_ = contents();
  }

  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path("")))
      if (entry.is_regular_file() && !entry.is_symlink())
        files[entry.path().string()] = bytes_of(entry.path().string());
    return files;
  }

  // Wrong usage that names the option, and every file as it was.
  void expect_refused(const std::vector<std::string>& call, const std::string& option) const {
    const ProcessResult result = samc(call);
    expect_error(result, 2, {option + " ", "which is read"});
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(contents() == before_) << result.err;
  }
  // Before anything is done: the model of these calls does not even exist.
  void expect_unwritable(const std::vector<std::string>& call, const std::string& part) const {
    expect_error(samc(call), 1, {part});
    EXPECT_TRUE(contents() == before_);
  }

  // A wheel of TPU-MLIR whose tpuc-opt writes what the real one does.
  std::string fake_tpu_mlir() const {
    fs::create_directories(path("tpu/bin"));
    const std::string program = path("tpu/bin/tpuc-opt");
    put_bytes(program, R"sh(#!/bin/sh
set -e
echo a log
case "$*" in
  *--codegen*)
    cp final.mlir model.bmodel
    printf 'TCYC : 9\nflops: 5, runtime: 0.06ms, x\n' > compiler_profile_0.txt ;;
  *)
    name=$(sed -n 's/.*module.weight_file = "\([^"]*\)".*/\1/p' model.mlir)
    cat "$name" model.mlir > final.mlir ;;
esac
)sh");
    fs::permissions(program, fs::perms::owner_all);
    return path("tpu");
  }

  std::map<std::string, std::string> before_;
};

TEST_F(Outputs, no_output_of_segment_is_an_input) {
  const std::string model = path("pico.pt");
  for (const char* name : {"a.png", "link.png", "hard.png", "./a.png", "pico.pt", "pico.yaml"})
    expect_refused({"segment", path("a.png"), "--model", model, "--point", "5,5", "-o", path(name)}, "-o");
  expect_refused({"segment", path("link.png"), "--model", model, "--point", "5,5", "--json", path("a.png")}, "--json");
  expect_refused({"segment", "--prompts", path("p.json"), "--model", model, "--json", path("p.json")}, "--json");
  expect_refused({"segment", path("a.png"), "--model", model, "--point", "5,5", "--save-npz", path("pico.pt")},
                 "--save-npz");
  expect_refused(
      {"segment", path("a.png"), "--model", path("pico.samc"), "--point", "5,5", "--json", path("pico.samc")},
      "--json");
  expect_refused(
      {"segment", path("a.png"), "--model", path("export"), "--point", "5,5", "--json", path("export/decoder.onnx")},
      "--json");
}

TEST_F(Outputs, an_overlay_is_named_as_a_png) {
  for (const char* name : {"o.jpg", "o.JPEG", "o.webp"})
    expect_error(segment({path("a.png"), "--point", "5,5", "-o", path(name)}), 2,
                 {path(name) + ": the overlay is written as a PNG", "name it " + path("o.png")});
  EXPECT_TRUE(contents() == before_);
  // Without an ending, with one that is no image's, and of a folder's images it may be called anything.
  for (const char* name : {"o", "o.v2", "o.PNG"})
    expect_done(segment({path("a.png"), "--point", "5,5", "-q", "-o", path(name)}));
  fs::create_directory(path("in"));
  fs::copy(path("a.png"), path("in/b.png"));
  expect_done(segment({path("in"), "--point", "5,5", "-q", "-o", path("all.jpg")}));
  EXPECT_TRUE(fs::exists(path("all.jpg/b.png")));
}

TEST_F(Outputs, no_output_in_a_folder_is_an_input) {
  fs::create_directory(path("in"));
  fs::copy(path("a.png"), path("in/b.png"));
  fs::copy(path("a.png"), path("in/b_prompt0_mask1.png"));
  before_ = contents();
  expect_refused({"segment", path("in"), "--model", path("pico.pt"), "--point", "5,5", "-o", path("in")}, "-o");
  fs::create_directory(path("one"));
  fs::create_symlink("../a.png", path("one/a_prompt0_mask2.png"));
  expect_refused({"segment", path("a.png"), "--model", path("pico.pt"), "--point", "5,5", "--masks-dir", path("one")},
                 "--masks-dir");
}

TEST_F(Outputs, two_outputs_are_two_files) {
  expect_error(segment({path("a.png"), "--point", "5,5", "-o", path("o"), "--json", path("./o")}), 2, {"are one file"});
  EXPECT_TRUE(contents() == before_);
}

TEST_F(Outputs, no_output_of_the_other_commands_is_an_input) {
  expect_refused({"encode", path("a.png"), "--model", path("pico.pt"), "-o", path("link.png")}, "-o");
  expect_refused({"encode", path("a.png"), "--model", path("pico.pt"), "-o", path("pico.yaml")}, "-o");
  expect_refused({"compile", path("pico.pt"), "-o", path("pico.pt")}, "-o");
  expect_refused({"compile", path("pico.pt"), "-o", path("pico.yaml"), "--until", "import"}, "-o");
  expect_refused({"compile", path("export"), "-o", path("export/encoder.onnx")}, "-o");
  fs::create_directory(path("links"));
  fs::create_symlink(path("export/decoder.onnx"), path("links/decoder.onnx"));
  expect_refused({"export", path("export"), "-o", path("links")}, "-o");
  const std::string mlir = path("block.mlir"), weights = path("block_top_f32_all_weight.npz");
  fs::create_symlink("pico.pt", path("t.mlir"));
  expect_refused(
      {"transform", "--model_name", "m", "--model_def", path("pico.pt"), "--part", "encoder", "--mlir", path("t.mlir")},
      "--mlir");
  expect_refused({"transform", "--model_name", "block", "--model_def", path("pico.pt"), "--part", "encoder", "--mlir",
                  path("o.mlir"), "--test_input", weights, "--test_result", path("r.npz")},
                 "--mlir");
  expect_refused({"transform", "--model_name", "m", "--model_def", path("pico.pt"), "--part", "encoder", "--mlir",
                  path("o.mlir"), "--test_input", path("a.png"), "--test_result", path("hard.png")},
                 "--test_result");
  fs::create_symlink(weights, path("w.bmodel"));
  fs::create_symlink(mlir, path("m.bmodel"));
  fs::create_symlink(path("a.png"), path("l.bmodel.log"));
  for (const char* name : {"w.bmodel", "m.bmodel"})
    expect_refused({"deploy", "--mlir", mlir, "--chip", "bm1688", "--quantize", "F16", "--model", path(name)},
                   "--model");
  expect_refused({"deploy", "--mlir", mlir, "--chip", "bm1688", "--quantize", "F16", "--model", path("l.bmodel"),
                  "--test_input", path("a.png")},
                 "--model");
  fs::create_symlink(path("pico.pt"), path("links/encoder.bmodel"));
  expect_refused({"deploy-all", path("pico.pt"), "--chip", "bm1688", "--quantize", "F16", "-o", path("links")}, "-o");
}

TEST_F(Outputs, what_cannot_be_written_is_found_before_the_work) {
  const std::string model = path("absent.pt"), missing = path("missing/o");
  for (const char* option : {"-o", "--json", "--save-npz"})
    expect_unwritable({"segment", path("a.png"), "--model", model, "--point", "5,5", option, missing}, "missing/o");
  expect_unwritable({"segment", path("a.png"), "--model", model, "--point", "5,5", "--masks-dir", path("a.png/x")},
                    "is no folder");
  expect_unwritable({"encode", path("a.png"), "--model", model, "-o", missing}, "missing/o");
  expect_unwritable({"compile", path("pico.pt"), "-o", missing}, "missing/o");
  expect_unwritable({"export", model, "-o", path("a.png/x")}, "is no folder");
  expect_unwritable({"transform", "--model_name", "m", "--model_def", model, "--mlir", missing + ".mlir"}, "missing/o");
  expect_unwritable({"transform", "--model_name", "m", "--model_def", model, "--mlir", path("o.mlir"), "--test_input",
                     path("a.png"), "--test_result", missing},
                    "missing/o");
  expect_unwritable({"deploy", "--mlir", path("absent.mlir"), "--chip", "bm1688", "--quantize", "F16", "--model",
                     missing + ".bmodel"},
                    "missing/o");
  expect_unwritable({"deploy-all", model, "--chip", "bm1688", "--quantize", "F16", "-o", path("a.png")},
                    "is no folder");
}

TEST_F(Outputs, a_link_stays_a_link_and_a_descriptor_is_written_in_place) {
  fs::create_directory(path("far"));
  fs::create_symlink("far/o.json", path("o.json"));
  const ProcessResult result = segment({path("a.png"), "--point", "20,60", "--json", path("o.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::is_symlink(path("o.json")));
  EXPECT_NE(bytes_of(path("far/o.json")).find("pictures"), std::string::npos);
  const ProcessResult piped = segment({path("a.png"), "--point", "20,60", "-q", "--json", "/dev/stdout"});
  EXPECT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_EQ(bytes_of(path("far/o.json")), piped.out);
}

// The log of a failed deploy lies beside the bmodel, but replaces only a log that samc kept there.
TEST_F(Outputs, the_log_of_tpuc_opt_replaces_no_file_of_the_users) {
  const std::string tools = fake_tpu_mlir();
  const std::vector<std::string> call{
      "deploy", "--mlir",  path("block.mlir"), "--chip",     "bm1688", "--quantize",
      "F16",    "--model", path("o.bmodel"),   "--tpu-mlir", tools,    "--skip_validation"};
  put_bytes(path("o.bmodel.log"), "precious");
  const std::string working = bytes_of(tools + "/bin/tpuc-opt");
  put_bytes(tools + "/bin/tpuc-opt", "#!/bin/sh\necho it broke\nexit 1\n");
  for (int times = 0; times < 2; ++times) {
    expect_error(samc(call), 1, {"its log is " + path("o.bmodel.log.2")});
    EXPECT_NE(bytes_of(path("o.bmodel.log.2")).find("it broke"), std::string::npos);
    EXPECT_FALSE(fs::exists(path("o.bmodel.log.3")));
  }
  put_bytes(tools + "/bin/tpuc-opt", working);
  expect_done(samc(call));
  EXPECT_EQ(bytes_of(path("o.bmodel.log")), "precious");
}

TEST_F(Outputs, names_in_a_hostile_mlir_do_not_reach_the_users_files) {
  const std::string tools = fake_tpu_mlir(), text = bytes_of(path("block.mlir"));
  const std::string weights = "block_top_f32_all_weight.npz";
  for (const char* name :
       {"log", "final.mlir", "model.bmodel", "model.mlir", "weights.npz", "compiler_profile_0.txt"}) {
    std::string hostile = text;
    hostile.replace(hostile.find(weights), weights.size(), name);
    fs::create_directories(path("h"));
    put_bytes(path("h/in.mlir"), hostile);
    put_bytes(path(std::string("h/") + name), "precious");
    const ProcessResult result = samc({"deploy", "--mlir", path("h/in.mlir"), "--chip", "bm1688", "--quantize", "F16",
                                       "--model", path("h/out.bmodel"), "--tpu-mlir", tools, "--skip_validation"});
    expect_done(result);
    EXPECT_EQ(bytes_of(path(std::string("h/") + name)), "precious") << name;
    EXPECT_TRUE(bytes_of(path("h/out.bmodel")).starts_with("precious")) << "the weights were read";
    EXPECT_EQ(std::distance(fs::directory_iterator(path("h")), {}), 3) << name;
    fs::remove_all(path("h"));
  }
  for (const char* name : {"../a.png", "/etc/passwd", ".", "..", "a\\2Fb", ""}) {
    std::string hostile = text;
    hostile.replace(hostile.find(weights), weights.size(), name);
    put_bytes(path("in.mlir"), hostile);
    expect_error(samc({"deploy", "--mlir", path("in.mlir"), "--chip", "bm1688", "--quantize", "F16", "--model",
                       path("o.bmodel"), "--tpu-mlir", tools}),
                 1, {"in.mlir", "no plain file name"});
  }
  for (const std::string& hostile :
       {"// module.weight_file = \"" + weights + "\"\n" + text, "// module.weight_file\n" + text}) {
    put_bytes(path("in.mlir"), hostile);
    expect_error(samc({"deploy", "--mlir", path("in.mlir"), "--chip", "bm1688", "--quantize", "F16", "--model",
                       path("o.bmodel"), "--tpu-mlir", tools}),
                 1, {"in.mlir", "more than once"});
  }
  std::string named = text;
  named.replace(named.find("@block"), 6, "@\"../../block\"");
  put_bytes(path("in.mlir"), named);
  expect_error(samc({"deploy", "--mlir", path("in.mlir"), "--chip", "bm1688", "--quantize", "F16", "--model",
                     path("o.bmodel"), "--tpu-mlir", tools}),
               1, {"in.mlir", "is a path"});
}

TEST_F(Outputs, a_terminal_has_nothing_to_obey) {
  const auto expect_plain = [](const ProcessResult& result) {
    for (const std::string& text : {result.out, result.err})
      for (const char c : text) {
        if (c == '\n') continue;
        ASSERT_FALSE((c >= 0 && c < 32) || c == 127) << text;
      }
  };
  // A terminal's title and colours, cleared lines, in the names of a model's inputs, outputs and operators.
  const ProcessResult result = samc({"inspect", kData + "onnx/escapes.onnx"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(result.out.size(), 50u);
  expect_plain(result);
  const std::string name = path("x\x1b]0;title\x07\r\ny.png");
  fs::copy(path("a.png"), name);
  const ProcessResult segmented =
      segment({name, "--point", "20,60", "-o", path("o\x1b[2J.png"), "--masks-dir", path("m\x1b[31m")});
  EXPECT_EQ(segmented.exit_code, 0) << segmented.err;
  EXPECT_NE(segmented.out.find("title"), std::string::npos);
  expect_plain(segmented);
  const ProcessResult encoded = samc({"encode", name, "--model", module(), "-o", path("e\x1b[1m.npz")});
  EXPECT_EQ(encoded.exit_code, 0) << encoded.err;
  EXPECT_EQ(std::count(encoded.out.begin(), encoded.out.end(), '\n'), 1) << encoded.out;
  expect_plain(encoded);
  fs::create_directory(path("\x1b[5mblink"));
  fs::copy(path("pico.pt"), path("\x1b[5mblink/pico.pt"));
  fs::copy(path("pico.yaml"), path("\x1b[5mblink/pico.yaml"));
  for (const char* command : {"inspect", "compile", "export", "bench", "transform"}) {
    const std::string model = path("\x1b[5mblink/pico.pt"), out = path("o\x1b[7m");
    std::vector<std::string> call{command, model};
    const std::string chosen = command;
    if (chosen == "compile" || chosen == "export") call.insert(call.end(), {"-o", out + chosen});
    if (chosen == "bench") call = {"bench", "--model", model, "--repeat", "1"};
    if (chosen == "transform")
      call = {"transform", "--model_name", "m", "--model_def", model, "--part", "decoder", "--mlir", out + ".mlir"};
    const ProcessResult said = samc(call);
    EXPECT_EQ(said.exit_code, 0) << said.err;
    EXPECT_GT(said.out.size(), 0u);
    expect_plain(said);
  }
}

// A model's name is its file's.
TEST_F(Outputs, a_model_whose_name_holds_control_characters_compiles) {
  fs::copy(path("pico.pt"), path("m\033[31m.pt"));
  fs::copy(path("pico.yaml"), path("m\033[31m.yaml"));
  expect_done(samc({"compile", path("m\033[31m.pt"), "-o", path("m.samc")}));
  const ProcessResult said = samc({"inspect", path("m.samc"), "--summary"});
  expect_done(said);
  EXPECT_EQ(said.out.find('\033'), std::string::npos) << said.out;
}

class Cache : public Outputs {
 protected:
  std::vector<std::string> call() const {
    return {"segment", path("a.png"), "--model", path("pico.pt"), "--point", "20,60", "--save-npz", path("o.npz")};
  }
  // The one entry, after a first call.
  std::string entry() {
    expect_done(samc(call()));
    result_ = bytes_of(path("o.npz"));
    fs::remove(path("o.npz"));
    for (const auto& found : fs::directory_iterator(path("cache/samc"))) return found.path().string();
    return "";
  }
  // Done, with one warning that holds this.
  void expect_warning(const ProcessResult& result, const std::string& part) const {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(result.err.starts_with("samc: warning: ")) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(bytes_of(path("o.npz")), result_);
  }
  std::string result_;
};

TEST_F(Cache, a_folder_in_the_place_of_an_entry) {
  const std::string place = entry();
  fs::remove(place);
  fs::create_directories(place + "/inside");
  expect_warning(samc(call()), place);
  EXPECT_TRUE(fs::exists(place + "/inside"));
}

TEST_F(Cache, an_entry_of_another_model_under_its_name) {
  const std::string place = entry();
  put_bytes(place, bytes_of(module()));  // sound, and not what the name says
  expect_warning(samc(call()), "of another model");
  expect_done(samc(call()));
}

TEST_F(Cache, a_lock_that_nobody_gives_back) {
  const std::string place = entry(), lock = fs::path(place).replace_extension(".lock");
  fs::remove(place);
  const int held = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  ProcessOptions options;
  options.environment = {{"SAMC_CACHE_WAIT_S", "1"}};
  expect_warning(samc(call(), options), lock);
  ::close(held);
  options.environment = {{"SAMC_CACHE_WAIT_S", "soon"}};
  expect_error(samc(call(), options), 2, {"SAMC_CACHE_WAIT_S"});
}

TEST_F(Cache, no_place_for_temporary_files) {
  (void)entry();
  std::vector<std::string> without = call();
  without.emplace_back("--no-cache");
  ProcessOptions options;
  options.environment = {{"TMPDIR", "/proc"}};
  expect_warning(samc(without, options), "held in memory");
}

TEST_F(Cache, several_models_at_once_in_a_cache_too_small) {
  constexpr int kModels = 4;
  for (int i = 0; i < kModels; ++i) {
    fs::copy(path("pico.pt"), path(std::to_string(i) + ".pt"));
    fs::copy(path("pico.yaml"), path(std::to_string(i) + ".yaml"));
  }
  ProcessOptions options;
  options.environment = {{"SAMC_CACHE_LIMIT_MB", "0"}};
  std::vector<std::thread> threads;
  for (int i = 0; i < kModels; ++i)
    threads.emplace_back([this, &options, i] {
      for (int round = 0; round < 2; ++round)
        expect_done(samc({"encode", path("a.png"), "--threads", "1", "--model", path(std::to_string(i) + ".pt"), "-o",
                          path(std::to_string(i) + ".npz")},
                         options));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count_torn_files(), 0u);
}

}  // namespace
}  // namespace samc::test
