"""What a message says of a mistake: the function, the argument, and what to do next.

Every call is refused before anything is compiled.
"""

import types

import numpy as np
import pytest

import fastsample as fs

F32 = np.float32


def zeros(*shape, dtype=F32):
    return np.zeros(shape, dtype)


IMAGE, GRID, ONE = zeros(4, 3, 20, 30), zeros(4, 5, 6, 2), zeros(1, 3, 20, 30)
THETA, PHOTO, MAP = zeros(1, 2, 3), zeros(20, 30, 3), zeros(5, 6)
KNOTS, BOXES = zeros(1, 2, 3, 3), np.zeros((2, 4), np.int64)
FLOW, WEIGHT, OFFSET = zeros(1, 2, 20, 30), zeros(2, 3, 3, 3), zeros(1, 18, 18, 28)
SHIFTS = np.zeros((1, 2), np.int64)


def case(function, word, *args, **options):
    return pytest.param(function, args, options, word, id=f"{function}: {word}")


def grid(word, image=IMAGE, points=GRID, *args, **options):
    return case("grid_sample", word, image, points, *args, **options)


MODES = {"linear": "bilinear", "trilinear": "bilinear", "Bilinear": "bilinear", "cubic": "bicubic"}
MODES |= {"bicubik": "bicubic", "nearest-exact": "nearest", "nearst": "nearest"}
RULES = {"replicate": "border", "edge": "border", "nearest": "border", "clamp": "border"}
RULES |= {"circular": "wrap", "grid-wrap": "wrap", "periodic": "wrap", "zero": "zeros"}
RULES |= {"symmetric": "reflection", "grid-mirror": "reflection", "grid-constant": "constant"}
FLAGS = {0: "INTER_NEAREST is 'nearest'", 1: "INTER_LINEAR is 'bilinear'"}
FLAGS |= {2: "INTER_CUBIC is 'bicubic'"}
BORDERS = {1: "BORDER_REPLICATE is 'border'", 2: "BORDER_REFLECT is 'reflection'"}
BORDERS |= {3: "BORDER_WRAP is 'wrap'", 4: "BORDER_REFLECT_101 is 'mirror'"}

WORDS = [
    *(grid(f"did you mean {ours!r}?", mode=theirs) for theirs, ours in MODES.items()),
    *(grid(f"did you mean {ours!r}?", padding_mode=theirs) for theirs, ours in RULES.items()),
    *(grid(f"OpenCV's {flag}", mode=k) for k, flag in FLAGS.items()),
    *(grid(f"OpenCV's {flag}", padding_mode=k) for k, flag in BORDERS.items()),
    grid("'reflection' mirrors at the outer pixels' edges", padding_mode="reflect"),
    grid("with coordinates='pixel'", padding_mode="mirror"),
    case("point_sample", "padding_mode='reflection'", ONE, GRID, padding_mode="mirror"),
    grid("did you mean 'pixel'?", coordinates="pixels"),
    grid("did you mean 'normalized'?", coordinates="normalised"),
    grid("'nearest', 'bilinear', 'bicubic'", mode="area"),
    grid("mode must be one of", mode=None),
    grid("'zeros', 'border'", padding_mode="mean"),
]
SHAPES = [
    grid("one image (H, W, C) is input[None] with channels_last=True", PHOTO, GRID[:1]),
    grid("a gray image (H, W) is input[None, None]", PHOTO[..., 0]),
    grid("one image (D, H, W, C) is input[None]", ONE, zeros(1, 5, 6, 3)),
    grid("numpy.moveaxis(grid, 1, -1)", IMAGE, zeros(4, 2, 5, 6)),
    grid("one for all samples is grid[None]", IMAGE, zeros(5, 6, 2)),
    grid("one for all samples is grid[None]", ONE, zeros(7, 2)),
    grid("one point is grid[None, None]", IMAGE, zeros(2)),
    grid("so a point has 3 coordinates", zeros(1, 1, 4, 4, 4), zeros(1, 5, 2)),
    grid("with N = 4 or 1; got (3, 5, 6, 2)", IMAGE, GRID[:3]),
    grid("(N, *out, 2); got", ONE, zeros(1, 5, 6, 1)),
    grid("no spatial axis of size 0", IMAGE[:, :, :0]),
    grid("1, 2 or 3 axes in *in", zeros(1, 1, 2, 2, 2, 2)),
    case("point_sample", "one for all samples is points[None]", ONE, zeros(7, 2)),
    case("affine_sample", "the result's (H, W), without N and C", ONE, THETA, (3, 15, 21)),
    case("affine_sample", "or (D, H, W), without N and C", ONE, THETA, (2, 3, 15, 21)),
    case("affine_sample", "none negative", ONE, THETA, (-10, 10)),
    case("affine_sample", "(W,), (H, W) or (D, H, W)", ONE, THETA, 10),
    case("affine_sample", "all ints", ONE, THETA, (10.5, 10)),
    case("affine_sample", "add a batch axis: theta[None]", ONE, THETA[0], (4, 4)),
    case("affine_sample", "drop the last row: theta[:, :2]", ONE, zeros(1, 3, 3), (4, 4)),
    case("affine_sample", "drop the last row: theta[None, :2]", ONE, zeros(3, 3), (4, 4)),
    case("affine_sample", "with N = 4 or 1; got (3, 2, 3)", IMAGE, zeros(3, 2, 3), (4, 4)),
    case("affine_grid", "(N, C, *out)", THETA, (4, 4)),
    case("affine_grid", "add a batch axis: theta[None]", THETA[0], (1, 3, 4, 4)),
    case("perspective_sample", "add a batch axis: homography[None]", ONE, np.eye(3), (4, 4)),
    case("perspective_sample", "affine_sample takes", ONE, THETA, (4, 4)),
    case("perspective_sample", "the result's (H, W)", ONE, np.eye(3)[None], (1, 3, 4, 4)),
    case(
        "perspective_sample", "one image (C, H, W) is input[None]", ONE[0], np.eye(3)[None], (4, 4)
    ),
    case("elastic_sample", "add a batch axis: control[None]", ONE, KNOTS[0], (4, 4)),
    case("elastic_sample", "without N and C", ONE, KNOTS, (1, 3, 4, 4)),
    case("elastic_sample", "order must be 3 or 1", ONE, KNOTS, (4, 4), order=2),
    case("transform_points", "add a batch axis: points[None]", zeros(7, 2), THETA, (4, 4)),
    case("transform_points", "add a batch axis: map[None]", zeros(1, 7, 2), THETA[0], (4, 4)),
    case("transform_points", "must have an inverse", zeros(1, 7, 2), THETA, (4, 4)),
    case("flow_warp", "numpy.moveaxis(flow, -1, 1)", ONE, zeros(1, 20, 30, 2)),
    case("flow_warp", "one for all samples is flow[None]", ONE, FLOW[0], channels_last=False),
    case("flow_warp", "(N, 2, 20, 30)", ONE, FLOW[:, :, :10]),
    case("remap", "numpy.stack([map_x, map_y], axis=-1)", PHOTO, MAP),
    case("remap", "map_y must have map_x's shape", PHOTO, MAP, MAP[1:]),
    case("remap", "convert it with map_y.astype(map_x.dtype)", PHOTO, MAP, MAP.astype(np.float64)),
    case("remap", "grid_sample takes batches", ONE, MAP, MAP),
    case("remap", "OpenCV's INTER_LINEAR is 'bilinear'", PHOTO, MAP, MAP, 1),
    case("region_shift", "one for all channels is shifts[None]", ONE, SHIFTS[0]),
    case("region_shift", "G divides C = 3", ONE, np.zeros((2, 2), np.int64)),
    case(
        "paste_masks", "drop the axis of 1: masks[:, 0]", zeros(2, 1, 28, 28), zeros(2, 4), (9, 9)
    ),
    case("paste_masks", "(K, 4), here (2, 4)", zeros(2, 28, 28), zeros(3, 4), (9, 9)),
    case("paste_masks", "boxes[0] must be finite", zeros(1, 2, 2), np.full((1, 4), np.nan), (9, 9)),
    case("patch_affine", "drop the last row: theta[:, :2]", ONE, zeros(2, 3, 3), BOXES, [0, 0]),
    case("patch_affine", "one matrix is theta[None]", ONE, zeros(2, 3), BOXES, [0, 0]),
    case("patch_affine", "one image (C, H, W) is images[None]", ONE[0], THETA, BOXES[:1], [0]),
    case("patch_affine", "numpy.asarray(boxes, numpy.int64)", ONE, THETA, zeros(1, 4), [0]),
    case("patch_affine", "index of one of 1 images", ONE, THETA, BOXES[:1], [5]),
    case("deform_conv2d", "one image (C, H, W) is input[None]", ONE[0], OFFSET, WEIGHT),
    case("deform_conv2d", "18 * groups", ONE, OFFSET[:, :17], WEIGHT),
    case("deform_conv2d", "fits the padded input", ONE, OFFSET, zeros(2, 3, 33, 3)),
    case("deform_conv2d", "an int of at least 1, or two", ONE, OFFSET, WEIGHT, stride=0),
]
TYPES = [
    grid("with mode='nearest'", np.zeros((4, 3, 20, 30), np.int64)),
    grid("numpy.asarray(input, numpy.float64)", np.zeros((4, 3, 20, 30), np.uint32)),
    grid("with mode='nearest'", np.zeros((4, 3, 20, 30), bool)),
    grid("numpy.asarray(grid, numpy.float64)", IMAGE, GRID.astype(np.int64)),
    grid("numpy.asarray(grid, numpy.float32)", IMAGE, GRID.astype(np.uint8)),
    grid("numpy.stack([grid.real, grid.imag], axis=-1)", IMAGE, GRID.astype(np.complex64)),
    grid("got object", np.full(IMAGE.shape, 1.0, object)),
    grid("got <U3", np.full(IMAGE.shape, "abc")),
    grid("numpy.asarray(grid, numpy.float64)", ONE, [[[0, 1]]]),
    grid("input must be an array; got NoneType", None),
    grid("read the file first", "photo.png"),
    grid(".filled(", np.ma.masked_less(IMAGE, 1)),
    grid("True or False", align_corners=1),
    grid("True or False", channels_last=None),
    grid("a real number", fill_value="0"),
    grid("C = 3 numbers; got 2", fill_value=(1, 2)),
    grid("unless padding_mode is 'constant', which reads it", fill_value=7),
    grid("got (1, 2, 3) with 'border'", padding_mode="border", fill_value=(1, 2, 3)),
    grid("a number that uint8 has", IMAGE.astype(np.uint8), fill_value=np.nan),
    grid("the result's shape (4, 3, 5, 6)", out=zeros(4, 3, 5, 5)),
    grid("the result's type float32", out=zeros(4, 3, 5, 6, dtype=np.float64)),
    grid(
        "that share memory: pass a copy of one of them",
        zeros(4, 3, 5, 6),
        GRID,
        out=...,
    ),
    case(
        "grid_sample_backward",
        "a tuple of two bools",
        zeros(4, 3, 5, 6),
        IMAGE,
        GRID,
        output_mask=(1, 0),
    ),
    case("grid_sample_backward", "the result's shape", zeros(4, 3, 5), IMAGE, GRID),
    case(
        "grid_sample_backward",
        "convert it with grad_output.astype",
        IMAGE[:, :, :5, :6].astype("f8"),
        IMAGE,
        GRID,
    ),
    case("vjp", "function must be one of affine_grid", np.sin, IMAGE),
    case("vjp", "out must not be given", fs.grid_sample, IMAGE, GRID, out=zeros(4, 3, 5, 6)),
]


@pytest.mark.parametrize(("function", "args", "options", "word"), [*WORDS, *SHAPES, *TYPES])
def test_it_names_what_to_do(function, args, options, word):
    if options.get("out") is ...:
        options = {"out": args[0]}
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(fs, function)(*args, **options)
    said = str(caught.value)
    assert said.startswith(f"{function}: ")
    assert "\n" not in said
    assert word in said, said


def test_every_function_is_there():
    """Of those that compute; their gradients check as they do."""
    public = {n for n in fs.__all__ if isinstance(getattr(fs, n), types.FunctionType)}
    asked = {case.values[0] for case in (*WORDS, *SHAPES, *TYPES)}
    assert {n for n in public if "backward" not in n} - {"warmup"} == asked - {
        "grid_sample_backward"
    }
