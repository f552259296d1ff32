//===- Precision.cpp - How many bits each layer gets ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Precision.h"
#include "qc/Quantization/Algorithms.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/JSON.h"

#include <algorithm>

using namespace qc::quantization;
using llvm::StringRef;
using llvm::Twine;

static llvm::Error unknown(StringRef text, const FormatGroups &formats) {
  std::string names;
  for (const auto &[name, group] : formats)
    names += name + ", ";
  return llvm::createStringError(
      "found precision '" + text + "', expected keep, fp32, fp16, bf16, " +
      names +
      "int8, int4 or a form of w8, w8a8, w8a8-dynamic, w4-g128, w4-g128-sym, "
      "w4a8-g32, q4_K-a8, q4_K-a8-g32, w4-g64/2:4, w8a8/channels:30%, "
      "w4-g64@gptq");
}

/// Consumes `prefix` and a number.
static bool consumeNumber(StringRef &text, StringRef prefix, int64_t &number) {
  StringRef rest = text;
  if (!rest.consume_front(prefix) || rest.consumeInteger(10, number))
    return false;
  text = rest;
  return true;
}

/// Consumes -a8[-g32].
static bool consumeActivations(StringRef &text, Precision &precision) {
  if (!text.consume_front("-a8"))
    return false;
  precision.activations = Precision::Activations::Dynamic;
  precision.activationBits = 8;
  if (text.consume_front("-g32"))
    precision.activationBlock = 32;
  return true;
}

/// Consumes wB[aB].
static bool consumeBits(StringRef &text, Precision &precision) {
  int64_t bits = 0;
  if (!consumeNumber(text, "w", bits) || bits < 2 || bits > 8)
    return false;
  precision.weights = Precision::Weights::Integer;
  precision.weightBits = static_cast<unsigned>(bits);
  if (!consumeNumber(text, "a", bits))
    return true;
  precision.activationBits = static_cast<unsigned>(bits);
  precision.activations = bits == 8 ? Precision::Activations::Static
                                    : Precision::Activations::Float;
  return bits == 8 || bits == 16;
}

/// Consumes the name of one of `formats`.
static bool consumeFormat(StringRef &text, const FormatGroups &formats,
                          Precision &precision) {
  StringRef name = text.take_until([](char c) { return c == '-'; });
  auto found = formats.find(name.str());
  if (found == formats.end())
    return false;
  precision.weights = Precision::Weights::Format;
  precision.format = found->first;
  precision.group = found->second;
  text = text.drop_front(name.size());
  return true;
}

StringRef qc::quantization::baseOf(StringRef precision) {
  return precision.take_until([](char c) { return c == '/' || c == '@'; });
}

std::string qc::quantization::spellOut(StringRef precision) {
  StringRef base = baseOf(precision);
  StringRef whole = base == "int8" ? "w8a8" : base == "int4" ? "w4-g128" : base;
  return (whole + precision.drop_front(base.size())).str();
}

/// What can be taken out, by its name.
static constexpr std::pair<StringRef, int64_t Precision::*> structures[] = {
    {"channels", &Precision::channels}, {"heads", &Precision::heads}};

static constexpr StringRef layersPrefix = "layers:";

static bool isStructure(StringRef part) {
  return part.starts_with(layersPrefix) ||
         llvm::any_of(structures, [&](const auto &structure) {
           return part.split(':').first == structure.first;
         });
}

/// The parts after the first slash.
static llvm::SmallVector<StringRef> partsOf(StringRef precision) {
  llvm::SmallVector<StringRef> parts;
  precision.split(parts, '/');
  parts.erase(parts.begin());
  return parts;
}

bool qc::quantization::namesStructures(StringRef precision) {
  return llvm::any_of(partsOf(precision), isStructure);
}

std::string qc::quantization::structuresOf(StringRef precision) {
  std::string structures;
  for (StringRef part : partsOf(precision.split('@').first))
    if (isStructure(part))
      structures += "/" + part.str();
  return structures;
}

std::string qc::quantization::withoutStructures(StringRef precision) {
  auto [name, algorithms] = precision.split('@');
  std::string text = baseOf(name).str();
  for (StringRef part : partsOf(name))
    if (!isStructure(part))
      text += "/" + part.str();
  return algorithms.empty() ? text : text + "@" + algorithms.str();
}

std::string qc::quantization::withStructures(StringRef precision,
                                             StringRef structures,
                                             bool ofOneLayer) {
  std::string text = baseOf(precision).str();
  for (StringRef part : partsOf(structures))
    if (!ofOneLayer || !part.starts_with(layersPrefix))
      text += "/" + part.str();
  return text + precision.drop_front(baseOf(precision).size()).str();
}

bool qc::quantization::namesSparsity(StringRef precision) {
  return !llvm::all_of(partsOf(precision), isStructure);
}

/// Parses 30% or 12.5%, above 0 and below 100, into parts of 10,000.
static bool parseShare(StringRef text, int64_t &share) {
  double percent = 0;
  bool isNumber = text.consume_back("%") && !text.empty() &&
                  text.find_first_not_of("0123456789.") == StringRef::npos &&
                  !text.getAsDouble(percent);
  share = static_cast<int64_t>(percent * 100 + 0.5);
  return isNumber && share > 0 && share < 10000;
}

/// Parses one of the parts after a slash into `precision`; a message on
/// failure.
static std::string parsePart(StringRef part, Precision &precision) {
  auto [name, share] = part.split(':');
  for (const auto &[structure, member] : structures) {
    if (name != structure)
      continue;
    if (precision.*member)
      return ("found a second share of " + name + ", expected one").str();
    if (parseShare(share, precision.*member))
      return "";
    return ("found " + name + " '" + share +
            "', expected a share above 0% and below 100%, such as " + name +
            ":30%")
        .str();
  }
  StringRef number = part;
  if (number.consume_front(layersPrefix)) {
    if (!number.getAsInteger(10, precision.layers) && precision.layers > 0)
      return "";
    return ("found layers '" + number +
            "', expected how many go, such as "
            "layers:2")
        .str();
  }
  if (precision.sparsity)
    return ("found a second sparsity '" + part + "', expected one").str();
  std::string problem;
  precision.sparsity = qc::numerics::Sparsity::parse(part.str(), problem);
  return problem;
}

/// Parses what comes after the first slash.
static llvm::Expected<Precision> parsePruned(StringRef text,
                                             const FormatGroups &formats) {
  auto [base, rest] = text.split('/');
  if (base.starts_with("keep"))
    return llvm::createStringError("found precision '" + text +
                                   "', expected one that is made for its "
                                   "zeros, such as fp32/" +
                                   rest);
  llvm::Expected<Precision> result = Precision::parse(base, formats);
  if (!result)
    return result;
  for (StringRef part : partsOf(text))
    if (std::string problem = parsePart(part, *result); !problem.empty())
      return llvm::createStringError("precision '" + text + "': " + problem);
  return result;
}

std::vector<std::string>
qc::quantization::splitAlgorithms(StringRef algorithms) {
  llvm::SmallVector<StringRef> parts;
  algorithms.split(parts, '+', -1, /*KeepEmpty=*/false);
  return {parts.begin(), parts.end()};
}

/// Parses what comes after the @.
static llvm::Expected<Precision>
parseWithAlgorithms(StringRef base, StringRef names,
                    const FormatGroups &formats) {
  auto fail = [&](const Twine &what) {
    return llvm::createStringError("precision '" + base + "@" + names +
                                   "': " + what);
  };
  llvm::Expected<Precision> result = Precision::parse(base, formats);
  if (!result)
    return result;
  auto algorithms = Algorithms::parse(splitAlgorithms(names));
  if (!algorithms)
    return fail(llvm::toString(algorithms.takeError()));
  if (names.empty() || algorithms->channels != Algorithms::Channels::None)
    return fail("expected algorithms on the weights of one layer, such as "
                "gptq+mse; awq and smoothquant are for all layers, by "
                "--algorithm");
  if (result->isFloat() || result->weights == Precision::Weights::Keep)
    return fail("expected a precision that rounds or prunes weights");
  result->algorithms = names.str();
  return result;
}

llvm::Expected<Precision> Precision::parse(StringRef text,
                                           const FormatGroups &formats) {
  if (text.contains('@')) {
    auto [base, names] = text.split('@');
    return parseWithAlgorithms(base, names, formats);
  }
  if (text.contains('/'))
    return parsePruned(text, formats);
  Precision result;
  if (text == "keep" || text == "fp32")
    return result;
  if (text == "fp16" || text == "bf16") {
    result.weights = text == "fp16" ? Weights::Float16 : Weights::BFloat16;
    result.weightBits = 16;
    return result;
  }
  if (StringRef rest = text; rest.consume_front("keep") &&
                             consumeActivations(rest, result) && rest.empty()) {
    result.weights = Weights::Keep;
    return result;
  }
  result = Precision();
  std::string whole = spellOut(text);
  StringRef rest = whole;
  if (!consumeFormat(rest, formats, result) && !consumeBits(rest, result))
    return unknown(text, formats);
  if (consumeNumber(rest, "-g", result.group) &&
      (result.group < 1 || result.group > (1 << 20)))
    return unknown(text, formats);
  if (result.weights == Weights::Integer) {
    if (rest.consume_front("-sym"))
      result.symmetric = true;
    else if (rest.consume_front("-asym"))
      result.symmetric = false;
  }
  if (result.activations == Activations::Static &&
      rest.consume_front("-dynamic"))
    result.activations = Activations::Dynamic;
  if (result.weights == Weights::Format)
    consumeActivations(rest, result);
  if (!rest.empty())
    return unknown(text, formats);
  return result;
}

bool PrecisionChoice::Rule::matches(StringRef name) const {
  if (!op.empty() || !place.empty())
    return llvm::is_contained(names, name);
  return exact ? name == pattern
               : llvm::Regex("^(" + pattern + ")$").match(name);
}

/// A precision with the names of an array, which may be null, as its
/// algorithms.
static std::string withAlgorithms(StringRef precision,
                                  const llvm::json::Array *names) {
  std::string text = precision.str();
  for (size_t i = 0; names && i < names->size(); ++i)
    text += (i == 0 ? "@" : "+") + (*names)[i].getAsString().value_or("").str();
  return text;
}

/// The first key of `object` that is none of `known`; empty if all are.
static std::string unknownKey(const llvm::json::Object &object,
                              std::initializer_list<StringRef> known) {
  for (const auto &entry : object)
    if (!llvm::is_contained(known, StringRef(entry.first)))
      return entry.first.str();
  return "";
}

llvm::Error PrecisionChoice::addRecipe(StringRef text, StringRef path) {
  auto fail = [&](const Twine &what) {
    return llvm::createStringError(path + ": " + what);
  };
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(text);
  if (!parsed)
    return fail(llvm::toString(parsed.takeError()));
  const llvm::json::Object *object = parsed->getAsObject();
  if (!object)
    return fail("expected a JSON object");
  if (object->getInteger("schema") != 1)
    return fail("expected \"schema\": 1");
  std::string unknown =
      unknownKey(*object, {"schema", "precision", "algorithms", "layers",
                           "observer", "seed", "kernels", "onednn"});
  if (!unknown.empty())
    return fail("found the key \"" + unknown +
                "\", expected \"precision\", \"algorithms\" and \"layers\"");
  if (std::optional<StringRef> name = object->getString("precision")) {
    if (llvm::Error error = setOtherwise(*name))
      return fail(llvm::toString(std::move(error)));
  }
  const llvm::json::Value *layers = object->get("layers");
  if (!layers)
    return llvm::Error::success();
  if (!layers->getAsArray())
    return fail("expected an array in \"layers\"");
  for (const llvm::json::Value &value : *layers->getAsArray()) {
    const llvm::json::Object *layer = value.getAsObject();
    std::optional<StringRef> given, subject;
    StringRef kind;
    int subjects = 0;
    for (StringRef key : {"name", "pattern", "op", "place"})
      if (auto found = layer ? layer->getString(key) : std::nullopt) {
        subject = found;
        kind = key;
        ++subjects;
      }
    if (layer)
      given = layer->getString("precision");
    if (subjects != 1 || !given)
      return fail("expected \"name\", \"pattern\", \"op\" or \"place\", and "
                  "\"precision\", in each of \"layers\"");
    unknown = unknownKey(*layer, {"name", "pattern", "op", "place", "precision",
                                  "algorithms", "optional"});
    if (!unknown.empty())
      return fail("found the key \"" + unknown + "\" in one of \"layers\"");
    std::string text = withAlgorithms(*given, layer->getArray("algorithms"));
    if (llvm::Error error = kind == "name" ? addName(*subject, text)
                            : kind == "pattern"
                                ? addPattern(*subject, text)
                                : addPlace(kind, *subject, text))
      return fail(llvm::toString(std::move(error)));
    rules.back().optional = layer->getBoolean("optional").value_or(false);
  }
  return llvm::Error::success();
}

llvm::Error PrecisionChoice::addName(StringRef name, StringRef text) {
  llvm::Expected<Precision> precision = Precision::parse(text, formats);
  if (!precision)
    return llvm::createStringError(
        "layer '" + name + "': " + llvm::toString(precision.takeError()));
  rules.push_back({name.str(), *precision, /*exact=*/true});
  return llvm::Error::success();
}

llvm::Error PrecisionChoice::addPattern(StringRef pattern, StringRef text) {
  std::string problem;
  if (!llvm::Regex(pattern).isValid(problem))
    return llvm::createStringError("layer pattern '" + pattern +
                                   "': " + problem);
  llvm::Expected<Precision> precision = Precision::parse(text, formats);
  if (!precision)
    return precision.takeError();
  rules.push_back({pattern.str(), *precision, /*exact=*/false});
  return llvm::Error::success();
}

llvm::Error PrecisionChoice::addPlace(StringRef key, StringRef value,
                                      StringRef text) {
  bool isOp = key == "op";
  bool known =
      isOp ? value == "conv" || value == "matmul" || value == "attention"
           : value == "first" || value == "last";
  if (!known)
    return llvm::createStringError(
        "found " + key + " '" + value + "', expected " +
        (isOp ? "conv, matmul or attention" : "first or last"));
  llvm::Expected<Precision> precision = Precision::parse(text, formats);
  if (!precision)
    return precision.takeError();
  Rule rule{value.str(), *precision, /*exact=*/false};
  (isOp ? rule.op : rule.place) = value.str();
  rules.push_back(std::move(rule));
  return llvm::Error::success();
}

void PrecisionChoice::resolve(llvm::ArrayRef<LayerPlace> layers) {
  std::vector<LayerPlace> weighted;
  for (const LayerPlace &layer : layers)
    if (layer.op != "attention")
      weighted.push_back(layer);
  for (Rule &rule : rules) {
    rule.names.clear();
    if (!rule.place.empty() && !weighted.empty())
      rule.names.push_back(rule.place == "first" ? weighted.front().name
                                                 : weighted.back().name);
    for (const LayerPlace &layer : layers)
      if (!rule.op.empty() && layer.op == rule.op)
        rule.names.push_back(layer.name);
  }
}

llvm::Error PrecisionChoice::addPatterns(StringRef text) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ';', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [pattern, name] = part.rsplit('=');
    if (pattern.empty() || name.empty())
      return llvm::createStringError("found layer option '" + part +
                                     "', expected REGEX=PRECISION");
    if (llvm::Error error = addPattern(pattern, name))
      return error;
  }
  return llvm::Error::success();
}

llvm::Expected<PrecisionChoice>
PrecisionChoice::create(StringRef precision, StringRef layers, StringRef recipe,
                        StringRef recipePath, const FormatGroups &formats) {
  PrecisionChoice result;
  result.formats = formats;
  if (llvm::Error error = result.setOtherwise(precision))
    return error;
  if (!recipe.empty())
    if (llvm::Error error = result.addRecipe(recipe, recipePath))
      return error;
  if (llvm::Error error = result.addPatterns(layers))
    return error;
  for (const Rule &rule : result.rules)
    if (rule.precision.layers)
      return llvm::createStringError(
          "found layers:" + Twine(rule.precision.layers) +
          " for some layers, expected it in the precision of all");
  return result;
}

llvm::Error PrecisionChoice::setOtherwise(StringRef text) {
  llvm::Expected<Precision> precision = Precision::parse(text, formats);
  // Formats have the names of some mixtures, but for upper case.
  mixture = precision ? nullptr : findMixture(text);
  if (!precision && !mixture)
    return llvm::createStringError(llvm::toString(precision.takeError()) +
                                   ", or a mixture such as Q4_K_M");
  otherwise = precision ? *precision : Precision();
  llvm::consumeError(precision.takeError());
  return llvm::Error::success();
}

llvm::Error PrecisionChoice::mix(llvm::ArrayRef<MixtureMatrix> matrices) {
  auto names = mixPrecisions(*mixture, matrices);
  if (!names)
    return names.takeError();
  std::vector<Rule> mixed;
  for (auto [matrix, name] : llvm::zip_equal(matrices, *names)) {
    llvm::Expected<Precision> precision = Precision::parse(name, formats);
    if (!precision)
      return precision.takeError();
    mixed.push_back({matrix.name, *precision, /*exact=*/true});
  }
  rules.insert(rules.begin(), mixed.begin(), mixed.end());
  return llvm::Error::success();
}

bool PrecisionChoice::takesChannels() const {
  auto takes = [](const Precision &precision) {
    return precision.channels || precision.heads;
  };
  return takes(otherwise) || llvm::any_of(rules, [&](const Rule &rule) {
           return takes(rule.precision);
         });
}

bool PrecisionChoice::names(StringRef name) const {
  return llvm::any_of(rules,
                      [&](const Rule &rule) { return rule.pattern == name; });
}

Precision PrecisionChoice::get(StringRef name) {
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule)
    if (rule->matches(name))
      return rule->precision;
  return otherwise;
}

llvm::Error
PrecisionChoice::checkPatterns(const std::vector<std::string> &names) const {
  for (const Rule &rule : rules) {
    if (rule.optional ||
        llvm::any_of(names, [&](StringRef name) { return rule.matches(name); }))
      continue;
    std::vector<std::string> nearest = names;
    std::stable_sort(nearest.begin(), nearest.end(),
                     [&](const std::string &a, const std::string &b) {
                       return StringRef(a).edit_distance(rule.pattern) <
                              StringRef(b).edit_distance(rule.pattern);
                     });
    nearest.resize(std::min<size_t>(nearest.size(), 3));
    std::string text;
    for (const std::string &name : nearest)
      text += (text.empty() ? "'" : ", '") + name + "'";
    return llvm::createStringError("found no layer that matches '" +
                                   rule.pattern + "', nearest are " +
                                   (text.empty() ? "none" : text));
  }
  return llvm::Error::success();
}
