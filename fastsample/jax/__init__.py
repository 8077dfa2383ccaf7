"""first draft"""

import operator
import jax.numpy as jnp
import numpy as np
from .._calls import checks
from .._calls.outline import Outline
from ._calls import Call, FUNCTIONS
from ._primitive import bind


def _call(function, arrays, options):
    made = {n: jnp.asarray(x) for n, x in arrays.items() if x is not None}
    outlines = {n: Outline(x.shape, np.dtype(x.dtype)) for n, x in made.items()}
    found = FUNCTIONS[function].public(**outlines, **options)
    first = next(iter(made.values()))
    call = Call(function, tuple(made), tuple(sorted((k, _static(v)) for k, v in options.items())))
    return bind(call, made, (), found.shape, first.dtype)


def _static(v):
    return tuple(map(_static, v)) if isinstance(v, (list, tuple, np.ndarray)) else v


def grid_sample(
    input,
    grid,
    mode="bilinear",
    padding_mode="zeros",
    align_corners=False,
    *,
    coordinates="normalized",
    fill_value=0,
    channels_last=False,
):
    return _call(
        "grid_sample",
        {"input": input, "grid": grid},
        dict(
            mode=mode,
            padding_mode=padding_mode,
            align_corners=align_corners,
            coordinates=coordinates,
            fill_value=fill_value,
            channels_last=channels_last,
        ),
    )
