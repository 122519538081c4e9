// Exports that have samexporter's names and other habits: what they do around the model is left out or undone where it
// is unambiguous, and refused by name where it is not. Each is pico's export, edited.

#include "tests/support/foreign_export.h"

namespace samc::test {
namespace {

TEST_F(ForeignExport, an_encoder_that_normalises_bytes) {
  expect_same_masks(write(
      [](GraphProto& graph) {
        set_type(graph, "image", kByteType);
        read_instead(graph, "image", "normalised");
        cast(graph, "image", "real", kFloatType);
        normalise(graph, "real", "normalised", 255, {3, 1, 1});
      },
      {}));
}

TEST_F(ForeignExport, an_encoder_that_normalises_zero_to_one) {
  expect_same_masks(write(
      [](GraphProto& graph) {
        read_instead(graph, "image", "normalised");
        normalise(graph, "image", "normalised", 1, {1, 3, 1, 1});
      },
      {}));
}

TEST_F(ForeignExport, an_encoder_that_turns_rows_of_pixels) {
  expect_same_masks(write(
      [](GraphProto& graph) {
        set_type(graph, "image", kByteType);
        auto& shape = *input_of(graph, "image").mutable_type()->mutable_tensor_type()->mutable_shape();
        shape.mutable_dim(1)->set_dim_value(256);
        shape.mutable_dim(3)->set_dim_value(3);
        read_instead(graph, "image", "turned");
        cast(graph, "image", "real", kFloatType);
        add_node(graph, "Div", {"real", add_reals(graph, "largest", {255})}, "unit");
        normalise(graph, "unit", "normalised", 1, {3});
        NodeProto& turn = add_node(graph, "Transpose", {"normalised"}, "turned");
        auto& order = *turn.add_attribute();
        order.set_name("perm");
        order.set_type(7);
        for (const int64_t axis : {0, 3, 1, 2}) order.add_ints(axis);
      },
      {}));
}

TEST_F(ForeignExport, encoders_that_are_refused) {
  expect_refused(
      [](GraphProto& graph) {
        set_type(graph, "image", kByteType);
        read_instead(graph, "image", "real");
        cast(graph, "image", "real", kFloatType);
      },
      {}, {"encoder.onnx", "image is of u8", "nothing normalises it"});
  expect_refused(
      [](GraphProto& graph) {
        read_instead(graph, "image", "unit");
        add_node(graph, "Div", {"image", add_reals(graph, "largest", {255})}, "unit");
      },
      {}, {"encoder.onnx", "0.0039216", "not the official normalisation"});
  expect_refused(
      [](GraphProto& graph) {
        read_instead(graph, "image", "bgr");
        set(add_node(graph, "Gather", {"image", add_integers(graph, "order", {2, 1, 0})}, "bgr"), "axis", 1);
      },
      {}, {"encoder.onnx", "Gather", "reads its image, where a convolution is expected"});
}

TEST_F(ForeignExport, masks_as_probabilities) {
  const std::string model = write({}, [](GraphProto& graph) {
    make_instead(graph, "masks", "logits");
    add_node(graph, "Sigmoid", {"logits"}, "masks");
  });
  expect_same_masks(model);
  expect_export_is_samexporters(model);
}

TEST_F(ForeignExport, masks_of_the_images_size_as_yes_and_no) {
  expect_same_masks(write({}, [](GraphProto& graph) {
    make_instead(graph, "masks", "logits");
    add_node(graph, "Resize", {"logits", "", "", add_integers(graph, "sizes", {1, 3, 256, 256})}, "large");
    add_node(graph, "Greater", {"large", add_reals(graph, "threshold", {0})}, "yes");
    cast(graph, "yes", "masks", kFloatType);
  }));
}

// [1, 2, 3, 0] instead of the last three.
void put_single_mask_last(GraphProto& graph, const std::string& output, const std::string& four) {
  make_instead(graph, output, output + " before");
  set(add_node(graph, "Gather", {four, add_integers(graph, output + " order", {1, 2, 3, 0})}, output), "axis", 1);
}

TEST_F(ForeignExport, four_masks_with_the_single_one_last) {
  const Edit edit = [](GraphProto& graph) {
    put_single_mask_last(graph, "masks", "/Reshape_8_output_0");
    put_single_mask_last(graph, "iou_predictions", "/iou_prediction_head/Sigmoid_output_0");
  };
  const std::string model = write({}, edit);
  expect_same_masks(model);
  expect_export_is_samexporters(model);
  expect_refused({}, [](GraphProto& graph) { put_single_mask_last(graph, "masks", "/Reshape_8_output_0"); },
                 {"decoder.onnx", "tokens 1, 2, 3, 0", "iou_predictions those of 1, 2, 3"});
}

TEST_F(ForeignExport, masks_put_together_in_another_order) {
  expect_same_masks(write({}, [](GraphProto& graph) {
    NodeProto& rows = made_by(graph, "/Concat_15_output_0");
    const std::vector<std::string> inputs(rows.input().begin(), rows.input().end());
    for (int i = 0; i < 4; ++i) rows.set_input(i, inputs[static_cast<size_t>((i + 1) % 4)]);
    // Masks 1 to 3 come first now.
    add_integers(graph, "first", {0});
    add_integers(graph, "behind", {3});
    made_by(graph, "/Slice_6_output_0").set_input(1, "first");
    made_by(graph, "/Slice_6_output_0").set_input(2, "behind");
  }));
}

TEST_F(ForeignExport, coordinates_of_zero_to_one) {
  const Edit edit = [](GraphProto& graph) {
    read_instead(graph, "point_coords", "pixels");
    add_node(graph, "Mul", {"point_coords", add_reals(graph, "side", {256})}, "pixels");
  };
  const std::string model = write({}, edit);
  expect_same_masks(model);
  expect_export_is_samexporters(model);
}

TEST_F(ForeignExport, coordinates_that_the_caller_centres) {
  expect_same_masks(write({}, [](GraphProto& graph) { read_instead(graph, "/Add_output_0", "point_coords"); }));
}

TEST_F(ForeignExport, labels_that_are_integers) {
  expect_same_masks(write({}, [](GraphProto& graph) {
    set_type(graph, "point_labels", kInt64Type);
    read_instead(graph, "point_labels", "real labels");
    cast(graph, "point_labels", "real labels", kFloatType);
  }));
}

TEST_F(ForeignExport, decoders_that_are_refused) {
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "point_coords", "pixels");
                   add_node(graph, "Mul", {"point_coords", add_reals(graph, "side", {0.25f})}, "pixels");
                 },
                 {"decoder.onnx", "neither pixels nor 0..1", "the point (256, 0)"});
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "point_coords", "pixels");
                   add_node(graph, "Mul", {"point_coords", add_reals(graph, "sides", {1, 2}, {2})}, "pixels");
                 },
                 {"decoder.onnx", "neither pixels nor 0..1"});
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "/Concat_3_output_0", "shifted");
                   add_node(graph, "Add", {"/Concat_3_output_0", add_reals(graph, "one", {1})}, "shifted");
                 },
                 {"decoder.onnx", "compares point_labels with nothing", "Add node 'shifted' reads them"});
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "mask_input", "centred");
                   add_node(graph, "Sub", {"mask_input", add_reals(graph, "half", {0.5f})}, "centred");
                 },
                 {"decoder.onnx", "reads mask_input, where a convolution of logits is expected"});
  expect_refused({},
                 [](GraphProto& graph) {
                   read_instead(graph, "has_mask_input", "no_mask_input");
                   add_node(graph, "Sub", {add_reals(graph, "one", {1}), "has_mask_input"}, "no_mask_input");
                 },
                 {"decoder.onnx", "with has_mask_input = 0 its embedding depends on mask_input"});
  expect_refused({},
                 [](GraphProto& graph) {
                   make_instead(graph, "masks", "logits");
                   add_node(graph, "Mul", {"logits", add_reals(graph, "two", {2})}, "masks");
                 },
                 {"decoder.onnx", "its masks are made by Mul node 'masks' behind the model"});
  expect_refused({},
                 [](GraphProto& graph) {
                   make_instead(graph, "/Reshape_8_output_0", "four");
                   add_node(graph, "Mul", {"four", add_reals(graph, "two", {2})}, "/Reshape_8_output_0");
                 },
                 {"decoder.onnx", "its masks are made by Mul node", "not by the product of mask tokens and image"});
  expect_refused({}, [](GraphProto& graph) { set_type(graph, "image_embed", kInt64Type); },
                 {"decoder.onnx", "image_embed is of i64, not of f32"});
}

TEST_F(ForeignExport, messages_advise_only_what_the_command_has) {
  const std::string model = write({}, [](GraphProto& graph) {
    make_instead(graph, "masks", "logits");
    add_node(graph, "TopK", {"logits", add_integers(graph, "k", {1})}, "masks");
  });
  const ProcessResult result = samc({"compile", model, "-o", path("o.samc")});
  expect_error(result, 1, {"TopK (1x", "export the model without it"});
  EXPECT_EQ(result.err.find("--"), std::string::npos) << result.err;
}

// PyTorch's exporter since 2.5 (dynamo=True) repeats image_embed for each prompt through a further axis.
TEST_F(ForeignExport, the_embedding_is_repeated_as_torch_export_does) {
  const std::string model = write({}, [](GraphProto& graph) {
    read_instead(graph, "image_embed", "repeated");
    add_node(graph, "Unsqueeze", {"image_embed", add_integers(graph, "second", {1})}, "apart");
    add_node(graph, "Expand", {"apart", add_integers(graph, "times", {1, 1, 64, 16, 16})}, "times_one");
    add_node(graph, "Reshape", {"times_one", add_integers(graph, "together", {-1, 64, 16, 16})}, "repeated");
  });
  expect_same_masks(model);
}

// Points through the official _embed_points: torch.where, and zeros_like(points) + row, whose extents follow the number
// of points. samexporter multiplies by 0 and 1 instead.
TEST_F(ForeignExport, points_embedded_as_the_official_code_does) {
  const std::string model = write({}, {});
  fs::copy_file(kData + "pico/onnx/decoder_official_points.onnx", model + "/decoder.onnx",
                fs::copy_options::overwrite_existing);
  expect_same_masks(model);
  expect_done(samc({"compile", model, "-o", path("o.samc")}));
  expect_export_is_samexporters(model);
}

}  // namespace
}  // namespace samc::test
