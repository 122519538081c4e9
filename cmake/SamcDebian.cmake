# Debian packages by CPack, for scripts/deb: samc (the programs and mini), libsamc0 (libsamc.so), libsamc-dev (headers, the
# archive, pkg-config and CMake). Configured with -DCMAKE_INSTALL_PREFIX=/usr, which makes GNUInstallDirs choose Debian's folders.
# For scripts/arm64, cross-compiled and without the compiler: samc-run alone.

set(debian ${CMAKE_CURRENT_LIST_DIR}/debian)
set(made ${PROJECT_BINARY_DIR}/debian)
set(library_package libsamc${PROJECT_VERSION_MAJOR})
set(revision 1)
file(MAKE_DIRECTORY ${made})

# Manual pages of what the programs themselves say.
set(programs samc-run)
if(TARGET samc)
  list(PREPEND programs samc)
endif()
foreach(program IN LISTS programs)
  add_custom_command(OUTPUT ${made}/${program}.1.gz
                     COMMAND ${debian}/manual_page.sh ${PROJECT_VERSION} ${made}/${program}.1.gz
                             ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${program}>
                     DEPENDS ${program} ${debian}/manual_page.sh VERBATIM)
  list(APPEND manual_pages ${made}/${program}.1.gz)
endforeach()
add_custom_target(samc_manual_pages ALL DEPENDS ${manual_pages})
install(FILES ${manual_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)

# The date is SOURCE_DATE_EPOCH's where that is set.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${debian}/changelog.in ${made}/changelog.Debian @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${made}/changelog COPYONLY)
foreach(file changelog changelog.Debian)
  execute_process(COMMAND gzip -9nc ${made}/${file} OUTPUT_FILE ${made}/${file}.gz COMMAND_ERROR_IS_FATAL ANY)
endforeach()
set(component_packages program samc library ${library_package} development libsamc-dev)
set(CPACK_COMPONENTS_ALL program library development)
if(NOT TARGET samc)
  set(component_packages program samc-run)
  set(CPACK_COMPONENTS_ALL program)
endif()
while(component_packages)
  list(POP_FRONT component_packages component package)
  install(FILES ${debian}/copyright ${made}/changelog.gz ${made}/changelog.Debian.gz DESTINATION share/doc/${package}
          COMPONENT ${component})
  string(TOUPPER ${component} component)
  set(CPACK_DEBIAN_${component}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${component}_FILE_NAME DEB-DEFAULT)
endwhile()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME samc)
set(CPACK_PACKAGE_CONTACT ${SAMC_DEBIAN_MAINTAINER})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${revision})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS ffmpeg)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${debian}/triggers)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "${library_package} (= ${PROJECT_VERSION}-${revision}), libfmt-dev, libjpeg-dev, libpng-dev, zlib1g-dev")
set(what "SAM 2 finds objects in images and tracks them through videos. samc reads its
checkpoints, compiles them in about a second, and runs them on the CPU with
the numbers of the official code. It needs no Python and no PyTorch.
")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "compiler and runtime for SAM 2, which segments images
${what}
This package has the programs samc and samc-run, and a small demonstration
model.")
if(NOT TARGET samc)
  set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "runtime for SAM 2, which segments images and tracks objects
samc-run runs what samc has compiled, on this processor or on a Sophgo chip.
This package has no compiler.")
endif()
if(CMAKE_CROSSCOMPILING)
  # dpkg-shlibdeps asks dpkg, which knows nothing of the libraries that this is linked with. scripts/arm64 compares the
  # list with what the program names.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS
      "libc6 (>= 2.34), libfmt9, libgcc-s1, libjpeg62-turbo, libpng16-16, libstdc++6 (>= 12), zlib1g")
  set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)
endif()
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "compiler and runtime for SAM 2, shared library
${what}
This package has the shared library for programs in C.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "compiler and runtime for SAM 2, development files
${what}
This package has what programs in C and C++ are built with.")
include(CPack)
