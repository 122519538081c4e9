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

# samc_library(NAME SOURCES a.cpp ... DEPS samc::base ...)   makes samc_NAME with the alias samc::NAME
function(samc_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(samc_${name} STATIC ${arg_SOURCES})
  add_library(samc::${name} ALIAS samc_${name})
  target_link_libraries(samc_${name} PUBLIC ${arg_DEPS} PRIVATE samc_flags)
  target_include_directories(samc_${name} PUBLIC ${PROJECT_SOURCE_DIR})
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
  target_link_libraries(${name} PRIVATE ${arg_DEPS} samc_flags GTest::gtest GTest::gtest_main Threads::Threads)
  target_compile_definitions(${name} PRIVATE SAMC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # Tests are compiled once and run for seconds.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

# samc_fuzz(NAME DEPS ...)   NAME.cpp with LLVMFuzzerTestOneInput; corpus in tests/corpus/NAME
function(samc_fuzz name)
  if(NOT SAMC_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} samc_flags -fsanitize=fuzzer)
endfunction()
