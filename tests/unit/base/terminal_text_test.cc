#include "base/terminal_text.h"

#include <gtest/gtest.h>

#include <random>

namespace loopscope {
namespace {

constexpr auto kUtf8 = Charset::kUtf8;
constexpr auto kAscii = Charset::kAscii;

TEST(TerminalText, PlainTextStaysAsItIs) {
  EXPECT_EQ(fit_text("compute", 20, kUtf8), "compute");
  EXPECT_EQ(fit_text("compute", 7, kUtf8), "compute");
  EXPECT_EQ(fit_text("", 7, kUtf8), "");
  EXPECT_EQ(fit_text("größe", 20, kUtf8), "größe");
  EXPECT_EQ(fit_text("計算", 4, kUtf8), "計算");
}

TEST(TerminalText, LongTextIsCutByDisplayWidth) {
  EXPECT_EQ(fit_text("compute", 6, kUtf8), "compu…");
  EXPECT_EQ(fit_text("compute", 1, kUtf8), "…");
  EXPECT_EQ(fit_text("compute", 0, kUtf8), "");
  EXPECT_EQ(fit_text("größenwahn", 6, kUtf8), "größe…");
  // Half a wide character is none.
  EXPECT_EQ(fit_text("計算計算", 5, kUtf8), "計算…");
  EXPECT_EQ(fit_text("計算計算", 4, kUtf8), "計…");
  EXPECT_EQ(fit_text("計", 1, kUtf8), "…");
}

TEST(TerminalText, NothingThatATerminalObeysIsLeft) {
  EXPECT_EQ(fit_text("\x1b[2J\x1b]0;title\x07", 30, kUtf8), "\uFFFD[2J\uFFFD]0;title\uFFFD");
  EXPECT_EQ(fit_text("a\nb\tc\rd\x7f", 30, kUtf8), "a\uFFFDb\uFFFDc\uFFFDd\uFFFD");
  EXPECT_EQ(fit_text(std::string("a\0b", 3), 30, kUtf8), "a\uFFFDb");
  EXPECT_EQ(fit_text("a\u009B2Jb", 30, kUtf8), "a\uFFFD2Jb");  // CSI as one C1 character
  EXPECT_EQ(fit_text("a\x9B"
                     "2Jb",
                     30, kUtf8),
            "a\uFFFD2Jb");  // and as a byte
}

TEST(TerminalText, BytesThatAreNoUtf8AreReplacedOneByOne) {
  EXPECT_EQ(fit_text("a\xff\xfe"
                     "b",
                     30, kUtf8),
            "a\uFFFD\uFFFDb");
  EXPECT_EQ(fit_text("a\xc3", 30, kUtf8), "a\uFFFD");
  EXPECT_EQ(fit_text("\xc0\xaf", 30, kUtf8), "\uFFFD\uFFFD");
  EXPECT_EQ(fit_text("\xed\xa0\x80", 30, kUtf8), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(fit_text("\xff\xff\xff\xff", 3, kUtf8), "\uFFFD\uFFFD…");
}

TEST(TerminalText, CharactersThatChangeOthersAreReplaced) {
  EXPECT_EQ(fit_text("a\u202Eb", 30, kUtf8), "a\uFFFDb");
  EXPECT_EQ(fit_text("a\u200Bb\uFEFF", 30, kUtf8), "a\uFFFDb\uFFFD");
  EXPECT_EQ(fit_text("\u2066x\u2069", 30, kUtf8), "\uFFFDx\uFFFD");
}

TEST(TerminalText, CombiningMarksTakeNoColumnAndDoNotPileUp) {
  EXPECT_EQ(fit_text("e\u0301a", 2, kUtf8), "e\u0301a");
  EXPECT_EQ(fit_text("e\u0301ab", 2, kUtf8), "e\u0301…");
  EXPECT_EQ(fit_text("e\u0301\u0302\u0303\u0304", 5, kUtf8), "e\u0301\u0302");
  EXPECT_EQ(fit_text("\u0301a", 5, kUtf8), "a");  // nothing to stand on
}

TEST(TerminalText, AsciiTerminalsGetAscii) {
  EXPECT_EQ(fit_text("größe", 20, kAscii), "gr??e");
  EXPECT_EQ(fit_text("e\u0301\x1b[0m\xff", 20, kAscii), "e?[0m?");
  EXPECT_EQ(fit_text("compute", 6, kAscii), "compu~");
  EXPECT_EQ(fit_text("compute", 7, kAscii), "compute");
  EXPECT_EQ(fit_text("compute", 1, kAscii), "~");
  EXPECT_EQ(fit_text("compute", 0, kAscii), "");
}

TEST(TerminalText, AColumnHasItsWidth) {
  EXPECT_EQ(fit_column("ab", 4, kUtf8), "ab  ");
  EXPECT_EQ(fit_column("ab", 4, kUtf8, Align::kRight), "  ab");
  EXPECT_EQ(fit_column("計算計", 6, kUtf8), "計算計");
  EXPECT_EQ(fit_column("計算計", 5, kUtf8), "計算…");
  EXPECT_EQ(fit_column("計算計", 4, kUtf8), "計… ");
  EXPECT_EQ(fit_column("e\u0301", 3, kUtf8), "e\u0301  ");
}

TEST(TerminalText, MegabytesAreCut) {
  const std::string name(2'000'000, 'x');
  EXPECT_EQ(fit_text(name, 10, kUtf8), "xxxxxxxxx…");
  std::string marks = "x";
  for (int i = 0; i < 1'000'000; ++i) marks += "\u0301";
  EXPECT_EQ(fit_text(marks, 10, kUtf8), "x\u0301\u0301…");
}

TEST(TerminalText, AnyBytesComeOutWithinTheWidthAndWithoutControls) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& byte : bytes) {
      // Half of it lead bytes and controls, which random bytes seldom combine well.
      byte = static_cast<char>(random() % 2 == 0 ? random() % 256 : 0x80 + random() % 0x60);
    }
    const std::size_t columns = random() % 40;
    for (const Charset charset : {kUtf8, kAscii}) {
      const std::string text = fit_text(bytes, columns, charset);
      EXPECT_LE(text_width(text, charset), columns);
      // What is fit already stays as it is.
      EXPECT_EQ(fit_text(text, columns, charset), text);
      for (const char c : text) EXPECT_TRUE((c < 0 || c >= 0x20) && c != 0x7f);
    }
  }
}

}  // namespace
}  // namespace loopscope
