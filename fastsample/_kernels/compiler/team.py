"""Pieces of work on threads: those of Numba's layer, or of an OpenMP that has GNU's interface of C.

Whoever is free takes the next piece, so that a thread that comes late, or that others keep from its
core, holds nobody up for longer than one piece. Numba's own loops give each thread its part
beforehand, and take 1.4 s to be compiled.
"""

import sys

import numpy as np
from llvmlite import ir

from .builtin import without_the_lock
from .cores import RESTED_NS, give_way, meet, now, take_core
from .flat import BYTE, array_at, free, memory_at, memory_of, new_memory, primitive
from .jit import call, compiled_address, jit
from .later import cgutils, types
from .once import once

# What a team is told, 8 bytes each: the work, its six arrays, how many pieces, how many threads may
# take part; then how many have come, how many pieces were taken, and the threads' cores.
WORK, ARRAYS, PIECES, MOST, CAME, TAKEN, CORES, TOLD = 0, 1, 7, 8, 9, 10, 11, 12

MOVES = int(sys.platform == "linux")

# What a team is started by: GOMP_parallel, a layer's loop, or tasks of TBB's (three numbers: where
# one is added, where they are waited for, when that was done last).
GOMP, LAYER, TASKS = range(3)


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


def _start_gomp(typing, start, share, told):
    def code(context, builder, sig, args):
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [BYTE, BYTE, number, number])
        address = builder.inttoptr(args[0], kind.as_pointer())
        share = builder.inttoptr(args[1], BYTE)
        # As many threads as there are: where the number changes from region to region, threads end.
        builder.call(address, [share, args[2], number(0), number(0)])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, told), code


@primitive(_start_gomp)
def start_gomp(start, share, told):
    """GOMP_parallel: let each thread run `share` on what it is told, and wait for all."""
    raise NotImplementedError  # kernels that are plain Python know no threads


def _start_layer(typing, start, share, threads, told):
    def code(context, builder, sig, args):
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [BYTE] * 5 + [word] * 3)
        address = builder.inttoptr(args[0], kind.as_pointer())
        share = builder.inttoptr(args[1], BYTE)
        shares, none = cgutils.alloca_once_value(builder, args[2]), BYTE(None)
        sizes = builder.bitcast(shares, BYTE)  # of the loop, and of no axes of no arrays
        builder.call(address, [share, none, sizes, none, args[3], word(0), word(0), args[2]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, told), code


@primitive(_start_layer)
def start_layer(start, share, threads, told):
    """Let so many threads of Numba's layer run `share` on what it is told, and wait for all.

    It is what Numba's own loops call (`parallel_for` of its layers): a function, its arrays, sizes
    and steps, what it is told; how many axes and arrays, how many threads.
    """
    raise NotImplementedError


def _add_task(typing, add, share, told):
    def code(context, builder, sig, args):
        none = BYTE(None)
        kind = ir.FunctionType(ir.VoidType(), [BYTE] * 5)
        address = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(address, [builder.inttoptr(args[1], BYTE), none, none, none, args[2]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, told), code


@primitive(_add_task)
def add_task(add, share, told):
    """Let a thread of TBB's run `share` on what it is told: `add_task` of Numba's layer."""
    raise NotImplementedError


def _wait(typing, synchronize):
    def code(context, builder, sig, args):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.intp), code


@primitive(_wait)
def wait(synchronize):
    """Wait for the tasks that were added: `synchronize` of Numba's layer."""
    raise NotImplementedError


@jit
def come(told_at):
    """Take part, if not enough threads do, on a core of this thread's own."""
    told = array_at(told_at, np.int64, 0)
    if next_of(told_at, CAME) >= told[MOST]:
        return 0
    if MOVES:
        take_core(told_at, CORES)
    return 1


@jit
def work_on(told_at):
    """Do one piece after the other, until there are none."""
    told = array_at(told_at, np.int64, 0)
    if MOVES:
        met = now()
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
        before, piece = piece, next_of(told_at, TAKEN)
        if MOVES:
            met = meet(met, piece > before + 1, piece < told[PIECES])


@jit
def share(told_at):
    """A thread's share of the pieces."""
    if come(told_at):
        work_on(told_at)


def gomp_share(told_at):
    """`share` as GOMP_parallel calls it."""
    share(told_at)


def layer_share(arrays, sizes, steps, told_at):
    """`share` as a layer calls it."""
    share(told_at)


@jit
def run_tasks(tasks_at, entry, most, told_at):
    """Let threads of TBB's take tasks, and this one its share at once.

    A loop of the layer's makes an arena each time, and this thread waits for that: on two cores of
    Zen 3 the other one begins 4 us after a call that follows another and 137 us after one that
    follows a rest of 10 ms; to a task it comes after 1 us and 75.
    """
    tasks = array_at(memory_at(tasks_at, 24), np.int64, 0)  # see `TASKS`
    rested = MOVES and now() - tasks[2] > RESTED_NS
    if rested:
        come(told_at)  # first, so that a thread that is woken on this core leaves it
    for _ in range(most - 1):
        add_task(tasks[0], entry, told_at)
    if rested:
        give_way()
        work_on(told_at)
    else:
        share(told_at)
    wait(tasks[1])
    if MOVES:
        tasks[2] = now()


@jit
def drive_team(way, start, entry, most, work, job, axes, image, grid, other, out, pieces):
    """All pieces of a job on threads, on six arrays that come as `memory_of` takes them.

    `start` is a function's address, for TASKS an array's.
    """
    told_at = new_memory(8 * TOLD)
    told = array_at(told_at, np.int64, 0)
    told[WORK], told[PIECES], told[MOST] = work, pieces, most
    told[CAME], told[TAKEN], told[CORES] = 0, 0, 0
    told[ARRAYS], told[ARRAYS + 1], told[ARRAYS + 2] = job, axes, image
    told[ARRAYS + 3], told[ARRAYS + 4], told[ARRAYS + 5] = grid, other, out
    if way == TASKS:
        run_tasks(start, entry, most, told_at)
    elif way == LAYER:
        start_layer(start, entry, most, told_at)
    else:
        start_gomp(start, entry, told_at)
    free(told_at)


@jit
def drive_numbers(numbers):
    """The same where all that it takes is in an array."""
    start, entry, most, work = numbers[1], numbers[2], numbers[3], numbers[4]
    job, axes, image = numbers[5], numbers[6], numbers[7]
    grid, other, out, pieces = numbers[8], numbers[9], numbers[10], numbers[11]
    drive_team(numbers[0], start, entry, most, work, job, axes, image, grid, other, out, pieces)


@once
def team(way):
    """`drive_team`, compiled, and the address of the share of its threads."""
    drive = _driver()
    if way != GOMP:
        shared = ("void", *("voidptr",) * 4)
        return drive, compiled_address(layer_share, ("layer_share",), shared)
    return drive, compiled_address(gomp_share, ("gomp_share",), ("void", "voidptr"))


@once
def _driver():
    return without_the_lock(drive_numbers, 12, "drive_team")
