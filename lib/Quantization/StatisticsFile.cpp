//===- StatisticsFile.cpp - Statistics as bytes ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Little-endian:
//   "QCSTATS\n"  u32 version = 1  u32 tensors  u64 samples
//   per tensor, in order of their names:
//     u32 length, name     f32 min, max     u64 count, non-finite values
//     u32 bins:     u16 index (ascending), u64 values
//     u32 channels: 8 sums of 128 bits
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Statistics.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <concepts>
#include <cstring>

using namespace qc::quantization;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef magic = "QCSTATS\n";
static constexpr uint32_t version = 1;
static constexpr uint32_t maxNameLength = 4096;

namespace {

class Writer {
public:
  template <std::integral T> void integer(T value) {
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes.push_back(static_cast<char>(static_cast<uint64_t>(value) >> 8 * i));
  }
  void wide(ExactSum::Wide value) {
    integer(static_cast<uint64_t>(value));
    integer(static_cast<uint64_t>(value >> 64));
  }
  void number(float value) { integer(std::bit_cast<uint32_t>(value)); }
  void text(StringRef value) { bytes.append(value.data(), value.size()); }

  std::string bytes;
};

/// Reads and checks; after the first failure everything reads as 0.
class Reader {
public:
  Reader(StringRef bytes, StringRef path) : bytes(bytes), path(path) {}

  template <std::integral T> T integer() {
    uint64_t value = 0;
    StringRef part = text(sizeof(T));
    for (size_t i = 0; i < part.size(); ++i)
      value |= static_cast<uint64_t>(static_cast<uint8_t>(part[i])) << 8 * i;
    return static_cast<T>(value);
  }
  ExactSum::Wide wide() {
    auto low = integer<uint64_t>();
    auto high = integer<uint64_t>();
    __extension__ using Unsigned = unsigned __int128;
    return ExactSum::Wide(Unsigned(high) << 64 | Unsigned(low));
  }
  float number() { return std::bit_cast<float>(integer<uint32_t>()); }
  StringRef text(size_t size) {
    if (failed())
      return {};
    if (size > bytes.size() - offset) {
      fail("found " + Twine(bytes.size() - offset) + " more bytes, expected " +
           Twine(size));
      return {};
    }
    StringRef part = bytes.substr(offset, size);
    offset += size;
    return part;
  }
  /// `what` is "found ..., expected ...".
  void fail(const Twine &what) {
    if (failed())
      return;
    message = what.str();
    failedAt = offset;
  }
  bool failed() const { return !message.empty(); }
  bool atEnd() const { return offset == bytes.size(); }
  llvm::Error takeError() {
    if (!failed())
      return llvm::Error::success();
    auto [found, expected] = StringRef(message).split(", expected ");
    found.consume_front("found ");
    return qc::inputError("bad-statistics", path, "offset " + Twine(failedAt),
                          found, expected);
  }

private:
  StringRef bytes, path;
  size_t offset = 0, failedAt = 0;
  std::string message;
};

} // namespace

static void writeTensor(Writer &out, const TensorStatistics &tensor) {
  out.number(tensor.min);
  out.number(tensor.max);
  out.integer(tensor.count);
  out.integer(tensor.nonFinite);
  out.integer(static_cast<uint32_t>(tensor.histogram.size()));
  for (auto [index, values] : tensor.histogram) {
    out.integer(index);
    out.integer(values);
  }
  out.integer(static_cast<uint32_t>(tensor.channelSums.size()));
  for (const ExactSum &sum : tensor.channelSums)
    for (ExactSum::Wide bin : sum.bins)
      out.wide(bin);
}

std::string Statistics::write() const {
  Writer out;
  out.text(magic);
  out.integer(version);
  out.integer(static_cast<uint32_t>(tensors.size()));
  out.integer(samples);
  for (const auto &[name, tensor] : tensors) {
    out.integer(static_cast<uint32_t>(name.size()));
    out.text(name);
    writeTensor(out, tensor);
  }
  return std::move(out.bytes);
}

static void readHistogram(Reader &in, TensorStatistics &tensor) {
  auto bins = in.integer<uint32_t>();
  if (bins > TensorStatistics::numBins)
    in.fail("found " + Twine(bins) + " bins, expected at most 65536");
  uint64_t total = 0;
  int64_t last = -1;
  for (uint32_t i = 0; i < bins && !in.failed(); ++i) {
    auto index = in.integer<uint16_t>();
    auto values = in.integer<uint64_t>();
    if (index <= last || (index & 0x7f80) == 0x7f80)
      in.fail("found bin " + Twine(index) +
              ", expected ascending bins of finite values");
    if (values == 0 || values > tensor.count - total)
      in.fail("found " + Twine(values) + " values in a bin, expected 1 to " +
              Twine(tensor.count - total));
    if (in.failed())
      return;
    total += values;
    last = index;
    tensor.histogram.push_back({index, values});
  }
  if (!in.failed() && total != tensor.count)
    in.fail("found " + Twine(total) + " values in bins, expected " +
            Twine(tensor.count));
}

static void readTensor(Reader &in, TensorStatistics &tensor) {
  tensor.min = in.number();
  tensor.max = in.number();
  tensor.count = in.integer<uint64_t>();
  tensor.nonFinite = in.integer<uint64_t>();
  bool ordered = std::isfinite(tensor.min) && std::isfinite(tensor.max) &&
                 tensor.min <= tensor.max;
  if (tensor.count != 0 && !ordered)
    in.fail("found a minimum and a maximum that are no range");
  if (tensor.count > uint64_t(1) << 60 || tensor.nonFinite > uint64_t(1) << 60)
    in.fail("found " + Twine(tensor.count) + " values, expected at most 2^60");
  readHistogram(in, tensor);
  auto channels = in.integer<uint32_t>();
  for (uint32_t i = 0; i < channels && !in.failed(); ++i) {
    ExactSum &sum = tensor.channelSums.emplace_back();
    for (ExactSum::Wide &bin : sum.bins)
      bin = in.wide();
  }
}

llvm::Expected<Statistics> Statistics::read(StringRef bytes, StringRef path) {
  Reader in(bytes, path);
  Statistics result;
  if (!bytes.starts_with(magic)) {
    in.fail("found no statistics, expected the file to start with QCSTATS");
    return in.takeError();
  }
  in.text(magic.size());
  if (auto found = in.integer<uint32_t>(); found != version && !in.failed())
    in.fail("found version " + Twine(found) + ", expected " + Twine(version));
  auto count = in.integer<uint32_t>();
  result.samples = in.integer<uint64_t>();
  std::string previous;
  for (uint32_t i = 0; i < count && !in.failed(); ++i) {
    auto length = in.integer<uint32_t>();
    if (length > maxNameLength)
      in.fail("found a name of " + Twine(length) + " bytes, expected at most " +
              Twine(maxNameLength));
    std::string name = in.text(length).str();
    if (i > 0 && name <= previous)
      in.fail("found tensor '" + name + "' after '" + previous +
              "', expected ascending names");
    if (in.failed())
      break;
    readTensor(in, result.tensors[name]);
    previous = std::move(name);
  }
  if (!in.failed() && !in.atEnd())
    in.fail("found more bytes, expected the end of the file");
  if (in.failed())
    return in.takeError();
  return result;
}

llvm::Expected<Statistics> Statistics::readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return qc::inputError("bad-statistics", path, "",
                          buffer.getError().message(), "a readable file");
  return read((*buffer)->getBuffer(), path);
}

llvm::Error Statistics::writeFile(StringRef path) const {
  OutputFile file(path);
  if (llvm::Error error = file.open())
    return error;
  file.os() << write();
  return file.finish();
}
