// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Texts in pieces of any size end where a stop string first does.

#include "qc/Runtime/StopText.h"
#include "gtest/gtest.h"

#include <random>
#include <string>
#include <vector>

using Strings = std::vector<std::string>;

namespace {
/// What comes out of pieces that go in.
struct Stream {
  explicit Stream(Strings texts, size_t pieceBytes = 16, int refuseAfter = -1)
      : stops(std::move(texts)), refuseAfter(refuseAfter) {
    for (const std::string &stop : stops)
      pointers.push_back(stop.c_str());
    pointers.push_back(nullptr);
    memory.resize(qc_rt_stop_text_bytes(pointers.data(), pieceBytes) / 4 + 1);
    // No more memory than it asked for.
    qc_rt_stop_text_open(&state, pointers.data(), take, this, memory.data(),
                         qc_rt_stop_text_bytes(pointers.data(), pieceBytes));
  }

  static int32_t take(void *user, const char *text, size_t size) {
    auto *self = static_cast<Stream *>(user);
    self->out.emplace_back(text, size);
    return static_cast<int>(self->out.size()) == self->refuseAfter;
  }

  int32_t put(const std::string &piece) {
    return qc_rt_stop_text_put(&state, piece.data(), piece.size());
  }
  int32_t finish() { return qc_rt_stop_text_finish(&state); }
  std::string text() const {
    std::string result;
    for (const std::string &part : out)
      result += part;
    return result;
  }

  Strings stops;
  std::vector<const char *> pointers;
  std::vector<uint32_t> memory;
  qc_rt_stop_text state;
  Strings out;
  int refuseAfter;
};
} // namespace

TEST(StopText, HandsOnWhatCannotStop) {
  Stream stream({"</s>", "\n\n"});
  EXPECT_EQ(stream.put("a</"), QC_RT_TEXT_OPEN);
  EXPECT_EQ(stream.out, (Strings{"a"}));
  EXPECT_EQ(stream.put("b>\n"), QC_RT_TEXT_OPEN);
  EXPECT_EQ(stream.out, (Strings{"a", "</b>"}));
  EXPECT_EQ(stream.put("\nc"), QC_RT_TEXT_STOPPED);
  EXPECT_EQ(stream.put("more"), QC_RT_TEXT_STOPPED);
  EXPECT_EQ(stream.finish(), QC_RT_TEXT_STOPPED);
  EXPECT_EQ(stream.text(), "a</b>");
}

TEST(StopText, GivesBackAtTheEnd) {
  Stream stream({"STOP"});
  stream.put("a ST");
  EXPECT_EQ(stream.text(), "a ");
  EXPECT_EQ(stream.finish(), QC_RT_TEXT_OPEN);
  EXPECT_EQ(stream.text(), "a ST");
}

TEST(StopText, CutsNoCharacter) {
  Stream stream({"é!"});
  stream.put("a\xe2\x82");
  EXPECT_EQ(stream.text(), "a");
  stream.put("\xac\xc3");
  EXPECT_EQ(stream.text(), "a€");
  stream.put("\xa9");
  EXPECT_EQ(stream.text(), "a€");
  stream.put("\xc3\xa9");
  EXPECT_EQ(stream.text(), "a€é");
  EXPECT_EQ(stream.put("!"), QC_RT_TEXT_STOPPED);
  EXPECT_EQ(stream.text(), "a€é");
}

TEST(StopText, TakesTheLongestOfSeveral) {
  Stream stream({"b", "ab", "", "aab"});
  EXPECT_EQ(stream.put("aaab"), QC_RT_TEXT_STOPPED);
  EXPECT_EQ(stream.text(), "a");
}

TEST(StopText, GoesOnWithoutStops) {
  Stream none({});
  EXPECT_EQ(none.put("a piece that is longer than it was told"),
            QC_RT_TEXT_OPEN);
  EXPECT_EQ(none.text(), "a piece that is longer than it was told");
  qc_rt_stop_text state;
  char memory[64];
  EXPECT_LE(qc_rt_stop_text_bytes(nullptr, 8), sizeof memory);
  qc_rt_stop_text_open(&state, nullptr, Stream::take, &none, memory,
                       sizeof memory);
  EXPECT_EQ(qc_rt_stop_text_put(&state, "x", 1), QC_RT_TEXT_OPEN);
  EXPECT_EQ(none.out.back(), "x");
}

TEST(StopText, EndsWhenItIsRefused) {
  Stream stream({"STOP"}, 16, /*refuseAfter=*/2);
  EXPECT_EQ(stream.put("a"), QC_RT_TEXT_OPEN);
  EXPECT_EQ(stream.put("b"), QC_RT_TEXT_REFUSED);
  EXPECT_EQ(stream.put("c"), QC_RT_TEXT_REFUSED);
  EXPECT_EQ(stream.finish(), QC_RT_TEXT_REFUSED);
  EXPECT_EQ(stream.text(), "ab");
}

/// The text before the stop string that ends first; all of it for none.
static std::string cut(const std::string &text, const Strings &stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string &stop : stops)
      if (stop.size() <= end &&
          text.compare(end - stop.size(), stop.size(), stop) == 0)
        longest = std::max(longest, stop.size());
    if (longest)
      return text.substr(0, end - longest);
  }
  return text;
}

TEST(StopText, StopsWhereAPlainSearchDoes) {
  std::mt19937 random(1);
  auto word = [&](unsigned size) {
    std::string text;
    while (size--)
      text += random() % 8 ? std::string(1, "ab"[random() % 2]) : "é";
    return text;
  };
  for (int i = 0; i < 20000; ++i) {
    Strings stops;
    for (unsigned n = random() % 4; n; --n)
      stops.push_back(word(random() % 7));
    std::string text = word(random() % 40);
    Stream stream(stops, 1 + random() % 9);
    int32_t ended = QC_RT_TEXT_OPEN;
    for (size_t at = 0, size; at < text.size(); at += size) {
      size = 1 + random() % 6;
      ended = stream.put(text.substr(at, size));
    }
    std::string expected = cut(text, stops);
    EXPECT_EQ(stream.finish(), ended);
    ASSERT_EQ(stream.text(), expected);
    EXPECT_EQ(ended == QC_RT_TEXT_STOPPED, expected != text);
    // Every part begins with a character.
    for (const std::string &part : stream.out)
      EXPECT_NE(static_cast<uint8_t>(part[0]) & 0xc0, 0x80);
  }
}

TEST(StopText, TakesLongStopsInTheirStride) {
  std::string half(1 << 16, 'a');
  Stream stream({half + "b"});
  for (int i = 0; i < 64; ++i)
    stream.put(half);
  EXPECT_EQ(stream.put("b"), QC_RT_TEXT_STOPPED);
  EXPECT_EQ(stream.text().size(), 63u << 16);
}
