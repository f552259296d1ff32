//===- CompileOptions.h - What a compilation is asked for -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The options of `qc compile`, `qc quantize` and `qc calibrate`, as parsed and
// checked by tools/qc and explained in docs/Driver.md. Texts are as given on
// the command line where their meaning needs the model.
//
//===----------------------------------------------------------------------===//

#ifndef QC_PIPELINES_COMPILEOPTIONS_H
#define QC_PIPELINES_COMPILEOPTIONS_H

#include "qc/TargetInfo/Target.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace qc {

/// --dim SYMBOL=MIN:OPT:MAX.
struct DimRange {
  std::string symbol;
  int64_t min = 1, opt = 1, max = 1;
};

/// --shape NAME=1x3x224x224.
struct ShapeOverride {
  std::string input;
  std::vector<int64_t> dims;
};

/// --input NAME:u8,nhwc,mean=..,std=..
struct InputOverride {
  std::string input;
  /// Empty: as the model says.
  std::string dtype;
  bool channelsLast = false;
  std::vector<double> mean, std;
};

/// --layer 'REGEX=P'.
struct LayerRule {
  std::string pattern, precision;
};

/// --observer minmax, percentile:99.99, entropy or mse.
struct ObserverChoice {
  enum class Kind { MinMax, Percentile, Entropy, Mse } kind = Kind::Mse;
  double percentile = 99.99;
  std::string text = "mse";
};

enum class Threading { None, Callback, OpenMP };
enum class WeightsMode { Auto, Embedded, File };

struct CompileOptions {
  /// Prefix of files and symbols; empty: the model's name.
  std::string name;
  std::string precision = "keep";
  bool requantize = false;
  std::vector<std::string> algorithms;
  std::string recipeFile;
  std::vector<LayerRule> layers;

  /// Calibration data, files or folders; and how much of it is used.
  std::vector<std::string> calib;
  int64_t samples = 128;
  ObserverChoice observer;
  /// Statistics files to use or to merge.
  std::vector<std::string> stats;
  std::string imatrixFile;
  /// Go on with what an interrupted search has left.
  bool resume = false;

  Target target;
  std::vector<DimRange> dims;
  std::vector<ShapeOverride> shapes;
  std::vector<InputOverride> inputs;
  /// Of language models: tokens of a sequence, sequences of a step, and the
  /// type of the cache (f32, f16, which it is if not given, bf16 or int8).
  std::optional<int64_t> context, sequences;
  std::optional<std::string> cache;

  /// Threads that the library is tuned for, and what it uses.
  int32_t threads = 1;
  Threading threading = Threading::Callback;
  /// The compiler's own threads.
  int32_t jobs = 1;
  /// generated, onednn or auto.
  std::string kernels = "generated";
  /// The layers that oneDNN computes: "*" for all of them, names where they
  /// were measured, nothing with generated kernels.
  std::vector<std::string> oneDNNLayers;
  bool tune = false;
  std::optional<uint64_t> memoryBudget;
  uint64_t seed = 0;
  bool strict = false;
  /// Pruned weights have sparse encodings, which no other format knows.
  bool sparse = true;
  WeightsMode weights = WeightsMode::Auto;
  /// Least effort for LLVM (CodeEffort::Quick): the code runs once.
  bool quickCode = false;

  /// --emit: model, observed, qdq, integer, packed, kernels, llvm, asm; empty:
  /// the library.
  std::string emit;
  /// --dump-ir: one file per level goes there; empty: none.
  std::string dumpFolder;
  bool printPipeline = false;
};

} // namespace qc

#endif // QC_PIPELINES_COMPILEOPTIONS_H
