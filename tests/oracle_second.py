"""Second derivatives in plain NumPy, from the taps of the oracle: every mixed one, written out.

Coordinates are finite here.
"""

import itertools
import math

import numpy as np
from oracle import OUTSIDE, gather, native, one, taps_of


def grid_sample_double_backward(
    grad_grad_input,
    grad_grad_grid,
    grad_output,
    input,
    grid,
    mode="bilinear",
    padding_mode="zeros",
    align_corners=False,
    *,
    coordinates="normalized",
    fill_value=0.0,
):
    """(grad_grad_output, grad_input, grad_grid) in float64."""
    input, grid = np.asarray(input), native(grid)
    fill = 0.0 if padding_mode == "zeros" else np.asarray(fill_value, np.float64)
    found = np.zeros(grad_output.shape), np.zeros(input.shape), np.zeros(grid.shape)
    for n in range(len(grad_output)):
        axes = taps_of(one(grid, n), input.shape, mode, padding_mode, align_corners, coordinates)
        arrays = [one(x, n).astype(np.float64) for x in (grad_grad_input, input)]
        along = [one(grad_grad_grid, n)[..., -1 - a].astype(np.float64) for a in range(len(axes))]
        parts = found[0][n], one(found[1], n), one(found[2], n)
        add_sample(*parts, axes, *arrays, along, grad_output[n].astype(np.float64), fill)
    return found


def add_sample(to_output, to_input, to_grid, axes, other, image, along, grad, fill):
    """What one sample adds to the three of them, one combination of taps after the other."""
    number = range(len(axes))
    for taps in itertools.product(*axes):

        def weight(*by, taps=taps):
            """The combination's weight, differentiated by these axes."""
            orders = [(t.weight, t.slope, t.curve)[by.count(a)] for a, t in enumerate(taps)]
            return math.prod(orders)

        value, outside = gather(image, taps, fill)
        there, _ = gather(other, taps, 0.0)
        change = sum(along[a] * weight(a) for a in number)
        to_output += weight() * there + change * value
        index = tuple(t.index[~outside] for t in taps)
        assert not any((i == OUTSIDE).any() for i in index)
        np.add.at(to_input, (slice(None), *index), (change * grad)[:, ~outside])
        for b in number:
            mixed = sum(along[a] * weight(a, b) for a in number)
            to_grid[..., -1 - b] += (grad * (weight(b) * there + mixed * value)).sum(0)
