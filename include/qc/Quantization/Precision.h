//===- Precision.h - How many bits each layer gets --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Precisions as docs/Driver.md names them (w8a8, w4-g128 ...), and the choice
// of one for each layer from an option, a recipe and patterns.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_PRECISION_H
#define QC_QUANTIZATION_PRECISION_H

#include "qc/Numerics/Sparsity.h"
#include "qc/Quantization/Mixture.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/Regex.h"

#include <map>
#include <string>
#include <vector>

namespace qc::quantization {

/// Number formats with names of their own (nf4 ...), and the group size of each
/// where none is asked for.
using FormatGroups = std::map<std::string, int64_t>;

struct Precision {
  /// Keep: the codes that a weight comes with.
  enum class Weights { Float32, Float16, BFloat16, Integer, Format, Keep };
  enum class Activations {
    Float,
    /// One encoding for all inputs, from statistics.
    Static,
    /// A scale for each row, found when the model runs.
    Dynamic
  };

  Weights weights = Weights::Float32;
  /// The name of Weights::Format.
  std::string format;
  unsigned weightBits = 32;
  /// Weights that share a scale along the sum; 0 is a whole channel.
  int64_t group = 0;
  /// Integer weights without zero points, or with them; where neither is asked
  /// for it depends on the number of bits.
  std::optional<bool> symmetric;
  Activations activations = Activations::Float;
  unsigned activationBits = 32;
  /// Elements of a row that share a scale of dynamic activations; 0 is what
  /// the weights meet best: a block of their scales' size, or the whole row.
  int64_t activationBlock = 0;
  /// Weights that become zero.
  std::optional<numerics::Sparsity> sparsity;
  /// How this layer's weights are pruned and rounded, as --algorithm names it
  /// with + between them; empty: as those of all layers.
  std::string algorithms;
  /// Output channels, and heads of attention, that are taken out, in 10,000.
  int64_t channels = 0, heads = 0;
  /// Of the precision of a whole model: layers of it that are taken out.
  int64_t layers = 0;

  /// The layer stays as it is.
  bool isFloat() const { return weights == Weights::Float32 && !sparsity; }

  /// Parses keep[-a8], fp32, fp16, bf16, int8, int4, wB[aB][-gN][-sym|-asym]
  /// [-dynamic], or the name of one of `formats` with an optional -gN and an
  /// optional -a8, which -g32 may follow; then, but after keep,
  /// /channels:SHARE, /heads:SHARE, /layers:N, /SPARSITY; then
  /// @ALGORITHM+ALGORITHM.
  static llvm::Expected<Precision> parse(llvm::StringRef text,
                                         const FormatGroups &formats);
};

/// Whether a precision, or a part of it after a slash, names what is taken out
/// whole, and whether it names zeros.
bool namesStructures(llvm::StringRef precision);
bool namesSparsity(llvm::StringRef precision);

/// The parts that name what is taken out whole, as in `/channels:30%/layers:1`.
std::string structuresOf(llvm::StringRef precision);
/// The precision without these.
std::string withoutStructures(llvm::StringRef precision);
/// A precision without them with these; `ofOneLayer` leaves out those that only
/// a whole model has.
std::string withStructures(llvm::StringRef precision,
                           llvm::StringRef structures, bool ofOneLayer = false);

/// The precision with int8 and int4 written as what they stand for.
std::string spellOut(llvm::StringRef precision);
/// The precision without its sparsity and its algorithms.
llvm::StringRef baseOf(llvm::StringRef precision);
/// The names in the algorithms of a precision.
std::vector<std::string> splitAlgorithms(llvm::StringRef algorithms);
/// A layer as recipes see it beside its name.
struct LayerPlace {
  std::string name;
  /// `conv`, `matmul`, or `attention` for a product of two activations.
  llvm::StringRef op;
};

/// The precision of each layer.
class PrecisionChoice {
public:
  /// `layers` is REGEX=PRECISION;..., over `recipe` (the text of a JSON file,
  /// may be empty), over `precision`, which may be a mixture in both.
  static llvm::Expected<PrecisionChoice> create(llvm::StringRef precision,
                                                llvm::StringRef layers,
                                                llvm::StringRef recipe,
                                                llvm::StringRef recipePath,
                                                const FormatGroups &formats);

  bool isMixture() const { return mixture; }
  /// Whether any of the precisions takes channels or heads out.
  bool takesChannels() const;
  /// How many layers the precision of the model takes out.
  int64_t layersOut() const { return otherwise.layers; }
  /// Whether a rule is about `name` alone, as those of a mixture are: matrices
  /// that do not count as layers, of embeddings, have one only so.
  bool names(llvm::StringRef name) const;
  /// Tells which layers there are, in their order: rules about an op, or about
  /// the first and the last layer with weights, then know their names.
  void resolve(llvm::ArrayRef<LayerPlace> layers);
  /// Gives each of `matrices` the precision of the mixture, under all rules.
  llvm::Error mix(llvm::ArrayRef<MixtureMatrix> matrices);

  /// The precision of the layer called `name`: the last pattern that matches
  /// all of it counts.
  Precision get(llvm::StringRef name);

  /// A message for the first pattern that matched none of `names`, with the
  /// nearest of them; success if all did.
  llvm::Error checkPatterns(const std::vector<std::string> &names) const;

private:
  struct Rule {
    std::string pattern;
    Precision precision;
    bool exact;
    /// Where there is no such layer, nothing is wrong.
    bool optional = false;
    /// Of a rule about an op or a place (`first`, `last`): that, and the names
    /// that resolve() found.
    std::string op = "", place = "";
    std::vector<std::string> names = {};
    bool matches(llvm::StringRef name) const;
  };
  llvm::Error addRecipe(llvm::StringRef text, llvm::StringRef path);
  llvm::Error addPlace(llvm::StringRef key, llvm::StringRef value,
                       llvm::StringRef precision);
  llvm::Error addPatterns(llvm::StringRef text);
  llvm::Error addName(llvm::StringRef name, llvm::StringRef precision);
  llvm::Error addPattern(llvm::StringRef pattern, llvm::StringRef precision);
  /// Sets the precision of layers that no rule is about.
  llvm::Error setOtherwise(llvm::StringRef text);

  FormatGroups formats;
  const Mixture *mixture = nullptr;
  Precision otherwise;
  std::vector<Rule> rules;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_PRECISION_H
