"""`region_shift` beside slices of NumPy and of PyTorch, which do the same out of place."""

import numpy as np

from .implementations import module, threads

SHAPE = 8, 64, 56, 56
WHOLE = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])  # a quarter of the channels each
FRACTIONS = (WHOLE * 0.75 + 0.1).astype(np.float32)


def make_input():
    """Noise (N, C, H, W), float32."""
    return np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)


def fastsample(x):
    import fastsample as fs

    return lambda: fs.region_shift(x, WHOLE)


def numpy(x):
    return lambda: by_slices(np.empty_like(x), x)


def torch(x):
    lib = module("torch")
    if lib is None:
        return None
    lib.set_num_threads(threads())
    x = lib.from_numpy(x)
    return lambda: by_slices(lib.empty_like(x), x)


def by_slices(out, x):
    """The pixels that move, and the edge that stays."""
    quarters = [np.s_[:, k : k + SHAPE[1] // 4] for k in range(0, SHAPE[1], SHAPE[1] // 4)]
    (down, up, right, left), (to_down, to_up, to_right, to_left) = (
        [array[quarter] for quarter in quarters] for array in (x, out)
    )
    to_down[:, :, 1:], to_down[:, :, :1] = down[:, :, :-1], down[:, :, :1]
    to_up[:, :, :-1], to_up[:, :, -1:] = up[:, :, 1:], up[:, :, -1:]
    to_right[..., 1:], to_right[..., :1] = right[..., :-1], right[..., :1]
    to_left[..., :-1], to_left[..., -1:] = left[..., 1:], left[..., -1:]
    return out


IMPLEMENTATIONS = {"fastsample": fastsample, "numpy": numpy, "torch": torch}


class Shift:
    """Time and peak memory of shifts by one pixel, 8 x 64 x 56 x 56."""

    params = tuple(IMPLEMENTATIONS)
    param_names = ("implementation",)
    warmup_time = 0.1

    def setup(self, implementation):
        self.call = IMPLEMENTATIONS[implementation](make_input())
        if self.call is None:
            raise NotImplementedError(f"{implementation} is not installed")
        self.call()  # compiles, or reads the cache

    def time_shift(self, implementation):
        self.call()

    def peakmem_shift(self, implementation):
        self.call()


class Slide:
    """Time of shifts by fractions of a pixel, and of the way back."""

    params = ("forward", "backward")
    param_names = ("way",)
    warmup_time = 0.1

    def setup(self, way):
        import fastsample as fs

        x = make_input()
        arrays = (x,) if way == "forward" else (x, x)
        function = fs.region_shift if way == "forward" else fs.region_shift_backward
        self.call = lambda: function(*arrays, FRACTIONS)
        self.call()

    def time_slide(self, way):
        self.call()
