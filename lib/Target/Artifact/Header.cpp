//===- Header.cpp - NAME.h ------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public C interface of one library: the declarations are the same for
// every network but for the prefix; sizes, types and the parameters of
// NAME_run_f32 are the network's own.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::artifact;
using llvm::StringRef;

std::string qc::identifier(StringRef text) {
  std::string out;
  for (char c : text)
    out += llvm::isAlnum(c) ? c : '_';
  if (out.empty() || llvm::isDigit(out.front()))
    out.insert(0, out.empty() ? "net" : "_");
  return out;
}

StringRef qc::artifact::dtypeName(int32_t dtype) {
  static const char *const names[] = {"f32", "f64", "f16", "bf16", "i8",
                                      "u8",  "i16", "u16", "i32",  "u32",
                                      "i64", "u64", "bool"};
  return dtype >= QC_RT_F32 && dtype <= QC_RT_BOOL ? names[dtype - 1] : "?";
}

StringRef qc::artifact::dtypeInC(int32_t dtype) {
  static const char *const names[] = {
      "float",   "double",   "uint16_t", "uint16_t", "int8_t",
      "uint8_t", "int16_t",  "uint16_t", "int32_t",  "uint32_t",
      "int64_t", "uint64_t", "uint8_t"};
  return dtype >= QC_RT_F32 && dtype <= QC_RT_BOOL ? names[dtype - 1]
                                                   : "uint8_t";
}

int64_t qc::artifact::axisSize(const NetSpec &net, const AxisSpec &axis,
                               bool largest) {
  auto size = [&](int32_t symbol) {
    if (symbol < 0)
      return int64_t(1);
    return largest ? net.symbols[symbol].max : net.symbols[symbol].min;
  };
  int64_t value =
      axis.scale * size(axis.symbol) * size(axis.symbol2) + axis.offset;
  int64_t quotient = value / axis.divisor;
  return value % axis.divisor < 0 ? quotient - 1 : quotient;
}

int64_t qc::artifact::elements(const NetSpec &net, const PortSpec &port,
                               bool largest) {
  int64_t count = 1;
  for (const AxisSpec &axis : port.axes)
    count *= axisSize(net, axis, largest);
  return count;
}

bool qc::artifact::hasRunF32(const NetSpec &net) {
  int32_t batch = -1;
  auto fits = [&](const PortSpec &port) {
    if (port.dtype != QC_RT_F32 || elements(net, port, false) <= 0)
      return false;
    for (auto [index, axis] : llvm::enumerate(port.axes)) {
      if (axis.symbol < 0)
        continue;
      if (index != 0 || (batch >= 0 && axis.symbol != batch) ||
          net.symbols[axis.symbol].min > 1)
        return false;
      batch = axis.symbol;
    }
    return true;
  };
  return !net.inputs.empty() && llvm::all_of(net.inputs, fits) &&
         llvm::all_of(net.outputs, fits);
}

std::vector<std::string> qc::artifact::parameterNames(const NetSpec &net) {
  // Words that C or C++ reserve and that a network may well use.
  llvm::StringSet<> taken = {
      "context",  "auto",     "bool",     "break",  "case",     "char",
      "class",    "const",    "default",  "delete", "do",       "double",
      "else",     "enum",     "export",   "extern", "float",    "for",
      "goto",     "if",       "inline",   "int",    "long",     "new",
      "not",      "operator", "or",       "and",    "private",  "public",
      "register", "return",   "short",    "signed", "sizeof",   "static",
      "struct",   "switch",   "template", "this",   "typedef",  "union",
      "unsigned", "using",    "virtual",  "void",   "volatile", "while",
      "xor",      "true",     "false",    "try",    "catch",    "throw",
      "main"};
  std::vector<std::string> names;
  auto add = [&](const PortSpec &port) {
    std::string base = identifier(port.name), name = base;
    for (int i = 2; !taken.insert(name).second; ++i)
      name = base + "_" + std::to_string(i);
    names.push_back(name);
  };
  llvm::for_each(net.inputs, add);
  llvm::for_each(net.outputs, add);
  return names;
}

/// `[3 * 224 * 224]`, with the symbols at their minimum.
static std::string extent(const NetSpec &net, const PortSpec &port) {
  std::string product;
  for (const AxisSpec &axis : port.axes)
    if (axis.symbol < 0)
      product += (product.empty() ? "" : " * ") +
                 std::to_string(axisSize(net, axis, false));
  return "[" + (product.empty() ? "1" : product) + "]";
}

/// `batch x 3 x 224 x 224`.
static std::string shapeText(const NetSpec &net, const PortSpec &port) {
  std::string out;
  for (const AxisSpec &axis : port.axes) {
    out += out.empty() ? "" : " x ";
    if (axis.symbol < 0) {
      out += std::to_string(axisSize(net, axis, false));
      continue;
    }
    bool plain = axis.scale == 1 && axis.offset == 0 && axis.divisor == 1 &&
                 axis.symbol2 < 0;
    out += plain ? identifier(net.symbols[axis.symbol].name)
                 : std::to_string(axisSize(net, axis, false)) + ".." +
                       std::to_string(axisSize(net, axis, true));
  }
  return out.empty() ? "scalar" : out;
}

static void portComments(llvm::raw_ostream &os, const NetSpec &net) {
  auto line = [&](StringRef kind, const PortSpec &port) {
    os << " *   " << kind << " " << identifier(port.name) << ": "
       << dtypeName(port.dtype) << ", " << shapeText(net, port) << "\n";
  };
  for (const PortSpec &port : net.inputs)
    line("input ", port);
  for (const PortSpec &port : net.outputs)
    line("output", port);
  for (const SymbolSpec &symbol : net.symbols)
    os << " *   " << identifier(symbol.name) << " is in [" << symbol.min << ", "
       << symbol.max << "]\n";
}

/// What every header begins and ends with; `@` stands for the name and `$` for
/// it in capitals.
static const char firstDeclarations[] = R"(
#define $_ABI 1

/** Every function that can fail says how. */
typedef enum {
  $_OK,
  $_E_ARGUMENT, /* null, misaligned or out of range */
  $_E_SHAPE,    /* a size that the network does not take, or too little room */
  $_E_ABI,      /* header and library are of different versions */
  $_E_CPU,      /* the CPU lacks instructions that the library needs */
  $_E_WEIGHTS,  /* weights missing, or not those of this network */
  $_E_MEMORY,   /* out of memory, or the given memory is too small */
  $_E_DEVICE,   /* a device that the library does not run on */
  $_E_PROVIDER  /* oneDNN failed, or has no fast kernel for a layer */
} @_status;

/** Runs body(arg, i) for each i in [0, n) and returns when all are done. */
typedef void (*@_parallel_for)(void *pool, int32_t n,
                               void (*body)(void *arg, int32_t i), void *arg);

/** Read-only once open: any number of threads may share it. */
typedef struct @_model @_model;

/** Zero means the default of each member. */
typedef struct {
  uint32_t size; /* sizeof(@_options): may grow */
  int32_t threads; /* default: 1; with --threading openmp those of OpenMP */
  int32_t device;
  const char *weights_file; /* default: @.weights */
  const void *weights;      /* contents of that file in memory, 64-aligned */
  size_t weights_bytes;
  @_parallel_for parallel_for;
  void *pool;
} @_options;
)";

static const char lastDeclarations[] = R"(
/** The status in words. */
const char *@_status_text(@_status status);
/** Where the library comes from, as JSON. */
const char *@_manifest(void);

#ifdef __cplusplus
}
#endif

#endif
)";

/// The declarations of a network.
static const char declarations[] = R"(
/** Bytes of the arena at the largest shapes. */
#define $_ARENA_BYTES %u

/** Element types of ports; f16 and bf16 are kept in uint16_t. */
enum {
  $_F32 = 1,
  $_F64 = 2,
  $_F16 = 3,
  $_BF16 = 4,
  $_I8 = 5,
  $_U8 = 6,
  $_I16 = 7,
  $_U16 = 8,
  $_I32 = 9,
  $_U32 = 10,
  $_I64 = 11,
  $_U64 = 12,
  $_BOOL = 13
};

/** An input or output: axis i has a size in [min[i], max[i]]. The value of an
 * 8-bit element q is (q - zero_point) * scale. */
typedef struct {
  const char *name;
  int32_t dtype, rank;
  int64_t min[8], max[8];
  float scale;
  int32_t zero_point;
} @_port;

/** Row-major data. dims beyond the rank are 0; those of outputs are filled in
 * by @_run, also when it fails because `bytes` are too few. */
typedef struct {
  void *data;
  size_t bytes;
  int64_t dims[8];
  int32_t device; /* -1 = host */
} @_tensor;

/** Used by one thread at a time. */
typedef struct @_context @_context;

/** Opens the network: abi is $_ABI; options may be NULL. Picks the best code
 * that the CPU can run. */
@_status @_open(uint32_t abi, const @_options *options, @_model **model);
/** Closes it, after all of its contexts. */
void @_close(@_model *model);

/** What goes in and comes out. */
const @_port *@_inputs(int32_t *count);
const @_port *@_outputs(int32_t *count);

/** Bytes of the arena for inputs of these shapes; inputs may be NULL. */
size_t @_arena_bytes(const @_model *model, const @_tensor *inputs);
/** A context on memory of the caller (64-byte aligned, $_ARENA_BYTES) or, with
 * NULL, on its own. */
@_status @_context_open(@_model *model, void *arena, size_t bytes,
                        @_context **context);
void @_context_close(@_context *context);

/** Runs the network: one tensor per port, in the order of @_inputs and
 * @_outputs. Neither allocates, locks nor prints. stream is NULL. */
@_status @_run(@_context *context, const @_tensor *inputs, @_tensor *outputs,
               void *stream);
)";

std::string qc::artifact::substitute(StringRef text, const NetSpec &net) {
  std::string upper = StringRef(net.name).upper(), out;
  for (char c : text) {
    if (c == '@')
      out += net.name;
    else if (c == '$')
      out += upper;
    else if (c == '%')
      out += std::to_string(net.arenaBytes);
    else
      out += c;
  }
  return out;
}

static void runF32(llvm::raw_ostream &os, const NetSpec &net) {
  os << "\n/** The same for one sample, with the network's own names. */\n"
     << net.name << "_status " << net.name << "_run_f32(" << net.name
     << "_context *context";
  std::vector<std::string> names = parameterNames(net);
  size_t index = 0;
  for (const PortSpec &port : net.inputs)
    os << ",\n    const float " << names[index++] << extent(net, port);
  for (const PortSpec &port : net.outputs)
    os << ",\n    float " << names[index++] << extent(net, port);
  os << ");\n";
}

std::string qc::artifact::frameHeader(const NetSpec &net, StringRef comment,
                                      StringRef middle) {
  StringRef guard = R"(#ifndef QC_$_H
#define QC_$_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
)";
  return "/*" + comment.str() + " */\n" + substitute(guard, net) +
         substitute(firstDeclarations, net) + middle.str() +
         substitute(lastDeclarations, net);
}

std::string qc::headerText(const NetSpec &net) {
  if (net.language)
    return languageHeaderText(net);
  std::string comment, middle;
  llvm::raw_string_ostream about(comment), os(middle);
  about << " " << net.name
        << ".h - a compiled neural network; made by qc.\n *\n";
  portComments(about, net);
  about << " *\n * A model is shared and read-only; a context belongs to one "
           "thread at a time;\n * running never allocates, locks or prints"
        << (net.threading == QC_RT_THREADING_OPENMP
                ? " (after a thread's first run)"
                : "")
        << ".\n";
  os << substitute(declarations, net);
  if (hasRunF32(net))
    runF32(os, net);
  return frameHeader(net, comment, middle);
}
