//===- DataSet.h - Samples for calibration and evaluation -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// DATA of the command line: an .npz, or a folder of them in the order of their
// names. An array carries an input's name and has its rank (axis 0 = samples)
// or one more (axis 0 = samples, the rest is the input); what is given once
// without samples serves all of them. Files are read row by row.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_DATASET_H
#define QC_EXECUTION_DATASET_H

#include "qc/Execution/Network.h"

#include <memory>

namespace qc {

struct DataOptions {
  /// The array with labels; it may be missing.
  std::string labels = "labels";
  /// Use the first samples only; -1: all.
  int64_t limit = -1;
};

class DataSet {
public:
  /// Opens data for these inputs and checks every array's name, shape and
  /// type. `path` is one file or folder.
  static llvm::Expected<std::unique_ptr<DataSet>>
  open(llvm::StringRef path, llvm::ArrayRef<NetPort> inputs,
       const DataOptions &options = {});
  ~DataSet();

  const std::string &path() const;
  /// How often the network has to run.
  int64_t size() const;
  /// One tensor per input for run `index`, in the type of the input. Values
  /// are checked here: integers that the type can't hold and NaN are errors.
  llvm::Expected<std::vector<HostTensor>> sample(int64_t index);

  /// The largest size of each axis of an input over all samples.
  llvm::SmallVector<int64_t, 4> largestShape(size_t input) const;

  bool hasLabels() const;
  /// All labels, in the order of the samples.
  llvm::Expected<std::vector<double>> labels();
  /// SHA-256 of the bytes of the files, in hex.
  llvm::Expected<std::string> hash() const;

  /// Writes an .npz of these samples with all arrays of the data, those of
  /// inputs or not: of an array whose axis 0 counts samples, or pairs of them,
  /// the rows of these; others whole.
  llvm::Error writeSamples(llvm::ArrayRef<int64_t> indices,
                           llvm::StringRef path) const;

private:
  struct State;
  explicit DataSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// SHA-256 of a file of data, or of the .npz files in a folder, in hex.
llvm::Expected<std::string> hashOfData(llvm::StringRef path);

/// Whether a search does not see a sample where one file serves for both: of
/// pairs every other one.
bool isJudgedSample(int64_t index);
/// All of those.
std::vector<int64_t> judgedSamples(int64_t size);

/// The values of `tensor` in the type `type`: floats round, integers have to
/// be exact, NaN and infinity are errors. `file` and `array` are for the
/// message.
llvm::Expected<HostTensor> convertExactly(const HostTensor &tensor, DType type,
                                          llvm::StringRef file,
                                          llvm::StringRef array);

} // namespace qc

#endif // QC_EXECUTION_DATASET_H
