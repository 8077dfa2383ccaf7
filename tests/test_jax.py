"""The functions under JAX: values, derivatives of both orders, batches, errors, threads."""

import threading
from functools import cache

import numpy as np
import pytest

import fastsample as fs

jax = pytest.importorskip("jax", reason="jax is not installed")

import jax.numpy as jnp  # noqa: E402
from jax.scipy.ndimage import map_coordinates  # noqa: E402

import fastsample.jax as fj  # noqa: E402
from fastsample.jax import _calls, _handler, _primitive, _work  # noqa: E402

pytestmark = pytest.mark.compiled
jax.config.update("jax_disable_most_optimizations", True)  # XLA's own code is not what is tested
RNG = np.random.default_rng(0)
IMAGE = RNG.random((2, 3, 9, 8), np.float32)
GRID = RNG.uniform(-1.1, 1.1, (2, 4, 5, 2)).astype(np.float32)
THETA = RNG.normal(0, 0.4, (2, 2, 3)).astype(np.float32)
TILT = (np.eye(3) + np.random.default_rng(1).normal(0, 0.02, (2, 3, 3))).astype(np.float32)
FLOW = RNG.uniform(-2, 2, (2, 2, 9, 8)).astype(np.float32)
OFFSET = RNG.uniform(-1, 1, (2, 18, 7, 6)).astype(np.float32)
WEIGHT = RNG.normal(0, 1, (4, 3, 3, 3)).astype(np.float32)
MASK = RNG.random((2, 9, 7, 6), np.float32)
CALLS = {  # what is called with, of arrays; and the options
    "grid_sample": ((IMAGE, GRID), {"padding_mode": "constant", "fill_value": 2.0}),
    "affine_grid": ((THETA,), {"size": (2, 1, 4, 5)}),
    "affine_sample": ((IMAGE, THETA), {"size": (4, 5)}),
    "perspective_sample": ((IMAGE, TILT), {"size": (4, 5)}),
    "point_sample": ((IMAGE, GRID / 2 + 0.5), {"padding_mode": "border"}),
    "flow_warp": ((IMAGE, FLOW), {"padding_mode": "reflection"}),
    "deform_conv2d": ((IMAGE, OFFSET, WEIGHT, np.ones(4, np.float32)), {"mask": MASK}),
}
each = pytest.mark.parametrize("name", CALLS)
FIRST_ALONE = "deform_conv2d", "perspective_sample"  # they have no second derivatives
sampling = pytest.mark.parametrize("name", [n for n in CALLS if n not in FIRST_ALONE])


def ours(name):
    """A function of the arrays alone."""
    options = CALLS[name][1]
    return lambda *arrays: getattr(fj, name)(*arrays, **options)


def assert_near(got, want, tolerance=1e-5):
    scale = max(1.0, float(np.abs(want).max()))
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale)


def bent(function):
    """A number that depends on each value in a way of its own."""
    return lambda *arrays: jnp.sin(3 * function(*arrays)).sum()


@each
def test_values(name):
    arrays, options = CALLS[name]
    want = getattr(fs, name)(*arrays, **options)
    assert_near(ours(name)(*arrays), want, 1e-6)
    assert_near(jax.jit(ours(name))(*arrays), want, 1e-6)


def test_xla_calls_the_kernels_on_its_own_buffers():
    jax.block_until_ready(fj.grid_sample(IMAGE, GRID))
    assert _handler.available() == (("ffi" in vars(jax)) and set(_handler.seen) == {(0, 3)})


@pytest.mark.parametrize(("batches", "calls"), [((), 2), ((3,), 3)])
def test_calls_are_made_again_on_other_memory(batches, calls, monkeypatch):
    """Without checks and without NumPy's arrays: on addresses alone."""
    monkeypatch.setattr(_handler, "_again", {})

    def number(image, grid):
        return bent(fj.grid_sample)(image, grid)

    for _ in batches:
        number = jax.vmap(number)
    function = jax.jit(lambda *arrays: jax.vjp(number, *arrays)[1](jnp.ones(batches)))
    for k in range(3):
        image, grid = (np.roll(a, k) for a in (IMAGE, GRID))
        shape = (*batches, 1, 1, 1, 1)
        got = function(*(np.tile(a, shape[: len(batches)] + (1,) * 4) for a in (image, grid)))
        factor = 3 * np.cos(3 * fs.grid_sample(image, grid))
        want = fs.grid_sample_backward(factor, image, grid)
        for one, other in zip(got, want, strict=True):
            assert_near(one, np.broadcast_to(other, one.shape))
    assert len(_handler._again) == calls  # both gradients are one, except under vmap
    assert None not in _handler._again.values()


@each
def test_gradients(name):
    arrays, options = CALLS[name]
    result, pullback = fs.vjp(getattr(fs, name), *arrays, **options)
    factor = RNG.normal(0, 1, result.shape).astype(np.float32)
    wanted = pullback(factor)

    def product(*arrays):
        return (ours(name)(*arrays) * factor).sum()

    places = tuple(range(len(arrays)))
    for got, want in zip(jax.jit(jax.grad(product, places))(*arrays), wanted, strict=False):
        assert_near(got, want)


PAIRED = [n for n in CALLS if n not in ("affine_grid", "deform_conv2d")]  # both at once


def calls_in(function, *arrays):
    """How often a compiled function calls the kernels, and whether for both gradients at once."""
    text = jax.jit(function).lower(*arrays).compile().as_text()
    return text.count(f'custom_call_target="{_handler.TARGET}"'), f"22{_calls.BOTH}" in text


@pytest.mark.parametrize("name", PAIRED)
def test_both_gradients_are_one_call(name):
    arrays, _ = CALLS[name]

    def number(*arrays):
        return bent(ours(name))(*arrays)

    def pull(*arrays):
        return jax.grad(number, (0, 1))(*arrays)

    assert calls_in(pull, *arrays) == (2, True)
    for k in range(2):  # what nothing uses is not computed
        assert calls_in(lambda *a, k=k: pull(*a)[k], *arrays) == (2, False)
        assert calls_in(jax.grad(number, k), *arrays) == (2, False)
        alone = jax.jit(jax.grad(number, k))(*arrays)
        for way in (pull, jax.jit(pull)):
            np.testing.assert_array_equal(way(*arrays)[k], alone)
    assert calls_in(lambda *a: jax.value_and_grad(number, (0, 1))(*a)[0], *arrays) == (1, False)


@sampling
@pytest.mark.parametrize("ways", [("rev", "rev"), ("fwd", "rev"), ("rev", "fwd")])
def test_derivatives_of_both_gradients_at_once(name, ways):
    """Against those of the gradients one by one, which the tests below compare with others."""
    arrays = tuple(jnp.asarray(x) for x in CALLS[name][0])
    along = tuple(jnp.asarray(RNG.normal(0, 1, x.shape), np.float32) for x in arrays)
    number = bent(ours(name))

    def at_once(*arrays):
        return derivative(number, arrays, along, ways[1])

    def one_by_one(*arrays):
        def of_array(k):
            there = lambda x: number(*(x if j == k else y for j, y in enumerate(arrays)))  # noqa: E731
            return derivative(there, arrays[k : k + 1], along[k : k + 1], ways[1])

        return sum(of_array(k) for k in range(len(arrays)))

    for compiled in (jax.jit, lambda f: f):
        got = compiled(lambda *a: outer(at_once, a, along, ways[0]))(*arrays)
        want = compiled(lambda *a: outer(one_by_one, a, along, ways[0]))(*arrays)
        for one, other in zip(got, want, strict=True):
            assert_near(one, other)


def derivative(function, arrays, along, way):
    """How a number moves along directions, in either mode."""
    if way == "fwd":
        return jax.jvp(function, arrays, along)[1]
    places = tuple(range(len(arrays)))
    found = jax.grad(function, places)(*arrays)
    return sum((g * a).sum() for g, a in zip(found, along, strict=True))


def outer(function, arrays, along, way):
    """The derivatives of a number, or its one derivative along directions."""
    if way == "fwd":
        return [jax.jvp(function, arrays, along)[1]]
    return jax.grad(function, tuple(range(len(arrays))))(*arrays)


def test_gradient_of_the_mask():
    arrays = CALLS["deform_conv2d"][0]
    _, pullback = fs.vjp(fs.deform_conv2d, *arrays, mask=MASK)
    got = jax.grad(lambda m: fj.deform_conv2d(*arrays, mask=m).sum())(MASK)
    assert_near(got, pullback(np.ones((2, 4, 7, 6), np.float32))[4])


@sampling
def test_forward_mode_is_reverse_mode(name):
    arrays, _ = CALLS[name]
    tangents = tuple(RNG.normal(0, 1, a.shape).astype(np.float32) for a in arrays)
    value, tangent = jax.jvp(ours(name), arrays, tangents)
    factor = RNG.normal(0, 1, value.shape).astype(np.float32)
    back = jax.vjp(ours(name), *arrays)[1](factor)
    assert_near(
        (tangent * factor).sum(),
        sum((t * b).sum() for t, b in zip(tangents, back, strict=True)),
        1e-4,
    )


def by_map_coordinates(images, points):
    """`grid_sample` in pixels as JAX's own function has it."""

    def plane(image, at):
        return map_coordinates(image, [at[..., 1], at[..., 0]], order=1, mode="constant")

    return jax.vmap(jax.vmap(plane, (0, None)))(images, points)


def in_pixels(images, points):
    return fj.grid_sample(images, points, coordinates="pixel")


PIXELS = RNG.uniform(-1, 9, (2, 4, 5, 2)).astype(np.float32)
HESSIANS = {
    "reverse over reverse": lambda f: jax.jacrev(jax.jacrev(f, (0, 1)), (0, 1)),
    "forward over reverse": lambda f: jax.hessian(f, (0, 1)),
    "reverse over forward": lambda f: jax.jacrev(jax.jacfwd(f, (0, 1)), (0, 1)),
}


def test_gradients_against_map_coordinates():
    assert_near(in_pixels(IMAGE, PIXELS), by_map_coordinates(IMAGE, PIXELS))
    got, want = (
        jax.jit(jax.grad(bent(f), (0, 1)))(IMAGE, PIXELS) for f in (in_pixels, by_map_coordinates)
    )
    assert_near(got[0], want[0], 1e-4)
    assert_near(got[1], want[1], 1e-4)


@cache
def second_derivatives(way, function):
    arrays = IMAGE[:1, :, :5, :5], PIXELS[:1, :3, :2] / 2
    return jax.jit(HESSIANS[way](bent(function)))(*arrays)


@pytest.mark.parametrize("way", HESSIANS)
def test_second_derivatives_against_map_coordinates(way):
    got = second_derivatives(way, in_pixels)
    want = second_derivatives("forward over reverse", by_map_coordinates)
    for i in (0, 1):
        for j in (0, 1):
            assert_near(got[i][j], want[i][j], 1e-4)


@sampling
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_second_derivatives_by_differences(name, mode):
    """Of gradients, along one direction: in doubles, away from kinks as chance has it."""
    if name == "affine_grid":
        pytest.skip("it has no modes")
    arrays, options = CALLS[name]
    if name == "grid_sample" and mode == "bicubic":  # as points, on the same kernels
        options = {"padding_mode": "border"}
    step = 1e-6
    with jax.enable_x64(True):
        arrays = [a.astype(np.float64) for a in arrays]
        along = [RNG.normal(0, 1, a.shape) for a in arrays]

        def number(*arrays):
            return jnp.sin(3 * getattr(fj, name)(*arrays, mode=mode, **options)).sum()

        gradient = jax.jit(jax.grad(number, (0, 1)))

        def product(*arrays):
            return sum((g * v).sum() for g, v in zip(gradient(*arrays), along, strict=True))

        got = jax.jit(jax.grad(product, (0, 1)))(*arrays)
        for k in (0, 1):
            moved = [
                gradient(*(a + s * step * v for a, v in zip(arrays, along, strict=True)))[k]
                for s in (1, -1)
            ]
            assert_near(got[k], (moved[0] - moved[1]) / (2 * step), 1e-5)


def test_derivatives_that_are_not_known_are_refused():
    """Before XLA compiles; op by op it would compile all that comes before, for 5 s and not 0.2."""
    third = jax.jacrev(jax.jacrev(jax.jacrev(bent(lambda g: in_pixels(IMAGE[:1], g)))))
    with pytest.raises(NotImplementedError, match="grid_sample: derivatives beyond"):
        jax.jit(third)(PIXELS[:1, :1])
    second = jax.hessian(
        lambda o: ours("deform_conv2d")(IMAGE, o, WEIGHT, np.ones(4, np.float32)).sum()
    )
    with pytest.raises(NotImplementedError, match="deform_conv2d: derivatives beyond"):
        jax.jit(second)(OFFSET)
    second = jax.hessian(lambda h: ours("perspective_sample")(IMAGE, h).sum())
    with pytest.raises(NotImplementedError, match="perspective_sample: derivatives beyond"):
        jax.jit(second)(TILT)


SHARED = {"both": (0, 0), "input": (None, 0), "coordinates": (0, None)}


@pytest.mark.parametrize(
    "name", ["grid_sample", "affine_sample", "perspective_sample", "flow_warp"]
)
@pytest.mark.parametrize("axes", SHARED)
@pytest.mark.parametrize("batch", [1, 2])
def test_vmap(name, axes, batch):
    """Values and gradients, within and outside of it, as those of a loop."""
    arrays, axes = CALLS[name][0], SHARED[axes]
    arrays = [
        a[:batch] if axis is None else np.stack([a[:batch], a[::-1][:batch], a[:batch] * 0.5])
        for a, axis in zip(arrays, axes, strict=True)
    ]

    def one(*parts):
        return bent(ours(name))(*parts)

    def looped(*arrays):
        return jnp.stack([
            one(*(a if axis is None else a[k] for a, axis in zip(arrays, axes, strict=True)))
            for k in range(3)
        ])  # fmt: skip

    mapped = jax.vmap(one, axes)
    assert_near(mapped(*arrays), looped(*arrays), 1e-4)
    got = jax.grad(lambda *a: mapped(*a).sum(), (0, 1))(*arrays)
    want = jax.grad(lambda *a: looped(*a).sum(), (0, 1))(*arrays)
    assert_near(got[0], want[0], 1e-4)
    assert_near(got[1], want[1], 1e-4)
    each = jax.vmap(jax.grad(one, (0, 1)), axes)(*arrays)
    for k in range(2):
        summed = each[k].sum(0) if axes[k] is None else each[k]
        assert_near(summed, want[k], 1e-4)


def test_complex_images():
    image = (IMAGE + 1j * IMAGE[::-1]).astype(np.complex64)

    def number(image, grid, function):
        return jnp.sin(jnp.abs(function(image, grid)) ** 2).sum()

    def by_parts(image, grid):
        return jax.lax.complex(in_pixels(image.real, grid), in_pixels(image.imag, grid))

    got, want = (jax.grad(number, (0, 1))(image, PIXELS, f) for f in (in_pixels, by_parts))
    assert_near(got[0], want[0], 1e-4)
    assert_near(got[1], want[1], 1e-4)


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16, jnp.uint8])
def test_types(kind):
    image = jnp.asarray(IMAGE * 200).astype(kind)
    want = fs.grid_sample(np.asarray(image), GRID)
    got = jax.jit(fj.grid_sample)(image, GRID)
    assert got.dtype == kind
    np.testing.assert_array_equal(np.asarray(got).astype(float), want.astype(float))


WRONG = {
    "grid must have shape": (ValueError, lambda x, g: fj.grid_sample(x, jnp.zeros((3, 4, 4, 2)))),
    "mode must be one of": (ValueError, lambda x, g: fj.grid_sample(x, g, "cubic")),
    "grid must be float32": (TypeError, lambda x, g: fj.grid_sample(x, g.astype(int))),
}


@pytest.mark.parametrize("said", WRONG)
@pytest.mark.parametrize("way", [jax.jit, lambda f: f])
def test_errors_of_a_trace(said, way):
    kind, function = WRONG[said]
    with pytest.raises(kind, match=f"grid_sample: {said}"):
        way(function)(IMAGE, GRID)


def test_an_error_inside_a_compiled_call_is_an_exception(monkeypatch):
    function = jax.jit(lambda x, g: fj.grid_sample(x, g, "nearest") + 1)
    np.testing.assert_allclose(function(IMAGE, GRID), fs.grid_sample(IMAGE, GRID, "nearest") + 1)

    def broken(*arguments):
        raise ValueError("grid_sample: it broke")

    with monkeypatch.context() as patch:
        for name in ("fill", "fill_again"):
            patch.setattr(_work, name, broken)
        with pytest.raises(
            (ValueError, jax.errors.JaxRuntimeError), match="ValueError: grid_sample: it broke"
        ):
            jax.block_until_ready(function(IMAGE, GRID))
    np.testing.assert_allclose(function(IMAGE, GRID), fs.grid_sample(IMAGE, GRID, "nearest") + 1)


def test_by_callback(monkeypatch):
    """Where XLA's interface is of an unknown version."""
    monkeypatch.setattr(_handler, "available", lambda: False)
    options = {"padding_mode": "wrap", "coordinates": "pixel"}

    def number(x, g):
        return (fj.grid_sample(x, g, **options) ** 2).sum()

    got = jax.jit(jax.grad(number, (0, 1)))(IMAGE, PIXELS)
    result, pullback = fs.vjp(fs.grid_sample, IMAGE, PIXELS, **options)
    for one, want in zip(got, pullback(2 * result), strict=True):
        assert_near(one, want)


def test_a_scan():
    @jax.jit
    def descended(grid):
        def step(grid, _):
            return grid - 0.1 * jax.grad(lambda g: (fj.grid_sample(IMAGE, g) ** 2).sum())(
                grid
            ), None

        return jax.lax.scan(step, grid, length=5)[0]

    want = GRID
    for _ in range(5):
        back = fs.grid_sample_backward(2 * fs.grid_sample(IMAGE, want), IMAGE, want)[1]
        want = want - np.float32(0.1) * back
    assert_near(descended(GRID), want, 1e-4)


def test_two_threads_at_once():
    function = jax.jit(jax.grad(bent(fj.grid_sample), (0, 1)))
    images = [np.roll(IMAGE, k, 3) for k in range(2)]
    wanted = [[np.asarray(g) for g in function(image, GRID)] for image in images]
    wrong = []

    def work(k):
        for _ in range(50):
            found = function(images[k], GRID)
            if not all(np.array_equal(f, w) for f, w in zip(found, wanted[k], strict=True)):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_call_survives_its_text():
    call = _calls.Call(
        "affine_sample", ("input", "theta"), (("fill_value", (1.0, 2.0)),), 1, "input"
    )
    assert _calls.of_text(call.text) == call
    assert _primitive.primitive.name == "fastsample"


def test_empty():
    assert fj.grid_sample(IMAGE[:0], GRID[:0]).shape == (0, 3, 4, 5)
