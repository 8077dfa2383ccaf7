"""From a user's arguments to a call: checked by their shapes and types, which a trace has."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from .._calls.outline import Outline
from ._calls import FUNCTIONS, Call
from ._primitive import bind


def call(function: str, arrays: dict[str, Any], **options: Any) -> Any:
    """Check a call, and make it."""
    made = {name: jnp.asarray(x) for name, x in arrays.items() if x is not None}
    outlines = {name: Outline(x.shape, np.dtype(x.dtype)) for name, x in made.items()}
    options = {name: _static(x) for name, x in options.items()}
    shape = FUNCTIONS[function].public(**outlines, **options).shape
    dtype = next(iter(made.values())).dtype
    bias = made.pop("bias", None)  # the rest is linear in each of the other arrays
    sampled = Call(function, tuple(made), tuple(sorted(options.items())))
    result = bind(sampled, made, (), shape, dtype)
    return result if bias is None else result + bias[:, None, None]


def _static(option: Any) -> Any:
    """An option that can be compared, and written as text."""
    if isinstance(option, list | tuple | np.ndarray) and np.ndim(option):
        return tuple(map(_static, option))
    return option.item() if isinstance(option, np.generic) else option
