// The top dialect and what its op groups share. Op names, operand order, attributes and defaults are TPU-MLIR's, so
// that the generic form that we print is what tpuc-opt reads. Values are f32 tensors; their names are their locations.

#ifndef SAMC_TOP_BASE
#define SAMC_TOP_BASE

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Top_Dialect : Dialect {
  let name = "top";
  let summary = "Operators of neural networks on whole f32 tensors";
  let cppNamespace = "::samc::top";
  // tpuc-opt reads attributes in {}, not in <{}>.
  let usePropertiesForAttributes = 0;
}

def Top_Tensor : AnyTypeOf<[RankedTensorOf<[F32]>, UnrankedTensorOf<[F32]>], "f32 tensor">;
def Top_TensorOrNone : AnyTypeOf<[Top_Tensor, NoneType], "f32 tensor or none">;

// A string attribute whose value is one of the cases.
class Top_StringOf<list<string> cases> : StringBasedAttr<
    CPred<"::llvm::is_contained(::llvm::ArrayRef<::llvm::StringRef>({"
          # !interleave(!foreach(case, cases, "\"" # case # "\""), ", ")
          # "}), ::llvm::cast<::mlir::StringAttr>($_self).getValue())">,
    "one of " # !interleave(cases, ", ")>;
def Top_ArgMode : Top_StringOf<["ArgMin", "ArgMax"]>;
def Top_AutoPad : Top_StringOf<["SAME_UPPER", "SAME_LOWER", "NOTSET", "VALID"]>;
def Top_CompareMode : Top_StringOf<["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "NotEqual", "And",
                                    "Not", "Xor"]>;
def Top_CoordMode : Top_StringOf<["align_corners", "half_pixel", "pytorch_half_pixel", "asymmetric"]>;
def Top_GeluMode : Top_StringOf<["normal", "tanh", "sigm"]>;
// cubic is ours: constant evaluation must have folded it away before tpuc-opt sees it.
def Top_InterpMode : Top_StringOf<["nearest", "linear", "cubic"]>;
def Top_PadMode : Top_StringOf<["constant", "reflect", "symmetric", "edge"]>;
def Top_ReduceMode : Top_StringOf<["ReduceMin", "ReduceMax", "ReduceMean", "ReduceL2", "ReduceL1", "ReduceSum",
                                   "ReduceProd"]>;
def Top_RoundMode : Top_StringOf<["HalfAwayFromZero", "HalfUp", "HalfDown", "HalfToEven", "HalfToOdd",
                                  "HalfTowardsZero", "TowardsZero", "Up", "Down"]>;

def Top_NoRelu : DefaultValuedAttr<BoolAttr, "false">;
def Top_NoLimit : DefaultValuedAttr<F64Attr, "-1.0">;
def Top_HalfAway : DefaultValuedAttr<Top_RoundMode, "\"HalfAwayFromZero\"">;

class Top_BaseOp<string mnemonic, list<Trait> traits = []> : Op<Top_Dialect, mnemonic, traits>;

// An op whose result shapes follow from its operands and attributes: infer_shapes in top_*.cpp. The verifier is the
// same function: what it refuses is an error, and the result types must be what it says.
class Top_Op<string mnemonic, list<Trait> traits = []> :
    Top_BaseOp<mnemonic, !listconcat(traits, [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>])> {
  let extraClassDeclaration = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual) {
      return ::samc::top::compatible_types(inferred, actual);
    }
  }];
}

#endif
