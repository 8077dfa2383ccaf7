"""Pieces of work on the threads of an OpenMP that is told by its address: GNU's interface of C.

Whoever is free takes the next piece, so that a thread that others keep from its core holds nobody
up for longer than one piece.
"""

import numpy as np
from llvmlite import ir
from numba import types

from .flat import BYTE, array_at, free, memory_of, new_memory, primitive
from .jit import call, compiled, compiled_address
from .once import once

# What a team is told, 8 bytes each: the work, its six arrays, how many pieces, how many threads may
# take part; then two counters, of threads that have come and of pieces that were taken.
WORK, ARRAYS, PIECES, MOST, CAME, TAKEN, TOLD = 0, 1, 7, 8, 9, 10, 11


def _next_of(typing, pointer, place):
    def code(context, builder, sig, args):
        word = ir.IntType(64)
        counter = builder.gep(builder.bitcast(args[0], word.as_pointer()), [args[1]])
        return builder.atomic_rmw("add", counter, ir.Constant(word, 1), "monotonic")

    return types.intp(pointer, types.intp), code


@primitive(_next_of)
def next_of(pointer, place):
    """Add 1 to a counter that all threads share; what it was."""
    words = pointer.view(np.int64)
    words[place] += 1
    return int(words[place]) - 1


def _start(typing, start, share, told):
    def code(context, builder, sig, args):
        number, body = ir.IntType(32), ir.FunctionType(ir.VoidType(), [BYTE]).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [body, BYTE, number, number])
        address, share = (
            builder.inttoptr(x, k) for x, k in ((args[0], kind.as_pointer()), (args[1], body))
        )
        # As many threads as there are: where the number changes from region to region, threads end.
        builder.call(address, [share, args[2], number(0), number(0)])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, told), code


@primitive(_start)
def start_team(start, share, told):
    """GOMP_parallel: let each thread run `share` on what it is told, and wait for all."""
    raise NotImplementedError  # kernels that are plain Python know no threads


def share(told_at):
    """A thread's share: one piece after the other, until there are none."""
    told = array_at(told_at, np.int64, 0)
    if next_of(told_at, CAME) >= told[MOST]:
        return
    piece = next_of(told_at, TAKEN)
    while piece < told[PIECES]:
        call(
            told[WORK],
            memory_of(told[ARRAYS]),
            memory_of(told[ARRAYS + 1]),
            memory_of(told[ARRAYS + 2]),
            memory_of(told[ARRAYS + 3]),
            memory_of(told[ARRAYS + 4]),
            memory_of(told[ARRAYS + 5]),
            piece,
        )
        piece = next_of(told_at, TAKEN)


def drive_team(start, share, most, work, job, axes, image, grid, other, out, pieces):
    """All pieces of a job on such threads, on six arrays that come as `memory_of` takes them."""
    told_at = new_memory(8 * TOLD)
    told = array_at(told_at, np.int64, 0)
    told[WORK], told[PIECES], told[MOST], told[CAME], told[TAKEN] = work, pieces, most, 0, 0
    told[ARRAYS], told[ARRAYS + 1], told[ARRAYS + 2] = job, axes, image
    told[ARRAYS + 3], told[ARRAYS + 4], told[ARRAYS + 5] = grid, other, out
    start_team(start, share, told_at)
    free(told_at)


@once
def team():
    """`drive_team`, and the address of `share`."""
    address = compiled_address(share, ("share",), types.void(types.voidptr))
    return compiled(drive_team, ("drive_team",), False), address
