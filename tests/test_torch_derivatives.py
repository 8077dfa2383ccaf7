"""First and second derivatives of fastsample.torch, in both modes, against finite differences.

FASTSAMPLE_EVERY_KERNEL=1 runs all modes, borders and axes with whole matrices of second
derivatives; else some of them are, with second derivatives along random directions.
"""

import itertools

import pytest
from cases import EVERY, MODES, PADDINGS

torch = pytest.importorskip("torch")
fst = pytest.importorskip("fastsample.torch")

gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck
SIZES, POINTS = {1: (7,), 2: (5, 6), 3: (4, 5, 4)}, {1: (5,), 2: (2, 3), 3: (1, 2, 2)}
RULES = (*PADDINGS, "mirror")
ALL = list(itertools.product(MODES, RULES, (1, 2, 3)))
SOME = [
    ("bilinear", "zeros", 2),
    ("bilinear", "reflection", 2),
    ("bicubic", "constant", 3),
    ("bicubic", "wrap", 1),
    ("nearest", "border", 2),
]
# PyTorch scripts something when it first meets a tangent.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
each_kernel = pytest.mark.parametrize(("mode", "rule", "axes"), ALL if EVERY else SOME)


def leaves(axes, seed=0, dtype=torch.float64):
    """An input and pixel places off the integers and the halves, where slopes jump."""
    made = torch.Generator().manual_seed(seed)
    sizes, points = SIZES[axes], POINTS[axes]
    image = torch.randn(2, 2, *sizes, dtype=dtype, generator=made)
    cells = torch.randint(-4, 2 * max(sizes) + 4, (2, *points, axes), generator=made)
    within = 0.1 + 0.8 * torch.rand(cells.shape, dtype=dtype, generator=made)
    return image.requires_grad_(), ((cells + within) / 2)


def normalised(pixels, sizes, align):
    """Pixels as coordinates."""
    sizes = torch.tensor(sizes[::-1], dtype=pixels.dtype)
    return pixels / (sizes - 1) * 2 - 1 if align else (pixels + 0.5) / sizes * 2 - 1


def calls(mode, rule, axes):
    """(function of an input and a grid, the two) for each unit of coordinates."""
    fill = {"fill_value": 1.5} if rule == "constant" else {}
    image, pixels = leaves(axes)
    if rule != "mirror":
        for align in (False, True):
            grid = normalised(pixels, SIZES[axes], align).requires_grad_()
            yield (
                (lambda x, g, a=align: fst.grid_sample(x, g, mode, rule, a, **fill)),
                (image, grid),
            )
    unit = {"coordinates": "pixel", **fill}
    yield (lambda x, g: fst.grid_sample(x, g, mode, rule, **unit)), (image, pixels.requires_grad_())


@pytest.mark.compiled
@each_kernel
def test_gradients(mode, rule, axes):
    for function, inputs in calls(mode, rule, axes):
        assert gradcheck(function, inputs, check_forward_ad=True)


@pytest.mark.compiled
@each_kernel
def test_gradients_of_gradients(mode, rule, axes):
    for function, inputs in calls(mode, rule, axes):
        both = {"check_fwd_over_rev": True, "check_rev_over_rev": True}
        assert gradgradcheck(function, inputs, **both, fast_mode=not EVERY)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["affine_grid", "affine_sample", "point_sample", "flow_warp"])
def test_other_functions(name):
    made = torch.Generator().manual_seed(3)
    image, pixels = leaves(2)
    theta = torch.tensor([[[0.71, 0.13, 0.05], [-0.21, 0.83, -0.07]]], dtype=torch.float64)
    theta = (theta + torch.zeros(2, 1, 1)).requires_grad_()
    flow = 0.1 + 0.3 * torch.rand(2, 2, 5, 6, dtype=torch.float64, generator=made)
    points = (normalised(pixels, SIZES[2], False) + 1) / 2
    function, inputs = {
        "affine_grid": (lambda t: fst.affine_grid(t, (2, 1, 3, 4)), (theta,)),
        "affine_sample": (lambda x, t: fst.affine_sample(x, t, (3, 4)), (image, theta)),
        "point_sample": (fst.point_sample, (image, points.requires_grad_())),
        "flow_warp": (fst.flow_warp, (image, flow.requires_grad_())),
    }[name]
    assert gradcheck(function, inputs, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(function, inputs, check_batched_grad=True, fast_mode=not EVERY)


@pytest.mark.compiled
def test_homographies():
    image, _ = leaves(2)
    tilt = [[0.71, 0.13, 0.35], [-0.21, 0.83, 0.67], [0.011, -0.013, 1.0]]
    homography = torch.tensor([tilt] * 2, dtype=torch.float64, requires_grad=True)

    def function(input, homography):
        return fst.perspective_sample(input, homography, (3, 4), padding_mode="mirror")

    assert gradcheck(function, (image, homography), check_batched_grad=True)
    (first,) = torch.autograd.grad(function(image, homography).sum(), image, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivatives must not be asked for"):
        first.sum().backward()


@pytest.mark.compiled
def test_deformable_convolution():
    made = torch.Generator().manual_seed(4)
    shapes = (2, 2, 5, 6), (2, 8, 4, 5), (2, 2, 2, 2), (2,), (2, 4, 4, 5)
    input, offset, *rest = (torch.randn(s, dtype=torch.float64, generator=made) for s in shapes)
    offset = torch.floor(offset) + 0.1 + 0.8 * torch.rand(offset.shape, generator=made)
    inputs = [x.requires_grad_() for x in (input, offset, *rest)]

    def function(input, offset, weight, bias, mask):
        return fst.deform_conv2d(input, offset, weight, bias, mask=mask)

    assert gradcheck(function, inputs)
    bare = fst.deform_conv2d(*inputs[:3])
    assert len(torch.autograd.grad(bare.sum(), inputs[:3])) == 3
    (first,) = torch.autograd.grad(function(*inputs).sum(), input, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivatives must not be asked for"):
        first.sum().backward()


def test_both_orders_in_one_loss():
    """A loss with gradients in it: what drops the second order is far off."""
    image, pixels = leaves(2)
    grid = normalised(pixels, SIZES[2], False).requires_grad_()

    def loss(function):
        result = function(image, grid)
        grads = torch.autograd.grad(result.square().sum(), (image, grid), create_graph=True)
        return torch.autograd.grad(result.sum() + sum(g.square().sum() for g in grads), grid)[0]

    theirs = loss(lambda x, g: torch.nn.functional.grid_sample(x, g, align_corners=False))
    torch.testing.assert_close(loss(fst.grid_sample), theirs)


def test_third_derivatives_are_an_error():
    image, grid = leaves(2)
    grid.requires_grad_()
    found = fst.grid_sample(image, grid, "bicubic", coordinates="pixel").square().sum()
    for _ in range(2):
        (found,) = torch.autograd.grad(found, grid, create_graph=True)
        found = found.square().sum()
    with pytest.raises(RuntimeError, match="third derivatives must not be asked for"):
        torch.autograd.grad(found, grid)


@pytest.mark.compiled
class TestFunctional:
    """torch.func."""

    def test_jacobians_of_both_modes(self):
        image, grid = (x.detach() for x in leaves(2))

        def function(x, g):
            return fst.grid_sample(x, g, "bicubic", coordinates="pixel")

        back = torch.func.jacrev(function, (0, 1))(image, grid)
        forth = torch.func.jacfwd(function, (0, 1))(image, grid)
        exact = torch.autograd.functional.jacobian(function, (image, grid))
        for one, other, want in zip(back, forth, exact, strict=True):
            torch.testing.assert_close(one, want)
            torch.testing.assert_close(other, want)

    def test_hessians_of_all_orders(self):
        image, grid = (x.detach() for x in leaves(2))

        def loss(g):
            return fst.grid_sample(image, g, "bicubic", coordinates="pixel").square().sum()

        back, forth = torch.func.jacrev, torch.func.jacfwd
        want = torch.autograd.functional.hessian(loss, grid)
        for outer, inner in itertools.product((back, forth), repeat=2):
            if outer is inner is forth:
                continue
            torch.testing.assert_close(outer(inner(loss))(grid), want)

    def test_batches(self):
        """Any axis of either argument, shared batches, gradients for each."""
        image, grid = (x.detach() for x in leaves(2))
        images, grids = torch.randn(2, 2, 3, 5, 6).double(), torch.stack([grid, grid + 0.2, -grid])
        vmap = torch.func.vmap
        for x, g, dims in (
            (images, grids, (2, 0)),
            (image, grids, (None, 0)),
            (images, grid, (2, None)),
            (image[:1], grids, (None, 0)),
            (images[:1], grids, (2, 0)),
            (images, grids[:, :1], (2, 0)),
        ):
            each = [
                (x if dims[0] is None else x.select(dims[0], k), g if dims[1] is None else g[k])
                for k in range(3)
            ]
            got = vmap(fst.grid_sample, dims)(x, g)
            torch.testing.assert_close(got, torch.stack([fst.grid_sample(*e) for e in each]))

            def gradients(x, g):
                return torch.func.grad(lambda *a: fst.grid_sample(*a).square().sum(), (0, 1))(x, g)

            for one, other in zip(
                vmap(gradients, dims)(x, g),
                zip(*(gradients(*e) for e in each), strict=True),
                strict=True,
            ):
                torch.testing.assert_close(one, torch.stack(other))

    def test_a_layer_with_weights_of_its_own(self):
        input, offset = torch.randn(2, 2, 5, 6), torch.randn(2, 8, 4, 5)
        weights = torch.randn(3, 2, 2, 2, 2)
        got = torch.func.vmap(fst.deform_conv2d, (None, None, 0))(input, offset, weights)
        want = torch.stack([fst.deform_conv2d(input, offset, w) for w in weights])
        torch.testing.assert_close(got, want)
