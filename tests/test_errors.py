"""Bad input: one clear error, before anything is allocated, compiled or written."""

import inspect

import numpy as np
import nursery
import pytest

import fastsample as fs

F32 = np.float32
IMAGE = np.ones((4, 3, 6, 7), F32)
GRID = np.zeros((4, 8, 8, 2), F32)
RESULT = (4, 3, 8, 8)
NUMERIC = ["bool", "int64", "uint32", "uint64"]


def fails(error, *parts, input=IMAGE, grid=GRID, **options):
    """grid_sample fails; the message names the function and holds all `parts`."""
    refuses("grid_sample", error, *parts, input=input, grid=grid, **options)


def refuses(function, error, *parts, **arguments):
    """The call fails; the message names the function and holds all `parts`."""
    with pytest.raises(error) as caught:
        getattr(fs, function)(**arguments)
    message = str(caught.value)
    assert message.startswith(f"{function}: ")
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
        nursery.script(
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


SHAPE = ValueError
TYPE = TypeError
EITHER = (TypeError, ValueError)
THETA = np.tile(np.eye(2, 3, dtype=F32), (4, 1, 1))
SIZE = (4, 3, 8, 8)
GOOD = {
    "grid_sample_backward": {"grad_output": zeros(*RESULT), "input": IMAGE, "grid": GRID},
    "affine_grid": {"theta": THETA, "size": SIZE},
    "affine_grid_backward": {"grad_grid": GRID, "size": SIZE},
    "affine_sample": {"input": IMAGE, "theta": THETA, "size": (8, 8)},
    "affine_sample_backward": {
        "grad_output": zeros(*RESULT),
        "input": IMAGE,
        "theta": THETA,
        "size": (8, 8),
    },
}
"""Calls that are right."""

WRONG = [
    *(("grad_output", zeros(*s), SHAPE, (RESULT, s)) for s in [(4, 3, 8, 7), (1, 3, 8, 8), (4, 3)]),
    ("grad_output", zeros(4, 8, 8, 3), SHAPE, (RESULT, (4, 8, 8, 3))),
    ("grad_output", zeros(*RESULT, dtype=np.float64), TYPE, ("float32", "float64")),
    ("grad_output", zeros(*RESULT, dtype=np.int32), TYPE, ("float32", "int32")),
    ("grad_output", zeros(*RESULT, dtype=np.complex64), TYPE, ("float32", "complex64")),
    ("grad_output", None, TYPE, ()),
    *(
        ("input", IMAGE.astype(t), TYPE, (t, "float32"))
        for t in ["int64", "uint32", "bool", "object"]
    ),
    *(("input", zeros(*s), SHAPE, (s,)) for s in [(4, 3), (1, 2, 3, 4, 5, 6), (4, 3, 0, 7)]),
    ("input", "image", TYPE, ()),
    *(("grid", zeros(*s), SHAPE, ("(N, *out, 2)", s)) for s in [(4, 8, 8, 3), (3, 8, 8, 2), (2,)]),
    *(("grid", GRID.astype(t), TYPE, (t, "float32")) for t in ["int64", "uint8", "complex64"]),
    ("grid", None, TYPE, ()),
    *(("theta", zeros(*s), SHAPE, ("(N, 2, 3)", s)) for s in [(4, 2, 2), (4, 3, 4), (4, 6), (3,)]),
    *(("theta", zeros(n, 2, 3), SHAPE, ("N = 4", (n, 2, 3))) for n in (3, 0, 5)),
    *(("theta", THETA.astype(t), TYPE, (t, "float32")) for t in ["int64", "uint8", "complex64"]),
    ("theta", {}, TYPE, ()),
    *(
        ("grad_grid", zeros(*s), SHAPE, ((4, 8, 8, 2), s))
        for s in [(4, 8, 8, 3), (3, 8, 8, 2), (4, 2)]
    ),
    *(("grad_grid", GRID.astype(t), TYPE, (t, "float32")) for t in ["int64", "uint8", "complex64"]),
    ("grad_grid", None, TYPE, ()),
    *(("size", s, EITHER, (s,)) for s in [(), 8, None, "88", (4.0, 8.5), (8, None), {}]),
    *(("size", s, SHAPE, (s,)) for s in [(8,), (1, 2, 3, 4, 5, 6), (4, 3, -8, 8), (-1, 8)]),
    ("mode", "linear", SHAPE, ("nearest", "bicubic", "'linear'")),
    ("padding_mode", "edge", SHAPE, ("wrap", "constant", "'edge'")),
    ("coordinates", "pixels", SHAPE, ("normalized", "'pixels'")),
    *(("align_corners", value, TYPE, (repr(value),)) for value in (0, 1, "yes")),
    *(("fill_value", value, EITHER, ()) for value in ("0", None, 1j, [1.0])),
    *(("channels_last", value, TYPE, (repr(value),)) for value in (None, 0, "yes")),
    *(
        ("output_mask", m, EITHER, (repr(m),))
        for m in [(), (True,), (True, False, True), None, True]
    ),
    *(("output_mask", m, EITHER, (repr(m),)) for m in [3, "ab", (1, 0), (True, None), ("a", "b")]),
]
"""(argument, what is wrong with it, the error, what the message holds)."""


def named(value):
    """A label for a test: what is wrong, in short."""
    return f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else repr(value)


each_wrong_argument = pytest.mark.parametrize(
    ("argument", "value", "error", "parts"), WRONG, ids=[f"{a}={named(v)}" for a, v, _, _ in WRONG]
)


def takes(function, argument):
    return argument in inspect.signature(getattr(fs, function)).parameters


class TestFamily:
    """Each function of the family, with one argument wrong."""

    @pytest.mark.parametrize("function", GOOD)
    @each_wrong_argument
    def test_one_thing_is_wrong(self, function, argument, value, error, parts):
        if takes(function, argument):
            refuses(function, error, argument, *parts, **{**GOOD[function], argument: value})

    @pytest.mark.parametrize("function", GOOD)
    def test_the_rest_is_right(self, function):
        """Without samples there is nothing to compile either."""
        none = {k: v[:0] if isinstance(v, np.ndarray) else v for k, v in GOOD[function].items()}
        if none.get("size") == SIZE:
            none["size"] = (0, *SIZE[1:])
        getattr(fs, function)(**none)

    @pytest.mark.parametrize("function", ["grid_sample_backward", "affine_sample_backward"])
    def test_types_of_the_gradient_and_the_input(self, function):
        arguments = {**GOOD[function], "input": IMAGE.astype(np.float64)}
        refuses(function, TypeError, "grad_output", "float64", "float32", **arguments)

    @pytest.mark.parametrize("function", ["affine_sample", "affine_sample_backward"])
    def test_axes_of_the_input_and_the_size(self, function):
        for image, size in ((zeros(4, 3, 7), (8, 8)), (zeros(4, 3, 5, 6, 7), (8, 8))):
            arguments = {**GOOD[function], "input": image, "size": size}
            refuses(function, ValueError, **arguments)

    def test_size_and_theta_disagree(self):
        for size in ((3, 1, 8, 8), (0, 1, 8, 8)):
            refuses("affine_grid", ValueError, "theta", f"N = {size[0]}", theta=THETA, size=size)
        refuses("affine_grid", ValueError, "theta", "(N, 3, 4)", theta=THETA, size=(4, 1, 2, 3, 4))
        refuses("affine_grid", ValueError, "theta", "(N, 1, 2)", theta=THETA, size=(4, 1, 2))

    def test_what_the_messages_say(self):
        wrong = {**GOOD["grid_sample_backward"], "grad_output": zeros(4, 3, 8, 7)}
        with pytest.raises(ValueError, match="grid_sample_backward") as caught:
            fs.grid_sample_backward(**wrong)
        want = "grid_sample_backward: grad_output must have the result's shape (4, 3, 8, 8); "
        assert str(caught.value) == want + "got (4, 3, 8, 7)"
        with pytest.raises(ValueError, match="affine_sample") as caught:
            fs.affine_sample(IMAGE, zeros(3, 2, 3), (8, 8))
        want = "affine_sample: theta must have shape (N, 2, 3) with N = 4 or 1; got (3, 2, 3)"
        assert str(caught.value) == want


class TestAffineOut:
    @pytest.mark.parametrize(
        ("function", "shape"), [("affine_grid", (4, 8, 8, 2)), ("affine_sample", RESULT)]
    )
    def test_shape_type_and_memory(self, function, shape):
        def no(error, *parts, **changes):
            refuses(function, error, *parts, **{**GOOD[function], **changes})

        no(ValueError, "out", shape, (4, 8), out=zeros(4, 8))
        no(EITHER, "out", "float32", "float64", out=zeros(*shape, dtype=np.float64))
        no(TypeError, "out", out=[[1.0]])
        frozen = zeros(*shape)
        frozen.flags.writeable = False
        no(ValueError, "out", "read-only", out=frozen)
        no(ValueError, "out", out=np.broadcast_to(frozen[:1], shape))

    def test_overlaps(self):
        room = zeros(4 * 8 * 8 * 3)
        theta, grid = room[:24].reshape(4, 2, 3), room[:512].reshape(4, 8, 8, 2)
        refuses(
            "affine_grid", ValueError, "out", "overlap", "theta", theta=theta, size=SIZE, out=grid
        )
        out, wrong = room.reshape(RESULT), {"size": (8, 8), "out": room.reshape(RESULT)}
        refuses("affine_sample", ValueError, "overlap", "theta", input=IMAGE, theta=theta, **wrong)
        refuses("affine_sample", ValueError, "overlap", "input", input=out, theta=THETA, **wrong)

    @pytest.mark.parametrize("function", ["affine_grid", "affine_sample"])
    def test_is_untouched_by_a_failed_call(self, function):
        out = np.full((4, 8, 8, 2) if function == "affine_grid" else RESULT, 7, F32)
        for argument, value, error, _ in WRONG:
            if takes(function, argument):
                arguments = {**GOOD[function], "out": out, argument: value}
                refuses(function, error, argument, **arguments)
        assert (out == 7).all()


def endless(*shape, dtype=F32):
    """An array of terabytes that takes no memory."""
    return np.broadcast_to(np.zeros((1,) * len(shape), dtype), shape)


class TestFamilyBeforeAllElse:
    """The gradients would be terabytes too."""

    @pytest.mark.parametrize("function", GOOD)
    @each_wrong_argument
    def test_nothing_is_allocated(self, function, argument, value, error, parts):
        if not takes(function, argument):
            return
        huge = 2**20, 2**20
        arguments = dict(GOOD[function])
        if "grad_output" in arguments:
            arguments["grad_output"] = endless(4, 3, *huge)
        if "grid" in arguments:
            arguments["grid"] = endless(4, *huge, 2)
        if "grad_grid" in arguments:
            arguments["grad_grid"] = endless(4, *huge, 2)
        if "size" in arguments:
            arguments["size"] = huge if "sample" in function else (4, 3, *huge)
        arguments[argument] = value
        refuses(function, EITHER, argument, **arguments)

    @pytest.mark.compiled
    def test_nothing_is_compiled(self, tmp_path):
        nursery.script(
            """
            import test_errors as t
            from numba.core import event
            with event.install_recorder("numba:compile") as compilations:
                for function, good in t.GOOD.items():
                    for argument, value, error, _ in t.WRONG:
                        if t.takes(function, argument):
                            t.refuses(function, error, **{**good, argument: value})
            assert not compilations.buffer
            """,
            NUMBA_CACHE_DIR=str(tmp_path),
        )
        assert not list(tmp_path.rglob("*.nb?"))


def test_an_error_leaves_the_next_call_well():
    fails(ValueError, mode="linear")
    assert fs.grid_sample(IMAGE, GRID).shape == RESULT


class TestFoundByRandomCalls:
    """What no case above had thought of."""

    @pytest.mark.parametrize("fill", [10**400, [[1.0], [1.0, 2.0]]])
    def test_fill_values_that_are_no_numbers(self, fill):
        fails((TypeError, ValueError), "fill_value", padding_mode="constant", fill_value=fill)

    def test_a_layer_without_weights(self):
        zero = zeros(1, 2, 4, 4)
        refuses("deform_conv2d", TypeError, "weight", input=zero, offset=zero, weight=None)

    def test_more_matrices_than_grids(self):
        refuses("affine_grid", ValueError, "N = 1", theta=zeros(3, 2, 3), size=(1, 1, 4, 4))

    @pytest.mark.parametrize("size", [(1, 1, 2**70, 1), (1, 1, 2**40, 2**40)])
    def test_sizes_that_no_array_has(self, size):
        theta = zeros(1, 2, 3)
        refuses("affine_grid", ValueError, "size", theta=theta, size=size)
        refuses("affine_sample", ValueError, "size", input=IMAGE, theta=theta, size=size[2:])
        with pytest.raises(ValueError, match="s2_mlp: channels"):
            fs.shifts.s2_mlp(2**70)

    def test_vjp_of_a_call_that_lacks_an_argument(self):
        with pytest.raises(TypeError, match="vjp: the arguments must be grid_sample's"):
            fs.vjp(fs.grid_sample, IMAGE)
