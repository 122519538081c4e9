// What users give by mistake, and what disks and keyboards do: one line each, no torn file.

#include <signal.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <limits>

#include "checkpoint/checkpoint.h"
#include "checkpoint/test_support.h"
#include "media/npy.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

TEST_F(CommandLine, damaged_checkpoints) {
  const std::string whole = bytes_of(kPico);
  fs::copy(kData + "pico/pico.yaml", path("pico.yaml"));
  for (const size_t size : {size_t{0}, size_t{10}, whole.size() / 2, whole.size() - 1}) {
    put_bytes(path("pico.pt"), whole.substr(0, size));
    expect_error(samc({"compile", path("pico.pt"), "-o", path("o.samc")}), 1, {"pico.pt"});
  }
  for (const size_t at : {size_t{40}, whole.size() / 2, whole.size() - 10}) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    put_bytes(path("pico.pt"), flipped);
    const ProcessResult result = samc({"compile", path("pico.pt"), "-o", path("o.samc")});
    if (result.exit_code != 0) expect_error(result, 1, {"pico.pt"});  // some bits, such as dates, mean nothing
  }
  std::string flipped = whole;
  flipped[whole.size() / 2] = static_cast<char>(flipped[whole.size() / 2] ^ 4);
  put_bytes(path("pico.pt"), flipped);
  expect_error(samc({"inspect", path("pico.pt"), "--summary"}), 1, {"pico.pt"});
}

TEST_F(CommandLine, foreign_globals_and_other_formats) {
  PickleWriter pickle;
  pickle.global("os", "system").mark().text("echo hello").tuple().raw("R");
  std::string archive;
  ZipWriter zip([&](const void* data, size_t size) {
    archive.append(static_cast<const char*>(data), size);
    return Status::ok();
  });
  ASSERT_TRUE(zip.add("test/data.pkl", pickle.stop()).is_ok());
  ASSERT_TRUE(zip.finish().is_ok());
  put_bytes(path("evil.pt"), archive);
  const ProcessResult result = samc({"inspect", path("evil.pt")});
  expect_error(result, 1, {"evil.pt", "os", "system"});
  EXPECT_EQ(result.out.find("hello"), std::string::npos);
  expect_error(samc({"inspect", kData + "checkpoint/legacy.pt"}), 1, {"legacy.pt"});
  expect_error(samc({"inspect", kTruck}), 1, {"truck.jpg"});
  expect_error(samc({"inspect", path("absent.pt")}), 1, {"absent.pt", "No such file"});
  expect_error(samc({"inspect", kData}), 1, {"not a regular file; it is a folder", "name a file in it"});
}

TEST_F(CommandLine, models_of_another_architecture) {
  expect_error(samc({"compile", kData + "checkpoint/protocol4.pt", "-o", path("o.samc")}), 1, {"protocol4.pt"});
  std::string config = bytes_of(kData + "pico/pico.yaml");
  const size_t at = config.find("stages: [1, 1, 3, 1]");
  ASSERT_NE(at, std::string::npos);
  config.replace(at, 20, "stages: [1, 2, 3, 1]");
  put_bytes(path("other.yaml"), config);
  expect_error(samc({"compile", kPico, "--config", path("other.yaml"), "-o", path("o.samc")}), 1,
               {"image_encoder.trunk"});
  expect_error(samc({"compile", kPico, "--config", path("absent.yaml"), "-o", path("o.samc")}), 1, {"absent.yaml"});
  expect_error(samc({"compile", kPico, "--precision", "int3", "-o", path("o.samc")}), 2,
               {"int3", "not known", "f32, bf16 or int8"});
  EXPECT_FALSE(fs::exists(path("o.samc")));
}

TEST_F(CommandLine, weights_that_are_no_numbers_are_warned_of) {
  const Checkpoint pico = Checkpoint::open(kPico).value();
  std::vector<NamedTensor> tensors;
  for (const CheckpointTensor& tensor : pico.tensors()) tensors.push_back({tensor.name, pico.read(tensor).value()});
  for (NamedTensor& tensor : tensors)
    if (tensor.name == "no_mem_embed") tensor.tensor.f32()[3] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(write_test_checkpoint(path("nan.pt"), tensors).is_ok());
  fs::copy(kData + "pico/pico.yaml", path("nan.yaml"));
  const ProcessResult inspected = samc({"inspect", path("nan.pt"), "--summary"});
  EXPECT_EQ(inspected.exit_code, 0);
  EXPECT_EQ(inspected.err, "samc: warning: no_mem_embed holds 1 NaN and 0 infinite values\n");
  const ProcessResult compiled = samc({"compile", path("nan.pt"), "-o", path("o.samc")});
  EXPECT_EQ(compiled.exit_code, 0) << compiled.err;
  EXPECT_NE(compiled.err.find("warning: "), std::string::npos);
  EXPECT_NE(compiled.err.find("no_mem_embed"), std::string::npos);

  // What comes of it is an error that names the operation where it began, and nothing is written.
  const std::vector<std::string> segment{"segment", kTruck,    "--model", path("o.samc"),
                                         "--point", "500,375", "--json",  path("o.json")};
  const std::vector<std::string> encode{"encode", kTruck, "--model", path("o.samc"), "-o", path("e.npz")};
  for (const std::vector<std::string>& call : {segment, encode}) {
    const ProcessResult result = samc(call);
    EXPECT_EQ(result.exit_code, 1);
    for (const char* part :
         {"error: ", "operation image_embed", "gives NaN", "its weight no_mem_embed", "--allow-nonfinite"})
      EXPECT_NE(result.err.find(part), std::string::npos) << part << ": " << result.err;
    std::vector<std::string> allowed = call;
    allowed.emplace_back("--allow-nonfinite");
    EXPECT_FALSE(fs::exists(call.back()));
    EXPECT_EQ(samc(allowed).exit_code, 0);
    EXPECT_TRUE(fs::exists(call.back()));
  }
  expect_error(this->segment({"--embedding", path("e.npz"), "--point", "5,5", "--json", path("n.json")}), 1,
               {"e.npz", "another image encoder"});
  const ProcessResult exported = samc({"export", path("nan.pt"), "-o", path("exported")});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_NE(exported.err.find("no_mem_embed holds 1 NaN"), std::string::npos) << exported.err;
  const ProcessResult transformed =
      samc({"transform", "--model_name", "nan", "--model_def", path("nan.pt"), "--part", "encoder", "--mlir",
            path("nan.mlir"), "--test_input", kTruck, "--test_result", path("result.npz")});
  EXPECT_EQ(transformed.exit_code, 1);
  for (const char* part : {"warning: ", "no_mem_embed holds 1 NaN", "error: ", "output image_embed holds NaN"})
    EXPECT_NE(transformed.err.find(part), std::string::npos) << part << ": " << transformed.err;
  EXPECT_FALSE(fs::exists(path("result.npz")));
}

// A file of pico's tensors in which the first value of one is raised by one.
void write_changed_pico(const std::string& path, const std::string& changed) {
  const Checkpoint pico = Checkpoint::open(kPico).value();
  std::vector<NamedTensor> tensors;
  for (const CheckpointTensor& tensor : pico.tensors()) tensors.push_back({tensor.name, pico.read(tensor).value()});
  for (NamedTensor& tensor : tensors)
    if (tensor.name == changed) tensor.tensor.f32()[0] += 1;
  ASSERT_TRUE(write_test_checkpoint(path, tensors).is_ok());
}

TEST_F(CommandLine, an_embedding_is_of_the_encoder_that_made_it_whatever_it_is_called) {
  const std::string config = kData + "pico/pico.yaml";
  for (const auto& [name, changed] : {std::pair{"same", ""},
                                      {"decoder", "sam_mask_decoder.iou_token.weight"},
                                      {"encoder", "image_encoder.neck.convs.3.conv.bias"},
                                      {"conv_s0", "sam_mask_decoder.conv_s0.bias"}}) {
    write_changed_pico(path(std::string(name) + ".pt"), changed);
    expect_done(samc(
        {"compile", path(std::string(name) + ".pt"), "--config", config, "-o", path(std::string(name) + ".samc")}));
  }
  expect_done(samc({"compile", kPico, "--image-size", "320", "-o", path("size.samc")}));
  expect_done(samc({"encode", kTruck, "--model", module(), "-o", path("e.npz")}));
  const auto use = [&](const std::string& name) {
    return samc({"segment", "--model", path(name + ".samc"), "--embedding", path("e.npz"), "--point", "500,375",
                 "--json", path("o.json")});
  };
  expect_done(use("same"));
  expect_done(use("decoder"));  // only the image encoder counts
  for (const char* other : {"encoder", "conv_s0"}) expect_error(use(other), 1, {"e.npz", "another image encoder"});
  expect_error(use("size"), 1, {"e.npz"});
}

TEST_F(CommandLine, the_image_size_is_the_users_to_say) {
  const auto compile = [&](std::vector<std::string> arguments, const std::string& output) {
    arguments.insert(arguments.begin(), "compile");
    arguments.insert(arguments.end(), {"-o", path(output)});
    expect_done(samc(arguments));
    return samc({"inspect", path(output), "--summary"}).out;
  };
  std::string yaml = bytes_of(kData + "pico/pico.yaml");
  const size_t at = yaml.find("image_size: 256");
  ASSERT_NE(at, std::string::npos);
  put_bytes(path("pico.yaml"), yaml.replace(at, 15, "image_size: 320"));
  EXPECT_NE(compile({kPico, "--image-size", "320"}, "option.samc").find("320 x 320"), std::string::npos);
  compile({kPico, "--config", path("pico.yaml")}, "yaml.samc");
  const auto masks = [&](const std::vector<std::string>& model, const std::string& output) {
    std::vector<std::string> call{"segment",    kTruck,       "--point",   "500,375",
                                  "--save-npz", path(output), "--threads", "1"};
    call.insert(call.end(), model.begin(), model.end());
    expect_done(samc(call));
    return bytes_of(path(output));
  };
  const std::string wanted = masks({"--model", path("yaml.samc")}, "yaml.npz");
  EXPECT_EQ(masks({"--model", path("option.samc")}, "option.npz"), wanted);
  EXPECT_EQ(masks({"--model", kPico, "--image-size", "320"}, "segment.npz"), wanted);
  EXPECT_NE(masks({"--model", kPico}, "plain.npz"), wanted);  // not the other size's from the cache

  for (const auto& [size, nearest] : {std::pair{"300", "288 and 320 are nearest"},
                                      {"0", "32 and 64 are nearest"},
                                      {"-64", "32 and 64 are nearest"},
                                      {"16", "32 and 64 are nearest"},
                                      {"4128", "4096 is nearest"},
                                      {"1000000000000", "4096 is nearest"}}) {
    const std::string why =
        fmt::format("--image-size {}: pico takes multiples of 32 from 32 to 4096; {}", size, nearest);
    expect_error(samc({"compile", kPico, "--image-size", size, "-o", path("o.samc")}), 2, {why});
    expect_error(samc({"track", kData + "images/bedroom", "--model", kPico, "--image-size", size, "--point", "20,20",
                       "-o", path("o")}),
                 2, {why});
  }
  expect_error(samc({"compile", kPico, "--image-size", "9e9", "-o", path("o.samc")}), 2, {"--image-size"});
  const ProcessResult timed = samc({"bench", "--model", kPico, "--image-size", "128", "--threads", "1"});
  EXPECT_EQ(timed.exit_code, 0) << timed.err;
  const auto tracked = [&](const std::vector<std::string>& model, const std::string& output) {
    std::vector<std::string> call{"track",     kData + "images/bedroom", "--point", "20,20", "--threads", "1", "--rle",
                                  path(output)};
    call.insert(call.end(), model.begin(), model.end());
    const ProcessResult result = samc(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return bytes_of(path(output));
  };
  const std::string rle = tracked({"--model", path("yaml.samc")}, "yaml.jsonl");
  EXPECT_EQ(tracked({"--model", kPico, "--image-size", "320"}, "option.jsonl"), rle);
  EXPECT_NE(tracked({"--model", kPico}, "plain.jsonl"), rle);
  expect_error(segment({kTruck, "--point", "5,5", "-o", path("o.png"), "--image-size", "320"}), 2,
               {"--image-size is for checkpoints"});
  expect_error(samc({"export", kData + "pico/onnx", "--image-size", "320", "-o", path("x")}), 2, {"--image-size"});
  expect_done(samc({"export", kPico, "--image-size", "320", "-o", path("x")}));
  EXPECT_NE(samc({"inspect", path("x")}).out.find("320 x 320 pixels"), std::string::npos);
  expect_done(samc({"transform", "--model_name", "e", "--model_def", kPico, "--part", "encoder", "--image-size", "320",
                    "--mlir", path("e.mlir")}));
  EXPECT_NE(bytes_of(path("e.mlir")).find("1x3x320x320"), std::string::npos);
}

TEST_F(CommandLine, a_limit_of_memory_that_is_none_names_where_it_came_from) {
  const std::vector<std::string> call{"segment", kTruck, "--model", module(),
                                      "--point", "1,1",  "--json",  path("o.json")};
  ProcessOptions environment;
  environment.environment.emplace_back("SAMC_MEMORY_LIMIT", "abc");
  expect_error(samc(call, environment), 2, {"SAMC_MEMORY_LIMIT: abc"});
  std::vector<std::string> option = call;
  option.insert(option.end(), {"--memory-limit", "abc"});
  expect_error(samc(option), 2, {"--memory-limit: abc"});
}

TEST_F(CommandLine, a_limit_of_the_sizes_of_files_is_told_in_the_users_words) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--no-cache"}}) {
    std::vector<std::string> call{"segment", kTruck, "--model", kPico, "--point", "1,1", "--json", path("o.json")};
    call.insert(call.end(), more.begin(), more.end());
    call.insert(call.begin(), SAMC_BINARY);
    std::string line = "ulimit -f 200; exec";
    for (const std::string& word : call) line += " '" + word + "'";
    ProcessOptions environment;
    environment.environment.emplace_back("XDG_CACHE_HOME", path("cache"));
    expect_error(run_process({"/bin/bash", "-c", line}, environment), 1, {"no room for the compiled", "ulimit -f"});
  }
}

TEST_F(CommandLine, a_command_that_is_none_is_named) {
  expect_error(samc({"segmnt", kTruck}), 2, {"samc has no command segmnt"});
}

// The weights' file is named by --model_name.
TEST_F(CommandLine, transform_leaves_the_weights_of_another_mlir) {
  const auto transform = [&](const std::string& part, const std::string& name, const std::string& mlir) {
    return samc({"transform", "--model_name", name, "--model_def", kPico, "--part", part, "--mlir", path(mlir)});
  };
  expect_done(transform("encoder", "m", "a.mlir"));
  expect_done(transform("encoder", "m", "a.mlir"));  // again
  const std::string weights = bytes_of(path("m_top_f32_all_weight.npz"));
  expect_error(transform("decoder", "m", "b.mlir"), 2,
               {"m_top_f32_all_weight.npz holds the weights of " + path("a.mlir"), "--model_name"});
  EXPECT_EQ(bytes_of(path("m_top_f32_all_weight.npz")), weights);
  expect_done(transform("decoder", "n", "b.mlir"));
}

TEST_F(CommandLine, what_an_export_cannot_hold_is_said) {
  put_bytes(path("other.yaml"), bytes_of(kData + "pico/pico.yaml") +
                                    "  sam_mask_decoder_extra_args:\n    dynamic_multimask_via_stability: false\n");
  const ProcessResult exported = samc({"export", kPico, "--config", path("other.yaml"), "-o", path("x")});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_NE(exported.err.find("warning: "), std::string::npos);
  EXPECT_NE(exported.err.find("sam_mask_decoder_extra_args"), std::string::npos) << exported.err;
}

TEST_F(CommandLine, damaged_modules) {
  const std::string whole = bytes_of(module());
  const std::string broken = path("broken.samc");
  const auto result_for = [&](const std::string& bytes) {
    put_bytes(broken, bytes);
    return samc({"inspect", broken, "--summary"});
  };
  for (const size_t size : {size_t{3}, size_t{9}, size_t{200}, whole.size() / 2, whole.size() - 1})
    expect_error(result_for(whole.substr(0, size)), 1, {"broken.samc"});
  for (const size_t at : {size_t{9}, size_t{70}, size_t{5000}, whole.size() / 2, whole.size() - 100}) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 16);
    expect_error(result_for(flipped), 1, {"broken.samc"});
  }
}

TEST_F(CommandLine, pictures_that_are_none) {
  put_bytes(path("huge.png"), [] {
    std::string png = bytes_of(kFormats + "rgb8.png");
    for (const size_t at : {16, 20}) png.replace(at, 4, std::string("\0\0\x4e\x20", 4));  // 20,000
    const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(&png[12]), 17);
    for (size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
    return png;
  }());
  put_bytes(path("cut.jpg"), bytes_of(kTruck).substr(0, 100000));
  put_bytes(path("text.jpg"), "hello");
  put_bytes(path("empty.jpg"), "");
  const auto result_for = [&](const std::string& name) {
    return segment({path(name), "--point", "5,5", "-o", path("o.png")});
  };
  expect_error(result_for("huge.png"), 1, {"huge.png", "20000 x 20000", "limit"});
  expect_error(result_for("cut.jpg"), 1, {"cut.jpg", "truncated"});
  expect_error(result_for("text.jpg"), 1, {"text.jpg", "not an image"});
  expect_error(result_for("empty.jpg"), 1, {"empty.jpg", "empty"});
  expect_error(result_for("absent.jpg"), 1, {"absent.jpg", "No such file"});
  EXPECT_FALSE(fs::exists(path("o.png")));
}

TEST_F(CommandLine, prompts_that_cannot_be_meant) {
  const std::string picture = kFormats + "rgb8.png";
  const auto result_for = [&](const std::vector<std::string>& prompt) {
    std::vector<std::string> arguments{picture, "-o", path("o.png")};
    arguments.insert(arguments.end(), prompt.begin(), prompt.end());
    return segment(arguments);
  };
  expect_error(result_for({"--point", "61.5,5"}), 1, {"61.5,5", "outside the image of 61 x 47"});
  expect_error(result_for({"--point=-1,5"}), 1, {"outside"});
  expect_error(result_for({"--point", "1.5,0.5", "--normalized"}), 1, {"outside"});
  expect_error(result_for({"--box", "40,5,10,20"}), 1, {"corners swapped"});
  expect_error(result_for({"--box", "10,5,10,20"}), 1, {"empty"});
  expect_error(result_for({"--box", "70,5,80,20"}), 1, {"outside"});
  expect_error(result_for({"--mask-input", path("absent.npy")}), 1, {"absent.npy"});
  const Tensor wrong = Tensor::zeros({1, 256, 256}), binary(DType::kU8, {64, 64});
  ASSERT_TRUE(write_npy(path("wrong.npy"), wrong.view()).is_ok());
  ASSERT_TRUE(write_npy(path("binary.npy"), binary.view()).is_ok());
  expect_error(result_for({"--mask-input", path("wrong.npy")}), 1, {"(1, 256, 256)", "(1, 64, 64)"});
  expect_error(result_for({"--mask-input", path("binary.npy")}), 1, {"u8", "logits"});
  put_bytes(path("p.json"), R"({"pictures": [{"image": "x.png", "prompts": [{"points": [[1, 1]], "labels": [2]}]}]})");
  expect_error(segment({"--prompts", path("p.json"), "-o", path("o")}), 1, {"p.json", "labels[0]", "neither 0 nor 1"});
  put_bytes(path("torn.json"), "{\"pictures\": [");
  expect_error(segment({"--prompts", path("torn.json"), "-o", path("o")}), 1, {"torn.json", "not valid JSON"});
  EXPECT_FALSE(fs::exists(path("o.png")));
}

TEST_F(CommandLine, places_that_cannot_be_written) {
  const std::string picture = kFormats + "rgb8.png";
  expect_error(segment({picture, "--point", "5,5", "-o", path("no/folder/o.png")}), 1,
               {"no/folder/o.png", "No such file"});
  expect_error(segment({picture, "--point", "5,5", "-o", "/proc/o.png"}), 1, {"/proc/o.png"});
  if (::access("/dev/full", W_OK) == 0) {
    expect_error(segment({picture, "--point", "5,5", "-o", "/dev/full"}), 1, {"/dev/full", "the disk is full"});
    expect_error(segment({picture, "--point", "5,5", "--save-npz", "/dev/full"}), 1, {"the disk is full"});
    expect_error(samc({"compile", kPico, "-o", "/dev/full"}), 1, {"the disk is full"});
    EXPECT_TRUE(fs::is_character_file("/dev/full"));
  }
  // A limit on the size of files stops writing in the middle, as a full disk does.
  ProcessOptions small;
  small.largest_file = 5000;
  expect_error(segment({kTruck, "--point", "5,5", "-o", path("o.png")}, small), 1, {"o.png", "File too large"});
  expect_error(samc({"compile", kPico, "-o", path("o.samc")}, small), 1, {"o.samc", "File too large"});
  EXPECT_FALSE(fs::exists(path("o.png")));
  EXPECT_FALSE(fs::exists(path("o.samc")));
  EXPECT_EQ(count_torn_files(), 0u);
}

TEST_F(CommandLine, read_only_folders) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write to read-only folders";
  fs::create_directory(path("locked"));
  fs::permissions(path("locked"), fs::perms::owner_read | fs::perms::owner_exec);
  expect_error(segment({kFormats + "rgb8.png", "--point", "5,5", "-o", path("locked/o.png")}), 1,
               {"Permission denied", "choose a place"});
  const std::vector<std::string> call{SAMC_BINARY, "encode", kTruck, "--model", kPico, "-o", path("e.npz")};
  ProcessOptions options;
  options.environment = {{"XDG_CACHE_HOME", path("locked")}};
  const ProcessResult result = run_process(call, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("the compiled model is not kept"), std::string::npos) << result.err;
  fs::permissions(path("locked"), fs::perms::owner_all);
}

TEST_F(CommandLine, ctrl_c_leaves_no_torn_files) {
  int interrupted = 0;
  for (const int delay : {5, 15, 30, 60, 100, 150, 250, 400}) {
    ProcessOptions options;
    options.interrupt_after_ms = delay;
    const ProcessResult result = samc(
        {"segment", kTruck, "--model", kPico, "--point", "500,375", "-o", path("o.png"), "--save-npz", path("o.npz")},
        options);
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 130 || result.exit_code == 128 + SIGINT)
        << result.exit_code;
    interrupted += result.exit_code == 130 ? 1 : 0;
    EXPECT_EQ(count_torn_files(), 0u) << "after " << delay << " ms";
    fs::remove_all(path("cache"));
    fs::remove(path("o.png"));
  }
  EXPECT_GE(interrupted, 1);
}

}  // namespace
}  // namespace samc::test
