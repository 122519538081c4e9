// Operations in front of the model and behind it that other exporters add: what they say of the image, of masks, scores
// and points is kept or refused by the name of the node, never dropped. Each is pico's export, edited.

#include <fmt/format.h>

#include "tests/support/foreign_export.h"

namespace samc::test {
namespace {

using ExportContract = ForeignExport;

// An operator where it does not belong: behind an output or in front of an input.
struct Misplaced {
  std::string value, op;
  std::function<std::vector<std::string>(GraphProto&)> operands;
};

// As a matrix of colours, and as a filter for each colour behind other arithmetic.
TEST_F(ExportContract, an_encoder_that_normalises_by_a_convolution) {
  expect_same_masks(write(
      [](GraphProto& graph) {
        put_pixel_convolution(graph, {1 / 58.395f, 0, 0, 0, 1 / 57.12f, 0, 0, 0, 1 / 57.375f},
                              {-123.675f / 58.395f, -116.28f / 57.12f, -103.53f / 57.375f});
      },
      {}));
  expect_same_masks(write(
      [](GraphProto& graph) {
        put_pixel_convolution(graph, {1 / 0.229f, 1 / 0.224f, 1 / 0.225f},
                              {-0.485f / 0.229f, -0.456f / 0.224f, -0.406f / 0.225f});
        put_in_front(graph, "image", "Div", {add_number(graph, 255)});
      },
      {}));
}

TEST_F(ExportContract, encoders_that_convolve_the_image_first) {
  const std::string place = "Conv node 'image behind Conv' ";
  const std::vector<std::pair<std::vector<float>, std::string>> kernels = {
      {{0, 0, 1, 0, 1, 0, 1, 0, 0}, place + "exchanges the colours of its image"},
      {{0.3f, 0.6f, 0.1f, 0.3f, 0.6f, 0.1f, 0.3f, 0.6f, 0.1f}, place + "mixes the colours of its image"},
      {{1 / 58.0f, 0, 0, 0, 1 / 58.0f, 0, 0, 0, 1 / 58.0f}, "not the official normalisation"}};
  for (const auto& kernel : kernels)
    expect_refused(
        [&](GraphProto& graph) {
          put_pixel_convolution(graph, kernel.first, {-2, -2, -2});
        },
        {}, {"encoder.onnx", kernel.second});
  // Three by three pixels of each colour; and to four channels, from which a second one takes three.
  const auto refuse = [&](const std::function<void(GraphProto&)>& edit) {
    expect_refused(edit, {}, {"encoder.onnx", place + "reads its image, and is neither a normalisation nor the patch"});
  };
  refuse([](GraphProto& graph) {
    NodeProto& blur = put_in_front(graph, "image", "Conv",
                                   {add_reals(graph, "ninths", std::vector<float>(27, 1 / 9.0f), {3, 1, 3, 3})});
    set(blur, "group", 3);
    auto& pads = *blur.add_attribute();
    pads.set_name("pads");
    pads.set_type(7);
    for (int i = 0; i < 4; ++i) pads.add_ints(1);
  });
  refuse([](GraphProto& graph) {
    const std::string back = add_reals(graph, "back", std::vector<float>(12, 0.25f), {3, 4, 1, 1});
    read_instead(graph, "image", "three");
    add_node(graph, "Conv", {"image", add_reals(graph, "there", std::vector<float>(12, 0.25f), {4, 3, 1, 1})},
             "image behind Conv");
    add_node(graph, "Conv", {"image behind Conv", back}, "three");
  });
}

// Yes where logits are above something else than 0: the module keeps it, and who makes a file that cannot is told.
TEST_F(ExportContract, masks_above_a_threshold) {
  const std::vector<std::tuple<std::string, std::string, Edit>> exports = {
      {"2", "2",
       [](GraphProto& graph) {
         put_behind(graph, "masks", "Greater", {add_number(graph, 2)});
         set(put_behind(graph, "masks", "Cast"), "to", kFloatType);
       }},
      {"0.84729786", "0.8472",
       [](GraphProto& graph) {
         put_behind(graph, "masks", "Sigmoid");
         put_behind(graph, "masks", "GreaterOrEqual", {add_number(graph, 0.7f)});
       }},
      {"-1.5", "-1.5", [](GraphProto& graph) {
         put_behind(graph, "masks", "Resize", {"", "", add_integers(graph, "sizes", {1, 3, 256, 256})});
         make_instead(graph, "masks", "large");
         add_node(graph, "Less", {add_number(graph, -1.5f), "large"}, "yes");
         cast(graph, "yes", "real", kFloatType);
         add_node(graph, "Greater", {"real", add_number(graph, 0.5f)}, "masks");
       }}};
  const std::vector<std::string> prompt = {"--point", "500,375"};
  for (const auto& [threshold, shown, edit] : exports) {
    const std::string model = write({}, edit);
    expect_same_masks(model);  // their logits
    const Npz given = masks(model, prompt);
    const Npz wanted = masks(exported_->path(""), {prompt[0], prompt[1], "--mask-threshold", threshold});
    const Npz usual = masks(exported_->path(""), prompt);
    EXPECT_LE(count_differences(given, wanted), 5) << threshold;
    EXPECT_GT(count_differences(given, usual), 100) << threshold;
    const ProcessResult result = samc({"export", model, "-o", path("clean")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.err.find("cannot hold mask_threshold " + shown), std::string::npos) << result.err;
  }
}

TEST_F(ExportContract, thresholds_and_limits_that_are_refused) {
  const auto limit = [](GraphProto& graph, const std::string& output, float least, float greatest) {
    const std::string a = add_number(graph, least);
    put_behind(graph, output, "Clip", {a, add_number(graph, greatest)});
  };
  const std::vector<std::pair<Edit, std::string>> exports = {
      {[&](GraphProto& graph) { limit(graph, "masks", 3, 10); },
       "Clip node 'masks' keeps its masks' logits within 3 and 10, which changes what is above 0"},
      {[&](GraphProto& graph) {
         limit(graph, "masks", -1, 1);
         put_behind(graph, "masks", "Greater", {add_number(graph, 1.5f)});
       },
       "keeps its masks' logits within -1 and 1, which changes what is above 1.5"},
      {[&](GraphProto& graph) {
         put_behind(graph, "masks", "Sigmoid");
         put_behind(graph, "masks", "Max", {add_number(graph, 0.75f)});
       },
       "Max node 'masks' keeps its masks' logits within 1.099 and"},
      {[&](GraphProto& graph) {
         put_behind(graph, "masks", "Sigmoid");
         put_behind(graph, "masks", "Greater", {add_number(graph, 0)});
       },
       "compares its masks with 0, so that all or none is mask"},
      {[&](GraphProto& graph) { put_behind(graph, "masks", "Less", {add_number(graph, 0)}); },
       "Less node 'masks' says yes where its masks are below 0"},
      {[&](GraphProto& graph) {
         put_behind(graph, "masks", "Greater", {add_reals(graph, "of each", {0, 1, 2}, {1, 3, 1, 1})});
       },
       "its masks are made by Greater node 'masks' behind the model"},
      {[&](GraphProto& graph) { limit(graph, "iou_predictions", 0, 0.5f); },
       "Clip node 'iou_predictions' keeps its iou_predictions within 0 and 0.5"}};
  for (const auto& [edit, message] : exports) expect_refused({}, edit, {"decoder.onnx", message});
  // Limits that change nothing of what is mask, and none of the scores.
  expect_same_masks(write({}, [&](GraphProto& graph) {
    limit(graph, "masks", 0, 10);
    limit(graph, "iou_predictions", 0, 1);
  }));
}

TEST_F(ExportContract, other_arithmetic_with_the_image_is_named) {
  expect_refused(
      [](GraphProto& graph) {
        read_instead(graph, "image", "sum");
        add_node(graph, "Relu", {"image"}, "part");
        add_node(graph, "Add", {"part", "image"}, "sum");
      },
      {}, {"encoder.onnx", "its image is read by Relu node 'part' and Add node 'sum', not by one operation"});
  // Bytes divided as bytes, which makes 0 of all but white.
  expect_refused(
      [](GraphProto& graph) {
        set_type(graph, "image", kByteType);
        read_instead(graph, "image", "real");
        TensorProto& largest = add_tensor(graph, "largest", {1}, kByteType);
        largest.add_int32_data(255);
        add_node(graph, "Div", {"image", "largest"}, "unit");
        cast(graph, "unit", "real", kFloatType);
      },
      {}, {"encoder.onnx", "Div node 'unit' reads its image, where a convolution is expected"});
}

// What stands in the way is named, not what would have been there without it.
TEST_F(ExportContract, the_node_in_the_way_is_named) {
  const auto no_operands = [](GraphProto&) { return std::vector<std::string>{}; };
  const auto two = [](GraphProto& graph) { return std::vector<std::string>{add_number(graph, 2)}; };
  const std::vector<Misplaced> behind = {{"masks", "Mul", two},
                                         {"masks", "Add", two},
                                         {"masks", "Neg", no_operands},
                                         {"masks", "Softmax", no_operands},
                                         {"masks", "Round", no_operands},
                                         {"masks", "Squeeze", no_operands},
                                         {"iou_predictions", "Mul", two},
                                         {"iou_predictions", "Add", two},
                                         {"iou_predictions", "Sigmoid", no_operands}};
  for (const Misplaced& at : behind)
    expect_refused(
        {}, [&](GraphProto& graph) { put_behind(graph, at.value, at.op, at.operands(graph)); },
        {"decoder.onnx", fmt::format("its {0} are made by {1} node '{0}' behind the model", at.value, at.op)});
  expect_refused({},
                 [](GraphProto& graph) {
                   make_instead(graph, "masks", "logits");
                   add_node(graph, "Sigmoid", {"logits"}, "yes");
                   add_node(graph, "Sub", {add_number(graph, 1), "yes"}, "masks");
                 },
                 {"decoder.onnx", "its masks are made by Sub node 'masks' behind the model"});

  const auto order = [](GraphProto& graph) { return std::vector<std::string>{add_integers(graph, "order", {1, 0})}; };
  const auto one = [](GraphProto& graph) { return std::vector<std::string>{"", add_number(graph, 1)}; };
  const std::vector<Misplaced> front = {{"point_coords", "Gather", order}, {"point_coords", "Floor", no_operands},
                                        {"point_coords", "Clip", one},     {"point_labels", "Neg", no_operands},
                                        {"point_labels", "Clip", one},     {"point_labels", "Abs", no_operands},
                                        {"image_embed", "Mul", two},       {"image_embed", "Relu", no_operands}};
  for (const Misplaced& at : front)
    expect_refused({},
                   [&](GraphProto& graph) {
                     NodeProto& node = put_in_front(graph, at.value, at.op, at.operands(graph));
                     if (at.op == "Gather") set(node, "axis", 2);
                   },
                   {"decoder.onnx", "to " + at.value,
                    fmt::format("there it is read by {0} node '{1} behind {0}'", at.op, at.value)});
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "point_labels", "other");
                   add_node(graph, "Equal", {"point_labels", add_number(graph, 0)}, "is 0");
                   add_node(graph, "Where", {"is 0", add_number(graph, 1), "point_labels"}, "other");
                 },
                 {"decoder.onnx", "there it is read by Equal node 'is 0' and Where node 'other'"});
  expect_refused({},
                 [](GraphProto& graph) {
                   set(put_in_front(graph, "point_labels", "Cast"), "to", kFloatType);
                   set(put_in_front(graph, "point_labels", "Cast"), "to", 9);  // to bool
                 },
                 {"decoder.onnx", "it makes 1 of the label -1 in point_labels"});
  // A convolution of single values is no layer of a mask's embedding.
  expect_refused({},
                 [](GraphProto& graph) {
                   put_in_front(graph, "mask_input", "Conv", {add_reals(graph, "twice", {2}, {1, 1, 1, 1})});
                 },
                 {"decoder.onnx", "Conv node 'mask_input behind Conv' reads mask_input"});
}

// Three points at the picture's corners do not show these.
TEST_F(ExportContract, coordinates_that_are_not_affine_are_refused) {
  const std::string bent =
      "neither pixels nor 0..1: (0, 0) is encoded as (-0.9961, -0.9961), (256, 0) (1.004, -0.9961)";
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "point_coords", "squared");
                   add_node(graph, "Mul", {"point_coords", "point_coords"}, "square");
                   add_node(graph, "Div", {"square", add_number(graph, 256)}, "squared");
                 },
                 {"decoder.onnx", "there it is read by Mul node 'square'"});
  expect_refused({},
                 [](GraphProto& graph) {
                   set(put_in_front(graph, "point_coords", "Cast"), "to", kFloatType);
                   set(put_in_front(graph, "point_coords", "Cast"), "to", kInt64Type);
                 },
                 {"decoder.onnx", bent + " and (128.333, 64.5376) ("});
  // Behind the pad point: bent in the middle, beyond the picture, and outside of it.
  const std::vector<std::function<void(GraphProto&)>> edits = {
      [](GraphProto& graph) {
        add_node(graph, "Mul", {"given", "given"}, "square");
        add_node(graph, "Div", {"square", add_number(graph, 256)}, "changed");
      },
      [](GraphProto& graph) {
        add_node(graph, "Min", {"given", add_number(graph, 256.5f)}, "changed");
      },
      [](GraphProto& graph) { add_node(graph, "Abs", {"given"}, "changed"); },
      // y before x, by order and by a product, which the position encoding is one of too.
      [](GraphProto& graph) {
        set(add_node(graph, "Gather", {"given", add_integers(graph, "order", {1, 0})}, "changed"), "axis", 2);
      },
      [](GraphProto& graph) {
        add_node(graph, "MatMul", {"given", add_reals(graph, "turn", {0, 1, 1, 0}, {2, 2})}, "changed");
      }};
  const std::vector<std::string> messages = {
      "(0, 0) is encoded as (-1, -1), (256, 0) (1.008, -1) and (128.333, 64.5376) (",
      bent + " and (-128.179, 384.077) (", bent + " and (-128.179, 384.077) (",
      "neither pixels nor 0..1: (0, 0) is encoded as (-0.9961, -0.9961), (256, 0) (-0.9961, 1.004)",
      "MatMul node 'changed' has a part in what becomes of point_coords"};
  ASSERT_EQ(edits.size(), messages.size());
  for (size_t i = 0; i < edits.size(); ++i)
    expect_refused({},
                   [&](GraphProto& graph) {
                     for (NodeProto& node : *graph.mutable_node())
                       if (node.op_type() == "Concat" && node.input_size() == 2 && node.input(0) == "/Add_output_0") {
                         read_instead(graph, node.output(0), "changed");
                         node.set_output(0, "given");
                         edits[i](graph);
                         return;
                       }
                     throw std::runtime_error("no pad point");
                   },
                   {"decoder.onnx", messages[i]});
}

}  // namespace
}  // namespace samc::test
