// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions by argument reduction and minimax polynomials. The
// coefficients are the project's own Remez fits, weighted for relative error;
// each polynomial's comment names what it approximates, where, and how well.

#include "qc/Numerics/Elementary.h"

#include <limits>

namespace qc::numerics {

static constexpr float infinity = std::numeric_limits<float>::infinity();
static constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();

/// c[0] + x c[1] + x^2 c[2] + ... by Horner's rule in fma.
static Value horner(Program &p, Value x, std::initializer_list<float> c) {
  auto it = c.end();
  Value sum = p.constF(*--it);
  while (it != c.begin())
    sum = p.fma(sum, x, p.constF(*--it));
  return sum;
}

/// `magnitude` with its sign flipped where `x` has one.
static Value withSign(Program &p, Value magnitude, Value x) {
  Value sign =
      p.iand(p.bitcastToI32(x), p.constI(std::numeric_limits<int32_t>::min()));
  return p.bitcastToF32(p.ixor(p.bitcastToI32(magnitude), sign));
}

//===-- exp
//----------------------------------------------------------------===//

static constexpr float ln2Hi = 0x1.62e430p-1f, ln2Lo = -0x1.05c610p-29f;

namespace {
/// exp(x) = (m * s1) * s2: m in [0.7, 1.42], s1 and s2 powers of two. A factor
/// taken into m * s1 first keeps its precision where exp(x) alone underflows.
struct ExpParts {
  Value m, s1, s2;
};
} // namespace

/// The parts of exp(x + low), |low| tiny; x is clamped to [-126, 89], where
/// the result is 0 or infinite at the ends.
static ExpParts expParts(Program &p, Value x,
                         std::optional<Value> low = std::nullopt) {
  x = p.max(p.constF(-126.0f), p.min(p.constF(89.0f), x));
  Value n = p.rne(p.mul(x, p.constF(0x1.715476p+0f)));
  // x - n ln2Hi is exact.
  Value r = p.fma(n, p.constF(-ln2Hi), x);
  r = p.fma(n, p.constF(-ln2Lo), r);
  if (low)
    r = p.add(r, *low);
  // (exp(r) - 1 - r) / r^2 on |r| < 0.35; exp(r) within 2^-27.7.
  Value q = horner(
      p, r,
      {0.5f, 0x1.55545cp-3f, 0x1.5552e6p-5f, 0x1.125ea0p-7f, 0x1.7003b2p-10f});
  Value m = p.add(p.fma(q, p.mul(r, r), r), p.constF(1.0f));
  // n is NaN with x; then m is NaN too and any exponent will do.
  Value k = p.toI32(p.min(n, p.constF(128.0f)));
  Value half = p.ishrS(k, p.constI(1));
  auto powerOfTwo = [&](Value e) {
    Value biased = p.iadd(e, p.constI(127));
    return p.bitcastToF32(p.ishl(biased, p.constI(23)));
  };
  return {m, powerOfTwo(half), powerOfTwo(p.isub(k, half))};
}

static Value product(Program &p, Value m, const ExpParts &e) {
  return p.mul(p.mul(m, e.s1), e.s2);
}

Value exp(Program &p, Value x) {
  ExpParts e = expParts(p, x);
  return product(p, e.m, e);
}

//===-- log
//----------------------------------------------------------------===//

/// log(x) for a positive, finite, normal x, plus bias * ln 2.
static Value logNormal(Program &p, Value x, std::optional<Value> bias) {
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)).
  Value bits = p.bitcastToI32(x);
  Value e = p.ishrS(p.isub(bits, p.constI(0x3f3504f3)), p.constI(23));
  Value m = p.bitcastToF32(p.isub(bits, p.ishl(e, p.constI(23))));
  Value exponent = p.toF32(e);
  if (bias)
    exponent = p.add(exponent, *bias);
  Value f = p.sub(m, p.constF(1.0f));
  // (log(1 + f) - f + f^2/2) / f^3; log(1 + f) within 2^-28.
  Value q = horner(p, f,
                   {0x1.555548p-2f, -0x1.000006p-2f, 0x1.99a4bcp-3f,
                    -0x1.555c5ap-3f, 0x1.2336e4p-3f, -0x1.fc1f6cp-4f,
                    0x1.e6f606p-4f, -0x1.de4f9ep-4f, 0x1.146310p-4f});
  q = p.mul(p.fma(f, q, p.constF(-0.5f)), p.mul(f, f));
  q = p.add(p.fma(exponent, p.constF(ln2Lo), q), f);
  return p.fma(exponent, p.constF(ln2Hi), q);
}

Value log(Program &p, Value x) {
  Value zero = p.constF(0.0f);
  Value isSmall = p.lt(x, p.constF(std::numeric_limits<float>::min()));
  Value scaled = p.select(isSmall, p.mul(x, p.constF(0x1p23f)), x);
  Value bias = p.select(isSmall, p.constF(-23.0f), zero);
  Value y = logNormal(p, scaled, bias);
  y = p.select(p.lt(x, p.constF(infinity)), y, x);
  Value special =
      p.select(p.eq(x, zero), p.constF(-infinity), p.constF(quietNaN));
  return p.select(p.lt(zero, x), y, special);
}

Value softplus(Program &p, Value x) {
  Value one = p.constF(1.0f);
  Value u = exp(p, p.neg(p.abs(x)));
  // log(1 + u) = log(w) + (u - (w - 1)) / w with w = 1 + u rounded.
  Value w = p.add(one, u);
  Value lost = p.div(p.sub(u, p.sub(w, one)), w);
  // A NaN's bits give some number in logNormal; the sum is NaN through `lost`.
  Value y = p.add(logNormal(p, w, std::nullopt), lost);
  return p.add(p.max(p.constF(0.0f), x), y);
}

//===-- erf, tanh, sigmoid ---------------------------------------------------//

Value erf(Program &p, Value x) {
  Value one = p.constF(1.0f);
  Value a = p.min(p.constF(4.0f), p.abs(x));
  // erf(a) / a - 1 in a^2, a <= 1; erf within 2^-29.
  Value u = p.mul(a, a);
  Value q =
      horner(p, u,
             {0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ce6p-4f, -0x1.b7f71ap-6f,
              0x1.53f224p-8f, -0x1.a3515ep-11f, 0x1.4771fep-14f});
  Value small = p.fma(a, q, a);
  // -log(1 - erf(a)), 1 <= a <= 4; erf within 2^-29.
  Value r =
      horner(p, a,
             {0x1.5cdb74p-12f, 0x1.208b1ap+0f, 0x1.46b430p-1f, 0x1.a67e92p-4f,
              -0x1.66180ep-6f, 0x1.82e81ap-9f, -0x1.87b11ap-13f});
  Value large = p.sub(one, exp(p, p.neg(r)));
  return withSign(p, p.select(p.lt(a, one), small, large), x);
}

Value tanh(Program &p, Value x) {
  Value one = p.constF(1.0f);
  Value a = p.min(p.constF(10.0f), p.abs(x));
  // (tanh(a) / a - 1) / a^2 in a^2, a <= 0.625; tanh within 2^-27.8.
  Value u = p.mul(a, a);
  Value q = horner(p, u,
                   {-0x1.555534p-2f, 0x1.11075ep-3f, -0x1.b842c4p-5f,
                    0x1.524c40p-6f, -0x1.767a14p-8f});
  Value small = p.fma(a, p.mul(u, q), a);
  Value e = exp(p, p.add(a, a));
  Value large = p.sub(one, p.div(p.constF(2.0f), p.add(e, one)));
  Value y = p.select(p.lt(a, p.constF(0.625f)), small, large);
  return withSign(p, y, x);
}

Value sigmoid(Program &p, Value x) {
  Value one = p.constF(1.0f);
  return p.div(one, p.add(one, exp(p, p.neg(x))));
}

//===-- gelu, silu -----------------------------------------------------------//

/// x * sigmoid(t) where t = t' + low has the sign of x; given are -|t'| and the
/// low that goes with it. With e = exp(-|t|), sigmoid is 1 / (1 + e) for x >= 0
/// and e / (1 + e) below, where x takes part in the product before it can
/// underflow.
static Value timesSigmoid(Program &p, Value x, Value negated,
                          std::optional<Value> low) {
  ExpParts e = expParts(p, negated, low);
  Value below = product(p, p.mul(x, e.m), e);
  Value numerator = p.select(p.lt(x, p.constF(0.0f)), below, x);
  return p.div(numerator, p.add(p.constF(1.0f), product(p, e.m, e)));
}

Value silu(Program &p, Value x) {
  x = p.max(p.constF(-126.0f), x);
  return timesSigmoid(p, x, p.neg(p.abs(x)), std::nullopt);
}

Value gelu(Program &p, Value x) {
  // (Phi(x) - 1/2) / x in x^2, |x| < 1; x (Phi(x) - 1/2) within 2^-25.
  Value one = p.constF(1.0f);
  Value a = p.min(p.constF(15.0f), p.abs(x));
  Value square = p.mul(a, a);
  Value q = horner(p, square,
                   {0x1.988454p-2f, -0x1.10582ap-4f, 0x1.46ccc4p-7f,
                    -0x1.36e0ecp-10f, 0x1.da3408p-14f, -0x1.f717eep-18f});
  Value small = p.mul(x, p.fma(x, q, p.constF(0.5f)));

  // Beyond, x Phi(x) = max(x, 0) - a Phi(-a) with a = |x| and
  // a Phi(-a) = exp(-a^2/2) W(a), where W is a polynomial in
  // s = (a - 4) / (a + 4) on 1 <= a <= 15, within 2^-25.
  Value four = p.constF(4.0f);
  Value s = p.div(p.sub(a, four), p.add(a, four));
  Value w = horner(p, s,
                   {0x1.82b4bcp-2f, 0x1.2dda08p-4f, -0x1.c41d42p-4f,
                    0x1.9adbaep-4f, -0x1.0251aap-4f, 0x1.b11d58p-6f,
                    -0x1.67429ap-8f, -0x1.f4a2ccp-11f, 0x1.9d6634p-11f});
  // a^2 in two floats.
  Value minusHalf = p.constF(-0.5f);
  Value rest = p.fma(a, a, p.neg(square));
  ExpParts e = expParts(p, p.mul(square, minusHalf), p.mul(rest, minusHalf));
  Value tail = product(p, p.mul(w, e.m), e);
  Value large = p.sub(p.max(x, p.constF(0.0f)), tail);
  return p.select(p.lt(a, one), small, large);
}

Value geluTanh(Program &p, Value x) {
  // 2 u = x (A + B x^2) in two floats, as exp needs its absolute error small.
  Value aHi = p.constF(0x1.988454p+0f), aLo = p.constF(-0x1.857936p-25f);
  Value bHi = p.constF(0x1.2444f2p-4f), bLo = p.constF(0x1.49b16ap-29f);
  x = p.max(p.constF(-12.0f), x);
  Value a = p.min(p.constF(12.0f), p.abs(x));
  Value square = p.mul(a, a);
  Value squareLow = p.fma(a, a, p.neg(square));
  Value bx = p.mul(bHi, square);
  Value bxLow = p.fma(bHi, square, p.neg(bx));
  bxLow = p.fma(bHi, squareLow, p.fma(bLo, square, bxLow));
  // aHi + bx, and what the sum lost.
  Value sum = p.add(aHi, bx);
  Value bxSeen = p.sub(sum, aHi);
  Value aSeen = p.sub(sum, bxSeen);
  Value lost = p.add(p.sub(aHi, aSeen), p.sub(bx, bxSeen));
  Value sumLow = p.add(lost, p.add(aLo, bxLow));
  Value t = p.mul(a, sum);
  Value tLow = p.fma(a, sumLow, p.fma(a, sum, p.neg(t)));
  return timesSigmoid(p, x, p.neg(t), p.neg(tLow));
}

//===-- sin, cos -------------------------------------------------------------//

/// The words of 2/pi after the binary point.
static constexpr uint32_t twoOverPi[] = {0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                         0xf534ddc0, 0xdb629599, 0x3c439041,
                                         0xfe5163ab, 0xdebbc561};

/// Bits [bit, bit + 32) of 2/pi after the binary point; before it there are 0s.
static uint32_t twoOverPiBits(int bit) {
  uint32_t word = 0;
  for (int k = 0; k < 32; ++k) {
    int at = bit + k;
    uint32_t value = at < 0 ? 0 : twoOverPi[at / 32] >> (31 - at % 32) & 1;
    word = word << 1 | value;
  }
  return word;
}

/// For each biased exponent E of 126..254 the word number `word` of
/// 2^(E - 152) * 2/pi modulo 1. Times the mantissa as an integer, that is
/// |x| / (2 pi) modulo 1.
static std::vector<int32_t> reductionWords(int word) {
  std::vector<int32_t> words;
  for (int exponent = 126; exponent < 255; ++exponent)
    words.push_back(
        static_cast<int32_t>(twoOverPiBits(exponent - 152 + 32 * word)));
  return words;
}

/// Upper 32 bits of the unsigned product of `m` < 2^24 and `w`.
static Value multiplyHigh(Program &p, Value m, Value w) {
  Value sixteen = p.constI(16), mask = p.constI(0xffff);
  Value mLow = p.iand(m, mask), mHigh = p.ishrU(m, sixteen);
  Value wLow = p.iand(w, mask), wHigh = p.ishrU(w, sixteen);
  Value low = p.imul(mLow, wLow);
  Value cross = p.iadd(p.imul(mLow, wHigh), p.ishrU(low, sixteen));
  Value other = p.iadd(p.imul(mHigh, wLow), p.iand(cross, mask));
  Value high = p.iadd(p.imul(mHigh, wHigh), p.ishrU(cross, sixteen));
  return p.iadd(high, p.ishrU(other, sixteen));
}

namespace {
/// |x| = quadrant * pi/2 + rest, |rest| <= pi/4, quadrant modulo 4.
struct Angle {
  Value quadrant, rest;
};
} // namespace

/// Every finite x is reduced in 64-bit fixed point.
static Angle reduceAngle(Program &p, Value x) {
  Value a = p.abs(x);
  Value bits = p.bitcastToI32(a);
  Value index = p.isub(p.ishrU(bits, p.constI(23)), p.constI(126));
  Value m = p.ior(p.iand(bits, p.constI(0x7fffff)), p.constI(0x800000));
  Value w0 = p.table(reductionWords(0), index);
  Value w1 = p.table(reductionWords(1), index);
  Value w2 = p.table(reductionWords(2), index);

  // m * (w0 : w1 : w2) modulo 2^96, its upper two words.
  Value first = p.imul(m, w1), second = multiplyHigh(p, m, w2);
  Value low = p.iadd(first, second);
  Value either = p.iand(p.ior(first, second), p.ixor(low, p.constI(-1)));
  Value carry = p.ishrU(p.ior(p.iand(first, second), either), p.constI(31));
  Value high = p.iadd(p.imul(m, w0), p.iadd(multiplyHigh(p, m, w1), carry));

  // 2^30 of `high` are one quadrant; round to the nearest.
  Value quadrant = p.ishrU(p.iadd(high, p.constI(1 << 29)), p.constI(30));
  Value signedHigh = p.isub(high, p.ishl(quadrant, p.constI(30)));
  Value coarse = p.mul(p.toF32(signedHigh), p.constF(0x1p-30f));
  Value fine = p.toF32(p.ishrU(low, p.constI(8)));
  Value turn = p.fma(fine, p.constF(0x1p-54f), coarse);
  Value rest = p.fma(turn, p.constF(0x1.921fb6p+0f),
                     p.mul(turn, p.constF(-0x1.777a5cp-25f)));

  Value isSmall = p.lt(a, p.constF(0x1.921fb4p-1f));
  rest = p.select(isSmall, a, rest);
  quadrant = p.select(isSmall, p.constI(0), quadrant);
  Value isFinite = p.lt(a, p.constF(infinity));
  return {quadrant, p.select(isFinite, rest, p.constF(quietNaN))};
}

/// sin(|x| + shift * pi/2).
static Value sinShifted(Program &p, Value x, int shift) {
  Angle angle = reduceAngle(p, x);
  Value r = angle.rest, u = p.mul(r, r), one = p.constF(1.0f);
  // (sin(r) / r - 1) / r^2 in r^2, |r| <= pi/4; sin within 2^-28.
  Value q = horner(p, u, {-0x1.555546p-3f, 0x1.11077cp-7f, -0x1.9955acp-13f});
  Value sine = p.fma(r, p.mul(u, q), r);
  // (cos(r) - 1 + r^2/2) / r^4 in r^2; cos within 2^-33.
  q = horner(p, u, {0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e80cp-16f});
  Value cosine = p.add(one, p.fma(p.mul(u, u), q, p.mul(u, p.constF(-0.5f))));
  Value quadrant = p.iadd(angle.quadrant, p.constI(shift));
  Value odd = p.iand(quadrant, p.constI(1));
  Value sign = p.ishl(p.iand(quadrant, p.constI(2)), p.constI(30));
  Value y = p.select(odd, cosine, sine);
  return p.bitcastToF32(p.ixor(p.bitcastToI32(y), sign));
}

Value sin(Program &p, Value x) { return withSign(p, sinShifted(p, x, 0), x); }
Value cos(Program &p, Value x) { return sinShifted(p, x, 1); }

//===-- Simple ones ----------------------------------------------------------//

Value rsqrt(Program &p, Value x) { return p.div(p.constF(1.0f), p.sqrt(x)); }

Value relu(Program &p, Value x) { return p.max(p.constF(0.0f), x); }

Value hardSigmoid(Program &p, Value x, float alpha, float beta) {
  Value y = p.add(p.mul(x, p.constF(alpha)), p.constF(beta));
  return p.max(p.constF(0.0f), p.min(p.constF(1.0f), y));
}

Value hardSwish(Program &p, Value x) {
  return p.mul(x, hardSigmoid(p, x, 1.0f / 6.0f, 0.5f));
}

} // namespace qc::numerics
