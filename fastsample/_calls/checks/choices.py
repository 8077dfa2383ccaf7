"""Options that are words."""

from ..._kernels.kind import CENTRES, MODES, RULES

CHOICES = {
    "mode": tuple(MODES),
    "padding_mode": tuple(name for name, rule in RULES.items() if rule != CENTRES),
    "coordinates": ("normalized", "pixel"),
}


MIRROR_ADVICE = (
    ": that is for pixel coordinates, of grid_sample with coordinates='pixel', remap and flow_warp"
)


def words(function, **options):
    """Each option is one of its known words."""
    for name, came in options.items():
        _word(function, name, came, CHOICES[name])


def _word(function, name, came, known, advice=""):
    """One of the known words."""
    if not isinstance(came, str) or came not in known:
        listed = ", ".join(repr(word) for word in known)
        raise ValueError(f"{function}: {name} must be one of {listed}; got {came!r}{advice}")


def border(function, came, pixels=False):
    """A border rule; "mirror" is one of pixel coordinates alone."""
    known = tuple(RULES) if pixels else CHOICES["padding_mode"]
    advice = MIRROR_ADVICE if isinstance(came, str) and came == "mirror" else ""
    _word(function, "padding_mode", came, known, advice)
