# samc_library, samc_test, samc_fuzz: one line for each target, the same flags everywhere.

# The processor's family: the folder of its kernels, or empty.
set(SAMC_FAMILY "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(SAMC_FAMILY x64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(SAMC_FAMILY arm64)
endif()

add_library(samc_flags INTERFACE)
target_compile_options(samc_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
                                            -Werror -fno-math-errno)
# Where the baseline has fused multiply-add, plain code rounds after each operation all the same: as on x86-64.
if(SAMC_FAMILY STREQUAL "arm64")
  target_compile_options(samc_flags INTERFACE -ffp-contract=off)
endif()
target_include_directories(samc_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(SAMC_SANITIZE)
  target_compile_options(samc_flags INTERFACE -fsanitize=${SAMC_SANITIZE} -fno-omit-frame-pointer
                                              -fno-sanitize-recover=all)
  target_link_options(samc_flags INTERFACE -fsanitize=${SAMC_SANITIZE})
endif()
if(SAMC_FUZZ)
  target_compile_options(samc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What all tests are told: where the sources are, and the programs that some run.
if(SAMC_TESTS)
  find_package(GTest REQUIRED)
  add_library(samc_test_flags INTERFACE)
  target_link_libraries(samc_test_flags INTERFACE samc_flags GTest::gtest GTest::gtest_main Threads::Threads)
  target_compile_definitions(
    samc_test_flags INTERFACE SAMC_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                              $<$<BOOL:${SAMC_COMPILER}>:SAMC_BINARY="${PROJECT_BINARY_DIR}/samc">
                              SAMC_RUN_BINARY="${PROJECT_BINARY_DIR}/samc-run"
                              SAMC_RUN_BMODEL="${PROJECT_BINARY_DIR}/samc-run-bmodel"
                              SAMC_TESTED_VERSION="${PROJECT_VERSION}")
  # Tests are compiled once and run for seconds; under sanitizers compiling is what takes the time.
  if(SAMC_SANITIZE)
    target_compile_options(samc_test_flags INTERFACE -O0)
  else()
    target_compile_options(samc_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
  endif()
endif()

include(SamcPrecompile)

# samc_library(NAME SOURCES a.cpp ... [SMALL b.cpp ...] DEPS samc::base ...)   makes samc_NAME with the alias samc::NAME.
# SMALL: what runs once for a file or a call, and is not hot: compiled with -Os.
function(samc_library name)
  cmake_parse_arguments(arg "NO_PRECOMPILE" "" "SOURCES;SMALL;DEPS" ${ARGN})
  samc_reaches_ir(reaches_ir ${arg_DEPS})
  set(kind library)
  if(reaches_ir)
    set(kind ir)
  endif()
  add_library(samc_${name} STATIC ${arg_SOURCES})
  add_library(samc::${name} ALIAS samc_${name})
  set(parts samc_${name}:${kind})
  if(arg_SMALL AND arg_SOURCES)
    add_library(samc_${name}_small OBJECT ${arg_SMALL})
    target_sources(samc_${name} PRIVATE $<TARGET_OBJECTS:samc_${name}_small>)
    list(APPEND parts samc_${name}_small:small)
  elseif(arg_SMALL)
    target_sources(samc_${name} PRIVATE ${arg_SMALL})
    set(parts samc_${name}:small)
  endif()
  set_target_properties(samc_${name} PROPERTIES SAMC_REACHES_IR ${reaches_ir})
  foreach(part IN LISTS parts)
    string(REPLACE ":" ";" part ${part})
    list(GET part 0 target)
    list(GET part 1 kind)
    target_link_libraries(${target} PRIVATE samc_flags PUBLIC ${arg_DEPS})  # samc::mlir takes flags back
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
    if(kind STREQUAL "small")
      # A section for each function: samc-run, and who links with --gc-sections, leaves out those that are not called.
      target_compile_options(${target} PRIVATE -Os -ffunction-sections -fdata-sections)
    endif()
    if(NOT arg_NO_PRECOMPILE)
      samc_precompile(${target} ${kind})
    endif()
  endforeach()
endfunction()

# samc_test(NAME DEPS samc::base ...)   NAME.cpp in this folder becomes the ctest NAME
function(samc_test name)
  if(NOT SAMC_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cpp)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} samc_test_flags)
  samc_reaches_ir(reaches_ir ${arg_DEPS})
  if(reaches_ir)
    samc_precompile(${name} ir_test)
  else()
    samc_precompile(${name} test)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

# samc_fuzz(NAME DEPS ...)   NAME.cpp with LLVMFuzzerTestOneInput; corpus in tests/corpus/NAME
function(samc_fuzz name)
  if(NOT SAMC_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE samc_flags ${arg_DEPS} -fsanitize=fuzzer)
  add_dependencies(fuzz_targets ${name})
endfunction()
if(SAMC_FUZZ)
  add_custom_target(fuzz_targets)  # what they stand on, and nothing else
endif()
