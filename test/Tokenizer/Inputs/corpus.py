# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lines of every kind of text: prose, code, many scripts, emoji, random
characters and bytes, spaces in all forms. The same ones every time."""

import glob
import os
import random

SCRIPTS = """
Größe straße ŒUVRE naïve façade İstanbul ı ſ Ǆ ﬁ ﬀ e\u0301 n\u0303 Å \u212b
Привет, как дела? Ёжик Ўзбек | Γειά σου Κόσμε ς | שלום עולם | مرحبا بالعالم ١٢٣
नमस्ते दुनिया १२३ | สวัสดีชาวโลก ๑๒๓ | 你好，世界。一二三 | こんにちは世界 カタカナ ﾊﾝｶｸ
안녕하세요 세계 \u1112\u1161\u11ab | ქართული | አማርኛ ፩፪ | Հայերեն | தமிழ் ௧௨ | ᏣᎳᎩ
ខ្មែរ | ລາວ | မြန်မာ | བོད་ | ߒߞߏ | 𐍈𐌰 | 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 | ①②③ Ⅷ ½ ² ㊿ 〇
😀👍🏽👨‍👩‍👧‍👦🇩🇪❤️‍🔥 ☃️ ♥ ✓ → ∑ ≠ ∞ € £ ¥ ₿ ™ © … — – « » “ ” ‘ ’
it's IT'S I'LL we'Ve they'RE 'ſ don’t rock'n'roll 'tis 's's ''s can't'd 'M 'D 'T
a\u00a0b a\u2003b a\u3000b a\u200bb a\u200db a\ufeffb a\u0085b a\u2028b a\u180eb
x\ty \t\tz  two   three    four     five \x0b\x0c \x00\x01\x7f \r
1 12 123 1234 12345 1,234.56 0x1F 1e-10 3.14159 2026-11-29T07:00:00Z 10^6 50%
<s> </s> <unk> <|endoftext|> <0x0A> <0x41> <s><s> ▁ ▁▁a a▁b Ġ Ċ <|user|> [NEW]
http://example.org/a?b=c&d=%20#e user@example.org C:\\dir\\file /usr/lib ~/.x
""".strip().split("\n")


def prose(shared):
    folder = os.path.join(shared, "data", "text")
    for path in sorted(glob.glob(os.path.join(folder, "*.txt"))):
        with open(path, encoding="utf-8", newline="") as file:
            yield from file.read().split("\n")


def code(root):
    for path in sorted(glob.glob(os.path.join(root, "lib", "*", "*.cpp"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        # Lines and blocks of them, for indents and empty lines.
        yield from text.split("\n")
        yield from text.split("\n\n")


def random_characters(generator, count):
    """Mostly letters and punctuation of the first planes, assigned or not in
    blocks that did not change in years, and spaces of all kinds."""
    ranges = [(0x20, 0x7e), (0xa0, 0x24f), (0x370, 0x3ff), (0x400, 0x52f),
              (0x5d0, 0x5ea), (0x620, 0x669), (0x905, 0x939), (0x966, 0x96f),
              (0xe01, 0xe3a), (0x3041, 0x30ff), (0x4e00, 0x9fa5),
              (0xac00, 0xd7a3), (0x2000, 0x206f), (0x2150, 0x218b),
              (0x300, 0x36f), (0x1f300, 0x1f64f), (0x1d400, 0x1d7ff),
              (0x20000, 0x20100), (0xe000, 0xe010), (0xfb00, 0xfb06)]
    spaces = " \t\n\r\u00a0\u2028\u3000\x85"
    for _ in range(count):
        text = ""
        for _ in range(generator.randrange(1, 60)):
            if generator.random() < 0.3:
                text += generator.choice(spaces) * generator.randrange(1, 4)
            else:
                text += chr(generator.randint(*generator.choice(ranges)))
        yield text


def random_bytes(generator, count):
    for _ in range(count):
        data = generator.randbytes(generator.randrange(1, 80))
        yield data.decode("utf-8", errors="replace")


def mixtures(generator, lines, count):
    """Parts of several lines, cut and joined anywhere."""
    for _ in range(count):
        parts = generator.sample(lines, generator.randrange(1, 5))
        joint = generator.choice(["", " ", "\n", "\n\n", "  ", "\r\n", "<s>"])
        yield joint.join(p[generator.randrange(len(p) + 1):][:80]
                         for p in parts)


def lines(shared, root, count=10000):
    generator = random.Random(1)
    texts = list(prose(shared))
    result = ["", " ", "\n", "  \n  "] + SCRIPTS
    result += generator.sample(texts, count * 3 // 10)
    result += generator.sample(list(code(root)), count * 2 // 10)
    result += random_characters(generator, count * 2 // 10)
    result += random_bytes(generator, count // 10)
    result += mixtures(generator, result, count - len(result))
    # Long texts without an end of a word, and a whole file.
    result += ["a" * 5000, " " * 3000, "\n" * 1000, "漢" * 2000, "ab" * 3000,
               "\n".join(texts[:200])]
    return result
