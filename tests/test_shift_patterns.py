"""The papers' patterns of shifts, and the other ways to compute one."""

import numpy as np
import pytest
from cases import identity
from scipy import ndimage
from shifting import numbers, pad_roll_crop
from systems import assert_refused

import fastsample as fs

F32 = np.float32
TENSOR = np.arange(200).reshape(1, 8, 5, 5)
PAIRS = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])
"""+1 x, -1 x, +1 y, -1 y, as rows of (dy, dx)."""


def slice_indexing(input):
    """The edge keeps its value, and what is read is never what was written."""
    out = input.copy()
    out[:, 0:2, :, 1:] = input[:, 0:2, :, :-1]
    out[:, 2:4, :, :-1] = input[:, 2:4, :, 1:]
    out[:, 4:6, 1:, :] = input[:, 4:6, :-1, :]
    out[:, 6:8, :-1, :] = input[:, 6:8, 1:, :]
    return out


def depthwise_convolution(input, shifts):
    """A 3x3 kernel with a single one for each channel; a correlation reads at its one."""
    out = np.empty_like(input)
    for c, (dy, dx) in enumerate(np.repeat(shifts, input.shape[1] // len(shifts), axis=0)):
        kernel = np.zeros((3, 3), input.dtype)
        kernel[1 - dy, 1 - dx] = 1
        out[:, c] = ndimage.correlate(input[:, c], kernel[None], mode="nearest")
    return out


def deformable_convolution(input, shifts):
    """Constant offsets, a group for each shift, an identity weight; padded: outside it reads 0."""
    channels = input.shape[1]
    wide = np.pad(input, [(0, 0), (0, 0), (1, 1), (1, 1)], "edge").astype(F32)
    offset = np.broadcast_to(-shifts.reshape(1, -1, 1, 1), (1, shifts.size, *wide.shape[2:]))
    weight = np.eye(channels, dtype=F32)[..., None, None]
    return fs.deform_conv2d(wide, offset.astype(F32), weight)[:, :, 1:-1, 1:-1]


def clamped_grid_sampling(input, shifts):
    """The groups as a batch, each with its grid."""
    _, channels, height, width = input.shape
    groups = input.reshape(len(shifts), channels // len(shifts), height, width).astype(F32)
    grid = identity((height, width), F32) - shifts[:, None, None, ::-1]
    grid = np.clip(grid, 0, [width - 1, height - 1]).astype(F32)
    return fs.grid_sample(groups, grid, coordinates="pixel").reshape(input.shape)


class TestFiveWays:
    """The classic ways to shift agree."""

    @pytest.fixture
    def moved(self):
        return fs.region_shift(TENSOR, PAIRS)

    def test_by_hand(self, moved):
        np.testing.assert_array_equal(moved[0, 0, 0], [0, 0, 1, 2, 3])
        np.testing.assert_array_equal(moved[0, 7, :, 4], [184, 189, 194, 199, 199])

    def test_slice_indexing(self, moved):
        np.testing.assert_array_equal(slice_indexing(TENSOR), moved)

    def test_pad_roll_crop(self, moved):
        np.testing.assert_array_equal(pad_roll_crop(TENSOR, PAIRS), moved)

    def test_depthwise_convolution(self, moved):
        np.testing.assert_array_equal(depthwise_convolution(TENSOR, PAIRS), moved)

    def test_deformable_convolution(self, moved):
        np.testing.assert_array_equal(deformable_convolution(TENSOR, PAIRS), moved)

    def test_clamped_grid_sampling(self, moved):
        np.testing.assert_array_equal(clamped_grid_sampling(TENSOR, PAIRS), moved)

    def test_fractional_shifts_that_are_whole(self, moved):
        got = fs.region_shift(TENSOR.astype(F32), PAIRS.astype(F32))
        np.testing.assert_array_equal(got, moved)

    def test_s2_mlp_is_the_same_with_its_axes_turned(self, moved):
        got = fs.region_shift(TENSOR, fs.shifts.s2_mlp(8)[:, ::-1])
        np.testing.assert_array_equal(got, moved)


class TestPatterns:
    @pytest.mark.parametrize("channels", [4, 8, 9, 10, 11, 3, 1, 0])
    def test_s2_mlp(self, channels):
        table = pattern(fs.shifts.s2_mlp(channels), channels)
        input = numbers(42, (2, channels, 4, 5), "int32")
        a, b, c = channels // 4, channels // 2, 3 * channels // 4
        want = input.copy()
        want[:, :a, 1:] = input[:, :a, :-1]
        want[:, a:b, :-1] = input[:, a:b, 1:]
        want[:, b:c, :, 1:] = input[:, b:c, :, :-1]
        want[:, c:, :, :-1] = input[:, c:, :, 1:]
        np.testing.assert_array_equal(shifted(input, table), want)

    @pytest.mark.parametrize("axis", [0, 1])
    @pytest.mark.parametrize(
        ("channels", "size"), [(9, 3), (10, 5), (10, 3), (4, 3), (8, 7), (6, 1)]
    )
    def test_as_mlp(self, channels, size, axis):
        table = pattern(fs.shifts.as_mlp(channels, size, axis), channels)
        assert not table[:, 1 - axis].any()
        input = numbers(43, (2, channels, 6, 7), "int32")
        chunk = -(-channels // size)
        groups = [input[:, k : k + chunk] for k in range(0, channels, chunk)]
        moved = [along(axis, group, k - size // 2) for k, group in enumerate(groups)]
        np.testing.assert_array_equal(shifted(input, table, "zeros"), np.concatenate(moved, 1))

    @pytest.mark.parametrize("channels", [7, 3, 12])
    @pytest.mark.parametrize("kernel", [(1, 3), (3, 1), (1, 7), (5, 1), (1, 4), (1, 1)])
    def test_cycle_fc(self, channels, kernel):
        table = pattern(fs.shifts.cycle_fc(channels, kernel), channels)
        taps, axis = max(kernel), int(kernel[0] == 1)
        reads = [(i + taps // 2) % taps - taps // 2 for i in range(channels)]
        np.testing.assert_array_equal(table[:, axis], np.negative(reads))
        assert not table[:, 1 - axis].any()

    def test_cycle_fc_by_hand(self):
        table = fs.shifts.cycle_fc(7, (1, 3))
        np.testing.assert_array_equal(table[:, 1], [0, -1, 1, 0, -1, 1, 0])

    @pytest.mark.parametrize("channels", [9, 18, 20, 26, 8, 4])
    @pytest.mark.parametrize("kernel", [(3, 3), (1, 3), (3, 1), (2, 2)])
    def test_shift_net(self, channels, kernel):
        """A depthwise correlation with one-hot kernels, zeros outside."""
        table = pattern(fs.shifts.shift_net(channels, kernel), channels)
        taps, centre = kernel[0] * kernel[1], kernel[0] // 2 * kernel[1] + kernel[1] // 2
        groups = np.full(taps, channels // taps)
        groups[centre] += channels % taps
        input = numbers(44, (2, channels, 5, 6), "int32")
        want = np.empty_like(input)
        for c, tap in enumerate(np.repeat(np.arange(taps), groups)):
            one_hot = (np.arange(taps) == tap).astype(input.dtype).reshape(1, *kernel)
            want[:, c] = ndimage.correlate(input[:, c], one_hot, mode="constant")
        np.testing.assert_array_equal(shifted(input, table, "zeros"), want)

    def test_an_even_axis_of_as_mlp(self):
        assert_refused(fs.shifts.as_mlp, "size", 4, of=(8, 4, 0))

    @pytest.mark.parametrize("axis", [2, -3, "x"])
    def test_an_unknown_axis_of_as_mlp(self, axis):
        assert_refused(
            fs.shifts.as_mlp, "axis", axis, of=(8, 3, axis), error=(ValueError, TypeError)
        )

    def test_a_square_kernel_of_cycle_fc(self):
        assert_refused(fs.shifts.cycle_fc, "kernel", (3, 3), of=(8, (3, 3)))

    def test_negative_channels(self):
        assert_refused(fs.shifts.s2_mlp, "channels", -1, of=(-1,))


def pattern(table, channels):
    """The table, once it is one."""
    assert table.shape == (channels, 2)
    assert np.issubdtype(table.dtype, np.signedinteger)
    return table


def shifted(input, table, padding="border"):
    """By a pattern, which may have no rows."""
    return fs.region_shift(input, table, padding) if len(table) else input


def along(axis, group, by):
    """Zero-padded, rolled and cropped along one axis of the image."""
    pad = [(0, 0)] * 4
    pad[2 + axis] = (abs(by), abs(by))
    wide = np.roll(np.pad(group, pad), by, 2 + axis)
    return wide.take(range(abs(by), abs(by) + group.shape[2 + axis]), 2 + axis)
