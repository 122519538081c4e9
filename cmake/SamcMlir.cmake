# samc::mlir: MLIR 19 linked statically, so that a tool needs neither libMLIR.so nor libLLVM.so.
# samc_tablegen(NAME): the declarations and definitions of NAME.td, as NAME.h.inc and NAME.cpp.inc.
# samc_ir_test(FILE.mlir): the file's RUN line under ctest.

find_package(MLIR 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19/lib/cmake/mlir)
find_program(SAMC_MLIR_TBLGEN NAMES mlir-tblgen mlir-tblgen-19 HINTS ${MLIR_INSTALL_PREFIX}/bin REQUIRED)
find_program(SAMC_FILECHECK NAMES FileCheck FileCheck-19 HINTS ${MLIR_INSTALL_PREFIX}/bin)

# The list is written by hand because the exported targets name the shared "LLVM" as what they depend on. A group is
# searched until nothing is missing, so the order is free; --gc-sections leaves only what is used.
set(samc_mlir_archives
    MLIRAnalysis MLIRArithDialect MLIRAsmParser MLIRBytecodeOpInterface MLIRBytecodeReader MLIRBytecodeWriter
    MLIRCallInterfaces MLIRCastInterfaces MLIRControlFlowDialect MLIRControlFlowInterfaces MLIRCopyOpInterface
    MLIRDataLayoutInterfaces MLIRDebug MLIRDialect MLIRDialectUtils MLIRFuncDialect MLIRFunctionInterfaces MLIRIR
    MLIRInferIntRangeCommon MLIRInferIntRangeInterface MLIRInferTypeOpInterface MLIRLoopLikeInterface
    MLIRMemorySlotInterfaces MLIRObservers MLIRPDLDialect MLIRPDLInterpDialect MLIRPDLToPDLInterp MLIRParser MLIRPass
    MLIRPresburger MLIRRewrite MLIRRewritePDL MLIRRuntimeVerifiableOpInterface MLIRSideEffectInterfaces
    MLIRSubsetOpInterface MLIRSupport MLIRTransformUtils MLIRTransforms MLIRUBDialect MLIRViewLikeInterface
    LLVMBinaryFormat LLVMBitstreamReader LLVMCore LLVMDemangle LLVMRemarks LLVMSupport LLVMTargetParser)
set(samc_mlir_files)
foreach(archive IN LISTS samc_mlir_archives)
  set(file ${MLIR_INSTALL_PREFIX}/lib/lib${archive}.a)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is missing: install libmlir-19-dev and llvm-19-dev")
  endif()
  list(APPEND samc_mlir_files ${file})
endforeach()

add_library(samc_mlir INTERFACE)
add_library(samc::mlir ALIAS samc_mlir)
target_include_directories(samc_mlir SYSTEM INTERFACE ${MLIR_INSTALL_PREFIX}/include)
# A directory for generated .inc files; SYSTEM because tablegen's output does not meet our warnings.
target_include_directories(samc_mlir SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/generated)
target_compile_options(samc_mlir INTERFACE -ffunction-sections -fdata-sections)
target_link_options(samc_mlir INTERFACE -Wl,--gc-sections)
# Missing memory that MLIR does not notice: ir/out_of_memory.cpp.
target_link_options(samc_mlir INTERFACE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=__cxa_thread_atexit
                                        -Wl,--undefined=__wrap_malloc)
if(SAMC_SANITIZE)
  # Debian's archives have neither: half of an allocator would mark memory that the other half uses, and classes have no
  # type information. The rest of UBSan and libstdc++'s own checks stay.
  target_compile_options(samc_mlir INTERFACE -fno-sanitize=address,vptr -D_GLIBCXX_ASSERTIONS)
endif()
target_link_libraries(samc_mlir INTERFACE -Wl,--start-group ${samc_mlir_files} -Wl,--end-group z zstd tinfo
                                          Threads::Threads ${CMAKE_DL_LIBS})

# Sets NAME_generated to the files made, to be listed among a library's sources.
function(samc_tablegen name)
  set(folder ${PROJECT_BINARY_DIR}/generated/ir)
  file(MAKE_DIRECTORY ${folder})
  file(GLOB included ${CMAKE_CURRENT_SOURCE_DIR}/*.td)
  set(outputs)
  foreach(kind decls defs)
    set(ending cpp)
    if(kind STREQUAL decls)
      set(ending h)
    endif()
    set(output ${folder}/${name}.${ending}.inc)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${SAMC_MLIR_TBLGEN} -gen-op-${kind} -I ${MLIR_INSTALL_PREFIX}/include -I ${PROJECT_SOURCE_DIR}
              ${CMAKE_CURRENT_SOURCE_DIR}/${name}.td -o ${output}
      DEPENDS ${included}
      VERBATIM)
    list(APPEND outputs ${output})
  endforeach()
  set(${name}_generated ${outputs} PARENT_SCOPE)
endfunction()

# samc_ir_test(FILE.mlir): a ctest NAME that runs each line "// RUN: OPTIONS" of the file as
#   samc-opt OPTIONS FILE | FileCheck FILE
function(samc_ir_test file)
  if(NOT SAMC_TESTS OR NOT SAMC_FILECHECK)
    return()
  endif()
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME ir_${name} COMMAND ${PROJECT_SOURCE_DIR}/ir/run_ir_test.sh $<TARGET_FILE:samc-opt> ${SAMC_FILECHECK}
                                   ${CMAKE_CURRENT_SOURCE_DIR}/${file})
endfunction()
