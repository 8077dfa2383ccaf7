"""PyTorch's own results, frozen in `golden/` with the versions that made them."""

from pathlib import Path

import numpy as np
import oracle
import pytest
from cases import KERNELS, Kernel
from sampling import sample
from tolerances import ORACLE, PUBLISHED, assert_close

FILES = sorted((Path(__file__).parent / "golden").glob("*.npz"))


def cases(path, every=False):
    """(arguments, PyTorch's result) of each answer in a file, or of those for visited kernels."""
    with np.load(path) as file:
        image, grid = file["image"], file["grid"]
        for name in file.files:
            if "/" in name:
                mode, padding, align = name.split("/")
                real = image.dtype.type
                if every or Kernel(mode, padding, image.ndim - 2, real, real) in KERNELS:
                    yield (image, grid, mode, padding, align == "True"), file[name]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_equals_pytorch(path):
    for args, want in cases(path):
        got = sample(*args)
        if args[2] == "nearest":
            np.testing.assert_array_equal(got, want, err_msg=str(args[2:]))
        assert_close(got, want, np.abs(args[0]).max(), PUBLISHED, context=args[2:])


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_oracle_equals_pytorch(path):
    """What the other tests lean on."""
    for args, want in cases(path, every=True):
        got = oracle.grid_sample(*args).astype(want.dtype)
        assert_close(got, want, np.abs(args[0]).max(), ORACLE, context=args[2:])


def test_all_files_are_there():
    assert len(FILES) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_versions_are_recorded(path):
    with np.load(path) as file:
        assert any(v.startswith("torch 2.13") for v in file["versions"])
