//===- SparseBlocks.cpp - Sums with blocks of 16 columns ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a panel keeps of K is the same for its 16 columns, so the activations
// are gathered once for all of them and multiplied as a dense product's are. A
// slab of many rows is turned first, [K][rows]: then a step gathers 4 rows of
// it, whose bytes are woven. With AVX-512 the rows are lanes (LaneTiles.h),
// else they are broadcast.
//
//===----------------------------------------------------------------------===//

#include "LaneTiles.h"
#include "Parts.h"
#include "SlabTiles.h"
#include "SparsePanels.h"

using namespace qc;
using namespace qc::kernels;
using Vals = KernelBuilder::Vals;

static constexpr int64_t slab = SparseWeights::slab;
/// Rows that are not worth turning, and panels that share turned ones.
static constexpr int64_t fewRows = 8, blockPanels = 16;

namespace {

class Blocks : public SparsePanels {
public:
  Blocks(KernelBuilder &k, std::unique_ptr<SlabTiles> few,
         std::unique_ptr<SlabTiles> many, int64_t blockRows, bool signedX)
      : k(k), few(std::move(few)), many(std::move(many)), signedX(signedX),
        width(k.level().vectorBits / 8),
        size(this->many ? this->many->elementBytes() : 1) {
    rows = blockRows;
    panels = blockPanels;
  }
  void begin(const Matrix &matrix) override;
  void sum(Val first, Val count, Val panel, Val width, Val to) override;

private:
  /// What a panel keeps of a slab.
  struct Kept {
    Val numbers, weights, steps;
  };
  Kept keptOf(Val panel, Val slabIndex);
  void sumSlab(Val first, Val count, Val panel, Val width, Val begin, Val to);
  void gatherFew(const Kept &kept, Val first, Val count);
  void gatherMany(const Kept &kept, Val begin);
  /// The weights as many rows meet them.
  Val widen(const Kept &kept);
  void storeWide(Val bytes, Val to, bool isSigned);
  void turn(Val first, Val count, Val begin, Val end);
  /// The row that is turned to a place.
  Val turnedRow(Val place);
  /// Some inputs of 16 rows: of each 16 inputs the 16 bytes of each input.
  Vals turnSixteen(Val pointers, Val input, int64_t inputs);
  /// As many inputs as rows, of all rows.
  void turnSquare(Val pointers, Val input, Val to);

  KernelBuilder &k;
  /// Rows as they are; many rows, woven, where they are not lanes.
  std::unique_ptr<SlabTiles> few, many;
  std::optional<LaneTiles> lanes;
  bool signedX;
  /// Bytes of a register, and of what a byte is while it is multiplied.
  int64_t width, size;
  Matrix matrix;
  Val allPanels, slabs, allSteps, square, turned, gathered, widened;
};

} // namespace

void Blocks::begin(const Matrix &given) {
  matrix = given;
  few->begin(fewRows);
  if (many)
    many->begin(rows);
  else
    lanes.emplace(k);
  allPanels = (matrix.n + 15) / 16;
  slabs = (matrix.depth + (slab - 1)) / slab;
  if (width == rows)
    square = k.stack(rows * rows);
  turned = k.stack(slab * rows);
  gathered = k.stack(slab * rows * size);
  if (size > 1)
    widened = k.stack(slab * 16 * size);
}

Blocks::Kept Blocks::keptOf(Val panel, Val slabIndex) {
  Val all = allPanels * slabs;
  Val at = matrix.weights + (panel * slabs + slabIndex) * 4;
  auto load = [&](Val pointer) {
    return k.convert(k.load(k.i32(), pointer), k.i64Type());
  };
  Val first = load(at), steps = load(at + 4) - first;
  // The numbers of all steps lie before their weights.
  Val numbers = matrix.weights + (all + 1) * 4;
  return {numbers + first * 8, numbers + (allSteps * 8 + first * 64), steps};
}

void Blocks::gatherFew(const Kept &kept, Val first, Val count) {
  k.loop(k.i64(0), count, 1, [&](Val r) {
    Val x = matrix.x + (first + r) * matrix.xRow, to = gathered + r * slab;
    k.loop(k.i64(0), kept.steps, 1, [&](Val step) {
      for (unsigned i = 0; i < 4; ++i)
        k.store(k.load(k.i8(), x + blockInput(k, kept.numbers, step, i)),
                to + (step * 4 + int64_t(i)));
    });
  });
}

void Blocks::storeWide(Val bytes, Val to, bool isSigned) {
  if (size == 1)
    return k.store(bytes, to);
  unsigned half = bytes.lanes() / 2;
  for (unsigned i = 0; i < 2; ++i)
    k.store(k.convert(k.slice(bytes, i * half, half), k.i16(), isSigned),
            to + int64_t(i * 2 * half));
}

Val Blocks::widen(const Kept &kept) {
  if (size == 1)
    return kept.weights;
  k.loop(k.i64(0), kept.steps * 64, width, [&](Val at) {
    storeWide(k.load(k.vec(k.i8(), width), kept.weights + at),
              widened + at * size, /*isSigned=*/true);
  });
  return widened;
}

void Blocks::gatherMany(const Kept &kept, Val begin) {
  Val from = turned + begin * -rows;
  k.loop(k.i64(0), kept.steps, 1, [&](Val step) {
    for (int64_t part = 0; part < rows; part += width) {
      Vals woven = wovenRows(k, from + part, rows, kept.numbers, step);
      Val to = gathered + (step * (4 * rows) + 4 * part) * size;
      for (auto [i, bytes] : llvm::enumerate(woven))
        storeWide(bytes, to + int64_t(i) * width * size, signedX);
    }
  });
}

Val Blocks::turnedRow(Val place) {
  // So that weaving puts 16 rows, one after the other, in a register.
  return lanes ? place % 16 / 4 * 16 + place / 16 * 4 + place % 4 : place;
}

Vals Blocks::turnSixteen(Val pointers, Val input, int64_t inputs) {
  mlir::Type bytes = k.vec(k.i8(), inputs);
  Vals block;
  for (int64_t r = 0; r < 16; ++r)
    block.push_back(k.load(bytes, k.load(k.ptr(), pointers + 8 * r) + input));
  for (unsigned round = 0; round < 4; ++round) {
    Vals next;
    for (unsigned i = 0; i < 8; ++i)
      for (bool high : {false, true})
        next.push_back(weave(k, block[i], block[i + 8], high));
    block = std::move(next);
  }
  return block;
}

void Blocks::turnSquare(Val pointers, Val input, Val to) {
  // A line of each row once, since rows may share their place in the cache, and
  // whole lines of the result: [rows / 16][rows / 16][16] bytes for each of 16.
  int64_t units = rows / 16;
  k.loop(k.i64(0), rows, 16, [&](Val row) {
    for (auto [i, column] :
         llvm::enumerate(turnSixteen(pointers + row * 8, input, rows)))
      k.store(column, square + (row * units + int64_t(i) * rows * units));
  });
  mlir::Type lanes = k.vec(k.i32(), rows / 4);
  k.loop(k.i64(0), 16, 1, [&](Val i) {
    Vals parts;
    for (int64_t u = 0; u < units; ++u)
      parts.push_back(k.load(lanes, square + i * (rows * units) + u * rows));
    for (auto [u, part] : llvm::enumerate(transposed(k, parts, 4)))
      k.store(part, to + (input + i + int64_t(16 * u)) * rows);
  });
}

void Blocks::turn(Val first, Val count, Val begin, Val end) {
  Val pointers = k.stack(rows * 8);
  k.loop(k.i64(0), rows, 1, [&](Val place) {
    // Rows beyond the last are the last again.
    Val row = first + min(count - 1, turnedRow(place));
    k.store(matrix.x + (row * matrix.xRow + begin), pointers + place * 8);
  });
  Val inputs = end - begin, squares = inputs / rows * rows;
  if (width == rows)
    k.loop(k.i64(0), squares, rows,
           [&](Val input) { turnSquare(pointers, input, turned); });
  Val done = width == rows ? squares : k.i64(0), sixteens = inputs / 16 * 16;
  k.loop(done, sixteens, 16, [&](Val input) {
    k.loop(k.i64(0), rows, 16, [&](Val row) {
      for (auto [i, column] :
           llvm::enumerate(turnSixteen(pointers + row * 8, input, 16)))
        k.store(column, turned + ((input + int64_t(i)) * rows + row));
    });
  });
  k.loop(sixteens, inputs, 1, [&](Val input) {
    k.loop(k.i64(0), rows, 1, [&](Val row) {
      k.store(k.load(k.i8(), k.load(k.ptr(), pointers + row * 8) + input),
              turned + (input * rows + row));
    });
  });
}

void Blocks::sumSlab(Val first, Val count, Val panel, Val width, Val begin,
                     Val to) {
  Val slabIndex = begin / slab;
  auto forPanels = [&](llvm::function_ref<void(const Kept &, Val, Val)> add) {
    k.loop(k.i64(0), width, 1, [&](Val p) {
      add(keptOf(panel + p, slabIndex), panel + p, to + p * (64 * rows));
    });
    return Vals();
  };
  k.ifElse(
      count <= fewRows,
      [&] {
        return forPanels([&](const Kept &kept, Val, Val sums) {
          gatherFew(kept, first, count);
          few->add(kept.weights, k.i64(0), kept.steps * 4, sums);
        });
      },
      [&] {
        turn(first, count, begin, min(begin + slab, matrix.depth));
        return forPanels([&](const Kept &kept, Val at, Val sums) {
          if (lanes) {
            Val next = min(at + 1, allPanels - 1);
            return lanes->add({turned + begin * -rows, kept.numbers, gathered,
                               kept.weights, kept.steps, sums,
                               keptOf(next, slabIndex).weights},
                              count);
          }
          gatherMany(kept, begin);
          many->add(widen(kept), k.i64(0), kept.steps * 4, sums);
        });
      });
}

void Blocks::sum(Val first, Val count, Val panel, Val panelCount, Val to) {
  Val all = allPanels * slabs;
  allSteps = k.convert(k.load(k.i32(), matrix.weights + all * 4), k.i64Type());
  few->setRows(min(count, fewRows), [&](Val r) { return gathered + r * slab; });
  // Where weaving puts the four bytes of a row.
  if (many)
    many->setRows(count, [&](Val r) {
      Val part = r / width * width, in = r - part;
      return gathered +
             (part * 4 + in % 16 / 4 * width + in / 16 * 16 + in % 4 * 4) *
                 size;
    });
  // Lanes are 16 rows, and have sums of 16 columns.
  Val places = lanes ? (count + 15) / 16 * 16 : count;
  k.loop(k.i64(0), panelCount, 1, [&](Val p) {
    k.loop(k.i64(0), places, 1, [&](Val r) {
      k.store(k.zero(k.vec(k.i32(), 16)), to + (p * rows + r) * 64);
    });
  });
  k.loop(k.i64(0), matrix.depth, slab, [&](Val begin) {
    sumSlab(first, count, panel, panelCount, begin, to);
  });
  if (lanes)
    k.ifThen(count > fewRows, [&] {
      k.loop(k.i64(0), panelCount, 1,
             [&](Val p) { lanes->turn(count, to + p * (64 * rows)); });
    });
}

std::unique_ptr<SparsePanels>
kernels::makeBlocks(KernelBuilder &k, llvm::StringRef x, std::string &error) {
  bool lanes = LaneTiles::has(k.level(), x);
  int64_t rows = std::max<int64_t>(32, k.level().vectorBits / 8);
  auto few = SlabTiles::create(k, x, error);
  if (!few)
    return nullptr;
  auto many = lanes ? nullptr : SlabTiles::createWoven(k, x, rows);
  return std::make_unique<Blocks>(k, std::move(few), std::move(many), rows,
                                  x == "i8");
}
