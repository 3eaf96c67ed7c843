"""Scores as integers that sort alike, and back: what the numba kernels sort and select by."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from latents.machine.numba_cache import kernel

ONE, WORD = np.uint64(1), np.uint64(32)
LOW, TOP = np.uint64(0xFFFFFFFF), np.uint64(1 << 63)


def _float_of(typing_context: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.uint32), code


def _double_of(typing_context: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.uint64), code


def _bits_of(typing_context: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.uint32))

    return types.uint32(types.float32), code


def _popcount(typing_context: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), code


def _reached(typing_context: Any, scores: Any, start: Any, bound: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        vector, lanes = (ir.VectorType(kind, 64) for kind in (ir.FloatType(), ir.IntType(32)))
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[2], ir.Constant(ir.IntType(32), 0))
        bounds = builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), ir.Constant(lanes, [0] * 64))
        hits = builder.fcmp_ordered(">=", builder.load(place, align=4), bounds)
        return builder.bitcast(hits, ir.IntType(64))

    return types.uint64(scores, types.intp, types.float32), code


def _lowest_bit(typing_context: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), code


reached: Any = intrinsic(_reached)  # which of the 64 float32 from flat index `start` on are >= bound: bits of a uint64
popcount: Any = intrinsic(_popcount)  # number of set bits of a uint64
lowest_bit: Any = intrinsic(_lowest_bit)  # position of the lowest set bit of a uint64 other than 0
float_of: Any = intrinsic(_float_of)  # the float32 of these uint32 bits
double_of: Any = intrinsic(_double_of)  # the float64 of these uint64 bits
bits_of: Any = intrinsic(_bits_of)  # the uint32 bits of this float32


@kernel
def short_key(value: Any) -> Any:
    """Bits of a float32 that ascend as integers; -0.0 counts as 0.0."""
    bits = bits_of(value + np.float32(0))
    return bits ^ (np.uint32(0xFFFFFFFF) if bits >> 31 else np.uint32(0x80000000))


@kernel
def long_score(key: Any) -> float:
    """The float64 score that `fill_keys` made a key of, but for its last bit."""
    return double_of((key & ~ONE) ^ (TOP if key >> np.uint64(63) else ~np.uint64(0)))


@kernel
def score_of(key: Any) -> float:
    """The score that `fill_keys` made a key of."""
    high = np.uint32(key >> WORD)
    return float_of(high ^ (np.uint32(0x80000000) if high >> 31 else np.uint32(0xFFFFFFFF)))


@kernel
def column(key: Any) -> int:
    """Database row of a key."""
    return np.int64((key & LOW) >> ONE)  # type: ignore[return-value]
