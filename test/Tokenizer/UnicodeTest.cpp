// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// UTF-8 that is wrong, and classes of characters.

#include "Unicode.h"
#include "gtest/gtest.h"

using namespace qc::unicode;

TEST(Unicode, FindsWhatIsNoUTF8) {
  EXPECT_EQ(validPrefix("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 10u);
  // Overlong forms, surrogates, beyond U+10FFFF, lone and missing bytes.
  for (llvm::StringRef text :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xff",
        "\xe2\x82", "\xf0\x9f\x98"})
    EXPECT_EQ(validPrefix(text), 0u) << text.str();
}

TEST(Unicode, ReplacesMaximalParts) {
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(replaceInvalid("a\xe2\x82z"), "a" + r + "z");
  EXPECT_EQ(replaceInvalid("\xe0\x80\x80"), r + r + r);
  EXPECT_EQ(replaceInvalid("\xf0\x9f\x98"), r);
  EXPECT_EQ(replaceInvalid("\xc3\xc3\xa9"), r + "\xc3\xa9");
}

TEST(Unicode, KnowsWhatMayBecomeACharacter) {
  EXPECT_TRUE(isIncomplete("\xe2"));
  EXPECT_TRUE(isIncomplete("\xf0\x9f\x98"));
  EXPECT_FALSE(isIncomplete(""));
  EXPECT_FALSE(isIncomplete("\x80"));
  EXPECT_FALSE(isIncomplete("\xe2\x41"));
  EXPECT_FALSE(isIncomplete("\xf5"));
}

TEST(Unicode, ClassifiesCharacters) {
  EXPECT_EQ(classOf('a'), Class::Letter);
  EXPECT_EQ(classOf(0x4e00), Class::Letter);
  EXPECT_EQ(classOf('7'), Class::Number);
  EXPECT_EQ(classOf(0xbd), Class::Number);
  EXPECT_EQ(classOf('\n'), Class::Space);
  EXPECT_EQ(classOf(0x3000), Class::Space);
  EXPECT_EQ(classOf(0x200b), Class::Other);
  EXPECT_EQ(classOf('\''), Class::Other);
  EXPECT_EQ(classOf(0x301), Class::Other);
  EXPECT_TRUE(isWord('_'));
  EXPECT_TRUE(isWord(0x301));
  EXPECT_FALSE(isWord('-'));
}

TEST(Unicode, Normalizes) {
  EXPECT_EQ(normalize("e\xcc\x81", Form::NFC), "\xc3\xa9");
  EXPECT_EQ(normalize("\xc3\xa9", Form::NFD), "e\xcc\x81");
  EXPECT_EQ(normalize("\xef\xac\x81", Form::NFKC), "fi");
  EXPECT_EQ(normalize("\xef\xb7\xba", Form::NFKD).size(), 33u);
  EXPECT_EQ(normalize("", Form::NFC), "");
}
