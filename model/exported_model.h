#pragma once
// A model as samexporter exports it, encoder.onnx and decoder.onnx in one folder, as the functions of model/README.md.
//
// The export's decoder wraps what the official code has: it appends the pad point, blends the embeddings of a mask and
// of its absence by has_mask_input, and gives masks 1 to 3 clamped. All inside is there, so the graph is cut at the
// inner values: after the pad point, at the blended embedding, and before masks are chosen. What other exporters do
// around these (normalise the image, take coordinates of 0..1, give probabilities) lies outside of the cuts or is
// undone (export_contract.h). What an export does not hold is the object score and the mask tokens: these outputs of
// mask_decoder are not there.

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "ir/graph_builder.h"
#include "model/export_contract.h"
#include "onnx/simplify.h"

namespace samc {

struct ExportedModel {
  onnx::Model encoder;
  onnx::Model decoder;
  std::string name;  // the folder's
  int64_t image_size = 0;
  onnx::SimpleGraph encoder_graph;   // from the normalised image on
  std::vector<NamedShape> features;  // the encoder's three outputs
  DecoderCuts cuts;

  // Errors: a file is missing or damaged, or is not what samexporter writes; the message says what is missing.
  static Result<ExportedModel> load(const std::string& folder);
  // All that a model is read from, without looking at what is in the files.
  static Result<std::vector<std::string>> files(const std::string& folder);
  std::vector<std::string> non_finite_weights() const;  // one line for each, at most five
  std::string description() const;                      // one line for people
  Result<std::string> encoder_identity() const;         // model/identity.h
};

// One line for people on what this model says that the ONNX and MLIR formats do not hold; empty when there is nothing.
std::string lost_in_other_formats(const ExportedModel& model);

// As their namesakes in model/build.h. The model must outlive the builder's weight store.
Status build_image_encoder(const ExportedModel& model, GraphBuilder& graph, const std::string& name = "image_encoder");
Status build_mask_encoder(const ExportedModel& model, GraphBuilder& graph, const std::string& name = "mask_encoder");
Status build_no_mask(const ExportedModel& model, GraphBuilder& graph, const std::string& name = "no_mask");
// points: with the pad point, which is the caller's as in model/build.h; at least 2.
Status build_mask_decoder(const ExportedModel& model, int64_t points, GraphBuilder& graph,
                          const std::string& name = "mask_decoder");
// The decoder as samexporter has it, uncut, for one prompt of so many points (the pad point, which the graph appends,
// not among them): from pixels to three masks, whatever this export's own inputs and outputs are.
Status build_export_decoder(const ExportedModel& model, int64_t points, GraphBuilder& graph,
                            const std::string& name = "mask_decoder");
// The same with mask_input (1, 1, S/4, S/4) and has_mask_input (1) instead of dense_embed, as the export has them,
// behind point_coords and point_labels. extend adds to the function before it ends.
Status build_mask_decoder_with_mask(const ExportedModel& model, int64_t points, GraphBuilder& graph,
                                    const std::string& name,
                                    const std::function<Status(GraphBuilder& graph, mlir::Value labels)>& extend);

}  // namespace samc
