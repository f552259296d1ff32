//===- ContractReference.cpp - Plain loops for contract -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractReference.h"

#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Float16.h"
#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/EncodedPacking.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "qc/TargetInfo/Packing.h"

#include <sstream>

using namespace qc;
using namespace qc::test;
namespace S = qc::slots::contract;

ContractCase ContractCase::matrix(int64_t m, int64_t n, int64_t k) {
  ContractCase shape;
  shape.height = m;
  shape.n = n;
  shape.c = k;
  return shape;
}

ContractCase ContractCase::convolution(int64_t batch, int64_t height,
                                       int64_t width, int64_t c, int64_t n,
                                       int64_t kernel, int64_t stride,
                                       int64_t dilation, int64_t groups) {
  return {batch,  height,   width, c,     groups, kernel, kernel,
          stride, dilation, n,     false, 0,      0,      127};
}

ContractCase ContractCase::merged() const {
  ContractCase shape = *this;
  shape.merge = true;
  return shape;
}

ContractCase ContractCase::turned() const {
  ContractCase shape = *this;
  std::swap(shape.height, shape.width);
  return shape;
}

std::string ContractCase::text() const {
  std::ostringstream out;
  out << "batch " << batch << " image " << height << "x" << width << "x" << c
      << " kernel " << kernelH << "x" << kernelW << " stride " << stride
      << " dilation " << dilation << " groups " << groups << " n " << n
      << " (m " << m() << ", k " << k() << ")";
  return out.str();
}

ContractProblem::ContractProblem(const KernelKey &key,
                                 const ContractCase &shape, uint32_t seed,
                                 const WeightEncoding *encoding)
    : key(key), shape(shape) {
  integerX = key.types[0] != "f32";
  integerY = key.types[2] == "u8" || key.types[2] == "i8";
  totalN = shape.n * shape.groups;
  yRow = totalN + 3;
  Random random(seed);
  makeChannels(random);
  if (integerX)
    makeInputs(random);
  else
    makeFloatInputs(random);
  if (encoding)
    encodeWeights(*encoding);
  bool unsignedY = key.types[2] == "u8";
  low = (unsignedY ? 0.0f : -128.0f) - float(yZero);
  high = (unsignedY ? 255.0f : 127.0f) - float(yZero);
  if (key.has("clamp")) {
    low = -0.3f;
    high = 0.4f;
  }
}

/// What has one value a channel or row, and the residual.
void ContractProblem::makeChannels(Random &random) {
  for (int64_t i = 0; i < totalN; ++i) {
    biasInt.push_back(int32_t(random.integer(-9000, 9000)));
    biasFloat.push_back(random.real(-2, 2));
    multiplier.push_back(random.real(0.001f, 0.003f));
    offset.push_back(int32_t(random.integer(-9000, 9000)));
  }
  for (int64_t i = 0; i < shape.m(); ++i)
    rowScale.push_back(random.real(0.1f, 2));
  for (int64_t i = 0; i < shape.m() * yRow; ++i) {
    residualInt.push_back(int32_t(key.types[2] == "u8" || key.has("residual_u8")
                                      ? random.integer(0, 255)
                                      : random.integer(-128, 127)));
    residualFloat.push_back(random.real(-2, 2));
  }
  biasBytes =
      integerX && !key.has("row_scale") ? guarded(biasInt) : guarded(biasFloat);
  multiplierBytes = guarded(multiplier);
  rowScaleBytes = guarded(rowScale);
  offsetBytes = guarded(offset);
  std::vector<uint8_t> narrow(residualInt.begin(), residualInt.end());
  residualBytes = integerResidual() ? guarded(narrow) : guarded(residualFloat);
  yBytes =
      std::make_unique<GuardedBytes>(shape.m() * yRow * (integerY ? 1 : 4));
  std::memset(yBytes->as<char>(), 0x5a, yBytes->bytes());
}

/// Packs [k][totalN] elements.
template <typename T>
static std::unique_ptr<GuardedBytes> pack(const ContractCase &shape,
                                          const std::vector<T> &weights,
                                          int64_t &groupBytes) {
  ContractWeights layout{shape.k(), shape.n, shape.groups, shape.run(),
                         sizeof(T)};
  groupBytes = layout.groupBytes();
  std::vector<std::byte> packed(layout.packedBytes());
  packContract(layout, std::as_bytes(std::span(weights)), packed);
  return guarded(packed);
}

void ContractProblem::makeInputs(Random &random) {
  bool isSigned = key.types[0] == "i8";
  std::vector<uint8_t> narrowX;
  for (int64_t i = 0; i < shape.xSize(); ++i) {
    // Extreme values are frequent: they would show a saturating product.
    int64_t v = random.integer(0, 3) ? random.integer(0, 255)
                                     : random.integer(0, 1) * 255;
    x.push_back(int32_t(isSigned ? v - 128 : v));
    narrowX.push_back(uint8_t(x.back()));
  }
  std::vector<int8_t> narrowW;
  for (int64_t i = 0; i < shape.k() * totalN; ++i) {
    w.push_back(
        int32_t(random.integer(0, 3)
                    ? random.integer(-shape.largestWeight, shape.largestWeight)
                    : shape.largestWeight));
    narrowW.push_back(int8_t(w.back()));
  }
  xBytes = guarded(narrowX);
  wBytes = pack(shape, narrowW, groupBytes);
}

void ContractProblem::makeFloatInputs(Random &random) {
  for (int64_t i = 0; i < shape.xSize(); ++i)
    xf.push_back(random.real(-1, 1));
  std::vector<uint16_t> narrow;
  for (int64_t i = 0; i < shape.k() * totalN; ++i) {
    float v = random.real(-1, 1);
    if (key.types[1] == "f16") {
      narrow.push_back(numerics::floatToHalf(v));
      v = numerics::halfToFloat(narrow.back());
    } else if (key.types[1] == "bf16") {
      narrow.push_back(numerics::floatToBFloat16(v));
      v = numerics::bfloat16ToFloat(narrow.back());
    }
    wf.push_back(v);
  }
  xBytes = guarded(xf);
  wBytes = narrow.empty() ? pack(shape, wf, groupBytes)
                          : pack(shape, narrow, groupBytes);
}

numerics::DecodeSpec WeightEncoding::spec() const {
  const std::vector<float> values(4);
  const int64_t shape[] = {2, 2};
  return contractSpec(encode(values, shape).spec, transposed);
}

void ContractProblem::encodeWeights(const WeightEncoding &encoding) {
  int64_t k = shape.k();
  bool transposed = encoding.transposed;
  const int64_t plain[] = {k, totalN}, turned[] = {totalN, k};
  std::span<const int64_t> sizes = transposed ? turned : plain;
  numerics::Encoded encoded = encoding.encode(wf, sizes);
  std::vector<float> values =
      numerics::decode(encoded.spec, sizes, encoded.data);
  for (int64_t i = 0; i < k * totalN; ++i)
    wf[i] = transposed ? values[i % totalN * k + i / totalN] : values[i];
  groupBytes =
      encodedGroupBytes(contractSpec(encoded.spec, transposed), k, shape.n);
  std::vector<uint8_t> packed(groupBytes * shape.groups);
  packEncoded(encoded.spec, transposed, k, shape.n, shape.groups, encoded.data,
              packed);
  wBytes = guarded(packed);
}

Slots ContractProblem::slots() const {
  const ContractCase &s = shape;
  int64_t pixel = s.groups * s.c, row = s.width * pixel;
  int64_t mChunk = s.mChunk ? s.mChunk : s.m();
  int64_t nChunk = s.nChunk ? s.nChunk : (s.n + 15) / 16 * 16;
  Slots slots(S::Count);
  auto set = [&](unsigned i, int64_t v) { slots.set(i, v); };
  slots.set(S::X, xBytes->as<void>());
  slots.set(S::W, wBytes->as<void>());
  slots.set(S::Bias, biasBytes->as<void>());
  slots.set(S::Multiplier, multiplierBytes->as<void>());
  slots.set(S::Residual, residualBytes->as<void>());
  slots.set(S::Y, yBytes->as<void>());
  slots.set(S::RowScale, rowScaleBytes->as<void>());
  slots.set(S::WZero, offsetBytes->as<void>());
  set(S::Batch, s.batch);
  set(S::Rows, s.rows());
  set(S::Columns, s.columns());
  set(S::XBatch, s.height * row);
  set(S::XRow, s.stride * row);
  set(S::XColumn, s.stride * pixel);
  set(S::KernelH, s.kernelH);
  set(S::XKernelH, s.dilation * row);
  set(S::KernelW, s.merge ? 1 : s.kernelW);
  set(S::XKernelW, s.dilation * pixel);
  set(S::Run, s.run());
  set(S::N, s.n);
  set(S::Groups, s.groups);
  set(S::XGroup, s.c);
  set(S::WGroupBytes, groupBytes);
  set(S::YRow, yRow);
  set(S::ResidualRow, yRow);
  set(S::MChunk, mChunk);
  set(S::NChunk, nChunk);
  set(S::MParts, (s.m() + mChunk - 1) / mChunk);
  set(S::NParts, (s.n + nChunk - 1) / nChunk);
  slots.setFloat(S::Low, low);
  slots.setFloat(S::High, high);
  set(S::YZero, yZero);
  set(S::ResidualZero, residualZero);
  slots.setFloat(S::ResidualMultiplier, residualMultiplier);
  slots.setFloat(S::YScale, yScale);
  return slots;
}

int64_t ContractProblem::parts(const Slots &arguments) const {
  return shape.groups * arguments.data()[S::MParts] *
         arguments.data()[S::NParts];
}

void ContractProblem::run(KernelFunction kernel) {
  Slots arguments = slots();
  runParts(kernel, arguments, parts(arguments));
}

bool ContractProblem::run(ForeignKernel &kernel) {
  Slots arguments = slots();
  return kernel.run(arguments, S::Count, parts(arguments),
                    {xBytes.get(), wBytes.get(), yBytes.get(), biasBytes.get(),
                     multiplierBytes.get(), residualBytes.get(),
                     rowScaleBytes.get(), offsetBytes.get()});
}

int64_t ContractProblem::xIndex(int64_t m, int64_t group, int64_t k) const {
  const ContractCase &s = shape;
  int64_t b = m / (s.rows() * s.columns()), r = m / s.columns() % s.rows();
  int64_t column = m % s.columns(), tap = k / s.c;
  int64_t y = r * s.stride + tap / s.kernelW * s.dilation;
  int64_t x = column * s.stride + tap % s.kernelW * s.dilation;
  return ((b * s.height + y) * s.width + x) * s.groups * s.c + group * s.c +
         k % s.c;
}

bool ContractProblem::integerResidual() const {
  return key.has("residual_u8") || key.has("residual_i8") ||
         (integerY && !key.has("residual_f32"));
}

float ContractProblem::addAndActivate(float t, int64_t at) const {
  if (key.has("residual") || key.has("residual_f32") ||
      key.has("residual_u8") || key.has("residual_i8"))
    t = t + (integerResidual()
                 ? numerics::dequantize(residualInt[at], residualMultiplier,
                                        residualZero)
                 : residualFloat[at]);
  for (const std::string &flag : key.flags)
    if (auto unary = numerics::parseUnary(flag)) {
      t = numerics::evalUnary(*unary, t);
      if (integerY && integerX)
        t = t / yScale;
    }
  return t;
}

double ContractProblem::store(float t) const {
  if (integerY) {
    t = std::min(std::max(t, low), high);
    return double(numerics::roundHalfEven(t)) + yZero;
  }
  return key.has("clamp") ? std::min(std::max(t, low), high) : t;
}

double ContractProblem::expectedInt(int64_t m, int64_t column) const {
  int32_t sum = 0;
  for (int64_t k = 0; k < shape.k(); ++k)
    sum += x[xIndex(m, column / shape.n, k)] * w[k * totalN + column];
  bool raw = key.types[2] == "i32", bias = key.has("bias");
  if (!key.has("row_scale")) {
    if (bias)
      sum += biasInt[column];
    if (raw)
      return sum;
    float t = float(sum) * multiplier[column];
    return store(addAndActivate(t, m * yRow + column));
  }
  if (key.has("correction"))
    sum += offset[column];
  float scale = rowScale[m] * multiplier[column];
  float t = float(sum) * scale;
  if (bias)
    t = t + biasFloat[column];
  return store(addAndActivate(t, m * yRow + column));
}

double ContractProblem::expectedFloat(int64_t m, int64_t column,
                                      double &tolerance) const {
  double sum = 0, magnitude = 1;
  for (int64_t k = 0; k < shape.k(); ++k) {
    double p = double(xf[xIndex(m, column / shape.n, k)]) *
               double(wf[k * totalN + column]);
    sum += p;
    magnitude += std::fabs(p);
  }
  if (key.has("bias"))
    sum += biasFloat[column];
  // Any order of summation stays within k roundings of the magnitude.
  tolerance = magnitude * double(shape.k() + 8) * 0x1p-24;
  float t = addAndActivate(float(sum), m * yRow + column);
  if (!integerY)
    return store(t);
  tolerance = 1;
  return store(t / yScale);
}

double ContractProblem::expected(int64_t m, int64_t column,
                                 double &tolerance) const {
  tolerance = 0;
  return integerX ? expectedInt(m, column)
                  : expectedFloat(m, column, tolerance);
}

std::string ContractProblem::compare() {
  const std::string &type = key.types[2];
  for (int64_t m = 0; m < shape.m(); ++m)
    for (int64_t column = 0; column < yRow; ++column) {
      int64_t at = m * yRow + column;
      double found = type == "u8"    ? double(yBytes->as<uint8_t>()[at])
                     : type == "i8"  ? double(yBytes->as<int8_t>()[at])
                     : type == "i32" ? double(yBytes->as<int32_t>()[at])
                                     : double(yBytes->as<float>()[at]);
      double tolerance = 0, wanted = 0;
      if (column < totalN)
        wanted = expected(m, column, tolerance);
      else // What lies between rows is not written.
        wanted = integerY        ? 0x5a
                 : type == "i32" ? double(0x5a5a5a5a)
                                 : double(std::bit_cast<float>(0x5a5a5a5a));
      if (!(std::fabs(found - wanted) <= tolerance)) {
        std::ostringstream out;
        out.precision(9);
        out << "row " << m << " column " << column << ": found " << found
            << ", expected " << wanted << " within " << tolerance;
        return out.str();
      }
    }
  return "";
}
