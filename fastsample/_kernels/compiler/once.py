"""What is made once a process, whichever threads ask for it."""

import functools
import os
import threading


class _State:
    compiling = threading.RLock()


def _in_child():
    _State.compiling = threading.RLock()  # another thread may have held it; it does not exist here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def once(make):
    """Cache what `make` returns; threads that ask at once wait for one of them."""
    made = {}

    @functools.wraps(make)
    def get(*args):
        if args not in made:
            with _State.compiling:
                if args not in made:
                    made[args] = make(*args)
        return made[args]

    return get
