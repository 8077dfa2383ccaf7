"""Bad input: one clear error, before anything is allocated, compiled or written."""

import child
import numpy as np
import pytest

import fastsample as fs

F32 = np.float32
IMAGE = np.ones((4, 3, 6, 7), F32)
GRID = np.zeros((4, 8, 8, 2), F32)
RESULT = (4, 3, 8, 8)
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
NUMERIC = ["bool", *INTEGERS, "float16", "complex64", "complex128"]


def fails(error, *parts, input=IMAGE, grid=GRID, **options):
    """The call fails; the message names the function and holds all `parts`."""
    with pytest.raises(error) as caught:
        fs.grid_sample(input, grid, **options)
    message = str(caught.value)
    assert message.startswith("grid_sample: ")
    assert "\n" not in message
    for part in parts:
        assert str(part) in message, f"{part!r} is not in: {message}"


def zeros(*shape, dtype=F32):
    return np.zeros(shape, dtype)


class TestShapes:
    def test_the_message_says_what_it_wants_and_what_came(self):
        want = "grid_sample: grid must have shape (N, *out, 2) with N = 4 or 1; got (3, 8, 8, 2)"
        with pytest.raises(ValueError, match="grid_sample: grid") as caught:
            fs.grid_sample(IMAGE, zeros(3, 8, 8, 2))
        assert str(caught.value) == want

    @pytest.mark.parametrize("shape", [(), (5,), (4, 3), (1, 2, 3, 4, 5, 6)])
    def test_input_axes(self, shape):
        fails(ValueError, "input", shape, input=zeros(*shape))

    @pytest.mark.parametrize(
        ("image", "grid"),
        [
            ((4, 3, 7), (4, 8, 2)),
            ((4, 3, 6, 7), (4, 8, 8, 3)),
            ((4, 3, 6, 7), (4, 8, 8, 1)),
            ((4, 3, 5, 6, 7), (4, 8, 8, 2)),
            ((4, 3, 6, 7), (4, 8, 8, 0)),
            ((4, 3, 6, 7), (2,)),
            ((4, 3, 6, 7), ()),
        ],
    )
    def test_last_axis_of_the_grid(self, image, grid):
        want = f"(N, *out, {len(image) - 2})"
        fails(ValueError, "grid", want, grid, input=zeros(*image), grid=zeros(*grid))

    @pytest.mark.parametrize(("n_input", "n_grid"), [(4, 3), (2, 0), (0, 2), (3, 2)])
    def test_batches_that_differ(self, n_input, n_grid):
        image, grid = zeros(n_input, 3, 6, 7), zeros(n_grid, 8, 2)
        fails(ValueError, "grid", f"N = {n_input} or 1", grid.shape, input=image, grid=grid)

    @pytest.mark.parametrize("shape", [(4, 3, 0, 7), (4, 3, 6, 0), (4, 3, 0, 0)])
    def test_nothing_to_sample(self, shape):
        fails(ValueError, "input", shape, input=zeros(*shape))


class TestTypes:
    @pytest.mark.parametrize("dtype", NUMERIC)
    def test_input(self, dtype):
        fails(TypeError, "input", dtype, "float32", input=np.ones(IMAGE.shape, dtype))

    @pytest.mark.parametrize("dtype", ["datetime64[s]", "<U3", "S3"])
    def test_input_of_no_numbers(self, dtype):
        fails(TypeError, "input", np.dtype(dtype), input=np.ones(IMAGE.shape, dtype))

    def test_input_of_objects(self):
        fails(TypeError, "input", "object", input=np.full(IMAGE.shape, 1.0, object))

    def test_input_of_records(self):
        fails(TypeError, "input", input=np.zeros(IMAGE.shape, [("a", F32), ("b", F32)]))

    @pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64")
    def test_input_of_long_doubles(self):
        fails(TypeError, "input", np.dtype(np.longdouble), input=np.ones(IMAGE.shape, "g"))

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "complex64", "object"])
    def test_grid(self, dtype):
        fails(TypeError, "grid", dtype, "float32", grid=GRID.astype(dtype))

    def test_ragged_lists(self):
        with pytest.raises((TypeError, ValueError)):
            fs.grid_sample([[[1.0, 2.0], [3.0]]], GRID)

    @pytest.mark.parametrize("thing", [None, "image", {}, object()])
    def test_things_that_are_no_arrays(self, thing):
        fails(TypeError, "input", input=thing)
        fails(TypeError, "grid", grid=thing)


class TestNames:
    @pytest.mark.parametrize("mode", ["linear", "BILINEAR", "", "trilinear"])
    def test_mode(self, mode):
        fails(ValueError, "mode", "nearest", "bilinear", "bicubic", repr(mode), mode=mode)

    @pytest.mark.parametrize("padding", ["zero", "edge", "", "Border"])
    def test_padding_mode(self, padding):
        known = ("zeros", "border", "reflection", "wrap", "constant")
        fails(ValueError, "padding_mode", *known, repr(padding), padding_mode=padding)

    @pytest.mark.parametrize("kind", ["pixels", "", "normalised"])
    def test_coordinates(self, kind):
        fails(ValueError, "coordinates", "normalized", "pixel", repr(kind), coordinates=kind)

    @pytest.mark.parametrize("name", ["mode", "padding_mode", "coordinates"])
    @pytest.mark.parametrize("value", [None, 0, ["bilinear"], np.zeros(2)])
    def test_names_that_are_no_strings(self, name, value):
        fails((TypeError, ValueError), name, **{name: value})


class TestFill:
    @pytest.mark.parametrize("value", ["0", None, 1j, [1.0], np.ones(2), object()])
    def test_is_a_real_number(self, value):
        fails((TypeError, ValueError), "fill_value", padding_mode="constant", fill_value=value)


class TestOut:
    @pytest.mark.parametrize("shape", [(4, 3, 8, 7), (4, 3, 64), (1, 3, 8, 8), (4, 8, 8, 3), ()])
    def test_shape(self, shape):
        fails(ValueError, "out", RESULT, shape, out=zeros(*shape))

    @pytest.mark.parametrize("dtype", ["float64", "int32", "float16", "complex64"])
    def test_dtype(self, dtype):
        out = zeros(*RESULT, dtype=dtype)
        fails((TypeError, ValueError), "out", "float32", dtype, out=out)

    @pytest.mark.parametrize("thing", [[[1.0]], "out", 5, True])
    def test_is_an_array(self, thing):
        fails(TypeError, "out", out=thing)

    def test_read_only(self):
        out = zeros(*RESULT)
        out.flags.writeable = False
        fails(ValueError, "out", "read-only", out=out)

    def test_overlaps_the_input(self):
        image = zeros(4, 3, 8, 8)
        fails(ValueError, "out", "overlap", "input", input=image, out=image)
        fails(ValueError, "out", "overlap", "input", input=image, out=image[:, ::-1])
        wide = zeros(4, 3, 8, 9)
        fails(ValueError, "out", "overlap", "input", input=wide[..., 1:], out=wide[..., :-1])

    def test_overlaps_the_grid(self):
        grid = zeros(1, 8, 8, 2)
        out = grid.reshape(1, 2, 8, 8)
        fails(ValueError, "out", "overlap", "grid", input=zeros(1, 2, 3, 3), grid=grid, out=out)

    def test_overlaps_by_one_element(self):
        buffer = zeros(8 + 8 - 1)
        image, out = buffer[:8].reshape(1, 1, 8), buffer[7:].reshape(1, 1, 8)
        fails(ValueError, "out", "overlap", input=image, grid=zeros(1, 8, 1), out=out)

    def test_overlaps_in_other_bytes(self):
        buffer = np.zeros(8 * 4 + 2, np.uint8)
        image, out = (buffer[k : k + 32].view(F32).reshape(1, 1, 8) for k in (0, 2))
        fails(ValueError, "out", "overlap", input=image, grid=zeros(1, 8, 1), out=out)

    @pytest.mark.parametrize(
        "options",
        [
            {"mode": "linear"},
            {"padding_mode": "edge"},
            {"coordinates": "pixels"},
            {"input": IMAGE.astype(int)},
            {"grid": GRID.astype(int)},
            {"grid": GRID[:3]},
            {"input": IMAGE[:, :, :0]},
            {"padding_mode": "constant", "fill_value": "x"},
        ],
    )
    def test_is_untouched_by_a_failed_call(self, options):
        out = np.full(RESULT, 7, F32)
        fails((TypeError, ValueError), out=out, **options)
        assert (out == 7).all()


class TestBeforeAllElse:
    """A terabyte's worth of points costs no memory as a view; its result would."""

    @pytest.mark.parametrize(
        "options",
        [
            {"mode": "linear"},
            {"padding_mode": "edge"},
            {"coordinates": "pixels"},
            {"input": IMAGE.astype(int)},
            {"input": IMAGE[:3]},
            {"input": IMAGE[:, :, :0]},
            {"fill_value": "x"},
            {"out": zeros(4, 3, 2, 2)},
        ],
    )
    def test_nothing_is_allocated(self, options):
        endless = np.broadcast_to(zeros(4, 1, 1, 2), (4, 2**20, 2**20, 2))
        fails((TypeError, ValueError), grid=endless, **options)

    @pytest.mark.compiled
    def test_nothing_is_compiled(self, tmp_path):
        child.script(
            """
            import numpy as np
            from numba.core import event
            import fastsample as fs
            image, grid = np.ones((4, 3, 6, 7), np.float32), np.zeros((4, 8, 8, 2), np.float32)
            bad = [
                dict(mode="linear"), dict(padding_mode="edge"), dict(coordinates="pixels"),
                dict(input=image[:3]), dict(input=image.astype(int)), dict(grid=grid[..., :1]),
                dict(out=image), dict(out=np.zeros((4, 3, 8, 8))), dict(fill_value="x"),
                dict(input=image[:, :, :0]),
            ]
            with event.install_recorder("numba:compile") as compilations:
                for options in bad:
                    try:
                        fs.grid_sample(**{"input": image, "grid": grid, **options})
                    except (TypeError, ValueError):
                        continue
                    raise SystemExit(f"{options} passed")
            assert not compilations.buffer
            """,
            NUMBA_CACHE_DIR=str(tmp_path),
        )
        assert not list(tmp_path.rglob("*.nb?"))


def test_an_error_leaves_the_next_call_well():
    fails(ValueError, mode="linear")
    assert fs.grid_sample(IMAGE, GRID).shape == RESULT
