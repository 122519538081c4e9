#pragma once
// pico's export, edited as other exporters' habits would have it, and what samc makes of it.

#include <algorithm>
#include <cmath>
#include <functional>

#include "media/npz.h"
#include "onnx/edit_model.h"
#include "tests/support/command_line.h"
#include "tests/support/pico_export.h"

namespace samc::test {

namespace fs = std::filesystem;
using namespace onnx;

using Edit = std::function<void(GraphProto&)>;

inline void cast(GraphProto& graph, const std::string& from, const std::string& to, int type) {
  set(add_node(graph, "Cast", {from}, to), "to", type);
}
inline NodeProto& made_by(GraphProto& graph, const std::string& output) {
  for (NodeProto& node : *graph.mutable_node())
    for (const std::string& name : node.output())
      if (name == output) return node;
  throw std::runtime_error("nothing makes " + output);
}
inline bool is_made(const GraphProto& graph, const std::string& name) {
  return std::any_of(graph.node().begin(), graph.node().end(),
                     [&](const NodeProto& node) { return node.output_size() > 0 && node.output(0) == name; });
}
inline ValueInfoProto& input_of(GraphProto& graph, const std::string& name) {
  for (auto& input : *graph.mutable_input())
    if (input.name() == name) return input;
  throw std::runtime_error("no input " + name);
}
inline void set_type(GraphProto& graph, const std::string& input, int type) {
  input_of(graph, input).mutable_type()->mutable_tensor_type()->set_elem_type(type);
}
// What reads `name` reads `other` from now on.
inline void read_instead(GraphProto& graph, const std::string& name, const std::string& other) {
  for (NodeProto& node : *graph.mutable_node())
    for (std::string& input : *node.mutable_input())
      if (input == name) input = other;
}
// What makes `name` makes `inner` from now on, and nothing reads that yet.
inline void make_instead(GraphProto& graph, const std::string& name, const std::string& inner) {
  made_by(graph, name).set_output(0, inner);
}

// Between what makes an output and the output, or between an input and what reads it, stands this operator now, with
// these operands behind the one that flows through.
inline NodeProto& put_behind(GraphProto& graph, const std::string& output, const std::string& op,
                             const std::vector<std::string>& operands = {}) {
  const std::string inner = output + " in front of " + op;
  make_instead(graph, output, inner);
  std::vector<std::string> inputs = {inner};
  inputs.insert(inputs.end(), operands.begin(), operands.end());
  return add_node(graph, op, inputs, output);
}
inline NodeProto& put_in_front(GraphProto& graph, const std::string& input, const std::string& op,
                               const std::vector<std::string>& operands = {}) {
  std::string inner = input + " behind " + op;
  while (is_made(graph, inner)) inner += " again";
  read_instead(graph, input, inner);
  std::vector<std::string> inputs = {input};
  inputs.insert(inputs.end(), operands.begin(), operands.end());
  return add_node(graph, op, inputs, inner);
}
inline std::string add_number(GraphProto& graph, float value) {
  return add_reals(graph, "number " + std::to_string(graph.initializer_size()), {value});
}

// A convolution of single pixels: these weights from one colour to another, and what is added.
inline void put_pixel_convolution(GraphProto& graph, const std::vector<float>& weights,
                                  const std::vector<float>& bias) {
  const int64_t from = static_cast<int64_t>(weights.size()) / 3;
  NodeProto& node =
      put_in_front(graph, "image", "Conv",
                   {add_reals(graph, "colours", weights, {3, from, 1, 1}), add_reals(graph, "bias", bias, {3})});
  if (from == 1) set(node, "group", 3);
}

// (image / largest - mean) / deviation, in bytes' or the unit's measure.
inline void normalise(GraphProto& graph, const std::string& image, const std::string& result, float largest,
                      const std::vector<int64_t>& shape) {
  const auto scaled = [&](std::vector<float> values) {
    for (float& value : values) value *= largest;
    return values;
  };
  add_node(graph, "Sub", {image, add_reals(graph, "mean", scaled({0.485f, 0.456f, 0.406f}), shape)}, "centred");
  add_node(graph, "Div", {"centred", add_reals(graph, "deviation", scaled({0.229f, 0.224f, 0.225f}), shape)}, result);
}

class ForeignExport : public CommandLine {
 protected:
  static void SetUpTestSuite() {
    exported_ = new TestFolder;
    ASSERT_TRUE(write_pico_export(exported_->path("")).is_ok());
  }
  static void TearDownTestSuite() {
    delete exported_;
    exported_ = nullptr;
  }

  // The export with its graphs edited, in a folder of its own.
  std::string write(const Edit& encoder, const Edit& decoder, const std::string& name = "foreign") {
    fs::remove_all(path(name));
    fs::create_directory(path(name));
    for (const auto& [part, edit] : {std::pair<std::string, const Edit&>("encoder", encoder), {"decoder", decoder}}) {
      ModelProto model;
      EXPECT_TRUE(model.ParseFromString(bytes_of(exported_->path(part + ".onnx"))));
      if (edit) edit(*model.mutable_graph());
      put_bytes(path(name + "/" + part + ".onnx"), model.SerializeAsString());
      fs::create_hard_link(exported_->path(part + ".weights"), path(name + "/" + part + ".weights"));
    }
    return path(name);
  }

  Npz masks(const std::string& model, const std::vector<std::string>& prompt) {
    std::vector<std::string> call = {"segment",   kTruck, "--model",    model,
                                     "--threads", "1",    "--save-npz", path("masks.npz")};
    call.insert(call.end(), prompt.begin(), prompt.end());
    expect_done(samc(call));
    return Npz::read(path("masks.npz")).value();
  }
  // Places where two calls' masks differ.
  static int64_t count_differences(const Npz& a, const Npz& b) {
    const Tensor& one = *a.get("masks").value();
    const Tensor& other = *b.get("masks").value();
    EXPECT_EQ(one.shape(), other.shape());
    int64_t count = 0;
    for (int64_t i = 0; i < one.bytes(); ++i)
      count += static_cast<const std::byte*>(one.data())[i] != static_cast<const std::byte*>(other.data())[i] ? 1 : 0;
    return count;
  }
  // Segments as the export it was made of, with and without points and mask, and so does what `samc export` makes of
  // it.
  void expect_same_masks(const std::string& model) {
    const std::vector<std::vector<std::string>> prompts = {{"--point", "500,375", "--point", "1125,625,0"},
                                                           {"--box", "425,600,700,875", "--single"}};
    for (const std::vector<std::string>& prompt : prompts) {
      const Npz wanted = masks(exported_->path(""), prompt);
      const Npz given = masks(model, prompt);
      for (const char* key : {"low_res_logits", "iou_predictions"}) {
        const Tensor& a = *wanted.get(key).value();
        const Tensor& b = *given.get(key).value();
        ASSERT_EQ(a.shape(), b.shape()) << key;
        float largest = 0, error = 0;
        for (size_t i = 0; i < a.f32().size(); ++i) {
          largest = std::max(largest, std::abs(a.f32()[i]));
          error = std::max(error, std::abs(a.f32()[i] - b.f32()[i]));
        }
        EXPECT_LE(error, 1e-5f * largest) << key << " " << prompt[1];
      }
    }
  }
  // What `samc export` makes of it has none of its habits: three masks, their logits within +-32, of points in pixels.
  void expect_export_is_samexporters(const std::string& model) {
    expect_done(samc({"export", model, "-o", path("clean")}));
    ModelProto clean;
    ASSERT_TRUE(clean.ParseFromString(bytes_of(path("clean/decoder.onnx"))));
    EXPECT_EQ(made_by(*clean.mutable_graph(), "masks").op_type(), "Clip");
    const auto& shape = clean.graph().output(0).type().tensor_type().shape();
    EXPECT_EQ(clean.graph().output(0).name(), "masks");
    ASSERT_EQ(shape.dim_size(), 4);
    EXPECT_EQ(shape.dim(1).dim_value(), 3);
    expect_same_masks(path("clean"));
  }
  void expect_refused(const Edit& encoder, const Edit& decoder, const std::vector<std::string>& parts) {
    const std::string model = write(encoder, decoder);
    expect_error(samc({"compile", model, "-o", path("o.samc")}), 1, parts);
    EXPECT_FALSE(fs::exists(path("o.samc")));
  }

  static inline TestFolder* exported_ = nullptr;
};

}  // namespace samc::test
