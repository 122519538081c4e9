#pragma once
// Reading a .mlir of TPU-MLIR's Top dialect and its weights, whoever wrote them: transform, or model_transform.py.
// Nothing in them is trusted. Fuzz: mlir_fuzz.

#include <string>

#include "base/status.h"
#include "ir/weight_store.h"
#include "media/npz.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace samc::sophgo {

struct ReadModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;  // of a function @main whose values have static shapes
  std::string model_name;                    // "" when it says none
  std::string weight_file;                   // a name in the folder of the .mlir
};

// The context has load_dialects() and allows unregistered ones. `where` names the text in errors.
Result<ReadModule> parse_top_module(const std::string& text, const std::string& where, mlir::MLIRContext& context);

// Copies the arrays into the store. Errors: a weight of the module is not among them, or is of another size.
Status add_weights(const Npz& npz, mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc::sophgo
