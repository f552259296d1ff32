//===- Package.cpp - Files that make a library easy to use ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NAMEConfig.cmake, NAME.pc and example.c. All find the library beside
// themselves, so that the folder can be moved.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::artifact;
using llvm::StringRef;

std::vector<std::string> qc::artifact::extraLibraries(const NetSpec &net) {
  if (!net.oneDNN.empty())
    return {"dnnl", "gomp"};
  if (net.threading == QC_RT_THREADING_OPENMP)
    return {"gomp"};
  return {};
}

/// Replaces every `@` by the name.
static std::string named(StringRef text, StringRef name) {
  std::string out;
  for (char c : text)
    out += c == '@' ? name.str() : std::string(1, c);
  return out;
}

std::string qc::artifact::cmakeText(const ArtifactSpec &spec) {
  std::string libraries = "m";
  for (const std::string &library : extraLibraries(spec.net))
    libraries += ";" + library;
  return named(
             R"(# find_package(@) with this folder in CMAKE_PREFIX_PATH or as @_DIR, then
# target_link_libraries(app PRIVATE @::@)         the static library
# target_link_libraries(app PRIVATE @::@_shared)  the shared library
if(TARGET @::@)
  return()
endif()
get_filename_component(_@_folder "${CMAKE_CURRENT_LIST_FILE}" DIRECTORY)
add_library(@::@ STATIC IMPORTED)
set_target_properties(@::@ PROPERTIES
  IMPORTED_LOCATION "${_@_folder}/lib@.a"
  INTERFACE_INCLUDE_DIRECTORIES "${_@_folder}"
  INTERFACE_LINK_LIBRARIES ")",
             spec.net.name) +
         libraries +
         named(R"(")
add_library(@::@_shared SHARED IMPORTED)
set_target_properties(@::@_shared PROPERTIES
  IMPORTED_LOCATION "${_@_folder}/lib@.so"
  IMPORTED_SONAME "lib@.so"
  INTERFACE_INCLUDE_DIRECTORIES "${_@_folder}")
unset(_@_folder)
)",
               spec.net.name);
}

std::string qc::artifact::pkgConfigText(const ArtifactSpec &spec) {
  std::string text = named(R"(prefix=${pcfiledir}

Name: @
Description: A compiled neural network
Version: 1
Cflags: -I${prefix}
Libs: -L${prefix} -l@
Libs.private: -lm)",
                           spec.net.name);
  for (const std::string &library : extraLibraries(spec.net))
    text += " -l" + library;
  return text + "\n";
}

/// The rows of a C table of shapes, with the symbols at what is tuned.
static std::string shapeRows(const NetSpec &net) {
  std::string rows;
  for (const PortSpec &port : net.inputs) {
    std::string row;
    for (const AxisSpec &axis : port.axes)
      row += (row.empty() ? "" : ", ") +
             std::to_string(axis.symbol < 0 ? axisSize(net, axis, false)
                                            : net.symbols[axis.symbol].opt);
    rows += "    {" + (row.empty() ? "0" : row) + "},\n";
  }
  return rows.empty() ? "    {0},\n" : rows;
}

static const char exampleHead[] =
    R"(/* example.c - runs the network `@` once and measures it.
 *
 *   cc -O2 example.c lib@.a &LIBS -o example
 *   ./example [RUNS [FILE...]]       one file of raw bytes per input; else zeros
 */
#include "@.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The shapes of the inputs: change them within the bounds of @.h. */
static const int64_t shapes[][8] = {
)";

static const char exampleBody[] = R"(};

static void check(@_status status, const char *what) {
  if (status == $_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, @_status_text(status));
  exit(1);
}

static size_t element_bytes(int32_t dtype) {
  static const size_t bytes[] = {0, 4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8, 1};
  return bytes[dtype];
}

static void *allocate(size_t bytes) {
  void *data = calloc(1, bytes ? bytes : 1);
  if (data)
    return data;
  fprintf(stderr, "out of memory\n");
  exit(1);
}

static void read_file(const char *path, void *data, size_t bytes) {
  FILE *file = fopen(path, "rb");
  if (!file || fread(data, 1, bytes, file) != bytes) {
    fprintf(stderr, "%s: expected a file of %zu bytes\n", path, bytes);
    exit(1);
  }
  fclose(file);
}

static double half(uint16_t code) {
  uint32_t magnitude = code & 0x7fff;
  uint32_t bits = (magnitude << 13) + (magnitude < 0x7c00 ? 0x38000000 : 0x70000000);
  float value;
  memcpy(&value, &bits, sizeof value);
  if (magnitude < 0x400) /* below the least normal number */
    value = (float)magnitude * 5.9604645e-8f;
  return code & 0x8000 ? -value : value;
}

static double bfloat(uint16_t code) {
  uint32_t bits = (uint32_t)code << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double element(const @_port *port, const void *data, int64_t index) {
  switch (port->dtype) {
  case $_F32:
    return ((const float *)data)[index];
  case $_F64:
    return ((const double *)data)[index];
  case $_F16:
    return half(((const uint16_t *)data)[index]);
  case $_BF16:
    return bfloat(((const uint16_t *)data)[index]);
  case $_I8:
    return (((const int8_t *)data)[index] - port->zero_point) * port->scale;
  case $_U8:
    return (((const uint8_t *)data)[index] - port->zero_point) * port->scale;
  case $_I16:
    return ((const int16_t *)data)[index];
  case $_U16:
    return ((const uint16_t *)data)[index];
  case $_I32:
    return ((const int32_t *)data)[index];
  case $_U32:
    return ((const uint32_t *)data)[index];
  case $_I64:
    return (double)((const int64_t *)data)[index];
  case $_U64:
    return (double)((const uint64_t *)data)[index];
  case $_BOOL:
    return ((const uint8_t *)data)[index];
  default:
    return 0;
  }
}

static double milliseconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_output(const @_port *port, const @_tensor *tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < port->rank; ++axis)
    count *= tensor->dims[axis];
  printf("%s:", port->name);
  for (int64_t i = 0; i < count && i < 10; ++i)
    printf(" %g", element(port, tensor->data, i));
  printf("%s\n", count > 10 ? " ..." : "");
}

int main(int argc, char **argv) {
  int runs = argc > 1 ? atoi(argv[1]) : 20;
  int32_t inputs_count, outputs_count;
  const @_port *in = @_inputs(&inputs_count);
  const @_port *out = @_outputs(&outputs_count);
  @_model *model;
  @_context *context;
  @_options options = {0};
  options.size = sizeof options;
  check(@_open($_ABI, &options, &model), "@_open");
  check(@_context_open(model, NULL, 0, &context), "@_context_open");

  @_tensor *inputs = allocate(inputs_count * sizeof *inputs);
  for (int32_t i = 0; i < inputs_count; ++i) {
    inputs[i].bytes = element_bytes(in[i].dtype);
    inputs[i].device = -1;
    for (int32_t axis = 0; axis < in[i].rank; ++axis) {
      inputs[i].dims[axis] = shapes[i][axis];
      inputs[i].bytes *= (size_t)shapes[i][axis];
    }
    inputs[i].data = allocate(inputs[i].bytes);
    if (argc > i + 2)
      read_file(argv[i + 2], inputs[i].data, inputs[i].bytes);
  }
  @_tensor *outputs = allocate(outputs_count * sizeof *outputs);
  for (int32_t i = 0; i < outputs_count; ++i) {
    outputs[i].bytes = element_bytes(out[i].dtype);
    outputs[i].device = -1;
    for (int32_t axis = 0; axis < out[i].rank; ++axis)
      outputs[i].bytes *= (size_t)out[i].max[axis];
    outputs[i].data = allocate(outputs[i].bytes);
  }

  check(@_run(context, inputs, outputs, NULL), "@_run");
  for (int32_t i = 0; i < outputs_count; ++i)
    print_output(&out[i], &outputs[i]);
  if (runs > 0) {
    double *times = allocate((size_t)runs * sizeof *times);
    for (int i = 0; i < runs; ++i) {
      double start = milliseconds();
      check(@_run(context, inputs, outputs, NULL), "@_run");
      times[i] = milliseconds() - start;
    }
    qsort(times, (size_t)runs, sizeof *times, ascending);
    printf("median of %d runs: %.4f ms\n", runs, times[runs / 2]);
    free(times);
  }

  for (int32_t i = 0; i < inputs_count; ++i)
    free(inputs[i].data);
  for (int32_t i = 0; i < outputs_count; ++i)
    free(outputs[i].data);
  free(inputs);
  free(outputs);
  @_context_close(context);
  @_close(model);
  return 0;
}
)";

std::string qc::artifact::exampleText(const NetSpec &net) {
  if (net.language)
    return languageExampleText(net);
  std::string libraries = "-lm";
  for (const std::string &library : extraLibraries(net))
    libraries += " -l" + library;
  std::string head = exampleHead;
  head.replace(head.find("&LIBS"), 5, libraries);
  std::string body, upper = StringRef(net.name).upper();
  for (char c : StringRef(exampleBody))
    body += c == '$' ? upper : std::string(1, c);
  return named(head, net.name) + shapeRows(net) + named(body, net.name);
}
