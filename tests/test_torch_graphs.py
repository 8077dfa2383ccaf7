"""fastsample.torch in graphs: operators as PyTorch checks them, compile, export, trace, OpInfo."""

import itertools

import pytest

torch = pytest.importorskip("torch")
fst = pytest.importorskip("fastsample.torch")
F = torch.nn.functional
OPS = torch.ops.fastsample
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of PyTorch's own compiler
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def noise(*shape):
    """Of the type of most tests of derivatives, which compile the same kernels."""
    return torch.randn(shape, dtype=torch.float64)


IMAGE, GRID = noise(2, 3, 5, 6), noise(2, 3, 4, 2).tanh()
THETA, FLOW = noise(2, 2, 3), noise(2, 2, 5, 6)
RULES, LAST = ("bilinear", "zeros"), ([0.0], False)
GIVEN = {
    "grid_sample": ((IMAGE, GRID), (*RULES, False, "normalized", *LAST), (2, 3, 3, 4)),
    "affine_sample": ((IMAGE, THETA), ([3, 4], *RULES, False, *LAST), (2, 3, 3, 4)),
    "perspective_sample": (
        (IMAGE, torch.eye(3).double() + 0.02 * noise(2, 3, 3)),
        ([3, 4], *RULES, *LAST),
        (2, 3, 3, 4),
    ),
    "point_sample": ((IMAGE, GRID), (*RULES, False, *LAST), (2, 3, 3, 4)),
    "flow_warp": ((IMAGE, FLOW), (*RULES, *LAST), (2, 3, 5, 6)),
    "affine_grid": ((THETA,), ([3, 4], False), (2, 3, 4, 2)),
    "deform_conv2d": (
        (IMAGE, noise(2, 8, 4, 5), noise(2, 3, 2, 2), noise(2), None),
        ([1, 1], [0, 0, 0, 0], [1, 1]),
        (2, 2, 4, 5),
    ),
}


class TestOperators:
    @pytest.mark.parametrize("name", GIVEN)
    def test_what_pytorch_checks(self, name):
        given, options, shape = GIVEN[name]
        gradient, mask = noise(*shape), [True] * len(given)
        torch.library.opcheck(getattr(OPS, name), (*given, *options))
        backward = (gradient, *given, *options, mask)
        torch.library.opcheck(getattr(OPS, f"{name}_backward"), backward)
        some = (gradient, *given, *options, [k > 0 or len(given) == 1 for k in range(len(given))])
        torch.library.opcheck(getattr(OPS, f"{name}_backward"), some)
        if hasattr(OPS, f"{name}_double_backward"):
            twice = (torch.randn_like(given[0]), None, *backward[:-1], [True, False, True])
            torch.library.opcheck(getattr(OPS, f"{name}_double_backward"), twice)


def layer(image, theta):
    """A transformer's two ways, and something around them."""
    there = fst.affine_sample(image, theta, (7, 8), "bilinear", "border")
    grid = fst.affine_grid(theta, (2, 3, 7, 8))
    return torch.tanh(there) + fst.grid_sample(image, grid, padding_mode="reflection").relu()


def gradients(function):
    """A result and what autograd makes of it."""
    leaves = IMAGE.clone().requires_grad_(), THETA.clone().requires_grad_()
    result = function(*leaves)
    return result.detach(), *torch.autograd.grad(result.square().sum(), leaves)


class TestCompile:
    @pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
    def test_whole_graphs_with_gradients(self, backend):
        torch._dynamo.reset()
        compiled = torch.compile(layer, fullgraph=True, backend=backend)
        for got, want in zip(gradients(compiled), gradients(layer), strict=True):
            torch.testing.assert_close(got, want)

    def test_sizes_that_change(self):
        torch._dynamo.reset()
        compiled = torch.compile(fst.grid_sample, fullgraph=True, backend="aot_eager", dynamic=True)
        for size in (5, 8, 11):
            image = noise(2, 3, size, size + 1)
            torch.testing.assert_close(compiled(image, GRID), fst.grid_sample(image, GRID))

    def test_a_layer(self):
        torch._dynamo.reset()
        given = GIVEN["deform_conv2d"][0][:4]
        leaves = [x.clone().requires_grad_() for x in given]
        compiled = torch.compile(fst.deform_conv2d, fullgraph=True, backend="aot_eager")
        got = torch.autograd.grad(compiled(*leaves).square().sum(), leaves)
        want = torch.autograd.grad(fst.deform_conv2d(*leaves).square().sum(), leaves)
        for one, other in zip(got, want, strict=True):
            torch.testing.assert_close(one, other)

    def test_errors_come_through(self):
        torch._dynamo.reset()
        compiled = torch.compile(fst.grid_sample, backend="aot_eager")
        with pytest.raises(RuntimeError, match="grid must have shape"):
            compiled(IMAGE, GRID[:, :, :, :1])


class Layer(torch.nn.Module):
    """`layer` as a module."""

    def forward(self, image, theta):
        return layer(image, theta)


class TestExport:
    @pytest.mark.parametrize("strict", [False, True])
    def test_operators_are_in_the_graph(self, strict):
        exported = torch.export.export(Layer(), (IMAGE, THETA), strict=strict)
        called = [str(node.target) for node in exported.graph.nodes]
        for name in ("affine_sample", "affine_grid", "grid_sample"):
            assert f"fastsample.{name}.default" in called
        torch.testing.assert_close(exported.module()(IMAGE, THETA), layer(IMAGE, THETA))

    def test_batches_of_any_size(self):
        class Sampled(torch.nn.Module):
            def forward(self, image, grid):
                return fst.grid_sample(image, grid)

        batch = torch.export.Dim("batch", min=2, max=64)
        shapes = {"image": {0: batch}, "grid": {0: batch}}
        exported = torch.export.export(Sampled(), (IMAGE, GRID), dynamic_shapes=shapes)
        image, grid = IMAGE.repeat(3, 1, 1, 1), GRID.repeat(3, 1, 1, 1)
        got = exported.module()(image, grid)
        torch.testing.assert_close(got, fst.grid_sample(image, grid))

    def test_traces(self):
        traced = torch.jit.trace(fst.grid_sample, (IMAGE, GRID))
        other = GRID.flip(1)
        torch.testing.assert_close(traced(IMAGE, other), fst.grid_sample(IMAGE, other))

    def test_fake_tensors(self):
        with torch._subclasses.FakeTensorMode() as fake:
            found = fst.grid_sample(fake.from_tensor(IMAGE), fake.from_tensor(GRID))
        assert found.shape == (2, 3, 3, 4)

    def test_replaced_functions(self):
        torch._dynamo.reset()
        with fst.replace():
            exported = torch.export.export(Replaced(), (IMAGE, GRID))
        assert any("fastsample" in str(node.target) for node in exported.graph.nodes)


class Replaced(torch.nn.Module):
    """Code that knows PyTorch's function alone."""

    def forward(self, image, grid):
        return torch.nn.functional.grid_sample(image, grid, align_corners=False)


NEAR = {torch.float64: 1e-10, torch.float32: 2e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}


class TestOpInfo:
    """PyTorch's own samples of its operators."""

    NAMES = "grid_sampler_2d", "grid_sampler_3d", "nn.functional.grid_sample"
    TYPES = torch.float64, torch.float32, torch.float16, torch.bfloat16

    @pytest.mark.parametrize(("name", "dtype"), list(itertools.product(NAMES, TYPES)), ids=str)
    def test_samples(self, name, dtype):
        infos = pytest.importorskip("torch.testing._internal.common_methods_invocations")
        (info,) = (op for op in infos.op_db if op.name == name)
        assert dtype in info.supported_dtypes("cpu")
        count, near = 0, torch.float64 if dtype is torch.float64 else torch.float32
        torch.manual_seed(0)
        for sample in info.sample_inputs("cpu", dtype, requires_grad=True):
            image, (grid, *options) = sample.input, sample.args
            if name.startswith("grid_sampler"):
                mode, rule, align = options
                words = (
                    ("bilinear", "nearest", "bicubic")[mode],
                    ("zeros", "border", "reflection")[rule],
                )
                options = *words, align
            # Slopes jump where a coordinate is rounded to a mirror: what has 16 bits is widened.
            found = self.found(fst.grid_sample, image, grid, dtype, options, sample.kwargs)
            wanted = self.found(F.grid_sample, image, grid, near, options, sample.kwargs)
            for got, want in zip(found, wanted, strict=True):
                assert got.dtype is dtype
                scale = max(1.0, float(want.abs().max()))
                assert float((got.to(near) - want).abs().max()) <= NEAR[dtype] * scale
            count += 1
        assert count > 10

    def found(self, function, image, grid, dtype, options, more):
        """A result and its gradients."""
        leaves = [x.detach().to(dtype).requires_grad_() for x in (image, grid)]
        result = function(
            *leaves, *options, **{"align_corners": False, **more} if not options else more
        )
        return result.detach(), *torch.autograd.grad(result.sum(), leaves)
