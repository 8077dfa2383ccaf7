"""One call: made, run, and judged."""

import traceback
import warnings

import numpy as np

from .case import Vjp
from .draw import Draw
from .faults import spoil
from .makers import MAKERS
from .memory import Foreign, memory_of
from .pools import POOLS


def make(seed, k, pool):
    """Call k of a seed, and the generator that made it."""
    d = Draw(np.random.default_rng((seed, k)), POOLS[pool])
    names = list(MAKERS)
    case = MAKERS[names[k % len(names)]](d)
    if d.chance(1 / 3):
        spoil(d, case)
    return d, case


def snapshot(case):
    """The bytes that a call may not change, and those of `out`."""
    arguments = {k: memory_of(x) for k, x in case.arguments.items() if k != "out"}
    inputs = [(k, x, x.tobytes()) for k, x in arguments.items() if x is not None]
    out = case.arguments.get("out")
    out = out if isinstance(out, np.ndarray) else None
    return inputs, (out, None if out is None else (memory_of(out).tobytes(), out.copy()))


def nothing_else_changed(kept, refused):
    """Inputs are as they were, and so is what lies around `out`, and `out` itself where refused."""
    inputs, (out, before) = kept
    if out is not None:
        memory, values = before
        if not refused:
            now = out.copy()
            out[...] = values
        assert memory_of(out).tobytes() == memory, "a byte of or around out has changed"
    for name, x, bytes_before in inputs:
        assert x.tobytes() == bytes_before, f"{name} was written to"
    if out is not None and not refused:
        out[...] = now


def outcome(seed, k, pool):
    """(function, "valid" or "refused", what failed or None)."""
    name = list(MAKERS)[k % len(MAKERS)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            d, case = make(seed, k, pool)
    except Exception:
        return name, "generator", traceback.format_exc()
    kept = snapshot(case)
    refused = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = case.call(d)
    except (ValueError, TypeError) as error:
        refused = error
    except Exception:
        return name, "raised", f"{described(case)}\n{traceback.format_exc()}"
    try:
        judged(case, kept, refused, None if refused else result)
    except Exception as error:
        said = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        return name, "wrong", f"{described(case)}\n{said}"
    return name, "refused" if refused else "valid", None


def judged(case, kept, refused, result):
    """Nothing but what is promised has happened."""
    nothing_else_changed(kept, bool(refused))
    if refused:
        first = str(refused).partition(":")[0]
        assert first in case.prefixes, f"says {type(refused).__name__}: {refused}"
        assert case.faults, f"a valid call was refused: {refused}"
        return
    assert not case.faults, "an invalid call was not refused"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case.judge(result)


def described(case):
    """A call in some lines."""

    def shown(x):
        if isinstance(x, Foreign):
            return "foreign " + shown(x.array)
        if isinstance(x, np.ndarray):
            return f"{x.dtype.str}{x.shape} strides {x.strides}"
        return repr(x) if len(repr(x)) < 60 else repr(x)[:60] + "..."

    inner = f" of {case.inner.name}" if isinstance(case, Vjp) else ""
    lines = [f"    {k} = {shown(x)}" for k, x in case.arguments.items()]
    return "\n".join([f"{case.name}{inner}; wrong on purpose: {case.faults or 'nothing'}", *lines])
