# samc_precompile(TARGET KIND): the headers that most files include are parsed once for all targets of a kind. g++ takes
# precompiled headers only where all flags are the same, so a target with flags or definitions of its own has none.
# Kinds: library, small (-Os), ir (uses MLIR), test, ir_test. clang-tidy looks at changed files without them: it shows a
# missing include. arm64 has none: the cross compiler g++ 12 crashes as it reads one.

option(SAMC_PRECOMPILE "Parse headers that most files include once for all targets" ON)

set(samc_common_headers
    <algorithm> <array> <atomic> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory> <optional> <set>
    <span> <string> <string_view> <utility> <vector> <fmt/format.h> <fmt/ranges.h>)
set(samc_ir_headers
    <mlir/Dialect/Func/IR/FuncOps.h> <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h> <mlir/IR/MLIRContext.h>
    <mlir/IR/OwningOpRef.h> <mlir/IR/PatternMatch.h> <mlir/Transforms/GreedyPatternRewriteDriver.h>)

function(samc_precompile target kind)
  if(NOT SAMC_PRECOMPILE)
    return()
  endif()
  set(host samc_precompiled_${kind})
  if(NOT TARGET ${host})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled/${kind}.cpp CONTENT "")
    add_library(${host} OBJECT ${PROJECT_BINARY_DIR}/precompiled/${kind}.cpp)
    set(headers ${samc_common_headers})
    target_link_libraries(${host} PRIVATE samc_flags fmt::fmt)
    if(kind STREQUAL "small")
      target_compile_options(${host} PRIVATE -Os)
    endif()
    if(kind MATCHES "^ir")
      target_link_libraries(${host} PRIVATE samc_mlir)
      list(APPEND headers ${samc_ir_headers})
    endif()
    if(kind MATCHES "test$")
      # Position-independent as programs are, which no library would be.
      set_target_properties(${host} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${host} PRIVATE -fPIE)
      target_link_libraries(${host} PRIVATE samc_test_flags)
      list(APPEND headers <gtest/gtest.h>)
    endif()
    target_precompile_headers(${host} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${host})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # asked for by ccache
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
endfunction()

# Whether a library includes MLIR's headers, by itself or through what it stands on.
function(samc_reaches_ir result)
  set(${result} FALSE PARENT_SCOPE)
  foreach(dependency IN LISTS ARGN)
    if(TARGET ${dependency})
      get_target_property(reaches ${dependency} SAMC_REACHES_IR)
      if(dependency STREQUAL "samc::mlir" OR reaches)
        set(${result} TRUE PARENT_SCOPE)
      endif()
    endif()
  endforeach()
endfunction()
