"""Scores as integers that sort alike, and back: the numba kernels sort and select by these keys."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from relatent.machine.numba_cache import kernel

ONE, WORD = np.uint64(1), np.uint64(32)
LOW, TOP = np.uint64(0xFFFFFFFF), np.uint64(1 << 63)
TWO, FOUR, LAST_BYTE = np.uint64(2), np.uint64(4), np.uint64(56)
EVERY_2ND = np.uint64(0x5555555555555555)  # bit of a word
EVERY_4TH = np.uint64(0x3333333333333333)  # pair of bits
EVERY_8TH = np.uint64(0x0F0F0F0F0F0F0F0F)  # half of a byte
EVERY_BYTE = np.uint64(0x0101010101010101)


def _reached(typing_context: Any, scores: Any, start: Any, bound: Any) -> Any:
    """Compare 64 float32 from a flat index on with a bound; bit x of the uint64 says score x >=
    bound.

    Written as LLVM instructions: one comparison of vectors of 64 lanes, whose result is the word.
    LLVM makes no such comparison of a loop that sets bits: that loop takes 33 times as long (129 us
    for 65,536 scores, against 3.9 us), and all scores of `evaluate(metrics="cutoffs")` pass here.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        vector, lanes = (ir.VectorType(kind, 64) for kind in (ir.FloatType(), ir.IntType(32)))
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[2], ir.Constant(ir.IntType(32), 0))
        bounds = builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), ir.Constant(lanes, [0] * 64))
        hits = builder.fcmp_ordered(">=", builder.load(place, align=4), bounds)
        return builder.bitcast(hits, ir.IntType(64))

    return types.uint64(scores, types.intp, types.float32), code


reached: Any = intrinsic(_reached)


@kernel
def popcount(word: Any) -> Any:
    """Count the set bits of a uint64 (Warren, Hacker's Delight, section 5-1): vectorises, unlike
    POPCNT."""
    word = word - ((word >> ONE) & EVERY_2ND)
    word = (word & EVERY_4TH) + ((word >> TWO) & EVERY_4TH)
    word = (word + (word >> FOUR)) & EVERY_8TH
    return (word * EVERY_BYTE) >> LAST_BYTE


@kernel
def lowest_bit(word: Any) -> int:
    """Return the position of the lowest set bit of a uint64 other than 0."""
    return np.int64(popcount((word & (~word + ONE)) - ONE))  # type: ignore[return-value]


@kernel
def short_key(value: Any) -> Any:
    """Return the bits of a float32 so that they ascend as integers; -0.0 counts as 0.0."""
    bits = np.float32(value + np.float32(0)).view(np.uint32)
    return bits ^ (np.uint32(0xFFFFFFFF) if bits >> 31 else np.uint32(0x80000000))


@kernel
def long_score(key: Any) -> float:
    """Return the float64 score that `fill_keys` made a key of, except for its last bit."""
    return np.uint64((key & ~ONE) ^ (TOP if key >> np.uint64(63) else ~np.uint64(0))).view(np.float64)


@kernel
def score_of(key: Any) -> float:
    """Return the float32 score of a key."""
    high = np.uint32(key >> WORD)
    return np.uint32(high ^ (np.uint32(0x80000000) if high >> 31 else np.uint32(0xFFFFFFFF))).view(np.float32)  # type: ignore[return-value]


@kernel
def column(key: Any) -> int:
    """Return the database row of a key."""
    return np.int64((key & LOW) >> ONE)  # type: ignore[return-value]
