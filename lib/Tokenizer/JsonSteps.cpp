//===- JsonSteps.cpp - Steps of tokenizer.json ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kind of step is an object with a "type"; "Sequence" holds several.
//
//===----------------------------------------------------------------------===//

#include "JsonSteps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

/// Calls `use` with each step of `parent[key]`, in order; `list` is where a
/// sequence has its steps.
static void forEachStep(const JsonObject &parent, StringRef key, StringRef list,
                        llvm::function_ref<void(const JsonObject &)> use) {
  std::optional<JsonObject> step = parent.child(key);
  if (!step)
    return;
  if (step->text("type") != "Sequence")
    return use(*step);
  const json::Array *steps = step->array(list);
  if (!steps)
    return step->fail(list, "no such key", "an array of steps");
  for (size_t i = 0; i < steps->size(); ++i) {
    std::string path = (key + "." + list + "." + Twine(i)).str();
    const json::Object *object = (*steps)[i].getAsObject();
    if (!object)
      return parent.fail(path, describeJson((*steps)[i]), "an object");
    use(JsonObject(*object, path, parent.getFault()));
  }
}

static void failType(const JsonObject &step, const Twine &known) {
  step.fail("type", "the unknown '" + printable(step.text("type")) + "'",
            "one of " + known);
}

/// {"String": "x"}, not empty; a regular expression is a fault.
static std::string readPlainPattern(const JsonObject &step) {
  std::optional<JsonObject> pattern = step.child("pattern");
  std::string text = pattern ? pattern->text("String", "").str() : "";
  if (text.empty())
    step.fail("pattern", "no plain text", "a String");
  return text;
}

//===----------------------------------------------------------------------===//
// Normalizer
//===----------------------------------------------------------------------===//

static NormalStep readNormalStep(const JsonObject &json) {
  NormalStep step;
  StringRef type = json.text("type");
  if (type == "Prepend") {
    step.kind = NormalStep::Kind::Prepend;
    step.text = json.text("prepend").str();
    return step;
  }
  if (type == "Replace") {
    step.kind = NormalStep::Kind::Replace;
    step.from = readPlainPattern(json);
    step.text = json.text("content").str();
    return step;
  }
  auto form = llvm::StringSwitch<std::optional<unicode::Form>>(type)
                  .Case("NFC", unicode::Form::NFC)
                  .Case("NFD", unicode::Form::NFD)
                  .Case("NFKC", unicode::Form::NFKC)
                  .Case("NFKD", unicode::Form::NFKD)
                  .Default(std::nullopt);
  if (form)
    step.form = *form;
  else
    failType(json, "NFC, NFD, NFKC, NFKD, Prepend, Replace, Sequence");
  return step;
}

std::vector<NormalStep> tokenizer::readNormalizer(const JsonObject &root) {
  std::vector<NormalStep> result;
  forEachStep(root, "normalizer", "normalizers", [&](const JsonObject &json) {
    result.push_back(readNormalStep(json));
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Pre-tokenizer
//===----------------------------------------------------------------------===//

static PreStep::Prefix readPrefix(const JsonObject &json) {
  using Prefix = PreStep::Prefix;
  // Older files have a bool.
  StringRef usual = json.boolean("add_prefix_space", true) ? "always" : "never";
  StringRef name = json.text("prepend_scheme", usual);
  auto prefix = llvm::StringSwitch<std::optional<Prefix>>(name)
                    .Case("always", Prefix::Always)
                    .Case("first", Prefix::First)
                    .Case("never", Prefix::Never)
                    .Default(std::nullopt);
  if (!prefix)
    json.fail("prepend_scheme", "'" + printable(name) + "'",
              "always, first or never");
  return prefix.value_or(Prefix::Never);
}

static void readMetaspace(const JsonObject &json, std::vector<PreStep> &out) {
  PreStep step;
  step.kind = PreStep::Kind::Metaspace;
  step.text = json.text("replacement").str();
  step.prefix = readPrefix(json);
  if (step.text.empty())
    json.fail("replacement", "an empty text", "a character");
  out.push_back(step);
  if (!json.boolean("split", true))
    return;
  step.kind = PreStep::Kind::Separator;
  step.behavior = Behavior::MergedWithNext;
  out.push_back(step);
}

static void readSplit(const JsonObject &json, std::vector<PreStep> &out) {
  PreStep step;
  StringRef name = json.text("behavior");
  auto behavior = llvm::StringSwitch<std::optional<Behavior>>(name)
                      .Case("Isolated", Behavior::Isolated)
                      .Case("MergedWithPrevious", Behavior::MergedWithPrevious)
                      .Case("MergedWithNext", Behavior::MergedWithNext)
                      .Default(std::nullopt);
  if (!behavior)
    return json.fail("behavior", "'" + printable(name) + "'",
                     "Isolated, MergedWithPrevious or MergedWithNext");
  step.behavior = *behavior;
  std::optional<JsonObject> pattern = json.child("pattern");
  if (!pattern || !pattern->has("Regex")) {
    step.kind = PreStep::Kind::Separator;
    step.text = readPlainPattern(json);
    if (json.boolean("invert", false))
      json.fail("invert", "true", "false");
    out.push_back(step);
    return;
  }
  // The patterns match everything: inverted or not, each match is a word.
  StringRef regex = pattern->text("Regex");
  std::optional<Pattern> known = findPattern(regex);
  if (!known)
    return pattern->fail("Regex", "the unknown '" + printable(regex, 200) + "'",
                         "that of GPT-2, Llama 3 or Qwen 2");
  if (*behavior != Behavior::Isolated || json.boolean("invert", false))
    return json.fail("behavior", "'" + name + "' of a regular expression",
                     "Isolated, not inverted");
  step.kind = PreStep::Kind::Pattern;
  step.pattern = *known;
  out.push_back(step);
}

static void readByteLevel(const JsonObject &json, std::vector<PreStep> &out) {
  PreStep step;
  if (json.boolean("add_prefix_space", true)) {
    step.kind = PreStep::Kind::Metaspace;
    step.text = " ";
    step.prefix = PreStep::Prefix::Always;
    out.push_back(step);
  }
  if (json.boolean("use_regex", true)) {
    step.kind = PreStep::Kind::Pattern;
    step.pattern = Pattern::GPT2;
    out.push_back(step);
  }
  step.kind = PreStep::Kind::ByteLevel;
  out.push_back(step);
}

std::vector<PreStep> tokenizer::readPreTokenizer(const JsonObject &root) {
  std::vector<PreStep> result;
  forEachStep(root, "pre_tokenizer", "pretokenizers",
              [&](const JsonObject &json) {
                StringRef type = json.text("type");
                if (type == "ByteLevel")
                  return readByteLevel(json, result);
                if (type == "Metaspace")
                  return readMetaspace(json, result);
                if (type == "Split")
                  return readSplit(json, result);
                if (type != "Digits")
                  return failType(
                      json, "ByteLevel, Digits, Metaspace, Sequence, Split");
                PreStep step;
                step.kind = PreStep::Kind::Digits;
                step.single = json.boolean("individual_digits", false);
                result.push_back(step);
              });
  return result;
}

//===----------------------------------------------------------------------===//
// Decoder
//===----------------------------------------------------------------------===//

static void readStrip(const JsonObject &json, Decoding &decoding) {
  decoding.strip = json.integer("start", 0, 1 << 20, 0);
  if (json.text("content") != " " || json.integer("stop", 0, 1 << 20, 0) != 0)
    json.fail("type", "a Strip of other text or at the end",
              "leading spaces only");
}

Decoding tokenizer::readDecoder(const JsonObject &root) {
  Decoding result;
  // Steps must come in this order to mean what Decoding does.
  int last = 0;
  auto after = [&](const JsonObject &json, int place) {
    if (place < last)
      json.fail("type", "'" + json.text("type") + "' at this place",
                "Replace, ByteFallback, Fuse, Strip in this order");
    last = place;
  };
  forEachStep(root, "decoder", "decoders", [&](const JsonObject &json) {
    StringRef type = json.text("type");
    if (type == "ByteLevel") {
      after(json, 1);
      last = 9;
      result.byteLevel = true;
    } else if (type == "Metaspace") {
      after(json, 1);
      std::string text = json.text("replacement").str();
      if (text.empty())
        return json.fail("replacement", "an empty text", "a character");
      if (readPrefix(json) != PreStep::Prefix::Never)
        result.dropFromFirst = text;
      result.replacements.push_back({text, " "});
    } else if (type == "Replace") {
      after(json, 1);
      result.replacements.push_back(
          {readPlainPattern(json), json.text("content").str()});
    } else if (type == "ByteFallback") {
      after(json, 2);
      result.byteFallback = true;
    } else if (type == "Fuse") {
      after(json, 3);
    } else if (type == "Strip") {
      // Before Fuse it would strip each token.
      if (last != 3)
        return after(json, -1);
      last = 4;
      readStrip(json, result);
    } else {
      failType(json,
               "ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, "
               "Strip");
    }
  });
  if (!root.has("decoder"))
    root.fail("decoder", "no such key", "a decoder");
  return result;
}

//===----------------------------------------------------------------------===//
// Post-processor
//===----------------------------------------------------------------------===//

/// Appends the ids of `special_tokens[name]`.
static void appendIds(const JsonObject &json, StringRef name,
                      const Tokenizer::State &state,
                      std::vector<int32_t> &out) {
  std::optional<JsonObject> all = json.child("special_tokens");
  std::optional<JsonObject> entry =
      all ? all->child(name) : std::optional<JsonObject>();
  const json::Array *ids = entry ? entry->array("ids") : nullptr;
  if (!ids)
    return json.fail("special_tokens", "no ids of '" + printable(name) + "'",
                     "those of each token in the template");
  for (const json::Value &value : *ids) {
    std::optional<int64_t> id = value.getAsInteger();
    if (!id || *id < 0 || *id >= int64_t(state.texts.size()) ||
        !state.exists[*id])
      return entry->fail("ids", describeJson(value),
                         "a token of the vocabulary");
    out.push_back(static_cast<int32_t>(*id));
  }
}

static void readTemplate(const JsonObject &json, Tokenizer::State &state) {
  const json::Array *items = json.array("single");
  if (!items)
    return json.fail("single", "no such key", "an array");
  bool seen = false;
  for (size_t i = 0; i < items->size(); ++i) {
    std::string path = ("single." + Twine(i)).str();
    const json::Object *object = (*items)[i].getAsObject();
    if (!object)
      return json.fail(path, describeJson((*items)[i]), "an object");
    JsonObject item(*object, path, json.getFault());
    if (item.has("Sequence")) {
      if (seen)
        return json.fail(path, "a second sequence", "one");
      seen = true;
    } else if (std::optional<JsonObject> token = item.child("SpecialToken")) {
      appendIds(json, token->text("id"), state,
                seen ? state.after : state.before);
    } else {
      json.fail(path, "another item", "a Sequence or a SpecialToken");
    }
  }
  if (!seen)
    json.fail("single", "no sequence", "one");
}

void tokenizer::readPostProcessor(const JsonObject &root,
                                  Tokenizer::State &state) {
  forEachStep(root, "post_processor", "processors",
              [&](const JsonObject &json) {
                StringRef type = json.text("type");
                // That of ByteLevel changes offsets only.
                if (type == "TemplateProcessing")
                  readTemplate(json, state);
                else if (type != "ByteLevel")
                  failType(json, "ByteLevel, Sequence, TemplateProcessing");
              });
}
