// Exports that have samexporter's names and other habits: what they do around the model is left out or undone where it
// is unambiguous, and refused by name where it is not. Each is pico's export, edited.

#include <cmath>
#include <functional>

#include "media/npz.h"
#include "onnx/edit_model.h"
#include "tests/support/command_line.h"
#include "tests/support/pico_export.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;
using namespace onnx;

using Edit = std::function<void(GraphProto&)>;

void cast(GraphProto& graph, const std::string& from, const std::string& to, int type) {
  set(add_node(graph, "Cast", {from}, to), "to", type);
}
NodeProto& made_by(GraphProto& graph, const std::string& output) {
  for (NodeProto& node : *graph.mutable_node())
    for (const std::string& name : node.output())
      if (name == output) return node;
  throw std::runtime_error("nothing makes " + output);
}
onnx::ValueInfoProto& input_of(GraphProto& graph, const std::string& name) {
  for (auto& input : *graph.mutable_input())
    if (input.name() == name) return input;
  throw std::runtime_error("no input " + name);
}
void set_type(GraphProto& graph, const std::string& input, int type) {
  input_of(graph, input).mutable_type()->mutable_tensor_type()->set_elem_type(type);
}
// What reads `name` reads `other` from now on.
void read_instead(GraphProto& graph, const std::string& name, const std::string& other) {
  for (NodeProto& node : *graph.mutable_node())
    for (std::string& input : *node.mutable_input())
      if (input == name) input = other;
}
// What makes `name` makes `inner` from now on, and nothing reads that yet.
void make_instead(GraphProto& graph, const std::string& name, const std::string& inner) {
  made_by(graph, name).set_output(0, inner);
}

// (image / largest - mean) / deviation, in bytes' or the unit's measure.
void normalise(GraphProto& graph, const std::string& image, const std::string& result, float largest,
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
                 {"decoder.onnx", "compares point_labels with nothing"});
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
                 {"decoder.onnx", "its masks come from 3 masks"});
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
