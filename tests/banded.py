"""What tests of bands share: arrays that are large enough, and how many calls went by bands."""

import numpy as np


def noise(shape, dtype="f8", seed=0):
    x = np.random.default_rng(seed).standard_normal(shape) * 90
    return (np.abs(x) if np.dtype(dtype).kind in "?u" else x).astype(dtype)


def watched(monkeypatch, module):
    """The calls that go by bands from now on; planes of 64 KB are large enough."""
    found, kept = [], module.run
    monkeypatch.setattr(module, "run", lambda *args: found.append(args) or kept(*args))
    monkeypatch.setattr(module, "LARGE", 2**16)
    return found


def assert_near(got, want, bound=1e-12):
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= bound * np.abs(want).max()
