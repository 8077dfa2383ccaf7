"""2 x 2 pixels of a plane as one vector of four: upper left, upper right, lower left, lower right.

As in `simd`, each primitive has a plain Python twin, and none checks a bound.
"""

import numpy as np
from llvmlite import ir

from ..compiler.later import types
from .simd import (
    I32,
    alignment,
    element_pointer,
    lanes_at,
    llvm_call,
    lowered_by,
    read,
    undefined,
    write,
)

FOUR = 4
_LOW, _HIGH, _ALL = lanes_at(0, 1), lanes_at(2, 3), lanes_at(0, 1, 2, 3)


def _four_at(context, builder, array, value, at):
    """Four neighbours in memory, and where they are."""
    place = element_pointer(context, builder, array, value, at)
    kind = ir.VectorType(context.get_value_type(array.dtype), FOUR)
    return place, read(builder, place, kind, alignment(array))


def _spread(builder, scalar):
    """One number in all four lanes."""
    first = builder.insert_element(undefined(scalar.type, FOUR), scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, first, lanes_at(0, 0, 0, 0))


def _numbers(context, builder, array, value, at, pitch, count):
    """Every `pitch`-th of so many numbers, each in all four lanes."""
    found = []
    for _ in range(count):
        place = element_pointer(context, builder, array, value, at)
        found.append(_spread(builder, builder.load(place)))
        at = builder.add(at, pitch)
    return found


def _rows(context, builder, array, args, count):
    """The addresses of both rows of the squares of `count` planes, plane by plane."""
    value, at, step, next_plane = args
    found = []
    for _ in range(count):
        upper = element_pointer(context, builder, array, value, at)
        found.append((upper, builder.gep(upper, [step])))
        at = builder.add(at, next_plane)
    return found


def _squares(context, builder, array, rows, beside=None):
    """The squares there, of pixels that are neighbours in memory."""
    pair, align = ir.VectorType(context.get_value_type(array.dtype), 2), alignment(array)
    pairs = [[read(builder, row, pair, align) for row in both] for both in rows]
    return [builder.shuffle_vector(*both, _ALL) for both in pairs]


def _apart(context, builder, array, rows, beside):
    """The squares there, of pixels that lie `beside` elements apart."""
    item, align = context.get_value_type(array.dtype), alignment(array)
    found = []
    for both in rows:
        square = undefined(item, FOUR)
        for k, place in enumerate(p for row in both for p in (row, builder.gep(row, [beside]))):
            square = builder.insert_element(
                square, read(builder, place, item, align), ir.Constant(I32, k)
            )
        found.append(square)
    return found


def _summing(squares):
    """A typing function: sum what is read so."""

    def typed(typing, array, at, step, plane, beside, factors, first, pitch, sums, count):
        if not isinstance(count, types.IntegerLiteral):
            return None
        n = count.literal_value

        def code(context, builder, sig, args):
            place, total = _four_at(context, builder, sums, args[8], ir.Constant(args[1].type, 0))
            rows = _rows(context, builder, array, args[:4], n)
            found = squares(context, builder, array, rows, args[4])
            name = f"llvm.fmuladd.v{FOUR}f{array.dtype.bitwidth}"  # as `multiply_add`
            for k, factor in enumerate(_numbers(context, builder, factors, *args[5:8], n)):
                total = llvm_call(builder, name, [factor, found[k], total])
            write(builder, place, total, alignment(sums))
            return context.get_dummy_value()

        given = (array, *[types.intp] * 4, factors, types.intp, types.intp, sums, count)
        return types.void(*given), code

    return typed


@lowered_by(_summing(_apart))
def sum_apart(array, at, step, plane, beside, factors, first, pitch, sums, count):
    """Add squares of `count` planes to sums[:4], each times factors[first], [first + pitch] ...

    The upper row of the first begins at array[at], its lower one `step` further on, the next plane
    `plane` further on, and a right pixel `beside` further on than the left one.
    """
    corners = np.array([0, beside, step, step + beside])
    for k in range(count):
        sums[:FOUR] += factors[first + k * pitch] * array[at + k * plane + corners]


@lowered_by(_summing(_squares))
def sum_squares(array, at, step, plane, beside, factors, first, pitch, sums, count):
    """`sum_apart` where `beside` is 1."""
    sum_apart(array, at, step, plane, 1, factors, first, pitch, sums, count)


def _add_squares(typing, array, at, step, plane, factors, first, pitch, weights, count):
    if not isinstance(count, types.IntegerLiteral):
        return None
    n = count.literal_value

    def code(context, builder, sig, args):
        _, weight = _four_at(context, builder, weights, args[7], ir.Constant(args[1].type, 0))
        zeros = ir.Constant(weight.type, None)
        weighs = builder.fcmp_ordered("!=", weight, zeros)
        rows = _rows(context, builder, array, args[:4], n)
        totals = _squares(context, builder, array, rows)
        for k, factor in enumerate(_numbers(context, builder, factors, *args[4:7], n)):
            share = builder.select(weighs, builder.fmul(factor, weight), zeros)
            totals[k] = builder.fadd(totals[k], share)
        for total, both in zip(totals, rows, strict=True):
            for row, lanes in zip(both, (_LOW, _HIGH), strict=True):
                pair = builder.shuffle_vector(total, total, lanes)
                write(builder, row, pair, alignment(array))
        return context.get_dummy_value()

    return types.void(
        array, *[types.intp] * 3, factors, types.intp, types.intp, weights, count
    ), code


@lowered_by(_add_squares)
def add_squares(array, at, step, plane, factors, first, pitch, weights, count):
    """Add weights[:4] to squares of `count` planes, times a factor each; see `sum_apart`.

    Their pixels are neighbours in memory. Nothing is added where a weight is 0 or NaN. All are read
    before one is written: planes are often whole pages apart, and a load waits for a store with the
    same low bits in its address.
    """
    weight = weights[:FOUR]
    for k in range(count):
        i = at + k * plane
        with np.errstate(invalid="ignore"):
            share = np.where(np.abs(weight) > 0, factors[first + k * pitch] * weight, 0)
        array[i : i + 2] += share[:2]
        array[i + step : i + step + 2] += share[2:]


def _copy_four(typing, source, i, target, j):
    def code(context, builder, sig, args):
        _, found = _four_at(context, builder, source, args[0], args[1])
        place = element_pointer(context, builder, target, args[2], args[3])
        write(builder, place, found, alignment(target))
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp), code


@lowered_by(_copy_four)
def copy_four(source, i, target, j):
    """target[j : j + 4] = source[i : i + 4]"""
    target[j : j + FOUR] = source[i : i + FOUR]
