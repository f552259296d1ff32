//===- Npz.cpp - Reading arrays of .npz and .npy files --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Joins the archive (Zip.h) and the headers of its arrays (Npy.h). Stored
// arrays are read in place from the mapping; deflated ones are inflated whole.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/Npz.h"
#include "Npy.h"
#include "Zip.h"
#include "qc/Support/Error.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SwapByteOrder.h"

#include <cstring>

using namespace qc;

namespace {
struct Array {
  std::string name;
  zip::Entry entry;
  npy::Header header;

  /// The numbers can be used where they lie.
  bool inPlace() const {
    return !entry.deflated && !header.bigEndian && !header.fortranOrder;
  }
};
} // namespace

struct NpzFile::State {
  std::shared_ptr<const MappedFile> file;
  std::vector<Array> arrays;
  std::vector<std::string> names;
  llvm::StringMap<unsigned> index;
  /// The array last inflated for readRows.
  std::string loadedName;
  HostTensor loaded;

  llvm::Error addArray(llvm::StringRef name, zip::Entry entry);
  llvm::Expected<const Array *> find(llvm::StringRef name) const;
  llvm::Expected<HostTensor> load(const Array &array) const;
  /// Where the numbers of an array lie that is not deflated.
  const char *numbers(const Array &array) const {
    return file->data() + array.entry.offset + array.header.dataOffset;
  }
};

static std::string placeOf(llvm::StringRef name) {
  return "array '" + printable(name) + "'";
}

NpzFile::NpzFile(std::unique_ptr<State> state) : state(std::move(state)) {}
NpzFile::~NpzFile() = default;

const std::string &NpzFile::path() const { return state->file->path(); }
const std::vector<std::string> &NpzFile::names() const { return state->names; }
bool NpzFile::contains(llvm::StringRef name) const {
  return state->index.contains(name);
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

static llvm::Expected<npy::Header> readHeader(const MappedFile &file,
                                              const zip::Entry &entry,
                                              llvm::StringRef where) {
  std::string text(std::min(entry.size, npy::prefixSize), '\0');
  if (llvm::Error error = zip::readEntry(file, entry, text.data(), text.size()))
    return error;
  auto size = npy::headerSize(text, file.path(), where);
  if (!size)
    return size.takeError();
  if (*size > entry.size)
    return inputError("bad-npz", file.path(), where, "a cut header",
                      "an array that NumPy wrote");
  text.resize(*size);
  if (llvm::Error error = zip::readEntry(file, entry, text.data(), text.size()))
    return error;
  return npy::parseHeader(text, file.path(), where);
}

llvm::Error NpzFile::State::addArray(llvm::StringRef name, zip::Entry entry) {
  std::string where = placeOf(name);
  if (!index.try_emplace(name, arrays.size()).second)
    return inputError("bad-npz", file->path(), where, "a second one",
                      "arrays of different names");
  auto header = readHeader(*file, entry, where);
  if (!header)
    return header.takeError();
  uint64_t bytes = *elementCount(header->shape) * byteSize(header->type);
  uint64_t present = entry.size - header->dataOffset;
  if (bytes != present)
    return inputError("bad-npz", file->path(), where,
                      std::to_string(present) + " bytes",
                      std::to_string(bytes) + " for " +
                          describe(header->type, header->shape));
  arrays.push_back({name.str(), std::move(entry), std::move(*header)});
  names.push_back(name.str());
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<NpzFile>> NpzFile::open(llvm::StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto state = std::make_unique<State>();
  state->file = *file;
  if ((*file)->contents().starts_with("\x93NUMPY")) {
    zip::Entry whole;
    whole.size = whole.packedSize = (*file)->size();
    if (llvm::Error error = state->addArray(llvm::sys::path::stem(path), whole))
      return error;
    return std::unique_ptr<NpzFile>(new NpzFile(std::move(state)));
  }
  auto entries = zip::readDirectory(**file);
  if (!entries)
    return entries.takeError();
  for (zip::Entry &entry : *entries) {
    // Other files and folders in the archive are none of ours.
    llvm::StringRef name = entry.name;
    if (!name.consume_back(".npy"))
      continue;
    std::string array = name.str();
    if (llvm::Error error = state->addArray(array, std::move(entry)))
      return error;
  }
  return std::unique_ptr<NpzFile>(new NpzFile(std::move(state)));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

llvm::Expected<const Array *> NpzFile::State::find(llvm::StringRef name) const {
  auto found = index.find(name);
  if (found != index.end())
    return &arrays[found->second];
  std::string list;
  for (const std::string &other : names) {
    if (list.size() > 200) {
      list += ", ...";
      break;
    }
    list += (list.empty() ? "" : ", ") + printable(other, 40);
  }
  return inputError("no-array", file->path(), placeOf(name), "no such array",
                    list.empty() ? "an array" : "one of " + list);
}

template <typename T> static void swapAll(HostTensor &tensor) {
  for (T &value : tensor.mutableData<T>())
    value = llvm::byteswap(value);
}

/// Elements in Fortran order to row-major order.
template <typename T> static HostTensor fromFortran(const HostTensor &tensor) {
  HostTensor result = HostTensor::uninitialized(tensor.dtype(), tensor.shape());
  llvm::ArrayRef<T> from = tensor.as<T>();
  llvm::MutableArrayRef<T> to = result.mutableData<T>();
  llvm::ArrayRef<int64_t> shape = tensor.shape();
  llvm::SmallVector<int64_t> at(shape.size(), 0), stride(shape.size(), 1);
  for (size_t axis = 1; axis < shape.size(); ++axis)
    stride[axis] = stride[axis - 1] * shape[axis - 1];
  int64_t source = 0;
  for (T &value : to) {
    value = from[source];
    for (size_t axis = shape.size(); axis-- > 0;) {
      source += stride[axis];
      if (++at[axis] < shape[axis])
        break;
      source -= stride[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return result;
}

llvm::Expected<HostTensor> NpzFile::State::load(const Array &array) const {
  const npy::Header &header = array.header;
  if (array.inPlace())
    return HostTensor::borrow(header.type, header.shape, numbers(array), file);
  HostTensor tensor;
  if (array.entry.deflated) {
    if (array.entry.size > memoryLimit())
      return inputError("too-large", file->path(), placeOf(array.name),
                        std::to_string(array.entry.size) + " bytes",
                        "at most " + std::to_string(memoryLimit()) +
                            " on this machine");
    // The header stands before the numbers; both are kept in one block.
    auto block = std::make_shared<HostTensor>(HostTensor::uninitialized(
        DType::U8, {static_cast<int64_t>(array.entry.size)}));
    if (llvm::Error error = zip::readEntry(
            *file, array.entry, block->mutableBytes(), array.entry.size))
      return error;
    tensor = HostTensor::borrow(header.type, header.shape,
                                block->bytes() + header.dataOffset, block);
  } else {
    tensor =
        HostTensor::borrow(header.type, header.shape, numbers(array), file);
  }
  if (header.bigEndian)
    dispatchBits(header.type, [&](auto zero) {
      if constexpr (sizeof(zero) > 1)
        swapAll<decltype(zero)>(tensor);
    });
  if (header.fortranOrder)
    tensor = dispatchBits(header.type, [&](auto zero) {
      return fromFortran<decltype(zero)>(tensor);
    });
  return tensor;
}

llvm::Expected<NpzHeader> NpzFile::header(llvm::StringRef name) const {
  auto array = state->find(name);
  if (!array)
    return array.takeError();
  return NpzHeader{(*array)->header.type, (*array)->header.shape};
}

llvm::Expected<HostTensor> NpzFile::read(llvm::StringRef name) {
  auto array = state->find(name);
  if (!array)
    return array.takeError();
  if (!state->loadedName.empty() && state->loadedName == name)
    return state->loaded;
  return state->load(**array);
}

llvm::Expected<HostTensor> NpzFile::readRows(llvm::StringRef name,
                                             int64_t first, int64_t count) {
  auto array = state->find(name);
  if (!array)
    return array.takeError();
  llvm::ArrayRef<int64_t> shape = (*array)->header.shape;
  if (shape.empty() || first < 0 || count < 0 || first > shape[0] ||
      count > shape[0] - first)
    return inputError("bad-rows", path(), placeOf(name),
                      "rows " + std::to_string(first) + " to " +
                          std::to_string(first + count),
                      shape.empty() ? "no rows of a scalar"
                                    : std::to_string(shape[0]) + " rows");
  llvm::SmallVector<int64_t, 4> rows(shape);
  rows[0] = count;
  // Of numbers in place nothing but the rows is touched: where the file does
  // not align them, borrowing copies.
  if ((*array)->inPlace())
    return HostTensor::borrow((*array)->header.type, rows,
                              state->numbers(**array) +
                                  first * *elementCount(shape.drop_front()) *
                                      byteSize((*array)->header.type),
                              state->file);
  if (state->loadedName != name) {
    auto loaded = state->load(**array);
    if (!loaded)
      return loaded.takeError();
    state->loaded = std::move(*loaded);
    state->loadedName = name.str();
  }
  const HostTensor &whole = state->loaded;
  int64_t rowBytes = shape[0] ? whole.byteCount() / shape[0] : 0;
  auto owner = std::make_shared<HostTensor>(whole);
  return HostTensor::borrow(whole.dtype(), rows,
                            whole.bytes() + first * rowBytes, owner);
}
