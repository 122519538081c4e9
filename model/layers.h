#pragma once
// PyTorch's modules as top ops, and the parts of the model; for the files of model/ only. A layer's name is its module
// path: its tensors are NAME.weight and NAME.bias, its value is NAME. GraphBuilder's errors stick, so nothing here is
// checked in between.

#include <functional>
#include <string>
#include <vector>

#include "ir/graph_builder.h"
#include "model/config.h"
#include "model/decoder_parts.h"

namespace samc {

// The constant of this name, computed if no function has needed it before.
mlir::Value constant_once(GraphBuilder& graph, const std::string& name, const std::function<Tensor()>& compute);

mlir::Value linear(GraphBuilder& graph, const std::string& name, mlir::Value x);
mlir::Value layer_norm(GraphBuilder& graph, const std::string& name, mlir::Value x, double eps);
mlir::Value layer_norm_2d(GraphBuilder& graph, const std::string& name, mlir::Value x);
mlir::Value conv_2d(GraphBuilder& graph, const std::string& name, mlir::Value x, const ConvOptions& options = {});
// ConvTranspose2d with kernel and stride 2; the filter is (in, out, 2, 2)
mlir::Value deconv_2x2(GraphBuilder& graph, const std::string& name, mlir::Value x);
// linear layers with relu in between
mlir::Value mlp(GraphBuilder& graph, const std::string& name, mlir::Value x, int64_t layers);

struct AttentionShape {
  int64_t batch = 1;
  int64_t queries = 0;
  int64_t heads = 1;
  int64_t head_dim = 1;
};

// softmax(q k^T / sqrt(head_dim)) v, values named NAME.*. q is (batch, queries, heads, head_dim), k and v are (batch,
// keys, heads, head_dim); the result is (batch, queries, heads head_dim). As in the ONNX form of PyTorch's attention, q
// and k each take half of the scale.
mlir::Value attention(GraphBuilder& graph, const std::string& name, mlir::Value q, mlir::Value k, mlir::Value v,
                      const AttentionShape& shape);

// image (1, 3, S, S) -> one map a stage, (1, channels, side, side), the highest resolution first
std::vector<mlir::Value> hiera(GraphBuilder& graph, const ModelConfig& config, mlir::Value image);

// The maps of the FPN without the lowest resolution (scalp), each (1, C, side, side), the highest resolution first.
std::vector<mlir::Value> fpn_neck(GraphBuilder& graph, const ModelConfig& config, const std::vector<mlir::Value>& maps);

// The positions of image_embed, (1, C, S/16, S/16).
mlir::Value dense_position(GraphBuilder& graph, const ModelConfig& config);

}  // namespace samc
