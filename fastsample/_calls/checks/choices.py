"""Options that are words."""

import difflib

from ..._kernels.kind import CENTRES, MODES, RULES

CHOICES = {
    "mode": tuple(MODES),
    "padding_mode": tuple(name for name, rule in RULES.items() if rule != CENTRES),
    "coordinates": ("normalized", "pixel"),
}
# The words of other libraries, and the numbers of OpenCV, for ours.
MEANT = {
    "mode": {
        **dict.fromkeys(("linear", "trilinear", "bi-linear", 1), "bilinear"),
        **dict.fromkeys(("cubic", "tricubic", "keys", "bi-cubic", 2), "bicubic"),
        **dict.fromkeys(("nearest-exact", "nearest_exact", "nn", 0), "nearest"),
    },
    "padding_mode": {
        **dict.fromkeys(("zero", 0, "fill", "constant_values"), "zeros"),
        **dict.fromkeys(("replicate", "edge", "nearest", "clamp", "extend", 1), "border"),
        **dict.fromkeys(("symmetric", "grid-mirror", "reflect", "reflected", 2), "reflection"),
        **dict.fromkeys(("circular", "grid-wrap", "periodic", "repeat", "tile", 3), "wrap"),
        **dict.fromkeys(("reflect101", "reflect_101", "reflect-101", "default", 4), "mirror"),
        "grid-constant": "constant",
    },
    "coordinates": {
        **dict.fromkeys(("pixels", "px", "absolute"), "pixel"),
        **dict.fromkeys(("normalised", "norm", "relative"), "normalized"),
    },
}
FLAGS = {
    "mode": ("INTER_NEAREST", "INTER_LINEAR", "INTER_CUBIC"),
    "padding_mode": (
        *("BORDER_CONSTANT", "BORDER_REPLICATE", "BORDER_REFLECT", "BORDER_WRAP"),
        "BORDER_REFLECT_101",
    ),
}
MIRRORS = (
    ": 'reflection' mirrors at the outer pixels' edges (as 'reflect' of SciPy and OpenCV), "
    "'mirror' at their centres (as 'reflect' of NumPy), with pixel coordinates alone"
)
MIRROR_ADVICE = (
    ": 'mirror' is for pixel coordinates, in remap, flow_warp and with coordinates='pixel'; "
    "elsewhere pass padding_mode='reflection'"
)


def words(function, **options):
    """Each option is one of its known words."""
    for name, came in options.items():
        _word(function, name, came, CHOICES[name])


def _word(function, name, came, known):
    """One of the known words."""
    if not isinstance(came, str) or came not in known:
        listed = ", ".join(repr(word) for word in known)
        raise ValueError(
            f"{function}: {name} must be one of {listed}; got {came!r}{_advice(name, came)}"
        )


def _advice(name, came):
    """What somebody may have meant who knows another library, or has mistyped."""
    if type(came) is int and came in MEANT[name]:
        return f": OpenCV's {FLAGS[name][came]} is {MEANT[name][came]!r}"
    if not isinstance(came, str):
        return ""
    word = came.lower().strip()
    if name == "padding_mode" and word in ("mirror", "reflect"):
        return MIRROR_ADVICE if word == "mirror" else MIRRORS
    known = {**dict.fromkeys(CHOICES[name]), **MEANT[name]}
    near = difflib.get_close_matches(word, [k for k in known if isinstance(k, str)], 1, 0.75)
    if not near:
        return ""
    return f": did you mean {(known[near[0]] or near[0])!r}?"


def border(function, came, pixels=False):
    """A border rule; "mirror" is one of pixel coordinates alone."""
    _word(function, "padding_mode", came, tuple(RULES) if pixels else CHOICES["padding_mode"])
