//===- Mixture.cpp - Formats by what a matrix does ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables: the mixtures, the rules in which they differ from their base, what
// takes the place of a format whose blocks do not divide a row.
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Mixture.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <array>

using namespace qc::quantization;
using llvm::StringRef;

namespace {
enum class Part {
  Embedding,
  Head,
  Query,
  Key,
  Value,
  AttentionOutput,
  Gate,
  Up,
  Down
};
constexpr size_t numParts = size_t(Part::Down) + 1;

/// Where a matrix stands: the how manieth of its kind, of how many.
struct Place {
  int64_t index = 0, count = 0;
  /// Heads of queries for each head of keys.
  int64_t shared = 1;
};

struct Rule {
  StringRef mixture;
  Part part;
  bool (*applies)(const Place &place);
  StringRef precision;
};
} // namespace

static constexpr Mixture all[] = {
    {"Q2_K", "q2_K", 10},     {"Q2_K_S", "q2_K", 21},   {"Q3_K_S", "q3_K", 11},
    {"Q3_K_M", "q3_K", 12},   {"Q3_K_L", "q3_K", 13},   {"Q4_0", "q4_0", 2},
    {"Q4_1", "q4_1", 3},      {"Q4_K_S", "q4_K", 14},   {"Q4_K_M", "q4_K", 15},
    {"Q5_0", "q5_0", 8},      {"Q5_1", "q5_1", 9},      {"Q5_K_S", "q5_K", 16},
    {"Q5_K_M", "q5_K", 17},   {"Q6_K", "q6_K", 18},     {"Q8_0", "q8_0", 7},
    {"IQ4_NL", "iq4_nl", 25}, {"IQ4_XS", "iq4_xs", 30}, {"TQ1_0", "tq1_0", 36},
    {"TQ2_0", "tq2_0", 37},   {"F16", "fp16", 1},       {"BF16", "bf16", 32},
};

static bool always(const Place &) { return true; }
static bool firstTwo(const Place &place) { return place.index < 2; }
static bool firstFour(const Place &place) { return place.index < 4; }
static bool firstEighth(const Place &place) {
  return place.index < place.count / 8;
}
static bool firstSixteenth(const Place &place) {
  return place.index < place.count / 16;
}
/// The first and the last eighth, and every third one between.
static bool moreBits(const Place &place) {
  int64_t eighth = place.count / 8;
  return place.index < eighth || place.index >= 7 * place.count / 8 ||
         (place.index - eighth) % 3 == 2;
}
/// Few values serve many heads.
static bool sharedByFour(const Place &place) { return place.shared >= 4; }

/// The first one that applies counts.
static const Rule rules[] = {
    {"Q2_K", Part::Value, sharedByFour, "q4_K"},
    {"Q2_K", Part::Value, always, "q3_K"},
    {"Q2_K", Part::Down, always, "q3_K"},
    {"Q2_K", Part::AttentionOutput, always, "q3_K"},
    {"Q2_K_S", Part::Value, sharedByFour, "q4_K"},
    {"Q2_K_S", Part::Down, firstEighth, "q4_K"},
    {"Q3_K_M", Part::Value, firstTwo, "q5_K"},
    {"Q3_K_M", Part::Value, always, "q4_K"},
    {"Q3_K_M", Part::Down, firstSixteenth, "q5_K"},
    {"Q3_K_M", Part::Down, always, "q4_K"},
    {"Q3_K_M", Part::AttentionOutput, always, "q4_K"},
    {"Q3_K_L", Part::Value, always, "q5_K"},
    {"Q3_K_L", Part::Down, always, "q5_K"},
    {"Q3_K_L", Part::AttentionOutput, always, "q5_K"},
    {"Q4_K_S", Part::Value, firstFour, "q5_K"},
    {"Q4_K_S", Part::Down, firstEighth, "q5_K"},
    {"Q4_K_M", Part::Value, moreBits, "q6_K"},
    {"Q4_K_M", Part::Down, moreBits, "q6_K"},
    {"Q5_K_M", Part::Value, moreBits, "q6_K"},
    {"Q5_K_M", Part::Down, moreBits, "q6_K"},
    {"IQ4_NL", Part::Value, sharedByFour, "q5_K"},
    {"IQ4_NL", Part::Down, firstEighth, "q5_K"},
    {"IQ4_XS", Part::Value, sharedByFour, "q5_K"},
    {"IQ4_XS", Part::Down, firstEighth, "q5_K"},
    {"TQ1_0", Part::Embedding, always, "q4_K"},
    {"TQ2_0", Part::Embedding, always, "q4_K"},
};

/// What ends the name of a layer, in both kinds of files.
static constexpr std::pair<StringRef, Part> endings[] = {
    {"embed_tokens", Part::Embedding},
    {"token_embd", Part::Embedding},
    {"lm_head", Part::Head},
    {"output", Part::Head},
    {"q_proj", Part::Query},
    {"attn_q", Part::Query},
    {"k_proj", Part::Key},
    {"attn_k", Part::Key},
    {"v_proj", Part::Value},
    {"attn_v", Part::Value},
    {"o_proj", Part::AttentionOutput},
    {"attn_output", Part::AttentionOutput},
    {"gate_proj", Part::Gate},
    {"ffn_gate", Part::Gate},
    {"up_proj", Part::Up},
    {"ffn_up", Part::Up},
    {"down_proj", Part::Down},
    {"ffn_down", Part::Down},
};

/// Elements of a block, and the format for rows that are no whole blocks.
struct Substitute {
  StringRef precision;
  int64_t block;
  StringRef instead;
};
static constexpr Substitute substitutes[] = {
    {"q2_K", 256, "q4_0"},  {"q3_K", 256, "q4_0"},  {"q4_K", 256, "q5_0"},
    {"q5_K", 256, "q5_1"},  {"q6_K", 256, "q8_0"},  {"iq4_xs", 256, "iq4_nl"},
    {"tq1_0", 256, "q4_0"}, {"tq2_0", 256, "q4_0"}, {"q4_0", 32, "fp16"},
    {"q4_1", 32, "fp16"},   {"q5_0", 32, "fp16"},   {"q5_1", 32, "fp16"},
    {"q8_0", 32, "fp16"},   {"iq4_nl", 32, "fp16"},
};

llvm::ArrayRef<Mixture> qc::quantization::mixtures() { return all; }

const Mixture *qc::quantization::findMixture(StringRef name) {
  const Mixture *found = llvm::find_if(all, [&](const Mixture &mixture) {
    return mixture.name.equals_insensitive(name);
  });
  return found == std::end(all) ? nullptr : found;
}

static const Substitute *substituteOf(StringRef precision) {
  const Substitute *found =
      llvm::find_if(substitutes, [&](const Substitute &s) {
        return s.precision == precision;
      });
  return found == std::end(substitutes) ? nullptr : found;
}

/// `precision`, or what suits rows of so many inputs instead.
static StringRef fitting(StringRef precision, int64_t inputs) {
  const Substitute *format = substituteOf(precision);
  while (format && inputs % format->block) {
    precision = format->instead;
    format = substituteOf(precision);
  }
  return precision;
}

/// The head has 6 bits or more, unless all weights are floats.
static StringRef headPrecision(const Mixture &mixture, int64_t inputs) {
  const Substitute *base = substituteOf(mixture.base);
  if (!base || mixture.base == "q8_0")
    return mixture.base;
  return inputs % base->block ? "q8_0" : "q6_K";
}

static std::optional<Part> partOf(StringRef name) {
  StringRef last =
      name.rsplit('.').second.empty() ? name : name.rsplit('.').second;
  for (const auto &[ending, part] : endings)
    if (last == ending)
      return part;
  return std::nullopt;
}

static StringRef choose(const Mixture &mixture, Part part, const Place &place,
                        int64_t inputs) {
  if (part == Part::Head)
    return headPrecision(mixture, inputs);
  StringRef precision = mixture.base;
  const Rule *rule = llvm::find_if(rules, [&](const Rule &r) {
    return r.mixture == mixture.name && r.part == part && r.applies(place);
  });
  if (rule != std::end(rules))
    precision = rule->precision;
  // Of the models of 80 blocks those that share values have 70 billion weights,
  // few of them these.
  bool isSmall = precision == "q3_K" || precision == "q4_K";
  bool isOf70B = place.count == 80 && place.shared > 1;
  if (part == Part::Value && isOf70B && isSmall)
    precision = "q5_K";
  return precision;
}

llvm::Expected<std::vector<StringRef>>
qc::quantization::mixPrecisions(const Mixture &mixture,
                                llvm::ArrayRef<MixtureMatrix> matrices) {
  std::vector<Part> parts;
  std::array<int64_t, numParts> counts = {}, seen = {}, outputs = {};
  for (const MixtureMatrix &matrix : matrices) {
    std::optional<Part> part = partOf(matrix.name);
    if (!part)
      return llvm::createStringError(
          "found the mixture " + mixture.name + " for layer '" + matrix.name +
          "', expected a language model of layers that it knows");
    parts.push_back(*part);
    ++counts[size_t(*part)];
    outputs[size_t(*part)] = matrix.outputs;
  }
  int64_t keys = outputs[size_t(Part::Key)];
  int64_t shared = keys ? outputs[size_t(Part::Query)] / keys : 1;
  std::vector<StringRef> result;
  for (auto [matrix, part] : llvm::zip_equal(matrices, parts)) {
    if (part == Part::Embedding && counts[size_t(Part::Head)] == 0)
      part = Part::Head;
    Place place{seen[size_t(part)]++, counts[size_t(part)], shared};
    result.push_back(
        fitting(choose(mixture, part, place, matrix.inputs), matrix.inputs));
  }
  return result;
}
