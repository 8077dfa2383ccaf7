"""On which cores a team's threads run, on Linux: no two on one.

A thread that is woken runs where it ran last. If the thread that wakes it runs there, Linux may let
both share this core beside one that is free, until its ticks balance them after 4 to 8 ms. On two
cores of Zen 1 (Linux 6.18) most calls on 8x3x256x256 after a rest of 10 ms had both threads on one
core, as one in four of JAX's had: 5.1 ms, where two cores take 3.0.

So the second thread that finds itself on a core leaves it. For it to find itself there, the thread
that wakes it after a rest lets run at once whoever waits for its core, and a thread that has met no
other for a while does so for a moment. With rests of 10 ms, on two cores of Zen 3 (Linux 6.18), the
second thread came 0.55 ms after a call began, and comes after 0.27: grid_sample of 8x3x64x64 takes
0.45 ms and took 0.57. Beside busy processes no difference was found; where each call gave way, they
ran for all of their turn (a spline filter 3.2 ms and not 2.4, calls after each other).
"""

import time

import numpy as np
from llvmlite import ir

from .flat import BYTE, array_at, at_byte, primitive
from .jit import jit
from .later import cgutils, types

WORD, INT = ir.IntType(64), ir.IntType(32)
LONELY_NS, RESTED_NS = 200_000, 2_000_000
PAUSED = -1  # in the place of a time: it was done once
MOST = 63  # cores whose bits a number holds
SET = 128  # bytes of a set of 1024 cores


def _function(builder, name, *takes):
    """A function of the C library's that answers with an int."""
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(INT, takes), name)


def _now(typing):
    def code(context, builder, sig, args):
        place = cgutils.alloca_once(builder, WORD, size=2)
        ask = _function(builder, "clock_gettime", INT, WORD.as_pointer())
        builder.call(ask, [INT(time.CLOCK_MONOTONIC), place])
        seconds, rest = builder.load(place), builder.load(builder.gep(place, [WORD(1)]))
        return builder.add(builder.mul(seconds, WORD(10**9)), rest)

    return types.intp(), code


@primitive(_now)
def now():
    """The time in ns."""
    raise NotImplementedError  # kernels that are plain Python know no threads


def _pause(typing):
    def code(context, builder, sig, args):
        builder.call(_function(builder, "usleep", INT), [INT(1)])
        return context.get_dummy_value()

    return types.void(), code


@primitive(_pause)
def pause():
    """Sleep as briefly as the system can: 55 us."""
    raise NotImplementedError


def _give_way(typing):
    def code(context, builder, sig, args):
        builder.call(_function(builder, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), code


@primitive(_give_way)
def give_way():
    """Let a thread run that waits for this one's core."""
    raise NotImplementedError  # kernels that are plain Python know no threads


def _here(typing):
    def code(context, builder, sig, args):
        return builder.sext(builder.call(_function(builder, "sched_getcpu"), []), WORD)

    return types.intp(), code


@primitive(_here)
def here():
    """The core that this thread runs on."""
    raise NotImplementedError


def _two_sets(typing):
    def code(context, builder, sig, args):
        return builder.bitcast(cgutils.alloca_once(builder, WORD, size=2 * SET // 8), BYTE)

    return types.voidptr(), code


@primitive(_two_sets)
def two_sets():
    """Memory of a function's own for two sets of cores."""
    raise NotImplementedError


def _of_cores(name):
    def typed(typing, pointer):
        def code(context, builder, sig, args):
            function = _function(builder, name, INT, WORD, BYTE)
            answer = builder.call(function, [INT(0), WORD(SET), args[0]])
            return builder.sext(answer, WORD)

        return types.intp(pointer), code

    return typed


@primitive(_of_cores("sched_getaffinity"))
def allowed(pointer):
    """Write the set of cores on which this thread may run."""
    raise NotImplementedError


@primitive(_of_cores("sched_setaffinity"))
def allow(pointer):
    """Let it run on a set of them."""
    raise NotImplementedError


def _mark(typing, pointer, place, bits):
    def code(context, builder, sig, args):
        words = builder.bitcast(args[0], WORD.as_pointer())
        return builder.atomic_rmw("or", builder.gep(words, [args[1]]), args[2], "monotonic")

    return types.intp(pointer, types.intp, types.intp), code


@primitive(_mark)
def mark(pointer, place, bits):
    """Set bits of a number that all threads share; what it was."""
    raise NotImplementedError


@jit
def leave(taken):
    """Move this thread to another core than those, if it may run there.

    It may run where it might before, afterwards.
    """
    memory = two_sets()
    before, other = array_at(memory, np.int64, 0), array_at(memory, np.int64, SET)
    if allowed(memory) >= 0:
        some = 0
        for k in range(SET // 8):
            other[k] = before[k] & ~taken if k == 0 else before[k]
            some |= other[k]
        if some != 0 and allow(at_byte(memory, SET)) == 0:
            allow(memory)


@jit
def take_core(told_at, place):
    """Note which core this thread runs on; where another one does, leave it."""
    core = here()
    if 0 <= core < MOST:
        taken = mark(told_at, place, 1 << core)
        if taken >> core & 1:
            leave(taken)
            core = here()
            if 0 <= core < MOST:
                mark(told_at, place, 1 << core)


@jit
def meet(met, others, more):
    """When this thread met another last: now, if others were at work; else it may pause."""
    if met == PAUSED:
        return met
    if others:
        return now()
    if more and now() - met > LONELY_NS:
        pause()
        return PAUSED
    return met
