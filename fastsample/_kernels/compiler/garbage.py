"""Python's garbage collector while Numba is imported and kernels are compiled.

Both make hundreds of thousands of objects, most of them to stay. To look through them again and
again takes a fifth of the import and, with the looks that are due once a kernel is compiled, a
twentieth of a first call.
"""

import contextlib
import gc
import itertools

COLLECTED = 16  # kernels, each of which leaves some 10,000 objects in circles, 2 to 4 MB
_compiled = itertools.count(1)


@contextlib.contextmanager
def resting():
    """Let the collector rest, and find nothing new to look through afterwards."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if next(_compiled) % COLLECTED == 0:
            gc.collect()
        elif not gc.get_freeze_count():  # else what somebody froze would be looked through again
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        gc.enable()
