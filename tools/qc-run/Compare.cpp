//===- Compare.cpp - The same ops in two files ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes keep the names of the model's ops in locations; equal names are
// results to compare, whatever became of the ops.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "mlir/IR/Location.h"
#include "qc/Support/Error.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace qc;

/// The names in a location, outermost first; a fused op has several.
static void collectNames(mlir::Location location,
                         llvm::SmallVectorImpl<std::string> &names) {
  if (auto named = llvm::dyn_cast<mlir::NameLoc>(location))
    names.push_back(named.getName().str());
  else if (auto fused = llvm::dyn_cast<mlir::FusedLoc>(location))
    for (mlir::Location part : fused.getLocations())
      collectNames(part, names);
}

void NamedResults::add(llvm::StringRef name, HostTensor tensor) {
  entries[name] = {count++, std::move(tensor)};
}

std::vector<std::string> NamedResults::names() const {
  std::vector<std::string> names;
  for (const auto &entry : entries)
    names.push_back(entry.first().str());
  llvm::sort(names, [&](const std::string &a, const std::string &b) {
    return entries.at(a).order < entries.at(b).order;
  });
  return names;
}

const HostTensor *NamedResults::find(llvm::StringRef name) const {
  auto found = entries.find(name);
  return found == entries.end() ? nullptr : &found->second.values;
}

void NamedResults::attach(Evaluator &evaluator) {
  evaluator.setResultObserver(
      [this](mlir::Operation *op, unsigned index, const RuntimeValue &value) {
        // Shapes and other integers are not what is compared.
        if (index != 0 || value.shape().empty() ||
            (!value.isEncoded() && !isFloat(value.tensor().dtype())))
          return;
        llvm::SmallVector<std::string> names;
        collectNames(op->getLoc(), names);
        // A fused op gives what the last of its parts gave.
        if (!names.empty())
          add(names.back(), value.values().toF32());
      });
}

Difference qc::difference(const HostTensor &a, const HostTensor &b) {
  Difference result;
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    double x = a.asDouble(i), y = b.asDouble(i);
    bool equal = x == y || (std::isnan(x) && std::isnan(y));
    if (equal) {
      signal += std::isfinite(x) ? x * x : 0;
      continue;
    }
    if (result.first < 0)
      result.first = i;
    double apart = std::fabs(x - y);
    if (!(apart <= result.largest))
      result.largest = apart;
    signal += x * x;
    noise += apart * apart;
  }
  result.sqnr = noise == 0 ? INFINITY : 10 * std::log10(signal / noise);
  return result;
}

/// [n, c, h, w] as [n, h, w, c].
static HostTensor channelsLast(const HostTensor &a) {
  int64_t channels = a.dim(1), pixels = a.dim(2) * a.dim(3);
  HostTensor result = HostTensor::uninitialized(
      a.dtype(), {a.dim(0), a.dim(2), a.dim(3), channels});
  llvm::ArrayRef<float> from = a.as<float>();
  llvm::MutableArrayRef<float> to = result.mutableData<float>();
  for (int64_t n = 0, at = 0; n < a.dim(0); ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < pixels; ++p, ++at)
        to[(n * pixels + p) * channels + c] = from[at];
  return result;
}

/// Brings `a` to the layout of `b`; false where the shapes have nothing in
/// common. Where both layouts suit, the nearer one is taken.
static bool matchLayout(HostTensor &a, HostTensor &b) {
  bool same = a.shape() == b.shape();
  for (bool swap : {false, true}) {
    HostTensor &first = swap ? b : a, &last = swap ? a : b;
    bool images = first.rank() == 4 && last.rank() == 4 &&
                  first.dtype() == DType::F32 && last.dtype() == DType::F32;
    if (!images)
      break;
    HostTensor moved = channelsLast(first);
    if (moved.shape() != last.shape())
      continue;
    if (!same || difference(moved, last).sqnr > difference(first, last).sqnr) {
      first = moved;
      return true;
    }
  }
  return same;
}

static void printIndex(llvm::raw_ostream &os, llvm::ArrayRef<int64_t> shape,
                       int64_t index) {
  llvm::SmallVector<int64_t> at(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    at[axis] = index % shape[axis];
    index /= shape[axis];
  }
  os << '[';
  llvm::interleaveComma(at, os);
  os << ']';
}

void qc::printComparison(llvm::raw_ostream &os, const NamedResults &a,
                         const NamedResults &b) {
  size_t width = 4;
  std::vector<std::string> names = a.names();
  for (const std::string &name : names)
    width = std::max(width, std::min<size_t>(name.size(), 60));
  os << llvm::left_justify("name", width) << "  sqnr dB  largest    first\n";
  unsigned missing = 0;
  for (const std::string &name : names) {
    const HostTensor *other = b.find(name);
    if (!other) {
      ++missing;
      continue;
    }
    HostTensor x = *a.find(name), y = *other;
    os << llvm::left_justify(printable(name, 60), width) << "  ";
    if (!matchLayout(x, y)) {
      os << "shapes differ: " << x.describe() << " and " << y.describe()
         << "\n";
      continue;
    }
    Difference apart = difference(x, y);
    if (apart.first < 0) {
      os << "  equal\n";
      continue;
    }
    os << llvm::format("%7.2f  %-9.3g", apart.sqnr, apart.largest) << "  ";
    printIndex(os, x.shape(), apart.first);
    os << llvm::format(" %.9g, %.9g\n", x.asDouble(apart.first),
                       y.asDouble(apart.first));
  }
  if (missing)
    os << missing << " names are in the first file only\n";
}
