#include "targets/sophgo/tools/tpuc_arguments.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/test_folder.h"

namespace samc::sophgo {
namespace {

// As model_deploy.py 1.30.2 calls it, but for its four runs in one: an option that is not given changes nothing.
TEST(TpucArguments, are_the_scripts) {
  DeployOptions options;
  options.chip = "bm1688";
  options.cores = 2;
  const std::vector<std::string> wanted = {
      "model.mlir",
      "--struct-optimize",
      "--shape-infer",
      "--canonicalize",
      "--extra-optimize",
      "--processor-assign=chip=bm1688 mode=F16 num_device=1 num_core=2 addr_mode=auto high_precision=False",
      "--processor-top-optimize",
      "--convert-top-to-tpu=weightFileName=lowered_weights.npz asymmetric=False doWinograd=False q_group_size=0 "
      "q_symmetric=False matmul_perchannel=False gelu_mode=normal",
      "--canonicalize",
      "--weight-fold",
      "--mlir-disable-threading",
      "--strip-io-quant=quant_input=False quant_output=False",
      "--processor-tpu-optimize",
      "--dev-parallel",
      "--weight-reorder",
      "--subnet-divide=dynamic=False",
      "--op-reorder",
      "--topo-sort",
      "--layer-group=opt=2 group_by_cores=auto compress_mode=none debugger=0 disable_group_overlap=false lgcache=true "
      "config_filename= enable_lghash=False lghash_dir=",
      "--affine-opt",
      "--core-parallel",
      "--after-layergroup-weight-reorder",
      "--address-assign",
      "-o",
      "final.mlir"};
  EXPECT_EQ(compile_arguments(options, *find_quantization("F16").value(), ""), wanted);
}

TEST(TpucArguments, commands_that_another_run_left_are_an_error) {
  const TestFolder folder;
  const std::string path = folder.path("debug_cmd");
  EXPECT_TRUE(check_debug_commands(path).is_ok());
  ASSERT_TRUE(write_file(path, std::string("\n")).is_ok());  // what model_deploy.py leaves
  EXPECT_TRUE(check_debug_commands(path).is_ok());
  ASSERT_TRUE(write_file(path, std::string(",global_op_type-tpu.MatMul\n")).is_ok());
  const Status status = check_debug_commands(path);
  EXPECT_FALSE(status.is_ok());
  EXPECT_NE(status.message().find(path), std::string::npos) << status.message();
  EXPECT_EQ(status.hint(), "remove that file");
}

}  // namespace
}  // namespace samc::sophgo
