//===- Encoding.cpp - The encoding of a checkpoint's matrix ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Checkpoints/Encoding.h"
#include "mlir/IR/BuiltinTypes.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"

using namespace qc::checkpoints;
using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::Attribute;
using mlir::MLIRContext;
using mlir::Type;
namespace num = qc::numerics;

/// As attributes spell it: -1 is the whole axis.
static SmallVector<int64_t> groupOf(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> group(sizes);
  for (int64_t &size : group)
    size = size ? size : -1;
  return group;
}

static Type storageOf(MLIRContext *context, num::ElementKind kind) {
  switch (kind) {
  case num::ElementKind::F16:
    return mlir::Float16Type::get(context);
  case num::ElementKind::BF16:
    return mlir::BFloat16Type::get(context);
  default:
    return Type();
  }
}

static Attribute affineOf(MLIRContext *context,
                          const num::AffineFormat &format) {
  return mlir::qc::AffineAttr::get(
      context, format.bits, mlir::FloatAttr(), 0, groupOf(format.group),
      storageOf(context, format.scaleKind), format.symmetric);
}

static Attribute codebookOf(MLIRContext *context,
                            const num::CodebookFormat &format) {
  SmallVector<int64_t> group = groupOf(format.group);
  for (const num::NamedCodebook &named : num::namedCodebooks())
    if (named.name == "nf4" && !format.nested &&
        llvm::equal(named.values, format.codebook))
      return mlir::qc::NF4Attr::get(context, group);
  auto values = mlir::DenseF32ArrayAttr::get(context, format.codebook);
  return mlir::qc::CodebookAttr::get(context, values, group, Type(),
                                     format.nested);
}

Attribute qc::checkpoints::encodingOf(MLIRContext *context,
                                      const Linear &linear) {
  if (auto *affine = std::get_if<num::AffineFormat>(&linear.format))
    return affineOf(context, *affine);
  return codebookOf(context, std::get<num::CodebookFormat>(linear.format));
}
