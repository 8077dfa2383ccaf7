"""What the makers share: images, options, `out`, and cases of an input and points."""

import numpy as np
from cases import TAPS

from ..case import Case
from ..judge import is_a_result, judge_gradients, judge_pair, judge_values
from ..memory import SAME, WRITABLE, array_of, dressed, poison

PADDINGS = "zeros", "border", "reflection", "wrap", "constant"
WORDS = {"mode": "word", "padding_mode": "word", "fill_value": "fill"}
FLAGS = {"align_corners": "setting", "channels_last": "flag"}


def second(x):
    """Channels last to second."""
    return np.moveaxis(x, -1, 1) if x.ndim > 2 else x


def image_of(d, kernel, n, sizes, last, tame=False):
    """An argument (N, C, *in) or (N, *in, C)."""
    channels = d.channels(kernel, last)
    shape = (n, *sizes, channels) if last else (n, channels, *sizes)
    like = ("pixels" if kernel.channels else "planes") if d.pool.tight else "any"
    values = d.values(kernel.image, shape, tame)
    if values.dtype.kind in "iu" and values.itemsize == 8:
        values >>= 11  # as many bits as the oracle has
    return dressed(d, values, like)


def least_of(d, kernel):
    """The shortest axis that the kernel is for."""
    return max(TAPS[kernel.mode], 2) if d.pool.tight else 1


def scene(d, kernel, out):
    """Sizes, batches and *out that go together: where an axis has no pixels, *out has no points."""
    sizes = d.sizes(kernel.ndim, least_of(d, kernel), 9 if kernel.ndim < 3 else 6)
    if d.chance(0.02):
        sizes, out = d.emptied(sizes), d.emptied(out or (1,))
        if 0 in sizes and 0 not in out:
            out = (0, *out[1:])
    return sizes, out, d.batches()


def options_of(d, kernel, dtype, reads=False):
    """mode, padding_mode and fill_value, some of them left at their default where that is right."""
    fill = d.fill(np.dtype(dtype), reads or is_read(kernel.padding, dtype))
    options = {"mode": kernel.mode, "padding_mode": kernel.padding, "fill_value": fill}
    defaults = {"mode": "bilinear", "padding_mode": "zeros", "fill_value": 0}
    return {k: v for k, v in options.items() if not (defaults[k] == v and d.chance(0.5))}


def is_read(padding, dtype):
    """Under "constant", and by integers, which have no NaN, where a coordinate is NaN."""
    return padding == "constant" or np.dtype(dtype).kind in "biu"


def rule_of(arguments, align=False):
    """mode, padding, align_corners and fill of a call."""
    get = arguments.get
    return (
        get("mode", "bilinear"),
        get("padding_mode", "zeros"),
        bool(get("align_corners", align)),
        np.asarray(get("fill_value", 0), np.float64),
    )


def usual_options(d, kernel, image, align=True, last=False, reads=False):
    """The options that most functions have; `reads` where any rule reads the fill value."""
    reads = reads or is_read(kernel.padding, image.dtype)
    found = options_of(d, kernel, image.dtype, reads)
    channels = image.shape[-1 if last else 1]
    if "fill_value" in found and channels and d.chance(0.2):
        fills = [d.fill(image.dtype, reads) for _ in range(channels)]
        found["fill_value"] = d.one([list, tuple, np.array])(fills)
    if align:
        found["align_corners"] = d.one([True, False, None, np.bool_(True)])
    return {**found, "channels_last": last}


def give_out(d, arguments, shape, dtype, kernel=None):
    """An `out` somewhere in memory, perhaps between the input's elements."""
    buffer = d.values(dtype, shape, tame=True)
    image = arguments.get("input")
    if (
        not d.pool.tight
        and isinstance(image, np.ndarray)
        and image.dtype == dtype
        and d.chance(0.1)
    ):
        comb = np.full(2 * max(image.size, buffer.size), poison(buffer.dtype), buffer.dtype)
        arguments["input"] = comb[::2][: image.size].reshape(image.shape)
        arguments["input"][...] = image
        arguments["out"] = comb[1::2][: buffer.size].reshape(shape)
        arguments["out"][...] = buffer
        return
    ways = dict(WRITABLE)
    if d.pool.tight and kernel is not None and kernel.channels:
        ways = {k: f for k, f in SAME.items() if k in ways}
    arguments["out"] = (
        buffer if d.chance(0.4) or not buffer.ndim else ways[d.one(list(ways))](buffer)
    )


def sampling(d, name, kernel, arguments, read, out, kinds):
    """A case of a function of an input and points; `read` makes a Reading, channels second."""
    image = array_of(arguments["input"])
    last = arguments["channels_last"]
    r = read()
    batch = len(r.pixels) if len(image) == 1 else len(image)
    channels = r.image.shape[1]
    shape = (batch, *out, channels) if last else (batch, channels, *out)

    def judge(got):
        is_a_result(got, shape, image.dtype, arguments)
        judge_values(second(got) if last else got, r)

    if d.chance(0.3):
        give_out(d, arguments, shape, image.dtype, kernel)
    kinds = {"input": "image", **WORDS, **FLAGS, "out": "out", **kinds}
    return Case(name, arguments, judge, kinds, shape, image.dtype, lambda: r)


def backward_of(case, d):
    """The backward of a case of one of the functions above."""
    arguments = dict(case.arguments)
    arguments.pop("out", None)
    dtype = case.dtype
    mask = d.one([(True, True), (True, True), [True, False], (np.bool_(False), True)])
    gradient = dressed(d, d.values(dtype, case.shape, tame=True))
    arguments = {"grad_output": gradient, **arguments, "output_mask": mask}
    kinds = {**case.kinds, "grad_output": "gradient", "output_mask": "two"}
    kinds["input"] = "floats"
    del kinds["out"]
    return arguments, kinds


def hollow(arguments, kernels):
    """Without kernels to go back through nothing is asked for."""
    if not kernels:
        arguments["output_mask"] = (False, False)
    return arguments


def make_sampled_backward(d, make, kernels, points, unit):
    """Of grid_sample, point_sample, flow_warp; `unit` tells pixels a unit of the coordinates."""
    some = kernels or d.pool.grid_back
    case = make(d, d.one(some), tame=True)
    arguments, kinds = backward_of(case, d)
    hollow(arguments, kernels)
    last = arguments["channels_last"]
    planar = points == "flow" and not last

    def judge(found):
        judge_pair(found, arguments, ("input", points))
        to_image, to_points = found
        r, gradient = case.read(), array_of(arguments["grad_output"])
        if last:
            gradient = second(gradient)
            to_image = None if to_image is None else second(to_image)
        if to_points is not None:
            to_points = np.moveaxis(to_points, 1, -1) if planar else to_points
            scales = [unit(n, r.align, arguments) for n in r.image.shape[:1:-1]]
            to_points = to_points, np.array(scales, np.float64)
        shared_by = r.pixels.size * max(len(r.image), 1) / max(len(r.pixels), 1)
        judge_gradients((to_image, to_points), r, gradient, shared_by)

    return Case(case.name + "_backward", arguments, judge, kinds)


def matrices(d, kernel, n, special=True):
    """(N, D, D + 1), near the identity, or it, or with something special."""
    axes = kernel.ndim
    noise = d.rng.standard_normal((n, axes, axes + 1)) * d.one([0.0, 0.1, 0.6, 0.6])
    theta = (np.eye(axes, axes + 1) + noise).astype(kernel.points)
    return d.sprinkled(theta) if special and d.chance(0.1) else theta
