"""How near is near enough: one table, by the dtype of the result."""

import numpy as np

PUBLISHED = {np.dtype(np.float32): 3e-5, np.dtype(np.float64): 1e-11}
"""What is promised against PyTorch, relative to the result's scale."""

ORACLE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}
"""Against the oracle, which meets the same coordinates: only weights and sums round."""


def of_the_coarser(*dtypes, factor=1):
    """The oracle's table where values and coordinates round: the coarser of the types rules."""
    return dict.fromkeys(ORACLE, factor * max(ORACLE[np.dtype(d)] for d in dtypes))


def assert_close(got, want, scale=None, table=ORACLE, context=""):
    """Same shape, same NaN and inf in the same places, the rest near, relative to `scale`."""
    assert got.shape == want.shape, f"{context}: shape {got.shape}, not {want.shape}"
    finite = np.isfinite(want)
    np.testing.assert_array_equal(
        np.where(finite & np.isfinite(got), 0, got), np.where(finite, 0, want), err_msg=str(context)
    )
    if not finite.any():
        return
    scale = np.abs(want[finite]).max() if scale is None else scale
    error = np.abs(got[finite].astype(np.float64) - want[finite]).max()
    bound = table[got.dtype] * scale
    assert error <= bound, f"{context}: off by {error:.3g}, allowed {bound:.3g}"
