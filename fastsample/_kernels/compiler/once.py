"""What is made once a process, whichever threads ask for it.

A fork may run none of Python's hooks (a server's in C): so a process is known by its number.
"""

import functools
import os
import threading


class _State:
    process = os.getpid()
    making = threading.RLock()


_RENEWED = []  # what a forked child does before it makes anything


def in_each_process(action):
    """Do it now, and again in each forked child that makes something."""
    action()
    _RENEWED.append(action)


def _lock():
    """The lock of this process: in a parent another thread may have held it when it forked."""
    if _State.process != os.getpid():
        _State.process, _State.making = os.getpid(), threading.RLock()
        for action in _RENEWED:
            action()
    return _State.making


def once(make):
    """Cache what `make` returns; threads that ask at once wait for one of them."""
    made = {}

    @functools.wraps(make)
    def get(*args):
        try:
            return made[args]
        except KeyError:  # a second look costs a tenth of a microsecond
            pass
        with _lock():
            if args not in made:
                made[args] = make(*args)
        return made[args]

    return get
