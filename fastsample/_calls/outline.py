"""Arrays of which only shape and type are known: a call with them is checked, and does nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._kernels.vectors import brain


@dataclass(frozen=True)
class Outline:
    """What a trace knows of an array. A public function takes it, and answers with another one."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """An array that has this shape and no memory, for whoever checks."""
        return np.broadcast_to(brain.seen(np.zeros((1,), self.dtype)), self.shape)
