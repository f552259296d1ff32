//===- Artifact.h - The folder that holds a compiled network ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From object code, weights and a report to the folder DIR that docs/Driver.md
// describes: header, static and shared library, package files, example, report.
// DIR is written whole or not at all, and equal specs give equal bytes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGET_ARTIFACT_ARTIFACT_H
#define QC_TARGET_ARTIFACT_ARTIFACT_H

#include "qc/Runtime/Descriptor.h"
#include "qc/Runtime/LanguageModel.h"
#include "qc/TargetInfo/Target.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace qc {

/// A named dimension and its bounds. `opt` is what is tuned and measured.
struct SymbolSpec {
  std::string name;
  int64_t min = 1, opt = 1, max = 1;
};

/// One axis of a port: (scale * size(symbol) * size(symbol2) + offset) /
/// divisor, rounded down. A symbol is an index into NetSpec::symbols; -1 has
/// the size 1, so that a static axis is {-1, -1, 0, size, 1}.
struct AxisSpec {
  int32_t symbol = -1, symbol2 = -1;
  int64_t scale = 0, offset = 0, divisor = 1;

  static AxisSpec fixed(int64_t size) { return {-1, -1, 0, size, 1}; }
  static AxisSpec named(int32_t symbol) { return {symbol, -1, 1, 0, 1}; }
};

/// An input or output. Axes of inputs are static or named, nothing else.
struct PortSpec {
  std::string name;
  int32_t dtype = QC_RT_F32;
  std::vector<AxisSpec> axes;
  float scale = 1;
  int32_t zeroPoint = 0;
  /// Memory of the caller that a run changes: what a language model remembers
  /// of sequences.
  bool isState = false;
};

/// What makes a network a language model (see qc/Runtime/LanguageModel.h).
struct LanguageSpec {
  /// All but the pointers.
  qc_rt_language numbers = {};
  std::string family, chatTemplate;
  /// Texts that the template may use, by their names: "bos_token" ...
  std::map<std::string, std::string> specialTokens;
  std::vector<int32_t> ends;
  int32_t bos = -1;

  /// Bytes of keys and values of a token.
  int64_t cacheBytes() const {
    return numbers.layers * 2 * numbers.heads * numbers.row_bytes;
  }
};

/// What the descriptor says of a network (see qc/Runtime/Descriptor.h).
struct NetSpec {
  /// A C identifier: the prefix of files and symbols.
  std::string name;
  /// QC_RT_THREADING_*.
  int32_t threading = QC_RT_THREADING_CALLBACK;
  std::vector<SymbolSpec> symbols;
  std::vector<PortSpec> inputs, outputs;
  /// Kernel symbols without the level's suffix `__LEVEL`, by number; empty
  /// where oneDNN computes one.
  std::vector<std::string> kernels;
  /// The layers that oneDNN computes: the library then needs libdnnl.
  std::vector<qc_rt_onednn_layer> oneDNN;
  uint64_t arenaBytes = 0;
  std::optional<LanguageSpec> language;
};

/// The object code of one CPU level, which defines KERNEL__LEVEL for every
/// kernel.
struct LevelObjects {
  CpuLevel level;
  std::vector<std::string> objects = {};
};

/// Another file of the folder, under its base name.
struct ExtraFile {
  std::string name, contents;
  /// A file whose bytes follow the contents; empty: none do. It may be larger
  /// than memory.
  std::string rest = "";
};

struct ArtifactSpec {
  NetSpec net;
  Target target;
  /// Worst first.
  std::vector<LevelObjects> levels;
  /// Defines qc_graph.
  std::string graphObject;
  /// The packed weights: in memory, or in a file when `weightsFile` is set.
  std::string weights;
  std::string weightsFile;
  enum class Weights { Auto, Embedded, File } weightsMode = Weights::Auto;
  /// recipe.json and report.json, without "schema".
  llvm::json::Object recipe, report;
  /// Facts for manifest.json: licence, source, precision ...
  llvm::json::Object facts;
  /// What it was made of, for the manifest of the folder alone: the same
  /// library may come of other options.
  llvm::json::Object madeOf;
  /// Text of LICENSES: the licences of the model and its data.
  std::string licenses;
  /// The statistics file and whatever else the folder keeps.
  std::vector<ExtraFile> extras;
  /// Replace a non-empty folder that qc did not write.
  bool force = false;
};

/// Sizes of what was written.
struct ArtifactSizes {
  uint64_t artifact = 0, weights = 0, sharedLibrary = 0;
};

/// Writes the folder `dir` whole or not at all.
llvm::Expected<ArtifactSizes> writeArtifact(const ArtifactSpec &spec,
                                            llvm::StringRef dir);

/// Writes files of another kind into `dir`, whole or not at all, with a
/// manifest that lists them.
llvm::Error writeFiles(std::vector<ExtraFile> files, llvm::StringRef dir,
                       bool force);

/// Fails where writeArtifact would refuse `dir`: before hours of work are done.
llvm::Error checkOutputFolder(llvm::StringRef dir, bool force);

/// Removes the folder that writeArtifact is filling, if there is one: for the
/// thread that ends an interrupted process.
void removeUnfinishedFolder();

/// True where `dir` has a manifest.json that qc wrote.
bool isArtifact(llvm::StringRef dir);

/// True where this compiler was built with oneDNN, so that libraries may use
/// it.
bool hasOneDNN();

/// The bits of Descriptor.h that code for `level` needs.
uint64_t requiredFeatures(Arch arch, const CpuLevel &level);

/// `text` made a C identifier, for --name and for the names of ports.
std::string identifier(llvm::StringRef text);

/// Text of NAME.h.
std::string headerText(const NetSpec &net);

} // namespace qc

#endif // QC_TARGET_ARTIFACT_ARTIFACT_H
