"""Do this process's other threads get a core in time, or do other programs keep them from one?

A thread that is stopped amid its share holds the whole call up, for a time slice. After a call that
took more than twice as long as one thread would, the next ones work alone: of 1x3x224x224 beside
two busy processes on two cores one call in twenty waited 4 ms where a thread alone takes 0.65, and
the others took as long as that. On a quiet machine one to three of 1500 calls waited, a millisecond
each.
"""

import time

# What is no wait but chance. Quiet, 99 of 100 calls wait less than 13 us.
LITTLE_NS = 200_000
# Longer calls are not held up by what a time slice takes, and gain from every core that they get.
SHORT_NS = 5_000_000
# So many times as long as it has waited works a process alone: a wait may be chance, and the more
# come the less time is lost in them.
FIRST, LAST = 16, 1024
GOOD = 200  # calls without a wait, after which it is quiet

_clock = time.perf_counter_ns
_worked = getattr(time, "thread_time_ns", _clock)  # where there is none, nobody is seen to wait


class _State:
    alone = 0  # so many ns of calls are to work alone
    times = FIRST
    good = 0


def is_here():
    """Did a call wait so long, not long ago, that the next ones work alone?"""
    return _State.alone > 0


def alone(region, args):
    """Such a call."""
    start = _clock()
    region(*args)
    _State.alone -= _clock() - start


def together(region, args, threads):
    """A call over threads: has it taken more than twice as long as this one would by itself?"""
    start, before = _clock(), _worked()
    region(*args)
    passed, worked = _clock() - start, _worked() - before
    waited = passed - worked
    if waited > LITTLE_NS and passed > 2 * threads * worked and worked < SHORT_NS:
        _wait_seen(waited)
    elif _State.times > FIRST:
        _calm_seen()


def _wait_seen(waited):
    _State.alone, _State.good = _State.times * waited, 0
    _State.times = min(2 * _State.times, LAST)


def _calm_seen():
    _State.good += 1
    if _State.good == GOOD:
        _State.times, _State.good = FIRST, 0
