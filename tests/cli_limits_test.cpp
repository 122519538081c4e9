// Inputs that are small and ask for much: each ends in one line and exit code 1. docs/limits.md lists the limits; the
// stages' own tests have the cases one by one.

#include "media/image.h"
#include "media/npz.h"
#include "onnx/edit_model.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

constexpr size_t kLongestLine = 5000;  // message, hint and the name of a file

TEST_F(CommandLine, an_image_of_a_long_side) {
  for (const auto& [width, height] : {std::pair{1, 70'000}, std::pair{70'000, 1}}) {
    ASSERT_TRUE(write_png(path("long.png"), Image(width, height)).is_ok());
    const std::string size = fmt::format("{} x {} pixels", width, height);
    expect_error(segment({path("long.png"), "--point", "0,0", "-o", path("o.png")}), 1, {"long.png", size, "65535"});
    expect_error(samc({"encode", path("long.png"), "--model", module(), "-o", path("e.npz")}), 1, {"long.png", size});
  }
  // As long as may be: one pixel wide, and the masks are as long.
  ASSERT_TRUE(write_png(path("long.png"), Image(1, 65'535)).is_ok());
  expect_done(segment({path("long.png"), "--point", "0,60000", "--masks-dir", path("masks"), "-q"}));
  EXPECT_EQ(read_image(path("masks/long_prompt0_mask0.png")).value().height, 65'535);
}

// An embedding at `to` that says it is of an image of this size.
void lie_about_size(const Npz& npz, int64_t height, int64_t width, const std::string& to) {
  const std::array<int64_t, 2> size{height, width};
  std::vector<std::pair<std::string, TensorView>> arrays;
  for (const auto& [name, tensor] : npz.arrays())
    arrays.emplace_back(name, name == "original_size" ? TensorView{DType::kI64, {2}, size.data()} : tensor.view());
  ASSERT_TRUE(write_npz(to, arrays).is_ok());
}

TEST_F(CommandLine, masks_that_no_npz_holds) {
  expect_done(samc({"encode", kFormats + "rgb8.png", "--model", module(), "-o", path("e.npz")}));
  lie_about_size(Npz::read(path("e.npz")).value(), 12'000, 12'000, path("large.npz"));
  std::vector<std::string> call{"--embedding", path("large.npz"), "--save-npz", path("o.npz")};
  for (int i = 0; i < 10; ++i) call.insert(call.end(), {"--box", "1,1,5,5"});
  expect_error(segment(call), 1, {"o.npz: the masks would take 4.3 GB", "save fewer prompts at once"});
}

TEST_F(CommandLine, an_embedding_of_an_image_of_a_long_side) {
  expect_done(samc({"encode", kFormats + "rgb8.png", "--model", module(), "-o", path("e.npz")}));
  const Npz npz = Npz::read(path("e.npz")).value();
  const std::pair<int64_t, int64_t> sizes[] = {
      {1, 179'000'000}, {179'000'000, 1}, {70'000, 1}, {-1, 5}, {20'000, 20'000}};
  for (const auto& [height, width] : sizes) {
    lie_about_size(npz, height, width, path("lie.npz"));
    expect_error(segment({"--embedding", path("lie.npz"), "--point", "0,0", "--json", path("o.json")}), 1,
                 {"lie.npz", fmt::format("original_size {} x {}", width, height)});
  }
}

TEST_F(CommandLine, a_prompt_of_too_many_points) {
  std::string points;
  for (int i = 0; i < 4096; ++i) points += i == 0 ? "[1,1]" : ",[1,1]";
  put_bytes(path("p.json"), R"({"pictures": [{"image": ")" + kFormats +
                                R"(rgb8.png", "prompts": [{"points": [[1, 1]]}, )" + R"({"points": [)" + points +
                                "]}]}]}");
  expect_error(segment({"--prompts", path("p.json"), "--json", path("o.json")}), 1,
               {"p.json", "pictures[0]: prompts[1]: points: more than 4095"});
  std::vector<std::string> call{kFormats + "rgb8.png", "--json", path("o.json")};
  for (int i = 0; i < 4096; ++i) call.insert(call.end(), {"--point", "1,1"});
  expect_error(segment(call), 1, {"rgb8", "a prompt of 4096 points, more than the model's 4095"});
  call.resize(call.size() - 2);
  expect_done(segment(call));
}

TEST_F(CommandLine, deeply_nested_mlir) {
  const std::string head = "module @m attributes {module.state = \"TOP_F32\", module.weight_file = \"w.npz\"} {\n";
  const std::string deep = fmt::format("func.func @main() {{ %0 = \"top.None\"() {{a = {}", std::string(10'000, '['));
  for (const std::string& text : {head + deep, deep, std::string(1'000'000, '{')}) {
    put_bytes(path("deep.mlir"), text);
    expect_error(samc({"inspect", path("deep.mlir")}), 1, {"deep.mlir", "nested more than 100 deep"});
    expect_error(samc({"deploy", "--mlir", path("deep.mlir"), "--chip", "bm1688", "--quantize", "F16", "--model",
                       path("o.bmodel"), "--tpu-mlir", path("absent")}),
                 1, {"deep.mlir", "nested more than 100 deep"});
  }
  std::string doubling = head + "} loc(#loc30)\n#loc0 = loc(\"a\")\n";
  for (int i = 1; i <= 30; ++i) doubling += fmt::format("#loc{0} = loc(fused[#loc{1}, #loc{1}])\n", i, i - 1);
  put_bytes(path("doubling.mlir"), doubling);
  expect_error(samc({"inspect", path("doubling.mlir")}), 1, {"doubling.mlir", "stands for too many others"});
}

TEST_F(CommandLine, a_model_of_many_outputs_takes_linear_time) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto& graph = *model.mutable_graph();
  onnx::declare(*graph.add_input(), "x", {2});
  constexpr int kOutputs = 20'000;
  for (int i = 0; i < kOutputs; ++i) {
    const std::string output = fmt::format("y{}", i);
    onnx::add_node(graph, "Relu", {"x"}, output);
    onnx::declare(*graph.add_output(), output, {2});
  }
  put_bytes(path("out.onnx"), model.SerializeAsString());
  const ProcessResult inspected = samc({"inspect", path("out.onnx")});
  expect_done(inspected);
  EXPECT_NE(inspected.out.find("output      y19999"), std::string::npos);
  expect_done(samc({"transform", "--model_name", "out", "--model_def", path("out.onnx"), "--mlir", path("out.mlir")}));
}

TEST_F(CommandLine, messages_are_bounded) {
  const std::string digits(100'000, '9');  // the kernel's limit of one argument is 131,072
  for (const std::vector<std::string>& call : std::vector<std::vector<std::string>>{
           {"segment", fmt::format("{}.jpg", digits), "--model", module(), "--point", "1,1", "-o", path("o.png")},
           {"segment", kTruck, "--model", digits, "--point", "1,1", "-o", path("o.png")},
           {"segment", kTruck, "--model", module(), "--point", digits, "-o", path("o.png")},
           {"segment", kTruck, "--model", module(), "--box", fmt::format("{},1,2,3", digits), "-o", path("o.png")},
           {"segment", kTruck, fmt::format("--{}", digits)},
           {"inspect", digits},
           {digits}}) {
    const ProcessResult result = samc(call);
    EXPECT_TRUE(result.exit_code == 1 || result.exit_code == 2) << result.exit_code;
    expect_error(result, result.exit_code, {});
    EXPECT_LT(result.err.size(), kLongestLine);
  }
  put_bytes(path("p.json"),
            fmt::format("{{\"pictures\": [{{\"image\": \"{}\", \"prompts\": [{{\"points\": [[1e300, 1]]}}]}}]}}",
                        std::string(10'000'000, 'n')));
  const ProcessResult result = segment({"--prompts", path("p.json"), "--json", path("o.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_LT(result.err.size(), 2 * kLongestLine);
}

// Files without content (holes) of a size that no such file has.
TEST_F(CommandLine, files_of_text_that_are_too_large) {
  const auto make = [&](const std::string& name, uintmax_t bytes) {
    put_bytes(path(name), "");
    std::filesystem::resize_file(path(name), bytes);
    return path(name);
  };
  expect_error(samc({"compile", kPico, "--config", make("c.yaml", (1 << 20) + 1), "-o", path("o.samc")}), 1,
               {"c.yaml", "more than the 1048576 allowed"});
  expect_error(segment({"--prompts", make("p.json", (64 << 20) + 1), "--json", path("o.json")}), 1,
               {"p.json", "more than the 67108864 allowed"});
  expect_error(samc({"inspect", make("m.mlir", (64 << 20) + 1)}), 1, {"m.mlir", "more than the 67108864 allowed"});
  expect_error(samc({"inspect", make("m.onnx", uintmax_t{1} << 31)}), 1, {"m.onnx", "more than 2 GB"});
}

}  // namespace
}  // namespace samc::test
