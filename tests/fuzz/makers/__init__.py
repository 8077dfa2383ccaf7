"""Makers draw valid calls: one for each public function, a module for each of the package's.

A maker takes a `Draw` and gives a `Case`. Those of functions that have a gradient also take the
kernel to visit, and `tame` for numbers that a gradient can be judged on.
"""

from ..case import FUNCTIONS
from . import affine, deform, grid, maps, masks, patches, points, shift, tables, vjp, warp

_MODULES = affine, deform, grid, maps, masks, patches, points, shift, tables, vjp, warp
_FOUND = {name: made for module in _MODULES for name, made in vars(module).items()}
MAKERS = {name: _FOUND["make_" + name.removeprefix("shifts.")] for name in FUNCTIONS}
"""A function without a maker is an error at once."""
