"""NumPy's arithmetic as the kernels' own: too large is infinite, and nobody is told.

NumPy warns of that, or raises where a user has asked it to (`np.seterr`). Outside of kernels, what
users pass meets these functions alone, and others that are done `quietly`.
"""

import numpy as np

from .._kernels.vectors import brain

quietly = np.errstate(all="ignore")
"""For functions, as a decorator: half the price of a `with`, and it may be entered twice."""


@quietly
def cast(x, dtype):
    """An array as one of a type, in this machine's byte order; itself, if it is that."""
    return x.astype(np.dtype(dtype).newbyteorder("="), copy=False)


@quietly
def put(out, values, add=False):
    """Write values to `out`, whatever its type, or add them there."""
    if out.dtype == brain.DTYPE:
        out[...] = brain.rounded(brain.widened(out) + values if add else values)
    else:
        out[...] = out + values if add else values


@quietly
def summed(x, axis):
    """The sums along one axis or several."""
    return x.sum(axis)
