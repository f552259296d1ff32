//===- KernelBuilder.h - Writing kernels in C++ -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small language in C++ that makes kernels short to write: values with
// operators, loops and branches as lambdas, memory at any alignment, vectors
// with exact tails. It builds scf, arith, vector and llvm ops. Nothing carries
// fast-math flags; every float operation rounds once, as written.
//
// A kernel that adds two arrays of f32 (slots 0 to 3: a, b, y, size):
//
//   KernelBuilder k(module, target, level, "add_f32");
//   Val a = k.slotPtr(0), b = k.slotPtr(1), y = k.slotPtr(2);
//   k.strips(k.i64(0), k.slot(3), k.lanes(), [&](Val i, Strip s) {
//     Val sum = k.loadStrip(k.f32(), a + i * 4, s) +
//               k.loadStrip(k.f32(), b + i * 4, s);
//     k.storeStrip(sum, y + i * 4, s);
//   });
//   k.finish();
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGET_KERNELS_KERNELBUILDER_H
#define QC_TARGET_KERNELS_KERNELBUILDER_H

#include "qc/Numerics/Program.h"
#include "qc/TargetInfo/Target.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

#include <map>

namespace qc::kernels {

class KernelBuilder;

/// A value of the kernel being built: a scalar (i1 .. i64, f16 .. f64), a
/// pointer or a one-dimensional vector. Unsigned meaning is in the operation.
struct Val {
  KernelBuilder *kernel = nullptr;
  mlir::Value value;

  mlir::Type type() const { return value.getType(); }
  /// The type of one lane.
  mlir::Type element() const { return mlir::getElementTypeOrSelf(type()); }
  /// Lanes of a vector, 1 of a scalar.
  unsigned lanes() const;
  bool isFloat() const { return mlir::isa<mlir::FloatType>(element()); }
  explicit operator bool() const { return static_cast<bool>(value); }
};

/// The right side of an operator: a value, or a number that takes the type of
/// the left side. A scalar beside a vector is splatted.
struct Operand {
  Val val;
  double number = 0;
  int64_t integer = 0;
  Operand(Val v) : val(v) {}
  Operand(int n) : number(n), integer(n) {}
  Operand(unsigned n) : number(n), integer(n) {}
  Operand(int64_t n) : number(double(n)), integer(n) {}
  /// An infinity is no integer.
  Operand(double x)
      : number(x), integer(x > -1e18 && x < 1e18 ? int64_t(x) : 0) {}
};

/// Integers wrap; / and % are signed. A pointer plus an i64 is a pointer, the
/// integer counts bytes.
Val operator+(Val a, Operand b);
Val operator-(Val a, Operand b);
Val operator*(Val a, Operand b);
Val operator/(Val a, Operand b);
Val operator%(Val a, Operand b);
Val operator&(Val a, Operand b);
Val operator|(Val a, Operand b);
Val operator^(Val a, Operand b);
Val operator<<(Val a, Operand b);
/// Comparisons, signed or ordered; the result is i1 or a vector of it.
Val operator<(Val a, Operand b);
Val operator<=(Val a, Operand b);
Val operator>(Val a, Operand b);
Val operator>=(Val a, Operand b);
Val eq(Val a, Operand b);
Val ne(Val a, Operand b);
Val ult(Val a, Operand b);
/// Shifts to the right: arithmetic, logical.
Val shrS(Val a, Operand b);
Val shrU(Val a, Operand b);
/// a < b ? a : b and a > b ? a : b; with a NaN or two zeros the result is b.
Val min(Val a, Operand b);
Val max(Val a, Operand b);
Val neg(Val a);
Val abs(Val a);
Val sqrt(Val a);

/// How many elements a body works on: all lanes of a vector, a single scalar,
/// or a vector under a mask (only on levels that mask in hardware).
struct Strip {
  unsigned lanes = 1;
  Val mask;
};

/// An internal function of the module, made by KernelBuilder::function.
using Function = mlir::LLVM::LLVMFuncOp;

class KernelBuilder {
public:
  using Body = llvm::function_ref<void(Val)>;
  using Vals = llvm::SmallVector<Val>;
  using FoldBody = llvm::function_ref<Vals(Val, llvm::ArrayRef<Val>)>;

  /// Starts `void symbol(const int64_t *slots, int32_t part)` in `module`.
  KernelBuilder(mlir::ModuleOp module, const Target &target,
                const CpuLevel &level, llvm::StringRef symbol);
  /// Ends the kernel; call it once.
  void finish();

  const Target &target() const { return theTarget; }
  const CpuLevel &level() const { return theLevel; }
  bool isX86() const { return theTarget.arch == Arch::X86_64; }
  /// Masked loads and stores are instructions.
  bool hasMasks() const { return theLevel.vectorBits == 512; }
  /// 32-bit lanes of a vector register.
  unsigned lanes() const { return theLevel.f32Lanes(); }

  //===-- Types and constants --------------------------------------------===//

  mlir::Type i1() { return builder.getI1Type(); }
  mlir::Type i8() { return builder.getI8Type(); }
  mlir::Type i16() { return builder.getI16Type(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i64Type() { return builder.getI64Type(); }
  mlir::Type f16() { return builder.getF16Type(); }
  mlir::Type bf16() { return builder.getBF16Type(); }
  mlir::Type f32() { return builder.getF32Type(); }
  mlir::Type f64() { return builder.getF64Type(); }
  mlir::Type ptr();
  /// vector<lanes x element>, the element itself for one lane.
  mlir::Type vec(mlir::Type element, unsigned lanes);
  /// A number of any int, float or vector type.
  Val number(mlir::Type type, Operand value);
  Val i64(int64_t n) { return number(i64Type(), n); }
  Val i32(int64_t n) { return number(i32(), n); }
  Val f32(double x) { return number(f32(), x); }
  /// A vector of these integers.
  Val numbers(mlir::Type element, llvm::ArrayRef<int64_t> values);
  Val zero(mlir::Type type) { return number(type, 0); }

  //===-- Arguments ------------------------------------------------------===//

  /// The slots of the launch; sizes are i64.
  Val slot(unsigned index);
  Val slotPtr(unsigned index);
  Val slotI32(unsigned index);
  Val slotF32(unsigned index);
  Val slots() { return slotsArg; }
  /// The part to compute, as an i64.
  Val part() { return partArg; }

  //===-- Memory: any alignment ------------------------------------------===//

  Val load(mlir::Type type, Val pointer);
  void store(Val value, Val pointer);
  /// Lanes under the mask; others read as zero and stay unwritten.
  Val loadMasked(mlir::Type type, Val pointer, Val mask);
  void storeMasked(Val value, Val pointer, Val mask);
  /// Lane i of the result is i < count (an i64).
  Val tailMask(unsigned lanes, Val count);
  Val loadStrip(mlir::Type element, Val pointer, Strip strip);
  void storeStrip(Val value, Val pointer, Strip strip);
  /// Memory of the function's frame.
  Val stack(int64_t bytes, unsigned align = 64);
  /// Read-only data of the module; equal bytes are kept once.
  Val data(llvm::ArrayRef<int32_t> words);

  //===-- Control --------------------------------------------------------===//

  /// for (i = lo; i < hi; i += step), i64 or i32.
  void loop(Val lo, Operand hi, Operand step, Body body);
  /// With values carried around: the body returns their next values.
  Vals loop(Val lo, Operand hi, Operand step, llvm::ArrayRef<Val> init,
            FoldBody body);
  void ifThen(Val condition, llvm::function_ref<void()> then);
  Vals ifElse(Val condition, llvm::function_ref<Vals()> then,
              llvm::function_ref<Vals()> otherwise);
  /// Runs body(k) for the k in [0, cases) that `index` (an i64) equals; the
  /// last one for every other value.
  void switchOn(Val index, unsigned cases,
                llvm::function_ref<void(unsigned)> body);
  /// Walks [lo, hi) by `lanes`, the rest exactly: masked where the level masks
  /// in hardware, one by one elsewhere. i is the index of the first element.
  void strips(Val lo, Operand hi, unsigned lanes,
              llvm::function_ref<void(Val, Strip)> body);
  /// An internal function that is not inlined; the body gets its arguments.
  Function function(llvm::StringRef name, llvm::ArrayRef<mlir::Type> types,
                    llvm::function_ref<void(llvm::ArrayRef<Val>)> body);
  void call(Function callee, llvm::ArrayRef<Val> arguments);

  //===-- Lanes ----------------------------------------------------------===//

  /// The same value in each lane; nothing to do for one lane.
  Val splat(Val scalar, unsigned lanes);
  Val extract(Val vector, unsigned lane);
  Val insert(Val vector, Val scalar, unsigned lane);
  /// Lanes of a and then b by number; -1 is any value.
  Val shuffle(Val a, Val b, llvm::ArrayRef<int32_t> lanes);
  /// `count` lanes from `first` on.
  Val slice(Val vector, unsigned first, unsigned count);
  /// Lanes of a, then those of b (of the same type).
  Val concat(Val a, Val b);
  /// Lanes 0, 2, 4 ... of a, then of b; and 1, 3, 5 ...
  Val evens(Val a, Val b);
  Val odds(Val a, Val b);
  Val bitcast(Val v, mlir::Type type);
  Val select(Val condition, Val a, Val b);

  //===-- Conversion and arithmetic --------------------------------------===//

  /// To lanes of another element type: int to int by sign (or zero) extension
  /// or truncation, int to float to nearest even, float to int by truncation
  /// (the caller keeps it in range), float to float to nearest even.
  Val convert(Val v, mlir::Type element, bool isSigned = true);
  /// a * b + c, one rounding.
  Val fma(Val a, Val b, Val c);
  /// Nearest whole number, ties to even, of any f32.
  Val roundEven(Val v);
  /// The i32 nearest to v, ties to even; |v| must be at most 2^22.
  Val roundToI32(Val v);
  /// i32 lanes that fit a byte (u8, or i8 if signed) to i8 lanes.
  Val narrowToByte(Val v, bool isSigned);
  Val floor(Val v);
  /// The f32 value of the half in the low 16 bits of i32 lanes.
  Val halfToF32(Val bits);
  /// v, but LLVM does not see that: it neither reorders sums across it nor
  /// keeps in registers what is stored behind such a pointer.
  Val pinned(Val v);
  /// Asks for the cache line at an address, which need not be there.
  void prefetch(Val address);
  /// For who reads `bytes` bytes at an address and then goes on in memory: asks
  /// for as many that come later, farther than CPUs look ahead by themselves.
  void prefetchAhead(Val address, int64_t bytes);
  /// Who reads and comes to `end` goes on `skip` bytes farther.
  struct Jump {
    Val end, skip;
  };
  void prefetchAhead(Val address, int64_t bytes, const Jump &jump);
  /// Any intrinsic of LLVM by name.
  Val intrinsic(llvm::StringRef name, mlir::Type result,
                llvm::ArrayRef<Val> arguments);
  void intrinsic(llvm::StringRef name, llvm::ArrayRef<Val> arguments);

  /// Emits a program of Numerics: inputs to outputs, scalars or vectors alike
  /// (scalar inputs beside vectors are splatted).
  Vals emitProgram(const numerics::Program &program, llvm::ArrayRef<Val> in);
  /// Of a program with one output.
  Val emit(const numerics::Program &program, llvm::ArrayRef<Val> in);

  /// Wraps a value of MLIR, and the builder below for what is missing here.
  Val wrap(mlir::Value v) { return {this, v}; }
  mlir::OpBuilder &ops() { return builder; }
  mlir::Location loc() { return location; }

private:
  Val lookup(const numerics::LookupTable &table, Val index);
  void yield(llvm::ArrayRef<Val> values);

  mlir::ModuleOp module;
  const Target &theTarget;
  const CpuLevel &theLevel;
  mlir::OpBuilder builder;
  mlir::Location location;
  Function kernelFunc;
  Val slotsArg, partArg;
};

/// Brings the operand to the type of `a`.
Val like(Val a, Operand b);

} // namespace qc::kernels

#endif // QC_TARGET_KERNELS_KERNELBUILDER_H
