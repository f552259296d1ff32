# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The only functions with which a folder declares what it builds. Each takes a
# name, its sources (bare or after SOURCES) and
#   LINK_LIBS  the libraries it uses directly, and nothing else;
#   DEPENDS    targets that must be built before, such as generated headers;
#   EXCEPTIONS compile with exceptions, for a third-party header that needs them;
#   SEPARATE   never several files as one (QC_UNITY_BUILD), for files that use
#              the same short names for different things;
#   ALONE      a regular expression: files with a line that it matches are kept
#              from the others of such a build.

# Adds every folder under `top` that has a CMakeLists.txt; a folder that does so
# for its own children is left to it.
function(qc_add_folders top)
  file(GLOB_RECURSE lists CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/${top}/CMakeLists.txt)
  # What tests build by themselves is none of ours.
  list(FILTER lists EXCLUDE REGEX "/Inputs/")
  set(folders)
  foreach(file IN LISTS lists)
    get_filename_component(file ${file} ABSOLUTE)
    get_filename_component(folder ${file} DIRECTORY)
    list(APPEND folders ${folder})
  endforeach()
  list(REMOVE_ITEM folders ${CMAKE_CURRENT_SOURCE_DIR})
  list(SORT folders)
  set(known)
  foreach(folder IN LISTS folders)
    if(NOT folder IN_LIST known)
      file(RELATIVE_PATH relative ${CMAKE_CURRENT_SOURCE_DIR} ${folder})
      add_subdirectory(${relative})
      _qc_subdirectories(${folder} known)
    endif()
  endforeach()
endfunction()

# Appends the folders that `folder` added, at any depth, to the list `out`.
function(_qc_subdirectories folder out)
  set(all ${${out}})
  get_property(children DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(child IN LISTS children)
    list(APPEND all ${child})
    _qc_subdirectories(${child} all)
  endforeach()
  set(${out} ${all} PARENT_SCOPE)
endfunction()

# Parses the common arguments into ARG_*, sources into ARG_SOURCES. A source or
# a dependency that is not there yet gives a warning, so that one unfinished
# folder does not keep the others from being configured.
macro(_qc_parse)
  cmake_parse_arguments(ARG "EXCEPTIONS;SEPARATE" "ALONE"
                        "SOURCES;LINK_LIBS;DEPENDS" ${ARGN})
  list(APPEND ARG_SOURCES ${ARG_UNPARSED_ARGUMENTS})
  foreach(source IN LISTS ARG_SOURCES)
    get_filename_component(path ${source} ABSOLUTE)
    if(NOT EXISTS ${path})
      file(GLOB unused CONFIGURE_DEPENDS ${path})
      message(WARNING "${name}: no such source: ${path}")
      list(REMOVE_ITEM ARG_SOURCES ${source})
    endif()
  endforeach()
  foreach(target IN LISTS ARG_DEPENDS)
    if(NOT TARGET ${target})
      message(WARNING "${name}: no such target: ${target}")
      list(REMOVE_ITEM ARG_DEPENDS ${target})
    endif()
  endforeach()
endmacro()

# Applies the common arguments to target `name`.
function(_qc_configure name exceptions)
  if(exceptions)
    target_compile_options(${name} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fexceptions>)
  else()
    target_compile_options(${name} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(QC_UNITY_BUILD AND NOT ARG_SEPARATE)
    # Precompiled headers are built without exceptions: where files have to read
    # all of them, as few as can be do so.
    set(most 8)
    if(exceptions)
      set(most 24)
    endif()
    _qc_unite(${name} ${most})
  endif()
endfunction()

# Compiles up to `most` C++ files of target `name` as one. Files that open
# namespace mlir are kept from the others: in them, qc alone means mlir::qc.
function(_qc_unite name most)
  set(mlir 0)
  set(plain 0)
  foreach(source IN LISTS ARG_SOURCES)
    if(ARG_ALONE)
      file(STRINGS ${source} alone REGEX ${ARG_ALONE} LIMIT_COUNT 1)
      if(alone)
        continue()
      endif()
    endif()
    file(STRINGS ${source} opened REGEX "^using namespace mlir" LIMIT_COUNT 1)
    set(kind plain)
    if(opened)
      set(kind mlir)
    endif()
    math(EXPR unit "${${kind}} / ${most}")
    math(EXPR ${kind} "${${kind}} + 1")
    set_source_files_properties(${source} PROPERTIES
      UNITY_GROUP ${kind}${unit})
  endforeach()
  set_target_properties(${name} PROPERTIES
    UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# A static library; without sources an interface library that carries LINK_LIBS.
function(add_qc_library name)
  _qc_parse(${ARGN})
  if(NOT ARG_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_LINK_LIBS})
    return()
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  _qc_configure(${name} "${ARG_EXCEPTIONS}")
endfunction()

# Reading MLIR's headers takes most of the time of compiling a file: Clang reads
# them precompiled. GCC's form of that is slower than the headers themselves.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  file(WRITE ${PROJECT_BINARY_DIR}/headers.cpp "// Headers only.\n")
  add_library(qc_mlir_headers OBJECT ${PROJECT_BINARY_DIR}/headers.cpp)
  _qc_configure(qc_mlir_headers OFF)
  target_compile_options(qc_mlir_headers PRIVATE -Xclang -fno-pch-timestamp)
  target_precompile_headers(qc_mlir_headers PRIVATE
    ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
endif()

# A library that sees MLIR: links the shared MLIR and LLVM besides LINK_LIBS.
function(add_qc_mlir_library name)
  add_qc_library(${name} ${ARGN})
  target_link_libraries(${name} PUBLIC MLIR LLVM)
  if(TARGET qc_mlir_headers AND NOT "EXCEPTIONS" IN_LIST ARGN)
    target_compile_options(${name} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-Xclang;-fno-pch-timestamp>)
    target_precompile_headers(${name} REUSE_FROM qc_mlir_headers)
  endif()
endfunction()

# A dialect; the name says what the folder holds.
function(add_qc_dialect_library name)
  add_qc_mlir_library(${name} ${ARGN})
endfunction()

# An executable in build/bin.
function(add_qc_tool name)
  _qc_parse(${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  _qc_configure(${name} "${ARG_EXCEPTIONS}")
  set_property(GLOBAL APPEND PROPERTY QC_TOOLS ${name})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# A GoogleTest executable in build/unittests, run by lit with check-qc.
function(add_qc_unittest name)
  if(NOT QC_ENABLE_TESTS)
    return()
  endif()
  _qc_parse(${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest_main)
  _qc_configure(${name} "${ARG_EXCEPTIONS}")
  # Tests wait for what they test, which is compiled with full effort.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/test
       ${CMAKE_CURRENT_SOURCE_DIR})
  # lit finds unit tests by their suffix.
  string(REGEX REPLACE "Tests?$" "" stem ${name})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${stem}Tests
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/unittests/${folder})
  set_property(GLOBAL APPEND PROPERTY QC_UNITTESTS ${name})
endfunction()

# A Google Benchmark executable in build/benchmarks; not part of `all`.
function(add_qc_benchmark name)
  if(NOT TARGET benchmark::benchmark_main)
    return()
  endif()
  _qc_parse(${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS}
                                        benchmark::benchmark_main)
  _qc_configure(${name} "${ARG_EXCEPTIONS}")
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmarks)
endfunction()
