// ONNX models that are wrong, foreign or asked for what they don't have: one line each, exit code 1, nothing written.

#include <functional>

#include "onnx/edit_model.h"
#include "tests/support/command_line.h"
#include "tests/support/pico_export.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;
using namespace onnx;

TensorProto& add_weight(GraphProto& graph, const std::string& name, const std::vector<int64_t>& shape) {
  TensorProto& tensor = add_tensor(graph, name, shape, kFloatType);
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  for (int64_t i = 0; i < count; ++i) tensor.add_float_data(0.25f * static_cast<float>(i % 7) - 0.5f);
  return tensor;
}

// Convolution, activation, pooling, a linear layer: a classifier of ten classes.
ModelProto small_convnet() {
  ModelProto model;
  model.set_ir_version(8);
  auto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(17);
  GraphProto& graph = *model.mutable_graph();
  graph.set_name("convnet");
  declare(*graph.add_input(), "picture", {1, 3, 16, 16});
  declare(*graph.add_output(), "classes", {1, 10});
  add_weight(graph, "conv.weight", {8, 3, 3, 3});
  add_weight(graph, "conv.bias", {8});
  add_weight(graph, "fc.weight", {10, 8});
  add_weight(graph, "fc.bias", {10});
  add_node(graph, "Conv", {"picture", "conv.weight", "conv.bias"}, "a");
  add_node(graph, "Relu", {"a"}, "b");
  add_node(graph, "GlobalAveragePool", {"b"}, "c");
  add_node(graph, "Flatten", {"c"}, "d");
  set(add_node(graph, "Gemm", {"d", "fc.weight", "fc.bias"}, "classes"), "transB", 1);
  return model;
}

class OnnxBadInput : public CommandLine {
 protected:
  static void SetUpTestSuite() {}  // no module is needed
  static void TearDownTestSuite() {}

  ProcessResult transform(const ModelProto& model, const std::vector<std::string>& more = {}) {
    put_bytes(path("x.onnx"), model.SerializeAsString());
    return transform_file(more);
  }
  ProcessResult transform_file(const std::vector<std::string>& more = {}) {
    std::vector<std::string> call = {"transform",    "--model_name", "x",           "--model_def",
                                     path("x.onnx"), "--mlir",       path("x.mlir")};
    call.insert(call.end(), more.begin(), more.end());
    return samc(call);
  }
  // With small_convnet() changed.
  void expect_refused(const std::function<void(GraphProto&)>& change, const std::vector<std::string>& parts) {
    ModelProto model = small_convnet();
    change(*model.mutable_graph());
    expect_refused(transform(model), parts);
  }
  void expect_refused(const ProcessResult& result, const std::vector<std::string>& parts, int code = 1) {
    expect_error(result, code, parts);
    EXPECT_FALSE(fs::exists(path("x.mlir")));
    EXPECT_EQ(count_torn_files(), 0u);
  }
};

TEST_F(OnnxBadInput, a_model_that_is_not_sam_2_works) {
  const ProcessResult result = transform(small_convnet());
  expect_done(result);
  EXPECT_NE(result.out.find("output  classes (1, 10)"), std::string::npos) << result.out;
}

TEST_F(OnnxBadInput, inputs_that_nothing_reads_keep_their_names) {
  ModelProto model = small_convnet();
  declare(*model.mutable_graph()->add_input(), "spare", {1, 2});
  const ProcessResult result = transform(model);
  expect_done(result);
  EXPECT_NE(result.out.find("input   spare (1, 2)"), std::string::npos) << result.out;
}

TEST_F(OnnxBadInput, but_it_is_no_folder_of_a_sam_2_export) {
  fs::create_directory(path("net"));
  for (const char* name : {"net/encoder.onnx", "net/decoder.onnx"})
    put_bytes(path(name), small_convnet().SerializeAsString());
  const std::vector<std::string> call = {"compile", path("net"), "-o", path("o.samc")};
  expect_error(samc(call), 1, {"encoder.onnx", "no input image", "its inputs are picture"});
  ASSERT_TRUE(write_pico_export(path("net")).is_ok());
  put_bytes(path("net/decoder.onnx"), small_convnet().SerializeAsString());
  expect_error(samc(call), 1, {"decoder.onnx", "no input high_res_feats_0"});
  fs::remove(path("net/decoder.onnx"));
  expect_error(samc(call), 1, {"decoder.onnx", "No such file"});
  EXPECT_FALSE(fs::exists(path("o.samc")));
}

TEST_F(OnnxBadInput, graphs_that_are_wrong) {
  expect_refused(
      [](GraphProto& graph) {
        add_node(graph, "Add", {"p", "d"}, "q");
        add_node(graph, "Neg", {"q"}, "p");
      },
      {"x.onnx", "cycle"});
  expect_refused([](GraphProto& graph) { graph.mutable_node(1)->set_input(0, "nowhere"); }, {"nowhere", "Relu"});
  expect_refused([](GraphProto& graph) { graph.mutable_output(0)->set_name("nothing"); }, {"output nothing"});
  expect_refused([](GraphProto& graph) { add_node(graph, "Neg", {"b"}, "c"); }, {"c is defined twice"});
  expect_refused([](GraphProto& graph) { graph.mutable_node(4)->set_input(1, "conv.weight"); }, {"Gemm"});
  expect_refused([](GraphProto& graph) { graph.mutable_initializer(0)->set_dims(1, 5); },
                 {"conv.weight", "(8, 5, 3, 3)"});
}

TEST_F(OnnxBadInput, external_data_outside_or_too_short) {
  const auto with_location = [](const std::string& location) {
    return [location](GraphProto& graph) {
      TensorProto& tensor = *graph.mutable_initializer(0);
      tensor.clear_float_data();
      tensor.set_data_location(1);
      auto& entry = *tensor.add_external_data();
      entry.set_key("location");
      entry.set_value(location);
    };
  };
  expect_refused(with_location("../w.bin"), {"conv.weight", "outside the model's folder"});
  expect_refused(with_location("/etc/passwd"), {"conv.weight", "outside the model's folder"});
  expect_refused(with_location("absent.bin"), {"absent.bin", "put it beside the .onnx file"});
  put_bytes(path("w.bin"), std::string(100, 'x'));
  expect_refused(with_location("w.bin"), {"w.bin, which has 100", "cut short"});
}

TEST_F(OnnxBadInput, opsets_too_old_and_too_new) {
  for (const int64_t opset : {9, 99}) {
    ModelProto model = small_convnet();
    model.mutable_opset_import(0)->set_version(opset);
    expect_refused(transform(model), {"opset " + std::to_string(opset), "samc reads 11 to 20", "opset_version=17"});
  }
}

TEST_F(OnnxBadInput, all_unknown_operators_are_in_one_report) {
  expect_refused(
      [](GraphProto& graph) {
        add_node(graph, "TopK", {"d"}, "e").set_name("first_topk");
        add_node(graph, "TopK", {"e"}, "f");
        add_node(graph, "Loop", {"f"}, "g");
        NodeProto& own = add_node(graph, "Sampler", {"g"}, "h");
        own.set_domain("my.ops");
        graph.mutable_node(4)->set_input(0, "h");
      },
      {"TopK (2x, first TopK node 'first_topk'", "Loop (1x", "unroll it", "my.ops.Sampler (1x", "--output_names"});
}

TEST_F(OnnxBadInput, shapes_that_were_given_are_not_asked_for) {
  ModelProto model = small_convnet();
  GraphProto& graph = *model.mutable_graph();
  set(add_node(graph, "Cast", {"d"}, "extents"), "to", kInt64Type);
  add_node(graph, "Reshape", {"b", "extents"}, "e");
  graph.mutable_output(0)->set_name("e");
  const ProcessResult given = transform(model, {"--input_shapes", "[[1,3,16,16]]"});
  expect_refused(given, {"depends on the data", "export with fixed shapes"});
  EXPECT_EQ(given.err.find("--input_shapes"), std::string::npos) << given.err;
}

TEST_F(OnnxBadInput, segment_advises_no_option_of_transform) {
  fs::create_directory(path("exported"));
  ASSERT_TRUE(write_pico_export(path("exported/")).is_ok());
  ModelProto model;
  ASSERT_TRUE(model.ParseFromString(bytes_of(path("exported/encoder.onnx"))));
  for (NodeProto& node : *model.mutable_graph()->mutable_node())
    if (node.op_type() == "Softmax") node.set_op_type("TopK");
  put_bytes(path("exported/encoder.onnx"), model.SerializeAsString());
  const ProcessResult result =
      samc({"segment", kTruck, "--model", path("exported"), "--point", "5,5", "-o", path("o.png")});
  expect_error(result, 1, {"TopK", "export the model without it"});
  EXPECT_EQ(result.err.find("--output_names"), std::string::npos) << result.err;
}

TEST_F(OnnxBadInput, shapes_and_names_that_the_model_does_not_have) {
  const ModelProto model = small_convnet();
  expect_refused(transform(model, {"--input_shapes", "[[1,3,32,32]]"}), {"(1, 3, 32, 32)", "picture", "axis 2 is 16"});
  expect_refused(transform(model, {"--input_shapes", "[[1,3,16,16],[1]]"}),
                 {"2 shapes", "1 input", "picture [1,3,16,16]"});
  expect_refused(transform(model, {"--input_shapes", "[[1,3,16]]"}), {"which has 4 axes"});
  expect_refused(transform(model, {"--input_shapes", "[[1,3,x]]"}), {"is not understood"}, 2);
  expect_refused(transform(model, {"--output_names", "classes,boxes"}), {"no value boxes", "its outputs are classes"});
  expect_refused(transform(model, {"--part", "encoder"}), {"--part makes a part of an export's folder"}, 2);
  expect_refused(transform(model, {"--quantise", "F16"}), {"--quantise", "samc transform --help"}, 2);
  expect_refused(transform(model, {"--test_input", path("absent.npz"), "--test_result", path("o.npz")}),
                 {"absent.npz", "No such file"});
  expect_refused(transform(model, {"--test_input", path("x.onnx")}), {"--test_result belong together"}, 2);
  const ProcessResult inner = transform(model, {"--output_names", "b"});
  expect_done(inner);
  EXPECT_NE(inner.out.find("output  b (1, 8, 14, 14)"), std::string::npos) << inner.out;
}

TEST_F(OnnxBadInput, files_that_are_no_model) {
  put_bytes(path("x.onnx"), "hello");
  expect_refused(transform_file(), {"x.onnx", "not an ONNX model"});
  const std::string whole = small_convnet().SerializeAsString();
  put_bytes(path("x.onnx"), whole.substr(0, whole.size() / 2));
  expect_refused(transform_file(), {"x.onnx"});
  fs::remove(path("x.onnx"));
  expect_refused(transform_file(), {"x.onnx", "No such file"});
}

TEST_F(OnnxBadInput, a_full_disk_leaves_nothing_torn) {
  put_bytes(path("x.onnx"), small_convnet().SerializeAsString());
  ProcessOptions small;
  small.largest_file = 1000;
  expect_error(samc({"transform", "--model_name", "x", "--model_def", path("x.onnx"), "--mlir", path("x.mlir")}, small),
               1, {"File too large"});
  EXPECT_FALSE(fs::exists(path("x.mlir")));
  EXPECT_EQ(count_torn_files(), 0u);
  small.largest_file = 100000;
  expect_error(samc({"export", kPico, "-o", path("out")}, small), 1, {"File too large"});
  EXPECT_TRUE(fs::is_empty(path("out")));
}

TEST_F(OnnxBadInput, no_weights_stay_without_their_mlir) {
  fs::create_directory(path("x.mlir"));
  expect_error(transform(small_convnet()), 1, {"x.mlir", "it is a folder"});
  for (const fs::directory_entry& entry : fs::directory_iterator(path("")))
    EXPECT_NE(entry.path().extension(), ".npz") << entry.path();
}

TEST_F(OnnxBadInput, what_export_does_not_write) {
  expect_error(samc({"export", kPico, "-o", path("out"), "--opset", "9"}), 2, {"--opset 9", "13 to 20"});
  expect_error(samc({"export", path("absent.pt"), "-o", path("out")}), 1, {"absent.pt"});
  put_bytes(path("x.onnx"), small_convnet().SerializeAsString());
  expect_error(samc({"export", path("x.onnx"), "-o", path("out")}), 1, {"is one ONNX file", "the folder that holds"});
  fs::create_directory(path("net"));
  for (const char* name : {"net/encoder.onnx", "net/decoder.onnx"})
    put_bytes(path(name), small_convnet().SerializeAsString());
  expect_error(samc({"export", path("net"), "-o", path("out")}), 1, {"encoder.onnx", "no input image"});
  EXPECT_FALSE(fs::exists(path("out")));
  const std::string before = bytes_of(path("net/encoder.onnx"));
  expect_error(samc({"export", path("net"), "-o", path("net")}), 2, {"encoder.onnx", "which is read"});
  EXPECT_EQ(bytes_of(path("net/encoder.onnx")), before);
}

}  // namespace
}  // namespace samc::test
