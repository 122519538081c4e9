# cmake --install: bin/samc, bin/samc-run, what runs bmodels for both, share/samc/models, lib/libsamc.so with samc.h, its
# pkg-config file, lib/libsamc_runtime.a with the C++ headers, and the CMake package "samc" with samc::samc (the former)
# and samc::runtime (the latter). All headers are in include/samc/.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
foreach(package JPEG PNG ZLIB)
  find_package(${package} REQUIRED)
endforeach()

# One archive for users, of the stages that the runtime stands on.
set(samc_runtime_stages base kernels package media runtime)
set(samc_runtime_objects)
foreach(stage IN LISTS samc_runtime_stages)
  list(APPEND samc_runtime_objects $<TARGET_OBJECTS:samc_${stage}>)
  if(TARGET samc_${stage}_small)
    list(APPEND samc_runtime_objects $<TARGET_OBJECTS:samc_${stage}_small>)
  endif()
endforeach()
add_library(samc_runtime_archive STATIC ${samc_runtime_objects})
set_target_properties(samc_runtime_archive PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME samc_runtime EXPORT_NAME runtime
                                                      ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
target_compile_features(samc_runtime_archive INTERFACE cxx_std_20)
target_include_directories(samc_runtime_archive INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(samc_runtime_archive INTERFACE fmt::fmt JPEG::JPEG PNG::PNG ZLIB::ZLIB Threads::Threads)

# Components are Debian packages: program, library, development.
install(TARGETS samc_runtime_archive EXPORT samcTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(TARGETS samc_shared EXPORT samcTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
                                                       NAMELINK_COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/include/samc/samc.h ${PROJECT_SOURCE_DIR}/include/samc/samc.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/samc COMPONENT development)
file(RELATIVE_PATH samc_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/capi/samc.pc.in ${PROJECT_BINARY_DIR}/samc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/samc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# The public face in C++: what a program that runs models needs, and no header of ours beside it. install_test compiles each
# alone, so none of them may include another.
set(samc_public_headers
    base/check.h base/dtype.h base/file_access.h base/limits.h base/memory_budget.h base/precision.h base/status.h
    base/tensor.h
    media/image.h media/rle.h package/model_info.h runtime/automatic_masks.h runtime/image_predictor.h runtime/module.h
    runtime/rgb_view.h runtime/timing.h runtime/video_predictor.h runtime/video_stream.h)
# They lie in include/samc and include each other as "samc/base/status.h", so that a host may have a base/ of its own. In
# the repository the prefix is not there: it is put in on the way.
install(CODE "
  foreach(header ${samc_public_headers})
    file(READ \"${PROJECT_SOURCE_DIR}/\${header}\" text)
    string(REGEX REPLACE \"#include \\\"(base|media|package|runtime)/\" \"#include \\\"samc/\\\\1/\" text \"\${text}\")
    set(target \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/samc/\${header}\")
    message(STATUS \"Installing: \${target}\")
    file(WRITE \"\${target}\" \"\${text}\")
  endforeach()" COMPONENT development)
# The same paths for what is built with samc and is written as for an installed one.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated/include)
file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated/include/samc SYMBOLIC)
install(TARGETS samc-run samc-run-bmodel RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
if(TARGET samc)
  install(TARGETS samc RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  foreach(file mini.pt mini.yaml MODEL_CARD.md)
    install(FILES ${PROJECT_SOURCE_DIR}/models/mini/${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/samc/models/mini
            COMPONENT program)
  endforeach()
endif()

set(samc_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/samc)
install(EXPORT samcTargets NAMESPACE samc:: DESTINATION ${samc_package_folder} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/samcConfig.cmake.in ${PROJECT_BINARY_DIR}/samcConfig.cmake
                              INSTALL_DESTINATION ${samc_package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/samcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/samcConfig.cmake ${PROJECT_BINARY_DIR}/samcConfigVersion.cmake
        DESTINATION ${samc_package_folder} COMPONENT development)
if(SAMC_DEBIAN_MAINTAINER)
  include(SamcDebian)
endif()

# What users get, tried out: sizes, what it is linked to, and the example against the installed package.
if(SAMC_TESTS AND SAMC_COMPILER AND NOT SAMC_SANITIZE)
  add_test(NAME install_test
           COMMAND ${PROJECT_SOURCE_DIR}/tests/install_test.sh ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR}
                   ${CMAKE_CXX_COMPILER} ${CMAKE_BUILD_TYPE})
  set_tests_properties(install_test PROPERTIES SKIP_RETURN_CODE 77)
endif()
