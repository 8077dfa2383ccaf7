"""grid_sample with arrays of every layout: inputs and `out`."""

import itertools

import numpy as np
import pytest
from cases import MODES, coordinates, identity, noise
from sampling import LAYOUTS, OUT, SMALL, check, in_three_dimensions, sample, variants

import fastsample as fs


class TestLayouts:
    @in_three_dimensions
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_input(self, layout, mode, ndim):
        sizes = SMALL[ndim]
        image = dict(variants(noise(28, (2, 3, *sizes), np.float32)))[layout]
        grid = coordinates(29, (2, *OUT[ndim]), np.float32, sizes, "normalized")
        check(image, grid, mode=mode)

    @in_three_dimensions
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_grid(self, layout, mode, ndim):
        sizes = SMALL[ndim]
        grid = coordinates(30, (2, *OUT[ndim]), np.float32, sizes, "normalized")
        check(noise(31, (2, 3, *sizes), np.float32), dict(variants(grid))[layout], mode=mode)

    @pytest.mark.compiled
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_beyond_one_tile(self, layout):
        image = dict(variants(noise(32, (2, 3, 40, 41), np.float32)))[layout]
        grid = dict(variants(coordinates(33, (2, 50, 51), np.float32, (40, 41), "normalized")))
        check(image, grid[layout])

    @pytest.mark.parametrize("axis", [0, 1, 2, 3])
    def test_broadcast_input(self, axis):
        image = np.broadcast_to(noise(34, (1,), np.float32), (2, 3, 6, 7))
        slim = noise(35, [1 if a == axis else s for a, s in enumerate(image.shape)], np.float32)
        grid = coordinates(36, (2, 33), np.float32, (6, 7), "normalized")
        check(image, grid)
        check(np.broadcast_to(slim, image.shape), grid)

    @pytest.mark.parametrize("axis", [0, 1, 2, 3])
    def test_broadcast_grid(self, axis):
        image = noise(37, (2, 3, 6, 7), np.float32)
        grid = coordinates(38, (2, 5, 7, 2), np.float32, (6, 7), "normalized")[..., 0]
        slim = grid.take([0], axis)
        check(image, np.broadcast_to(slim, grid.shape))

    def test_expanded_batch(self):
        """Stride 0 along the batch, as an expanded tensor has it."""
        image = np.broadcast_to(noise(39, (1, 3, 6, 7), np.float32), (4, 3, 6, 7))
        grid = coordinates(40, (1, 5, 7), np.float32, (6, 7), "normalized")
        check(image, np.broadcast_to(grid, (4, 5, 7, 2)))

    def test_grid_split_from_a_stack(self):
        """x and y kept as planes, handed over as a moved axis."""
        planes = np.moveaxis(coordinates(41, (1, 9, 8), np.float32, (6, 7), "normalized"), -1, 0)
        image = noise(42, (1, 3, 6, 7), np.float32)
        check(image, np.moveaxis(np.ascontiguousarray(planes), 0, -1))

    @pytest.mark.parametrize("axes", list(itertools.permutations((1, 2, 3))), ids=str)
    def test_output_axes_in_any_order(self, axes):
        """Three axes that cannot be seen as two, in the grid and in `out`."""
        image = noise(56, (2, 3, 6, 7), np.float32)
        grid = coordinates(57, (2, 6, 8, 10), np.float32, (6, 7), "normalized")[:, ::2, ::2, ::-2]
        grid = grid.transpose(0, *axes, 4)
        want = check(image, grid)
        out = np.full((2, 3, 11, 12, 13), -1, np.float32)
        part = out.transpose(0, 1, *(a + 1 for a in axes))
        part = part[(..., *(slice(1, 2 * n, 2) for n in grid.shape[1:-1]))]
        fs.grid_sample(image, grid, out=part)
        np.testing.assert_array_equal(part, want)
        part[...] = -1
        assert (out == -1).all()

    def test_fields_of_records(self):
        """Elements whose distance is no multiple of their size."""
        records = np.zeros((2, 3, 6, 7), [("tag", "u1"), ("value", "f4")])
        records["value"] = noise(58, records.shape, np.float32)
        pairs = np.zeros((2, 5, 7), [("tag", "u1"), ("point", "f4", 2)])
        pairs["point"] = coordinates(59, (2, 5, 7), np.float32, (6, 7), "normalized")
        want = check(records["value"], pairs["point"])
        results = np.zeros((2, 3, 5, 7), [("tag", "u1"), ("value", "f4")])
        fs.grid_sample(records["value"], pairs["point"], out=results["value"])
        np.testing.assert_array_equal(results["value"], want)
        assert not results["tag"].any()

    def test_every_layout_with_every_other(self):
        image = noise(60, (2, 3, 6, 7), np.float32)
        grid = coordinates(61, (2, 5, 7), np.float32, (6, 7), "normalized")
        want = fs.grid_sample(image, grid)
        for (a, x), (b, g) in itertools.product(variants(image), variants(grid)):
            for c, out in TestOut.outs():
                fs.grid_sample(x, g, out=out)
                np.testing.assert_array_equal(out, want, err_msg=f"{a}, {b}, {c}")

    def test_one_point_in_any_layout(self):
        """A grid without output axes."""
        image = noise(62, (2, 3, 6, 7), np.float32)
        for _, grid in variants(coordinates(63, (2,), np.float32, (6, 7), "normalized")):
            check(image, grid)

    @pytest.mark.compiled
    @pytest.mark.parametrize("channels", [5, 8, 40])
    def test_channels_last_seen_as_planes(self, channels):
        """More points than a tile has: the same bits, forward and back."""
        image = noise(65, (1, channels, 40, 50), np.float32)
        last = np.moveaxis(np.ascontiguousarray(np.moveaxis(image, 1, -1)), -1, 1)
        grid = coordinates(66, (2, 700), np.float32, (40, 50), "normalized")
        want = fs.grid_sample(image, grid)
        wanted = {"output_mask": (False, True)}
        slopes = fs.grid_sample_backward(want, image, grid, **wanted)[1]
        for seen, up in ((last, want), (last[:, ::-1], want[:, ::-1])):
            got = fs.grid_sample(seen, grid)
            assert got.flags.c_contiguous
            np.testing.assert_array_equal(got, up)
        np.testing.assert_array_equal(
            fs.grid_sample_backward(want, last, grid, **wanted)[1], slopes
        )

    @pytest.mark.parametrize(
        ("mode", "padding", "channels", "dtype", "ndim"),
        [
            ("nearest", "constant", 9, np.uint8, 2),
            ("bilinear", "constant", 21, np.float32, 2),
            ("bicubic", "wrap", 21, np.uint8, 2),
            ("bilinear", "border", 9, np.float32, 3),
        ],
    )
    def test_channels_last_of_one_array_alone(self, mode, padding, channels, dtype, ndim):
        """The input's or the result's gradient's: to the bit as planes, with points nowhere."""
        image = (noise(67, (2, channels, *SMALL[ndim]), np.float32) * 90).astype(dtype)
        fill = {"fill_value": [*range(channels)]} if padding == "constant" else {}
        grid = coordinates(68, (2, *OUT[ndim]), np.float32, SMALL[ndim], "normalized") * 1.3
        grid.reshape(-1)[[3, 20]] = np.nan, np.inf
        last = np.moveaxis(np.ascontiguousarray(np.moveaxis(image, 1, -1)), -1, 1)
        want = fs.grid_sample(image, grid, mode, padding, **fill)
        np.testing.assert_array_equal(fs.grid_sample(last, grid, mode, padding, **fill), want)
        out = np.full((*want.shape[:2], *(2 * n for n in want.shape[2:])), 77, want.dtype)
        part = out[(..., *[slice(None, None, 2)] * ndim)]
        fs.grid_sample(last, grid, mode, padding, **fill, out=part)
        np.testing.assert_array_equal(part, want)
        if dtype == np.float32:
            up = noise(69, want.shape, np.float32)
            up_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(up, 1, -1)), -1, 1)
            options = {**fill, "output_mask": (False, True)}
            slopes = fs.grid_sample_backward(up, image, grid, mode, padding, **options)[1]
            for gradient in (up, up_last):
                found = fs.grid_sample_backward(gradient, last, grid, mode, padding, **options)[1]
                np.testing.assert_array_equal(found, slopes)

    def test_sequences(self):
        """Anything NumPy takes."""
        image, grid = [[[[1.0, 2.0], [3.0, 4.0]]]], [[[0.5, 0.5], [1.0, 0.0]]]
        got = fs.grid_sample(image, grid, coordinates="pixel")
        np.testing.assert_array_equal(got, [[[2.5, 2.0]]])

    def test_subclass(self, tmp_path):
        """A memory-mapped file."""
        values = noise(43, (1, 2, 6, 7), np.float32)
        values.tofile(tmp_path / "image")
        image = np.memmap(tmp_path / "image", np.float32, "r", shape=values.shape)
        grid = coordinates(44, (1, 33), np.float32, (6, 7), "normalized")
        np.testing.assert_array_equal(sample(image, grid), sample(values, grid))


class TestOut:
    @pytest.fixture(params=[1, 2, 3])
    def arrays(self, request):
        sizes = SMALL[request.param]
        grid = coordinates(45, (2, 5, 7), np.float32, sizes, "normalized")
        return noise(46, (2, 3, *sizes), np.float32), grid

    @staticmethod
    def outs():
        """(name, an array to write to, what lies around it)."""
        yield "contiguous", np.full((2, 3, 5, 7), np.nan, np.float32)
        wide = np.full((4, 6, 10, 14), -1, np.float32)
        yield "strided", wide[::2, ::2, ::2, ::2]
        yield "rows apart", np.full((2, 3, 5, 20), -1, np.float32)[..., :7]
        yield "planes apart", np.full((2, 5, 5, 7), -1, np.float32)[:, 1:4]
        yield "negative strides", np.full((2, 3, 5, 7), -1, np.float32)[::-1, ::-1, ::-1, ::-1]
        yield "fortran", np.full((2, 3, 5, 7), -1, np.float32, order="F")
        yield "channels last", np.moveaxis(np.full((2, 5, 7, 3), -1, np.float32), -1, 1)
        odd = np.zeros(2 * 3 * 5 * 7 * 4 + 1, np.uint8)[1:].view(np.float32)
        yield "unaligned", odd.reshape(2, 3, 5, 7)

    def test_is_written_and_returned(self, arrays):
        want = fs.grid_sample(*arrays)
        for name, out in self.outs():
            assert fs.grid_sample(*arrays, out=out) is out, name
            np.testing.assert_array_equal(out, want, err_msg=name)

    def test_nothing_around_it_is_touched(self, arrays):
        for name, out in self.outs():
            base = out if out.base is None else out.base
            fs.grid_sample(*arrays, out=out)
            out[...] = -1
            if base.dtype == np.float32 and name != "contiguous":
                assert (base == -1).all(), name

    @pytest.mark.compiled
    @pytest.mark.parametrize("step", [2, -1])
    def test_beyond_one_tile(self, step):
        image = noise(47, (2, 3, 20, 21), np.float32)
        grid = coordinates(48, (2, 60, 61), np.float32, (20, 21), "normalized")
        out = np.empty((2, 3, 60, 61 * abs(step)), np.float32)[..., ::step]
        fs.grid_sample(image, grid, out=out)
        np.testing.assert_array_equal(out, fs.grid_sample(image, grid))

    @pytest.mark.compiled
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("shape", [(1, 2, 1200, 701), (2, 3, 400, 640), (1, 1, 3, 400_000)])
    def test_large_results(self, mode, shape):
        """Results of megabytes, wherever they start and however far their rows are apart."""
        image = noise(54, (shape[0], shape[1], 30, 40), np.float32)
        grid = coordinates(55, (shape[0], *shape[2:]), np.float32, (30, 40), "normalized")
        got = fs.grid_sample(image, grid, mode)
        strips = np.array_split(grid, 3 * shape[2] // min(shape[2], 24), axis=1)
        want = np.concatenate([fs.grid_sample(image, g, mode) for g in strips if g.size], axis=2)
        np.testing.assert_array_equal(got, want)
        count = got.size
        for first in (0, 1, 3, 16):
            room = np.full(count + 32, -1, np.float32)
            out = room[first : first + count].reshape(shape)
            fs.grid_sample(image, grid, mode, out=out)
            np.testing.assert_array_equal(out, want)
            assert (room[:first] == -1).all()
            assert (room[first + count :] == -1).all()
        for apart in (shape[3] + 3, -(-shape[3] // 16) * 16 + 16):
            out = np.full((*shape[:3], apart), -1, np.float32)
            fs.grid_sample(image, grid, mode, out=out[..., : shape[3]])
            np.testing.assert_array_equal(out[..., : shape[3]], want)
            assert (out[..., shape[3] :] == -1).all()

    @pytest.mark.parametrize("ndim", [1, 2, 3])
    def test_interleaved_with_the_input(self, ndim):
        """Memory that lies between the input's elements is not the input's."""
        sizes = SMALL[ndim]
        buffer = noise(49, (1, 2, *sizes, 2), np.float32)
        image, out = buffer[..., 0], buffer[..., 1]
        grid = identity(sizes, np.float32)
        fs.grid_sample(image, grid, out=out, coordinates="pixel")
        np.testing.assert_array_equal(out, image)

    def test_neighbours_of_the_inputs(self):
        """Arrays that touch do not overlap."""
        buffer = np.zeros(3 * 8, np.float32)
        image, grid, out = buffer[:8].reshape(1, 1, 8), buffer[8:16].reshape(1, 8, 1), buffer[16:]
        image[...], grid[...] = np.arange(8), np.arange(8)[:, None]
        fs.grid_sample(image, grid, coordinates="pixel", out=out.reshape(1, 1, 8))
        np.testing.assert_array_equal(out, np.arange(8))


@pytest.mark.compiled
def test_out_itself_comes_back():
    image, grid = noise(3, (1, 5, 6, 2), np.float32), identity((5, 6), np.float32)
    out = np.empty((1, 5, 6, 2), np.float32)
    got = fs.grid_sample(image, grid, coordinates="pixel", channels_last=True, out=out)
    assert got is out
    np.testing.assert_array_equal(out, image)
