"""What can be wrong with a call."""

import numpy as np

import fastsample as fs

from .case import Vjp
from .memory import F32, F64, array_of, frozen, swapped

NEVER = 10**400  # too large for a float
THINGS = [None, "text", 2.5, [[1.0], [1.0, 2.0]], object(), {}, b"x", NEVER, [NEVER, 0.5]]
FLAG = [None, 1, 0, "yes", 2.5, [True], np.array([True, False]), np.array(True)]
WORD = ["linear", "", None, 3, b"zeros", ["zeros"], ("zeros",), "Zeros", {}]
FILL = ["0", None, 1j, ["1"], [[1.0], [1.0, 2.0]], object(), b"1", np.zeros(50), NEVER]
SIZE = [None, 3, "ab", (2.5, 3), (-1, 3), (4, 3, -1), (), (1,) * 7, (None, 2), {}]
TWO = [None, True, (), (True,), (True, False, True), 3, "ab", (1, 0), (True, None)]
FIVE = [
    None,
    True,
    (),
    (True,) * 4,
    (True,) * 6,
    3,
    "abcde",
    (1, 0, 0, 0, 0),
    (True,) * 4 + (None,),
]
STEPS = [0, -1, 1.5, (1,), (1, 2, 3), "1", None, (1, 0), (1, -1), (1, 1.5), {}]
BARE = {
    "word": WORD,
    "flag": FLAG,
    "setting": FLAG[1:],  # None is one
    "fill": FILL,
    "size": SIZE,
    "two sizes": [*SIZE, (1, 2, 3), (1,)],
    "two": TWO,
    "five": FIVE,
    "steps": STEPS,
    "padding": [
        *(s for s in STEPS if s not in (0, (1, 0))),
        ((1, 2), 3),
        ((1, 2), (3, -1)),
        ((1,), (2,)),
    ],
    "line": [*STEPS, (2, 2)],
    "count": [-1, 2.5, None, "4", [4], 1j, np.float64(3)],
    "odd": [-1, 2.5, None, 2, 0, "3"],
    "axis": [-1, 2, None, 0.5, "0"],
    "threshold": ["x", 1j, [0.5], np.zeros(2), object(), NEVER],
    "function": [None, np.sin, "grid_sample", fs.remap, [], fs.grid_sample_backward],
}
NO_FLOATS = ["i4", "c8", "?", "O", "U2", "g", "M8[s]"]
LABELS = ["?", "i8", "u4", "u8"]  # what `nearest` takes
NO_NUMBERS = [*LABELS, "O", "U3", "g", "M8[s]", [("a", "f4")]]
WRONG_TYPES = {
    "image": NO_NUMBERS,
    "picture": NO_NUMBERS,
    "four axes": NO_NUMBERS,
    "floats": [*NO_NUMBERS, "u1", "i2"],
    "back numbers": ["O", "U3", "i4", "i8", "?"],
    "four floats": [*NO_NUMBERS, "u1", "i4"],
    "planes": [*NO_NUMBERS, "u1", "f2", "c8"],
    "numbers": ["O", "U3", "M8[s]", [("a", "f4")]],
    "masks": ["i4", "c8", "O", "f2"],
    "boxes": ["i4", "f2", "c8", "O"],
    "whole": ["f4", "f8", "?", "c8", "U2", "O"],
    "shifts": ["f2", "?", "c8", "U2", "O"],
    "points": NO_FLOATS,
    "map": NO_FLOATS,
    "knots": NO_FLOATS,
    "floats like": [*NO_FLOATS, "f2"],
    "same type": ["i4", "f2", "c8"],
    "same type, shaped": ["i4", "f2", "c8"],
    "gradient": ["i4", "u1", "?", "O"],
}
HAVE_BATCHES = (
    *("grid", "points", "flow", "theta", "homography", "control"),
    *("boxes", "box_to_image", "grad_output"),
)
COPIED = "image", "picture", "four axes"
LONGER = (
    *("points", "map", "boxes", "whole", "shifts", "gradient"),
    *("same type, shaped", "floats like"),
)
"""Kinds whose last axis has just one size that is right."""
AXES = {
    "image": [(2, 3), (), (5,), (1, 1, 2, 2, 2, 2)],
    "floats": [(2, 3), (), (1, 1, 2, 2, 2, 2)],
    "numbers": [(2, 3), (), (1, 1, 2, 2, 2, 2)],
    "back numbers": [(2, 3), (), (1, 1, 2, 2, 2, 2)],
    "picture": [(2,), (), (1, 2, 3, 4)],
    "four axes": [(2, 3, 4), (), (1, 1, 2, 2, 2)],
    "four floats": [(2, 3, 4), (), (1, 1, 2, 2, 2)],
    "planes": [(2, 3, 4), (), (1, 1, 2, 2, 2)],
    "masks": [(2, 3), (), (1, 2, 3, 4), (1, 0, 3), (1, 3, 0)],
    "points": [(), (3,)],
    "knots": [(), (3,), (1, 2, 1, 3)],
    "shifts": [(), (3,)],
    "whole": [()],
    "boxes": [(), (4,)],
    "same type": [(), (2, 3), (2, 2, 0, 1)],
    "floats like": [(), (2, 3)],
}


def wrong_type(d, case, x, kind):
    """The same shape in a type that is not taken, or None where the array has it."""
    name = d.one(WRONG_TYPES[kind])
    taken = kind in COPIED and case.arguments.get("mode") == "nearest" and name in LABELS
    return None if taken or np.dtype(name) == x.dtype else np.zeros(x.shape, name)


def longer(x):
    """One more along the last axis."""
    return np.zeros((*x.shape[:-1], x.shape[-1] + 1), x.dtype) if x.ndim else None


def wrong_value(d, case, name):
    """(what is wrong, a value) for an argument, or None where this draw found nothing wrong."""
    kind = case.kinds[name]
    if kind in BARE:
        return f"{kind} that is none", d.one(BARE[kind])
    if kind == "out":
        return wrong_out(d, case)
    if name not in case.sound:
        return None
    x = array_of(case.sound[name])
    way = d.one(["thing", "type", "type", "axes", "longer", "batch", "values"])
    found = None
    if way == "thing" and name not in ("bias", "mask", "map_y"):
        thing = d.one(THINGS)
        found = None if thing is None and case.may_lack(name) else (thing,)
    elif way == "type" and kind in WRONG_TYPES:
        found = wrong_type(d, case, x, kind)
    elif way == "axes" and kind in AXES:
        found = np.zeros(d.one(AXES[kind]), x.dtype)
    elif way == "longer" and kind in LONGER:
        found = longer(x)
    elif way == "batch":
        found = wrong_batch(d, case, name, x)
    elif way == "values":
        found = wrong_numbers(d, case, name, x)
    if found is None:
        return None
    return f"{way} of {name}", found[0] if isinstance(found, tuple) else found


def wrong_batch(d, case, name, x):
    """Another number of samples, where that can't be shared."""
    if name not in HAVE_BATCHES:
        return None
    inner = case.inner if isinstance(case, Vjp) else case
    function = inner.name
    if name in ("boxes", "box_to_image", "grad_output") or function.startswith("patch_affine"):
        return np.zeros((len(x) + 1, *x.shape[1:]), x.dtype) if x.ndim else None
    if function == "affine_grid":
        n = inner.shape[0]
        return np.zeros((n + d.number(1, 2) + (n == 0), *x.shape[1:]), x.dtype)
    batch = len(array_of(case.sound["input"]))
    if batch < 2:
        return None
    return np.zeros((batch + 1, *x.shape[1:]), x.dtype)


def wrong_numbers(d, case, name, x):
    """Boxes that are not finite or run outside, images that are not there, no pixel to read."""
    if not (x.size and x.ndim):
        return None
    x = x.copy()
    k = d.number(0, len(x) - 1)
    if name == "boxes" and x.dtype.kind == "f":
        x[k, d.number(0, 3)] = d.one([np.nan, np.inf, -np.inf])
    elif name == "boxes":
        x = x.astype(np.int64)
        x[k, d.one([0, 1])] = d.one([-1, 100])
    elif name == "box_to_image":
        x = x.astype(np.int64)
        x[k] = d.one([-1, 100])
    elif name in ("input", "image") and case.kinds[name] in ("image", "floats", "picture"):
        nothing_to_read = 0 not in case.shape and case.shape
        last = case.arguments.get("channels_last") is True or name == "image"
        axis = 0 if name == "image" else 1 if last else 2
        return (
            np.zeros((*x.shape[:axis], 0, *x.shape[axis + 1 :]), x.dtype)
            if nothing_to_read
            else None
        )
    else:
        return None
    return x


def wrong_out(d, case):
    """An `out` that is none, or of another shape or type, or can't be written, or overlaps."""
    if isinstance(case, Vjp):
        return "out for vjp", np.zeros(1)
    buffer = np.zeros(case.shape, case.dtype)
    other = F64 if case.dtype != F64 else F32
    ways = {
        "thing": lambda: d.one(["text", [[1.0]], 2.5, object()]),
        "shape": lambda: np.zeros((*case.shape, 1), case.dtype),
        "longer": lambda: longer(buffer),
        "type": lambda: np.zeros(case.shape, other),
        "read-only": lambda: frozen(buffer),
        "byte-swapped": lambda: swapped(buffer) if buffer.dtype.str[0] in "<>" else None,
        "overlaps itself": lambda: over_itself(buffer),
        "overlaps": lambda: over_an_input(d, case, buffer),
    }
    way = d.one(list(ways))
    found = ways[way]()
    return None if found is None else (f"out: {way}", found)


def over_itself(buffer):
    """All its elements at one place."""
    if buffer.size < 2:
        return None
    return np.lib.stride_tricks.as_strided(buffer, strides=(0,) * buffer.ndim)


def over_an_input(d, case, buffer):
    """Both from one piece of memory."""
    names = [k for k, x in case.sound.items() if k != "out" and isinstance(x, np.ndarray)]
    names = [k for k in names if k in case.kinds and case.kinds[k] not in BARE]
    names = [k for k in names if case.sound[k].size and k != "size"]
    if not names or not buffer.size:
        return None
    name = d.one(names)
    x = array_of(case.sound[name])
    if x.dtype.hasobject:
        return None
    raw = np.zeros(x.nbytes + buffer.nbytes, np.uint8)
    view = raw[: x.nbytes].view(x.dtype).reshape(x.shape)
    view[...] = x
    case.arguments[name] = view
    last = (x.nbytes - 1) // buffer.itemsize * buffer.itemsize
    start = d.one([0, last])  # from the first byte, or with the last only
    return raw[start : start + buffer.nbytes].view(buffer.dtype).reshape(buffer.shape)


def mended_by(faults):
    """What would make a call right again: both maps longer are maps of one shape."""
    maps = {"longer of map_x": "longer of map_y", "longer of map_y": "longer of map_x"}
    return {maps[fault] for fault in faults if fault in maps}


def spoil(d, case):
    """Make a call invalid, in one way or two."""
    case.sound = dict(case.arguments)
    for _ in range(1 if d.chance(0.85) else 2):
        for _ in range(50):
            name = d.one(list(case.kinds))
            found = wrong_value(d, case, name)
            if found is not None and found[0] not in mended_by(case.faults):
                what, case.arguments[name] = found
                case.faults.append(what)
                break
    whole = case.dtype is not None and case.dtype.kind in "iu"
    constant = case.arguments.get("padding_mode") == "constant"
    if whole and constant and "fill_value" in case.arguments and d.chance(0.1):
        case.arguments["fill_value"] = np.nan
        case.faults.append("NaN for integers")
    reads = constant or whole or case.dtype is None or case.name == "perspective_sample"
    if not reads and "fill_value" in case.kinds and d.chance(0.1):
        case.arguments["fill_value"] = 7
        case.faults.append("a fill value that nothing reads")
