//===- SparseBlocks.cpp - Sums with blocks of 16 columns ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a panel keeps of K is the same for its 16 columns, so the activations
// are gathered once for all of them and multiplied as a dense product's are. A
// slab of many rows is turned first, [K][rows]: then a step gathers 4 rows of
// it, whose bytes are woven.
//
//===----------------------------------------------------------------------===//

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
        width(k.level().vectorBits / 8), size(this->many->elementBytes()) {
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
  /// The number of one of a step's inputs.
  Val numberOf(Val numbers, Val step, unsigned i) {
    return k.convert(k.load(k.i16(), numbers + (step * 8 + int64_t(2 * i))),
                     k.i64Type(), /*isSigned=*/false);
  }
  void sumSlab(Val first, Val count, Val panel, Val width, Val begin, Val to);
  void gatherFew(const Kept &kept, Val first, Val count);
  void gatherMany(const Kept &kept, Val begin);
  /// The weights as many rows meet them.
  Val widen(const Kept &kept);
  void storeWide(Val bytes, Val to, bool isSigned);
  void turn(Val first, Val count, Val begin, Val end);
  void turnRest(Val x, Val rest, Val to);

  KernelBuilder &k;
  std::unique_ptr<SlabTiles> few, many;
  bool signedX;
  /// Bytes of a register, and of what a byte is while it is multiplied.
  int64_t width, size;
  Matrix matrix;
  Val allPanels, slabs, allSteps, turned, gathered, widened;
};

} // namespace

void Blocks::begin(const Matrix &given) {
  matrix = given;
  few->begin(fewRows);
  many->begin(rows);
  allPanels = (matrix.n + 15) / 16;
  slabs = (matrix.depth + (slab - 1)) / slab;
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
        k.store(k.load(k.i8(), x + numberOf(kept.numbers, step, i)),
                to + (step * 4 + int64_t(i)));
    });
  });
}

/// Weaves the bytes or words of a and b within each 16 bytes: those of the low
/// or of the high halves.
static Val weave(KernelBuilder &k, Val a, Val b, bool high) {
  unsigned lanes = a.lanes();
  unsigned part = 128 / a.element().getIntOrFloatBitWidth();
  llvm::SmallVector<int32_t> order;
  for (unsigned i = 0; i < lanes; i += 2) {
    unsigned from = i / part * part + (high ? part / 2 : 0) + i % part / 2;
    order.append({int32_t(from), int32_t(lanes + from)});
  }
  return k.shuffle(a, b, order);
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
  mlir::Type bytes = k.vec(k.i8(), width), words = k.vec(k.i16(), width / 2);
  Val from = turned + begin * -rows;
  k.loop(k.i64(0), kept.steps, 1, [&](Val step) {
    Vals at;
    for (unsigned i = 0; i < 4; ++i)
      at.push_back(from + numberOf(kept.numbers, step, i) * rows);
    for (int64_t part = 0; part < rows; part += width) {
      auto load = [&](unsigned i) { return k.load(bytes, at[i] + part); };
      Val a = load(0), b = load(1), c = load(2), d = load(3);
      Val to = gathered + (step * (4 * rows) + 4 * part) * size;
      for (unsigned i = 0; i < 2; ++i) {
        Val low = k.bitcast(weave(k, a, b, i), words);
        Val high = k.bitcast(weave(k, c, d, i), words);
        for (unsigned j = 0; j < 2; ++j)
          storeWide(k.bitcast(weave(k, low, high, j), bytes),
                    to + (2 * i + j) * width * size, signedX);
      }
    }
  });
}

/// The last inputs of 16 rows, less than 16.
void Blocks::turnRest(Val x, Val rest, Val to) {
  k.loop(k.i64(0), rest, 1, [&](Val i) {
    for (int64_t r = 0; r < 16; ++r)
      k.store(k.load(k.i8(), k.load(k.ptr(), x + 8 * r) + i),
              to + (i * rows + r));
  });
}

void Blocks::turn(Val first, Val count, Val begin, Val end) {
  mlir::Type bytes = k.vec(k.i8(), 16);
  Val pointers = k.stack(16 * 8);
  k.loop(k.i64(0), rows, 16, [&](Val row) {
    // Rows beyond the last are the last again.
    k.loop(k.i64(0), 16, 1, [&](Val r) {
      Val at = first + min(count - 1, row + r);
      k.store(matrix.x + (at * matrix.xRow + begin), pointers + r * 8);
    });
    Val inputs = end - begin, whole = inputs / 16 * 16;
    k.loop(k.i64(0), whole, 16, [&](Val i) {
      Vals block;
      for (int64_t r = 0; r < 16; ++r)
        block.push_back(k.load(bytes, k.load(k.ptr(), pointers + 8 * r) + i));
      for (auto [j, column] : llvm::enumerate(transposed(k, block)))
        k.store(column, turned + ((i + int64_t(j)) * rows + row));
    });
    k.loop(k.i64(0), 16, 1, [&](Val r) {
      Val at = pointers + r * 8;
      k.store(k.load(k.ptr(), at) + whole, at);
    });
    turnRest(pointers, inputs - whole, turned + (whole * rows + row));
  });
}

void Blocks::sumSlab(Val first, Val count, Val panel, Val width, Val begin,
                     Val to) {
  // `gather` gives the weights to multiply with.
  auto forPanels = [&](SlabTiles &tiles,
                       llvm::function_ref<Val(const Kept &)> gather) {
    k.loop(k.i64(0), width, 1, [&](Val p) {
      Kept kept = keptOf(panel + p, begin / slab);
      tiles.add(gather(kept), k.i64(0), kept.steps * 4, to + p * (64 * rows));
    });
    return Vals();
  };
  k.ifElse(
      count <= fewRows,
      [&] {
        return forPanels(*few, [&](const Kept &kept) {
          gatherFew(kept, first, count);
          return kept.weights;
        });
      },
      [&] {
        turn(first, count, begin, min(begin + slab, matrix.depth));
        return forPanels(*many, [&](const Kept &kept) {
          gatherMany(kept, begin);
          return widen(kept);
        });
      });
}

void Blocks::sum(Val first, Val count, Val panel, Val panelCount, Val to) {
  Val all = allPanels * slabs;
  allSteps = k.convert(k.load(k.i32(), matrix.weights + all * 4), k.i64Type());
  few->setRows(min(count, fewRows), [&](Val r) { return gathered + r * slab; });
  // Where weaving puts the four bytes of a row.
  many->setRows(count, [&](Val r) {
    Val part = r / width * width, in = r - part;
    return gathered +
           (part * 4 + in % 16 / 4 * width + in / 16 * 16 + in % 4 * 4) * size;
  });
  k.loop(k.i64(0), panelCount, 1, [&](Val p) {
    k.loop(k.i64(0), count, 1, [&](Val r) {
      k.store(k.zero(k.vec(k.i32(), 16)), to + (p * rows + r) * 64);
    });
  });
  k.loop(k.i64(0), matrix.depth, slab, [&](Val begin) {
    sumSlab(first, count, panel, panelCount, begin, to);
  });
}

std::unique_ptr<SparsePanels>
kernels::makeBlocks(KernelBuilder &k, llvm::StringRef x, std::string &error) {
  int64_t rows = std::max<int64_t>(32, k.level().vectorBits / 8);
  auto few = SlabTiles::create(k, x, error);
  if (!few)
    return nullptr;
  return std::make_unique<Blocks>(
      k, std::move(few), SlabTiles::createWoven(k, x, rows), rows, x == "i8");
}
