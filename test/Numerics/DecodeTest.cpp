// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Specs, their checks, and the reference decoder on trees of scales.

#include "qc/Numerics/Decode.h"

#include <gtest/gtest.h>

using namespace qc::numerics;

using Shape = std::vector<int64_t>;

TEST(ElementKind, namesAndWidths) {
  for (unsigned k = 0; k <= static_cast<unsigned>(ElementKind::U7); ++k) {
    auto kind = static_cast<ElementKind>(k);
    EXPECT_EQ(parseElementKind(name(kind)), kind);
  }
  EXPECT_EQ(parseElementKind("f8"), std::nullopt);
  EXPECT_EQ(codeKind(3), ElementKind::U3);
  EXPECT_EQ(codeKind(8), ElementKind::U8);
  EXPECT_EQ(bitWidth(codeKind(7)), 7u);
  EXPECT_EQ(bitWidth(ElementKind::BF16), 16u);
}

TEST(Component, sizes) {
  EXPECT_EQ(byteSize(ElementKind::U4, Shape{3, 5}), 9u);
  EXPECT_EQ(byteSize(ElementKind::U3, Shape{}), 1u);
  EXPECT_EQ(byteSize(ElementKind::F16, Shape{3, 5}), 30u);
  EXPECT_EQ(byteSize(ElementKind::F32, Shape{3, 0}), 0u);
  EXPECT_EQ(groupShape(Shape{4, 10}, Shape{1, 4}), (Shape{4, 3}));
  EXPECT_EQ(groupShape(Shape{4, 10}, Shape{0, 3}), (Shape{1, 4}));
  EXPECT_EQ(groupShape(Shape{4, 10}, Shape{}), (Shape{1, 1}));
}

/// A 4-bit code minus 8, times a 6-bit scale that is per row and 2 columns,
/// times an f16 of the tensor; plus a 5-bit offset per row times the same f16.
static DecodeSpec treeSpec() {
  DecodeSpec spec;
  spec.codeBits = 4;
  Program code;
  Value c = code.input(Kind::I32);
  code.output(code.isub(c, code.constI(8)));
  spec.codeToInt = code;
  spec.scales = {
      {.name = "super", .kind = ElementKind::F16},
      {.name = "scales", .kind = ElementKind::U6, .group = {1, 2}, .parent = 0},
      {.name = "mins", .kind = ElementKind::U5, .group = {1, 0}, .parent = 0},
  };
  spec.scale = 1;
  spec.offset = 2;
  return spec;
}

static std::vector<ComponentData> treeData() {
  std::vector<Component> list = components(treeSpec(), Shape{2, 3});
  return {
      // Codes 8, 9, 7 and 0, 15, 8.
      {list[0], {0x98, 0x07, 0xf0, 0x08}},
      // 0.5.
      {list[1], {0x00, 0x38}},
      // Scales 1, 63 and 2, 3: row bits 111111 000001, then 000011 000010.
      {list[2], {0xc1, 0x0f, 0xc2, 0x00}},
      // Mins 4 and 31.
      {list[3], {4, 31}},
  };
}

TEST(Decode, treeOfScalesWithShortGroups) {
  DecodeSpec spec = treeSpec();
  Shape shape{2, 3};
  std::vector<Component> list = components(spec, shape);
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0],
            (Component{std::string(codesName), ElementKind::U4, {2, 3}}));
  EXPECT_EQ(list[2], (Component{"scales", ElementKind::U6, {2, 2}}));
  EXPECT_EQ(list[3], (Component{"mins", ElementKind::U5, {2, 1}}));
  std::vector<ComponentData> data = treeData();
  EXPECT_EQ(verify(spec, shape, data), "");
  EXPECT_EQ(decode(spec, shape, data),
            (std::vector<float>{2.0f, 2.5f, 2.0f - 31.5f, //
                                15.5f - 8.0f, 15.5f + 7.0f, 15.5f}));
  EXPECT_EQ(decodeInt(spec, shape, data),
            (std::vector<int32_t>{0, 1, -1, -8, 7, 0}));
  EXPECT_EQ(bitsPerWeight(spec, shape), (4 + 2 + 4 + 2) * 8 / 6.0);
}

TEST(Decode, zeroPointAndExponentScale) {
  DecodeSpec spec;
  spec.codeBits = 8;
  Program code, exponent;
  code.output(code.input(Kind::I32));
  Value e = exponent.input(Kind::I32);
  exponent.output(exponent.bitcastToF32(exponent.ishl(e, exponent.constI(23))));
  spec.codeToInt = code;
  spec.scales = {{.name = "scales",
                  .kind = ElementKind::U8,
                  .group = {2},
                  .toFloat = exponent}};
  spec.scale = 0;
  spec.zeroPoint = ZeroPointComponent{"zero_points", ElementKind::I8, {3}};
  Shape shape{5};
  std::vector<Component> list = components(spec, shape);
  std::vector<ComponentData> data{{list[0], {1, 2, 3, 4, 5}},
                                  {list[1], {1, 0xff}},
                                  {list[2], {127, 128, 126}}};
  EXPECT_EQ(verify(spec, shape, data), "");
  EXPECT_EQ(decode(spec, shape, data),
            (std::vector<float>{0.0f, 1.0f, 4.0f, 10.0f, 3.0f}));
  EXPECT_EQ(scaleProgram(spec).inputs().size(), 1u);
  EXPECT_EQ(valueProgram(spec).inputs().size(), 3u);
}

TEST(Decode, scaleWithAddend) {
  DecodeSpec spec = treeSpec();
  // The scale of two columns is its integer times the f16, and 2 more.
  spec.scales.insert(spec.scales.begin() + 1,
                     {.name = "mean", .kind = ElementKind::I8});
  spec.scales[2].addend = 1;
  spec.scale = 2;
  spec.offset.reset();
  Shape shape{2, 3};
  std::vector<ComponentData> data = treeData();
  data.pop_back();
  data.insert(data.begin() + 2, {components(spec, shape)[2], {2}});
  data.push_back({components(spec, shape)[4], {0, 0}});
  EXPECT_EQ(verify(spec, shape, data), "");
  EXPECT_EQ(decode(spec, shape, data),
            (std::vector<float>{0.0f, 2.5f, -33.5f, //
                                -24.0f, 21.0f, 0.0f}));
  spec.scales[2].addend = 2;
  EXPECT_EQ(verify(spec, 2),
            "addend of scale 'scales' is not an earlier scale");
}

TEST(Decode, plainFloatHasNoScale) {
  DecodeSpec spec;
  spec.codeBits = 32;
  Program bits;
  bits.output(bits.bitcastToF32(bits.input(Kind::I32)));
  spec.codeToFloat = bits;
  std::vector<ComponentData> data{
      {components(spec, Shape{})[0], {0, 0, 0x80, 0x3f}}};
  EXPECT_EQ(verify(spec, Shape{}, data), "");
  EXPECT_EQ(decode(spec, Shape{}, data), std::vector<float>{1.0f});
}

TEST(Verify, namesWhatIsWrongWithASpec) {
  DecodeSpec spec = treeSpec();
  EXPECT_EQ(verify(spec, 2), "");
  EXPECT_EQ(verify(spec, 3), "group of 'scales' has 2 axes, expected 3");
  spec.codeBits = 9;
  EXPECT_EQ(verify(spec, 2), "codes have 9 bits, expected 1 to 8, 16 or 32");
  spec = treeSpec();
  spec.codeToFloat = spec.codeToInt;
  EXPECT_NE(verify(spec, 2), "");
  spec = treeSpec();
  spec.scales[0].parent = 1;
  EXPECT_EQ(verify(spec, 2), "parent of scale 'super' is not an earlier scale");
  spec = treeSpec();
  spec.scales[1].group = {1, -2};
  EXPECT_EQ(verify(spec, 2), "group of 'scales' has the negative size -2");
  spec = treeSpec();
  spec.scales[1].name = "mins";
  EXPECT_EQ(verify(spec, 2), "components need different names");
  spec = treeSpec();
  spec.offset = 3;
  EXPECT_EQ(verify(spec, 2), "there is no scale 3");
  spec = treeSpec();
  spec.scales[0].kind = ElementKind::I64;
  EXPECT_EQ(verify(spec, 2), "scale 'super' is i64");
}

TEST(Verify, namesWhatIsWrongWithData) {
  DecodeSpec spec = treeSpec();
  Shape shape{2, 3};
  std::vector<ComponentData> data = treeData();
  data[2].bytes.pop_back();
  EXPECT_EQ(verify(spec, shape, data),
            "component 'scales' has 3 bytes, expected 4");
  data = treeData();
  data.pop_back();
  EXPECT_EQ(verify(spec, shape, data), "found 3 components, expected 4");
  data = treeData();
  data[1].component.kind = ElementKind::BF16;
  EXPECT_NE(verify(spec, shape, data), "");
  Shape huge{int64_t(1) << 62, int64_t(1) << 40};
  std::vector<ComponentData> empty;
  for (Component &component : components(spec, huge))
    empty.push_back({component, {}});
  EXPECT_EQ(verify(spec, huge, empty), "component 'data' is too large");
  EXPECT_EQ(verify(spec, Shape{-1, 2}, empty), "negative extent -1");
}
