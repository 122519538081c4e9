// Command lines for TPU-MLIR's model_transform.py and model_deploy.py, as its documentation and sophon-demo's scripts
// have them. tpuc-opt is a script here that notes its arguments and fails: what it makes of them is tpu_deploy_test's.

#include <sstream>

#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

const std::string kBlock = kData + "tpu_mlir/block.mlir";

class Scripts : public CommandLine {
 protected:
  static void SetUpTestSuite() {}  // no module is needed
  static void TearDownTestSuite() {}

  void SetUp() override {
    fs::create_directories(path("tpu-mlir/bin"));
    put_bytes(
        path("tpu-mlir/bin/tpuc-opt"),
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"${0%/bin/*}/arguments\"\ncp layer_group_config.json \"${0%/bin/*}/\" "
        "2>/dev/null\nexit 3\n");
    fs::permissions(path("tpu-mlir/bin/tpuc-opt"), fs::perms::owner_all);
  }

  ProcessResult transform(std::vector<std::string> more) {
    std::vector<std::string> call = {"transform",   "--model_name", "sam2_encoder",
                                     "--model_def", kPico,          "--part",
                                     "encoder",     "--mlir",       path("sam2_encoder.mlir")};
    call.insert(call.end(), more.begin(), more.end());
    return samc(call);
  }

  // The arguments that tpuc-opt got, one a line; what samc said on stderr before its failure in warnings_.
  std::string deploy(std::vector<std::string> more) {
    fs::remove(path("tpu-mlir/arguments"));
    std::vector<std::string> call = {"deploy",     "--mlir",        kBlock, "--model", path("block.bmodel"),
                                     "--tpu-mlir", path("tpu-mlir")};
    call.insert(call.end(), more.begin(), more.end());
    const ProcessResult result = samc(call);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const size_t error = result.err.find("samc: error: ");
    EXPECT_NE(result.err.find("tpuc-opt: exit code 3", error), std::string::npos) << result.err;
    warnings_ = result.err.substr(0, error);
    return bytes_of(path("tpu-mlir/arguments"));
  }
  void expect_refused(const std::vector<std::string>& more, const std::vector<std::string>& parts) {
    std::vector<std::string> call = {"deploy", "--mlir", kBlock,       "--model",       path("block.bmodel"),
                                     "--chip", "bm1688", "--tpu-mlir", path("tpu-mlir")};
    call.insert(call.end(), more.begin(), more.end());
    expect_error(samc(call), 2, parts);
  }

  std::string warnings_;
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Scripts, transform_takes_what_has_no_effect_and_says_so) {
  expect_done(transform({}));
  const std::string plain = bytes_of(path("sam2_encoder.mlir"));
  const ProcessResult result =
      transform({"--input_shape", "[[1,3,256,256]]", "--input_types", "float32", "--dynamic", "--do_onnx_sim", "True",
                 "--tolerance", "0.99,0.99", "--excepts", "-", "--log_level", "0", "--debug", "--not_inference"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err,
            "samc: warning: --input_types has no effect: the model says its inputs' types itself\n"
            "samc: warning: --debug has no effect: there are no files in between that could be kept\n"
            "samc: warning: --dynamic has no effect: shapes are always those of the model\n");
  EXPECT_EQ(bytes_of(path("sam2_encoder.mlir")), plain);
}

TEST_F(Scripts, transform_refuses_by_name_what_would_change_the_model) {
  expect_error(transform({"--add_postprocess", "yolov5"}), 2, {"--add_postprocess of model_transform.py"});
  expect_error(transform({"--op_custom_shape", "{}"}), 2, {"--op_custom_shape", "give --input_shapes"});
  expect_error(transform({"--preprocess_list", "2"}), 2, {"--preprocess_list: there is no input 2", "the model has 1"});
  EXPECT_FALSE(fs::exists(path("sam2_encoder.mlir")));
}

TEST_F(Scripts, not_inference_leaves_the_run_out) {
  expect_done(transform({"--test_input", kTruck, "--test_result", path("o.npz"), "--not_inference"}));
  EXPECT_FALSE(fs::exists(path("o.npz")));
}

TEST_F(Scripts, preprocess_list_says_which_inputs_are_images) {
  const auto count = [&](const std::vector<std::string>& more) {
    std::vector<std::string> call = {"transform", "--model_name", "d",      "--model_def", kPico,
                                     "--part",    "decoder",      "--mlir", path("d.mlir")};
    call.insert(call.end(), more.begin(), more.end());
    expect_done(samc(call));
    const std::string text = bytes_of(path("d.mlir"));
    int found = 0;
    for (size_t at = text.find("do_preprocess = true"); at != std::string::npos;
         at = text.find("do_preprocess = true", at + 1))
      ++found;
    return found;
  };
  const int all = count({});
  ASSERT_GT(all, 1);  // the mask, and the points, whose shape has three extents
  EXPECT_EQ(count({"--preprocess_list", "6"}), 1);
  expect_error(samc({"transform", "--model_name", "d", "--model_def", kPico, "--part", "decoder", "--mlir",
                     path("e.mlir"), "--preprocess_list", "1"}),
               2, {"input 1 of shape", "takes no image"});
}

TEST_F(Scripts, a_pass_that_is_not_there_is_answered_with_those_of_this_target) {
  expect_error(transform({"--disable", "nonsense"}), 2, {"no pass 'nonsense'", "fuse-bias", "join-windows"});
  const ProcessResult compiled = samc({"compile", kPico, "--disable", "nonsense", "-o", path("o.samc")});
  expect_error(compiled, 2, {"no pass 'nonsense'", "fold-windows"});
  EXPECT_FALSE(holds(compiled.err, "join-windows")) << compiled.err;
  expect_done(transform({"--disable", "join-windows"}));
}

TEST_F(Scripts, deploy_takes_the_lines_of_sophon_demo) {
  const std::string as_documented = deploy({"--quantize", "F16", "--processor", "bm1688", "--num_core", "2"});
  EXPECT_EQ(warnings_, "");
  EXPECT_TRUE(holds(as_documented, "chip=bm1688 mode=F16 num_device=1 num_core=2 addr_mode=auto")) << as_documented;
  EXPECT_EQ(deploy({"--quantize", "F16", "--chip", "bm1688", "--opt", "2", "--num_core", "2", "--model_version",
                    "latest", "--num_device", "1", "--addr_mode", "auto", "--compress_mode", "none"}),
            as_documented);
  EXPECT_EQ(warnings_, "");
  EXPECT_EQ(deploy({"--quantize", "F16", "--chip", "BM1688", "--num_core", "2", "--dynamic", "--merge_weight"}),
            as_documented);
  EXPECT_TRUE(holds(warnings_, "--dynamic has no effect") && holds(warnings_, "--merge_weight has no effect"));
  // gen_bmodel_image.sh without --mode gives no --quantize, and model_deploy.py takes F32 then.
  EXPECT_TRUE(holds(deploy({"--chip", "bm1684x"}), "chip=bm1684x mode=F32 num_device=1 num_core=1"));
}

TEST_F(Scripts, deploy_passes_on_what_is_tpuc_opts) {
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--chip", "bm1688", "--quantize", "F16"});
    return deploy(more);
  };
  EXPECT_TRUE(holds(with({"--opt", "1"}), "--layer-group=opt=1 "));
  EXPECT_FALSE(holds(with({"--disable_layer_group"}), "--layer-group"));
  EXPECT_FALSE(holds(with({"--disable_topo_sort"}), "--topo-sort"));
  EXPECT_FALSE(holds(with({"--disable_affine"}), "--affine-opt"));
  EXPECT_TRUE(holds(with({"--addr_mode", "basic"}), "addr_mode=basic"));
  EXPECT_TRUE(holds(with({"--io_alone"}), "addr_mode=io_alone"));
  EXPECT_TRUE(holds(with({"--group_by_cores", "true"}), "group_by_cores=true"));
  EXPECT_TRUE(holds(with({"--compress_mode", "weight"}), "compress_mode=weight"));
  EXPECT_TRUE(holds(with({"--weight_deduplicate"}), "--weight-deduplicate"));
  EXPECT_TRUE(holds(with({"--ignore_f16_overflow"}), "high_precision=True"));
  EXPECT_TRUE(holds(with({"--quant_output", "--quant_output_list", "1"}), "quant_output=True quant_output_list=1"));
  EXPECT_TRUE(holds(with({"--quant_output_bf16"}), "quant_output_bf16=True"));
  EXPECT_EQ(warnings_, "");
  EXPECT_TRUE(holds(with({"--shape_secs_search_strategy", "2"}), "config_filename=layer_group_config.json"));
  EXPECT_EQ(bytes_of(path("tpu-mlir/layer_group_config.json")),
            "{\"shape_secs_search_strategy\": 2, \"structure_detect_opt\": true}\n");
  put_bytes(path("own.json"), "{\"shape_secs_search_strategy\": 1}");
  EXPECT_TRUE(holds(with({"--layer_group_config", path("own.json")}), "config_filename=layer_group_config.json"));
  EXPECT_EQ(bytes_of(path("tpu-mlir/layer_group_config.json")), "{\"shape_secs_search_strategy\": 1}");
  EXPECT_TRUE(holds(deploy({"--chip", "bm1688", "--quantize", "W8F16", "--q_group_size", "128", "--q_symmetric"}),
                    "q_group_size=128 q_symmetric=True"));
  EXPECT_TRUE(holds(warnings_, "W8F16 makes bmodels smaller, not faster")) << warnings_;
  with({"--quant_input_list", "1"});
  EXPECT_TRUE(holds(warnings_, "--quant_input_list has no effect without --quant_input")) << warnings_;
  deploy({"--chip", "bm1684x", "--compress_mode", "all"});
  EXPECT_TRUE(holds(warnings_, "--compress_mode has no effect: only bm1688 has it")) << warnings_;
}

TEST_F(Scripts, deploy_refuses_by_name_what_it_cannot_do) {
  expect_refused({"--num_device", "2"}, {"--num_device of model_deploy.py", "use --num_core"});
  expect_refused({"--quantize", "INT8"}, {"--quantize INT8 needs a --calibration_table", "samc calibrate"});
  expect_refused({"--calibration_table", "t"}, {"--calibration_table is for INT8", "--quantize is F32"});
  expect_refused({"--gelu_mode", "tanh"}, {"--gelu_mode of model_deploy.py", "GELU stays exact"});
  expect_refused({"--debug_cmd", ",x"}, {"--debug_cmd", "/tmp/debug_cmd"});
  expect_refused({"--opt", "4"}, {"--opt 4 is not known", "1, 2, 3"});
  expect_refused({"--addr_mode", "new"}, {"--addr_mode new is not known", "io_tag_fuse"});
  expect_refused({"--quantize", "F16", "--quant_output", "--quant_output_list", "2"},
                 {"--quant_output_list: there is no output 2", "the model has 1"});
  expect_refused({"--layer_group_config", "x.json", "--disable_structure_detect_opt"}, {"--layer_group_config beside"});
  put_bytes(path("bad.json"), "[1");
  std::vector<std::string> call = {"deploy",        "--mlir", kBlock,       "--model",        path("block.bmodel"),
                                   "--chip",        "bm1688", "--tpu-mlir", path("tpu-mlir"), "--layer_group_config",
                                   path("bad.json")};
  expect_error(samc(call), 1, {"bad.json holds no JSON object"});
  call = {"deploy", "--mlir", kBlock, "--model", path("block.bmodel"), "--chip", "bm1688", "--compress_mode", "all"};
  expect_error(samc(call), 1, {"--compress_mode all", "use none or weight"});
  EXPECT_FALSE(fs::exists(path("tpu-mlir/arguments")));
}

TEST_F(Scripts, both_say_their_version) {
  for (const char* command : {"transform", "deploy"}) {
    const ProcessResult result = samc({command, "-V"});
    expect_done(result);
    EXPECT_TRUE(result.out.starts_with("samc ")) << result.out;
  }
}

}  // namespace
}  // namespace samc::test
