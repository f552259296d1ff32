//===- DataSet.cpp - Samples for calibration and evaluation ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All headers are read and checked when the data are opened; numbers are read
// when their sample is asked for, so that a folder may be larger than memory.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/DataSet.h"

#include "qc/Support/Error.h"
#include "qc/Support/MappedFile.h"
#include "qc/Support/Npz.h"
#include "qc/Support/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace qc;
using llvm::Expected;
using llvm::StringRef;

namespace {

/// How one array holds the samples of one input.
struct Layout {
  /// Rows of axis 0 in one sample; 0: the array serves all samples.
  int64_t rows = 0;
  /// Axis 0 counts samples and is no axis of the input.
  bool extraAxis = false;
  int64_t samples = 1;
  /// The shape of one sample.
  llvm::SmallVector<int64_t, 4> shape;
};

struct DataFile {
  std::string path;
  int64_t first = 0, count = 0;
  std::vector<Layout> layouts;
};

} // namespace

struct DataSet::State {
  std::string path;
  std::vector<NetPort> ports;
  std::vector<DataFile> files;
  DataOptions options;
  int64_t size = 0;
  bool hasLabels = true;
  /// The file that the last sample came from.
  size_t openIndex = ~size_t(0);
  std::unique_ptr<NpzFile> open;
};

DataSet::DataSet(std::unique_ptr<State> state) : state(std::move(state)) {}
DataSet::~DataSet() = default;
const std::string &DataSet::path() const { return state->path; }
int64_t DataSet::size() const { return state->size; }
llvm::SmallVector<int64_t, 4> DataSet::largestShape(size_t input) const {
  llvm::SmallVector<int64_t, 4> largest;
  for (const DataFile &file : state->files) {
    llvm::ArrayRef<int64_t> shape = file.layouts[input].shape;
    largest.resize(shape.size());
    for (auto [size, axis] : llvm::zip_equal(shape, largest))
      axis = std::max(axis, size);
  }
  return largest;
}

bool DataSet::hasLabels() const { return state->hasLabels; }

/// The .npz files that `path` stands for.
static Expected<std::vector<std::string>> listFiles(StringRef path) {
  if (!llvm::sys::fs::is_directory(path)) {
    StringRef suffix = llvm::sys::path::extension(path);
    if (suffix == ".txt" || suffix == ".jsonl")
      return inputError("bad-data", path, "", "text",
                        "an .npz for this model; "
                        "text is for language models");
    return std::vector<std::string>{path.str()};
  }
  std::vector<std::string> files;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator entry(path, code), end;
       !code && entry != end; entry.increment(code))
    if (llvm::sys::path::extension(entry->path()) == ".npz")
      files.push_back(entry->path());
  if (code)
    return inputError("bad-data", path, "", code.message(),
                      "a folder that can be read");
  if (files.empty())
    return inputError("bad-data", path, "", "a folder without .npz files",
                      "at least one");
  std::sort(files.begin(), files.end());
  return files;
}

/// How an array of this shape holds samples of the input.
static Expected<Layout> layoutOf(StringRef file, const NetPort &port,
                                 const NpzHeader &header) {
  size_t rank = port.min.size(), given = header.shape.size();
  llvm::ArrayRef<int64_t> shape = header.shape;
  if (given == rank + 1 && port.accepts(shape.drop_front()))
    return Layout{1, true, shape[0], llvm::to_vector<4>(shape.drop_front())};
  if (given == rank && rank == 0)
    return Layout{};
  if (given == rank) {
    llvm::SmallVector<int64_t, 4> one(shape);
    one[0] = std::max<int64_t>(1, port.min[0]);
    if (port.accepts(one) && shape[0] % one[0] == 0)
      return Layout{one[0], false, shape[0] / one[0], one};
  }
  return inputError("bad-data", file, "array " + printable(port.name),
                    describe(header.type, header.shape),
                    port.describe() + ", with samples along axis 0 or along "
                                      "one more axis before it");
}

/// Checks every input's array of one file and counts its samples.
static llvm::Error plan(DataFile &file, const NpzFile &npz,
                        llvm::ArrayRef<NetPort> ports) {
  file.count = ports.empty() ? 0 : 1;
  StringRef longest;
  for (const NetPort &port : ports) {
    auto header = npz.header(port.name);
    if (!header)
      return header.takeError();
    auto layout = layoutOf(file.path, port, *header);
    if (!layout)
      return layout.takeError();
    file.layouts.push_back(*layout);
    if (layout->rows && layout->samples == 0)
      return inputError("bad-data", file.path, "array " + printable(port.name),
                        "no samples", "at least one");
    if (layout->samples > file.count || longest.empty()) {
      file.count = std::max(file.count, layout->samples);
      longest = port.name;
    }
  }
  for (auto [port, layout] : llvm::zip_equal(ports, file.layouts)) {
    if (layout.samples == file.count)
      continue;
    if (layout.samples != 1)
      return inputError("bad-data", file.path, "array " + printable(port.name),
                        llvm::Twine(layout.samples) + " samples",
                        llvm::Twine(file.count) + " as in " +
                            printable(longest) + ", or one for all");
    layout.samples = 1;
  }
  return llvm::Error::success();
}

Expected<std::unique_ptr<DataSet>> DataSet::open(StringRef path,
                                                 llvm::ArrayRef<NetPort> inputs,
                                                 const DataOptions &options) {
  auto files = listFiles(path);
  if (!files)
    return files.takeError();
  auto state = std::make_unique<State>();
  state->path = path.str();
  state->ports = inputs.vec();
  state->options = options;
  for (const std::string &name : *files) {
    DataFile file;
    file.path = name;
    file.first = state->size;
    auto npz = NpzFile::open(name);
    if (!npz)
      return npz.takeError();
    if (llvm::Error error = plan(file, **npz, inputs))
      return error;
    state->hasLabels &= (*npz)->contains(options.labels);
    state->size += file.count;
    state->files.push_back(std::move(file));
  }
  if (options.limit >= 0)
    state->size = std::min(state->size, options.limit);
  if (state->size == 0)
    return inputError("bad-data", path, "", "no samples", "at least one");
  return std::unique_ptr<DataSet>(new DataSet(std::move(state)));
}

/// Reads the part of one array that run `index` of its file needs.
static Expected<HostTensor> readSample(NpzFile &npz, const NetPort &port,
                                       const Layout &layout, int64_t index) {
  if (layout.rows == 0)
    return npz.read(port.name);
  if (layout.samples == 1)
    index = 0;
  auto rows = npz.readRows(port.name, index * layout.rows, layout.rows);
  if (!rows || !layout.extraAxis)
    return rows;
  return rows->reshaped(rows->shape().drop_front());
}

Expected<std::vector<HostTensor>> DataSet::sample(int64_t index) {
  size_t which = state->files.size() - 1;
  while (which > 0 && state->files[which].first > index)
    --which;
  const DataFile &file = state->files[which];
  if (which != state->openIndex) {
    auto npz = NpzFile::open(file.path);
    if (!npz)
      return npz.takeError();
    state->open = std::move(*npz);
    state->openIndex = which;
  }
  std::vector<HostTensor> tensors;
  for (auto [port, layout] : llvm::zip_equal(state->ports, file.layouts)) {
    auto raw = readSample(*state->open, port, layout, index - file.first);
    if (!raw)
      return raw.takeError();
    auto tensor = convertExactly(*raw, port.type, file.path, port.name);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

Expected<std::vector<double>> DataSet::labels() {
  std::vector<double> all;
  for (const DataFile &file : state->files) {
    auto npz = NpzFile::open(file.path);
    if (!npz)
      return npz.takeError();
    auto tensor = (*npz)->read(state->options.labels);
    if (!tensor)
      return tensor.takeError();
    // A sample of several rows has a label for each.
    if (tensor->rank() < 1 || tensor->rank() > 2)
      return inputError("bad-data", file.path,
                        "array " + printable(state->options.labels),
                        tensor->describe(), "a label for each sample");
    for (int64_t i = 0; i < tensor->size(); ++i)
      all.push_back(tensor->asDouble(i));
  }
  return all;
}

static Expected<std::string> hashOfFiles(llvm::ArrayRef<std::string> files) {
  Sha256 hash;
  for (const std::string &file : files) {
    auto mapped = MappedFile::open(file);
    if (!mapped)
      return mapped.takeError();
    hash.update((*mapped)->contents());
  }
  return hash.hex();
}

Expected<std::string> DataSet::hash() const {
  std::vector<std::string> files;
  for (const DataFile &file : state->files)
    files.push_back(file.path);
  return hashOfFiles(files);
}

Expected<std::string> qc::hashOfData(StringRef path) {
  if (!llvm::sys::fs::is_directory(path))
    return hashOfFiles({path.str()});
  auto files = listFiles(path);
  return files ? hashOfFiles(*files) : files.takeError();
}

bool qc::isJudgedSample(int64_t index) { return index / 2 % 2 != 0; }

std::vector<int64_t> qc::judgedSamples(int64_t size) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < size; ++i)
    if (isJudgedSample(i))
      indices.push_back(i);
  return indices;
}

namespace {
/// A file and the samples of it that are wanted, counted from its first.
struct WantedSamples {
  std::unique_ptr<NpzFile> npz;
  int64_t count = 0;
  std::vector<int64_t> indices;
};
} // namespace

/// The rows of an array with `rows` of them that belong to these samples; all
/// for an array that does not count them.
static std::vector<int64_t> rowsOf(const WantedSamples &file, int64_t rows) {
  std::vector<int64_t> wanted;
  int64_t each = rows / file.count, together = rows ? file.count / rows : 0;
  for (int64_t index : file.indices)
    if (each > 0 && rows % file.count == 0)
      for (int64_t row = index * each; row < (index + 1) * each; ++row)
        wanted.push_back(row);
    // A row for several samples goes with the last of them.
    else if (together > 1 && rows > 1 && file.count % rows == 0 &&
             index % together == together - 1)
      wanted.push_back(index / together);
  return wanted;
}

/// Writes one array of all files; an array that one of them lacks is left out.
static llvm::Error writeArray(NpzWriter &writer, StringRef name,
                              std::vector<WantedSamples> &files) {
  std::vector<std::vector<int64_t>> rows;
  std::optional<NpzHeader> whole;
  int64_t total = 0;
  for (WantedSamples &file : files) {
    if (!file.npz->contains(name))
      return llvm::Error::success();
    auto header = file.npz->header(name);
    if (!header)
      return header.takeError();
    rows.push_back(header->shape.empty() ? std::vector<int64_t>()
                                         : rowsOf(file, header->shape[0]));
    total += static_cast<int64_t>(rows.back().size());
    // Files that do not suit each other are not put together.
    if (whole && (whole->type != header->type ||
                  llvm::ArrayRef(whole->shape).drop_front() !=
                      llvm::ArrayRef(header->shape).drop_front()))
      return llvm::Error::success();
    whole = *header;
  }
  if (total == 0) {
    auto array = files.front().npz->read(name);
    return array ? writer.add(name, *array) : array.takeError();
  }
  llvm::SmallVector<int64_t, 4> shape(whole->shape);
  shape[0] = total;
  if (llvm::Error error = writer.begin(name, whole->type, shape))
    return error;
  for (auto [file, list] : llvm::zip_equal(files, rows))
    for (int64_t row : list) {
      auto values = file.npz->readRows(name, row, 1);
      if (!values)
        return values.takeError();
      writer.write({values->bytes(), values->byteCount()});
    }
  return writer.end();
}

llvm::Error DataSet::writeSamples(llvm::ArrayRef<int64_t> indices,
                                  StringRef path) const {
  std::vector<WantedSamples> files;
  for (const DataFile &file : state->files) {
    WantedSamples wanted;
    wanted.count = file.count;
    for (int64_t index : indices)
      if (index >= file.first && index < file.first + file.count)
        wanted.indices.push_back(index - file.first);
    if (wanted.indices.empty())
      continue;
    auto npz = NpzFile::open(file.path);
    if (!npz)
      return npz.takeError();
    wanted.npz = std::move(*npz);
    files.push_back(std::move(wanted));
  }
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  for (size_t i = 0; !files.empty() && i < files[0].npz->names().size(); ++i)
    if (llvm::Error error =
            writeArray(**writer, files[0].npz->names()[i], files))
      return error;
  return (*writer)->finish();
}
