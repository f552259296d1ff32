# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Finds what third_party/README.md lists. Nothing is downloaded and no copy of
# another project's code is built; tools/install-deps gets the packages.
set(QC_LLVM_MAJOR 22)

find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-${QC_LLVM_MAJOR})
if(NOT LLVM_VERSION_MAJOR EQUAL QC_LLVM_MAJOR)
  message(FATAL_ERROR "found LLVM ${LLVM_VERSION} in ${LLVM_DIR}, expected "
                      "major version ${QC_LLVM_MAJOR}")
endif()
message(STATUS "Using MLIR ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}")
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
# Static archives of lld; they link the shared LLVM.
find_package(LLD CONFIG HINTS ${LLVM_DIR}/../lld)
include(TableGen)
include(AddLLVM)
include(AddMLIR)
separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${LLVM_DEFINITIONS_LIST})
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${PROJECT_SOURCE_DIR}/include
                    ${PROJECT_BINARY_DIR}/include)

# lld links these tools several times faster than ld.bfd.
if(EXISTS ${LLVM_TOOLS_BINARY_DIR}/ld.lld)
  add_link_options(-B${LLVM_TOOLS_BINARY_DIR} -fuse-ld=lld)
endif()
# Compiles the C runtime for each target whose code the compiler generates.
find_program(QC_CLANG NAMES clang HINTS ${LLVM_TOOLS_BINARY_DIR}
             NO_DEFAULT_PATH)

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ICU REQUIRED COMPONENTS uc)
find_package(Protobuf REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)

# The package carries no CMake configuration: onnx/onnx_pb.h includes
# onnx/onnx-ml.pb.h under ONNX_ML, generated for namespace onnx.
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
add_library(qc_onnx INTERFACE)
add_library(ONNX::Proto ALIAS qc_onnx)
target_include_directories(qc_onnx SYSTEM INTERFACE ${ONNX_INCLUDE_DIR})
target_compile_definitions(qc_onnx INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(qc_onnx INTERFACE ${ONNX_PROTO_LIBRARY}
                                        protobuf::libprotobuf)

find_path(LIBZIP_INCLUDE_DIR zip.h)
find_library(LIBZIP_LIBRARY zip)
if(LIBZIP_INCLUDE_DIR AND LIBZIP_LIBRARY)
  add_library(qc_libzip INTERFACE)
  add_library(libzip::zip ALIAS qc_libzip)
  target_include_directories(qc_libzip SYSTEM INTERFACE ${LIBZIP_INCLUDE_DIR})
  target_link_libraries(qc_libzip INTERFACE ${LIBZIP_LIBRARY})
endif()

# Optional: what `--kernels onednn` needs. tools/build installs the version of
# tools/requirements-onednn.txt; any oneDNN 3 from 3.2 on with OpenMP will do.
find_package(dnnl 3.2 QUIET CONFIG HINTS ${PROJECT_SOURCE_DIR}/build/venv)
if(dnnl_FOUND AND DNNL_CPU_RUNTIME STREQUAL "OMP" AND
   CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  get_target_property(QC_ONEDNN_INCLUDE DNNL::dnnl
                      INTERFACE_INCLUDE_DIRECTORIES)
  get_target_property(QC_ONEDNN_FOLDER DNNL::dnnl IMPORTED_LOCATION_RELEASE)
  get_filename_component(QC_ONEDNN_FOLDER ${QC_ONEDNN_FOLDER} DIRECTORY)
  set(QC_ONEDNN ON)
  message(STATUS "Using oneDNN ${dnnl_VERSION} in ${dnnl_DIR}")
else()
  set(QC_ONEDNN OFF)
  message(STATUS "No oneDNN with OpenMP: qc will have no --kernels onednn")
endif()

if(QC_ENABLE_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark)
endif()
