// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds are checked before the parser runs, and fields name their place.

#include "qc/Support/Json.h"
#include "TestFile.h"

using namespace qc;
using namespace qc::test;

static std::string faultOf(llvm::StringRef text,
                           const JsonLimits &limits = {}) {
  return messageOf(parseJson(text, "bad-json", "a.json", limits));
}

TEST(Json, ParsesTexts) {
  auto value = llvm::cantFail(
      parseJson(R"({"a": [1, {"a": 2}], "b": "}]\"", "\u0063": null})",
                "bad-json", "a.json"));
  ASSERT_TRUE(value.getAsObject());
  EXPECT_EQ(value.getAsObject()->getString("b"), "}]\"");
  EXPECT_TRUE(value.getAsObject()->get("c"));
}

TEST(Json, JoinsSurrogates) {
  auto value = llvm::cantFail(parseJson(
      R"(["\ud83d\ude00 \uD840\uDC3A", "\\ud840\\udc3a", "\ud840x", "\udbff\udfff"])",
      "bad-json", "a.json"));
  const llvm::json::Array &texts = *value.getAsArray();
  EXPECT_EQ(texts[0].getAsString(), "\xf0\x9f\x98\x80 \xf0\xa0\x80\xba");
  EXPECT_EQ(texts[1].getAsString(), "\\ud840\\udc3a");
  EXPECT_EQ(texts[2].getAsString(), "\xef\xbf\xbdx");
  EXPECT_EQ(texts[3].getAsString(), "\xf4\x8f\xbf\xbf");
  EXPECT_NE(faultOf(R"({"\ud840\udc3a": 1, "\xf0\xa0\x80\xba": 2})"), "");
}

TEST(Json, BoundsNesting) {
  std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_EQ(faultOf(deep), "a.json: offset 32: found arrays and objects nested "
                           "deeper than 32, expected less nesting");
  JsonLimits limits;
  limits.maxDepth = 2;
  llvm::cantFail(parseJson("[[1],[2]]", "bad-json", "a.json", limits));
  EXPECT_NE(faultOf("[[[1]]]", limits).find("offset 2"), std::string::npos);
}

TEST(Json, BoundsBytesAndValues) {
  JsonLimits limits;
  limits.maxValues = 10;
  EXPECT_EQ(faultOf("[1,2,3,4,5,6,7,8,9,10,11]", limits),
            "a.json: found more than 10 values, expected fewer");
  limits.maxBytes = 4;
  EXPECT_EQ(faultOf("[1,2]", limits),
            "a.json: found 5 bytes of JSON, expected at most 4");
}

TEST(Json, RefusesEqualKeys) {
  std::string message = "a.json: key 'a': found a second one, expected keys "
                        "that differ";
  EXPECT_EQ(faultOf(R"({"a": 1, "a": 2})"), message);
  EXPECT_EQ(faultOf(R"({"a": [{}], "\u0061": 2})"), message);
  llvm::cantFail(
      parseJson(R"([{"a": 1}, {"a": {"a": "a"}}])", "bad-json", "a.json"));
}

TEST(Json, RefusesWhatIsNoJson) {
  for (llvm::StringRef text :
       {"", "{", "[1", "{\"a\" 1}", "{\"a\": nul}", "\"\\", "\"a", "]", "}{",
        "[}", "{\"\\u12\": 1}", "\"\xff\"", "1 2", "{\"\\x\": 1}"})
    EXPECT_NE(faultOf(text).find(", expected JSON"), std::string::npos)
        << text.str();
}

static std::string
fieldFault(llvm::StringRef text,
           llvm::function_ref<void(const JsonObject &)> read) {
  auto value = llvm::cantFail(parseJson(text, "bad-json", "a.json"));
  FirstFault fault("bad-json", "a.json");
  if (auto root = JsonObject::root(value, fault))
    read(*root);
  return llvm::toString(fault.take());
}

TEST(JsonObject, ReadsFields) {
  EXPECT_EQ(fieldFault(R"({"i": 3, "n": 0.5, "t": "x", "b": true, "o": {"i": 4},
                    "l": [1], "z": null})",
                       [](const JsonObject &json) {
                         EXPECT_EQ(json.integer("i", 0, 3), 3);
                         EXPECT_EQ(json.number("n", 0, 1), 0.5);
                         EXPECT_EQ(json.text("t"), "x");
                         EXPECT_TRUE(json.boolean("b"));
                         EXPECT_EQ(json.child("o")->integer("i", 0, 9), 4);
                         EXPECT_EQ(json.array("l")->size(), 1u);
                         EXPECT_EQ(json.integer("z", 0, 9, 7), 7);
                         EXPECT_FALSE(json.child("y"));
                         EXPECT_FALSE(json.array("y"));
                       }),
            "");
}

TEST(JsonObject, NamesWhatIsWrong) {
  auto child = [](const JsonObject &json) { json.child("a"); };
  EXPECT_EQ(fieldFault("[]", child),
            "a.json: found an array, expected an object");
  EXPECT_EQ(fieldFault(R"({"a": 1})", child),
            "a.json: key 'a': found the number 1, expected an object");
  EXPECT_EQ(fieldFault(R"({"a": {"b": 11}})",
                       [](const JsonObject &json) {
                         json.child("a")->integer("b", 0, 10);
                         json.text("later");
                       }),
            "a.json: key 'a.b': found the number 11, expected an integer of 0 "
            "to 10");
  EXPECT_EQ(fieldFault("{}", [](const JsonObject &json) { json.text("a"); }),
            "a.json: key 'a': found no such key, expected a text");
  EXPECT_EQ(fieldFault(R"({"a": "1"})",
                       [](const JsonObject &json) { json.number("a", 0, 1); }),
            "a.json: key 'a': found the text '1', expected a number of 0.00 to "
            "1.00");
  EXPECT_EQ(fieldFault(R"({"a": 1e999})",
                       [](const JsonObject &json) { json.number("a", 0, 1); })
                .substr(0, 30),
            "a.json: key 'a': found the num");
  EXPECT_EQ(fieldFault(R"({"a": {}})",
                       [](const JsonObject &json) { json.array("a"); }),
            "a.json: key 'a': found an object, expected an array");
  EXPECT_EQ(fieldFault(R"({"a": []})",
                       [](const JsonObject &json) { json.boolean("a"); }),
            "a.json: key 'a': found an array, expected true or false");
}
