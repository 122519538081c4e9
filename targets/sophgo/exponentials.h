#pragma once
// What must not be in 16-bit floats of 5 bits of exponent: exponentials of scores without a shift, and sums of them.

#include <string>
#include <vector>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "targets/sophgo/tools/quantize_tables.h"

namespace samc::sophgo {

// Lines of a quantize table, none where the function has no such exponential, which is: of a matrix product's result,
// and on the left of another. Each is computed in `exponentials` (F32 or BF16), its product with the values and the
// values themselves in BF16, sums and quotients behind it in F32.
std::vector<QuantizeLine> exponential_precision(mlir::func::FuncOp function, const std::string& exponentials);

}  // namespace samc::sophgo
