"""fastsample.torch against torch.nn.functional: results, gradients, types, errors, replacement."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastsample as fs

torch = pytest.importorskip("torch")
F = torch.nn.functional
fst = pytest.importorskip("fastsample.torch")
_functions = pytest.importorskip("fastsample.torch._functions")
_autograd = pytest.importorskip("fastsample.torch._autograd")

COUNT = int(os.environ.get("FASTSAMPLE_RANDOM", "40"))
MODES, RULES = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
NEAR = {torch.float64: 1e-11, torch.float32: 5e-5}


def tensors(sizes=(6, 7), points=(3, 4), batch=2, dtype=torch.float32, seed=0):
    """An input and a grid that spills over its edges."""
    made = torch.Generator().manual_seed(seed)
    image = torch.randn(batch, 3, *sizes, dtype=dtype, generator=made)
    grid = torch.rand(batch, *points, len(sizes), dtype=dtype, generator=made) * 2.8 - 1.4
    return image, grid


def with_gradients(function, image, grid, *options, **more):
    """A result, and the gradients of its product with numbers that are the same for each call."""
    image, grid = (x.detach().clone().requires_grad_() for x in (image, grid))
    result = function(image, grid, *options, **more)
    made = torch.Generator().manual_seed(1)
    weights = torch.randn(result.shape, generator=made).bfloat16().to(result.dtype)
    return result.detach(), *torch.autograd.grad((result * weights).sum(), (image, grid))


def assert_near(got, want, near, context=""):
    """Near, relative to the largest number."""
    assert got.shape == want.shape, context
    assert got.dtype == want.dtype, context
    scale = max(1.0, float(want.abs().max())) if want.numel() else 1.0
    error = float((got - want).abs().max()) if want.numel() else 0.0
    assert error <= near * scale, f"{context}: off by {error:.3g} of {scale:.3g}"


def laid_out(tensor, how):
    """The same values over other memory."""
    if how == "channels last" and tensor.dim() > 3:
        return tensor.movedim(1, -1).contiguous().movedim(-1, 1)
    if how == "strided":
        spread = tensor.new_zeros([2 * n for n in tensor.shape])
        part = spread[(slice(None, None, 2),) * tensor.dim()]
        part.copy_(tensor)
        return part
    return tensor


def assert_like_pytorch(seed):
    """One of the random calls, its result and its gradients."""
    rng = np.random.default_rng(seed)
    mode, rule = rng.choice(MODES), rng.choice(RULES)
    axes = 2 if mode == "bicubic" else int(rng.choice([2, 2, 3]))
    double = rng.integers(2) and mode == "bilinear"  # the others' are checked by differences
    dtype = torch.float64 if double else torch.float32
    sizes = tuple(int(n) for n in rng.integers(1, 12, axes))
    points = tuple(int(n) for n in rng.integers(1, 9, axes))
    image, grid = tensors(sizes, points, int(rng.integers(1, 4)), dtype, seed)
    hows = "plain", "channels last", "strided"
    image, grid = (laid_out(x, rng.choice(hows)) for x in (image, grid))
    options = str(mode), str(rule), bool(rng.integers(2))
    found = with_gradients(fst.grid_sample, image, grid, *options)
    wanted = with_gradients(F.grid_sample, image, grid, *options)
    for name, got, want in zip(("result", "input", "grid"), found, wanted, strict=True):
        context = f"seed {seed}, {name}, {options}, {sizes}, {points}"
        assert_near(got, want, NEAR[dtype] * (20 if name == "grid" else 1), context)


class TestAgainstPyTorch:
    @pytest.mark.compiled
    def test_random_calls(self):
        for seed in range(COUNT):
            assert_like_pytorch(seed)

    @pytest.mark.parametrize("align", [False, True])
    @pytest.mark.parametrize("size", [(2, 3, 5, 7), (2, 3, 4, 5, 6), (1, 1, 1, 6)])
    def test_affine_grid(self, size, align):
        axes = len(size) - 2
        theta = torch.randn(size[0], axes, axes + 1, dtype=torch.float64, requires_grad=True)
        found = fst.affine_grid(theta, size, align)
        weights = torch.randn_like(found)
        wanted = torch.ops.aten.affine_grid_generator(theta, size, align)
        assert_near(found.detach(), wanted.detach(), 1e-12)
        first, second = (torch.autograd.grad((x * weights).sum(), theta) for x in (found, wanted))
        assert_near(first[0], second[0], 1e-11)

    def test_defaults(self):
        image, grid = tensors()
        theta = torch.randn(2, 2, 3)
        for align in (None, False):
            want = F.grid_sample(image, grid, align_corners=False)
            assert_near(fst.grid_sample(image, grid, align_corners=align), want, 1e-5)
            want = F.affine_grid(theta, (2, 1, 3, 4), align_corners=False)
            assert_near(fst.affine_grid(theta, (2, 1, 3, 4), align), want, 1e-6)

    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize(("mode", "axes"), [("nearest", 2), ("nearest", 3), ("bilinear", 3)])
    def test_coordinates_that_are_no_numbers(self, mode, axes, rule):
        image, grid = tensors((4, 5, 6)[:axes], (3, 4, 2)[:axes])
        for k in range(axes):
            grid[0].view(-1, axes)[k, k] = torch.nan
        for align in (False, True):
            found = with_gradients(fst.grid_sample, image, grid, mode, rule, align)
            wanted = with_gradients(F.grid_sample, image, grid, mode, rule, align)
            assert_near(found[0], wanted[0], 1e-5, (mode, rule, align))
            if axes == 2:  # in volumes theirs goes back to another pixel than was read
                assert_near(found[1], wanted[1], 1e-5, (mode, rule, align))
            assert not found[2].isnan().any()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_sixteen_bits(self, dtype):
        """Nearer to the exact result than PyTorch's, or as near."""
        image, grid = (x.to(dtype) for x in tensors())
        exact = with_gradients(F.grid_sample, image.double(), grid.double(), align_corners=False)
        found = with_gradients(fst.grid_sample, image, grid)
        for got, want in zip(found, exact, strict=True):
            assert got.dtype is dtype
            assert_near(got.double(), want, 4 * torch.finfo(dtype).eps)
        theta = torch.randn(2, 2, 3).to(dtype)
        made = fst.affine_grid(theta, (2, 1, 3, 4))
        assert made.dtype is dtype
        want = F.affine_grid(theta.double(), (2, 1, 3, 4), align_corners=False)
        assert_near(made.double(), want, 2 * torch.finfo(dtype).eps)

    def test_autocast(self):
        image, grid = (x.bfloat16() for x in tensors())
        with torch.autocast("cpu"):
            want = F.grid_sample(image, grid, align_corners=False)
            assert_near(fst.grid_sample(image, grid), want, 1e-5)


class TestBeyondPyTorch:
    """What the library has and PyTorch has not: the same numbers as for arrays."""

    def test_options(self):
        image, grid = tensors()
        options = {"padding_mode": "constant", "fill_value": [1.0, 2.0, 3.0]}
        want = fs.grid_sample(image.numpy(), grid.numpy(), **options)
        np.testing.assert_array_equal(fst.grid_sample(image, grid, **options).numpy(), want)
        last = image.movedim(1, -1).contiguous()
        got = fst.grid_sample(last, grid, channels_last=True, **options)
        np.testing.assert_allclose(got.movedim(-1, 1).numpy(), want, 1e-5, 1e-5)

    def test_other_functions(self):
        image, _ = tensors()
        theta, points, flow = torch.randn(2, 2, 3), torch.rand(2, 9, 2), torch.randn(2, 2, 6, 7)
        calls = {
            "affine_sample": (image, theta, (4, 5)),
            "perspective_sample": (image, torch.eye(3) + 0.02 * torch.randn(2, 3, 3), (4, 5)),
            "point_sample": (image, points),
            "flow_warp": (image, flow),
            "deform_conv2d": (image, torch.randn(2, 18, 4, 5), torch.randn(2, 3, 3, 3)),
        }
        for name, arguments in calls.items():
            want = getattr(fs, name)(*arguments)
            leaves = [
                x.clone().requires_grad_() if isinstance(x, torch.Tensor) else x for x in arguments
            ]
            got = getattr(fst, name)(*leaves)
            assert torch.equal(got, want), name
            asked = [x for x in leaves if isinstance(x, torch.Tensor)]
            _, pullback = fs.vjp(getattr(fs, name), *arguments)
            for one, other in zip(
                torch.autograd.grad(got.sum(), asked), pullback(torch.ones_like(want)), strict=False
            ):
                assert torch.equal(one, other), name

    def test_integers(self):
        image, grid = tensors()
        photo = (image * 50).to(torch.uint8)
        assert torch.equal(fst.grid_sample(photo, grid), fs.grid_sample(photo, grid))


class TestAgain:
    """Calls like one before, with other numbers, take a shorter way."""

    def test_with_gradients(self):
        _functions._known.clear()
        for seed in range(3):
            image, grid = tensors(seed=seed)
            image = torch.nn.Parameter(image)
            result = fst.grid_sample(image, grid.requires_grad_())
            grads = torch.autograd.grad(result, (image, grid), torch.ones_like(result))
            plain = image.detach().numpy(), grid.detach().numpy()
            want, pullback = fs.vjp(fs.grid_sample, *plain)
            found = result.detach(), *grads
            for got, expected in zip(found, (want, *pullback(np.ones_like(want))), strict=True):
                np.testing.assert_array_equal(got.numpy(), expected)
        (call,) = _functions._known.values()
        assert len(call.known) == 2, "there and back"
        assert all(call.known.values())

    def test_with_other_shapes_types_and_masks(self):
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            for points in ((3, 4), (5, 2), (0, 4)):
                for wanted in ((True, False), (False, True)):
                    image, grid = tensors(points=points, dtype=torch.float32)
                    image, grid = image.to(dtype), grid.to(dtype)
                    for x, has in zip((image, grid), wanted, strict=True):
                        x.requires_grad_(has)
                    for _ in range(2):
                        (leaf,) = (x for x in (image, grid) if x.requires_grad)
                        result = fst.grid_sample(image, grid)
                        (found,) = torch.autograd.grad(result.sum(), leaf)
                        assert found.shape == leaf.shape
                        assert found.dtype is result.dtype is dtype
                        assert float(found.abs().sum()) > 0 or 0 in points

    def test_numbers_that_have_a_say(self):
        """What is no number reads a pixel of its own, whatever came before."""
        image, grid = tensors()
        for given in (grid, grid.index_fill(1, torch.tensor([1]), torch.nan), grid):
            want = F.grid_sample(image, given, padding_mode="border", align_corners=False)
            assert_near(fst.grid_sample(image, given, padding_mode="border"), want, 1e-5)


class Own(torch.Tensor):
    """A class of its own, whose layers are a tensor's."""


class TestPlain:
    """Which tensors are their memory, whatever came before that was alike in shape and type."""

    @pytest.fixture
    def met(self):
        image, grid = tensors()
        for _ in range(3):
            assert _autograd.is_plain((image, grid))
        return image, grid

    def test_others_are_not(self, met):
        image, grid = met
        with torch._subclasses.FakeTensorMode() as mode:
            fake = mode.from_tensor(image)
        others = {
            "negative": torch._neg_view(image),
            "zeros": torch._efficientzerotensor(image.shape),
            "conjugate": torch.view_as_complex(image[..., :2].contiguous()).conj(),
            "imaginary part of a conjugate": torch.complex(image, image).conj().imag,
            "fake": fake,
            "sparse": image.to_sparse(),
            "meta": image.to("meta"),
            "class of its own": image.as_subclass(Own),
            "array": image.numpy(),
        }
        for name, other in others.items():
            assert not _autograd.is_plain((other, grid)), name
            assert not _autograd.is_plain((grid, other)), name
        assert _autograd.is_plain((image, grid))

    @pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # PyTorch's own
    def test_nor_in_company(self, met):
        image, grid = met
        said = []

        def asked(x):
            said.append(_autograd.is_plain((x, grid)))
            return x

        torch.func.vmap(asked)(image[None])
        torch.func.grad(lambda x: asked(x).sum())(image)
        torch.func.functionalize(asked)(image)
        with torch.autograd.forward_ad.dual_level():
            asked(torch.autograd.forward_ad.make_dual(image, image))
        with torch._subclasses.FakeTensorMode():
            asked(image)
        assert said == [False] * 5

    def test_of_any_kind(self, met):
        """More kinds than are remembered, twice; none where there may be none; one tensor twice."""
        image, grid = met
        for _ in range(2):
            for dtype in (torch.float16, torch.float32, torch.float64, torch.uint8, torch.bool):
                for shape in ((3,), (2, 2), (1, 2, 3), ()):
                    x = torch.ones(shape).to(dtype)
                    assert _autograd.is_plain((x, grid))
                    assert _autograd.is_plain((x, None, grid))
                    assert _autograd.is_plain((x, x))
        parameter = torch.nn.Parameter(image)
        assert _autograd.is_plain((parameter, grid))
        assert _autograd.is_plain((image.requires_grad_(), grid))
        with torch.no_grad(), torch.autocast("cpu"):
            assert _autograd.is_plain((parameter, grid))
        with torch.inference_mode():
            assert _autograd.is_plain((parameter, grid))
        assert not _autograd.is_plain((torch._neg_view(image.detach()), grid))


class TestErrors:
    """PyTorch's classes, our words."""

    def assert_refused(self, error, match, function, *args, **kwargs):
        with pytest.raises(error, match=match):
            function(*args, **kwargs)

    def test_words(self):
        image, grid = tensors()
        self.assert_refused(
            ValueError, "mode must be one of", fst.grid_sample, image, grid, "cubic"
        )
        rule = {"padding_mode": "edge"}
        self.assert_refused(
            ValueError, "padding_mode must be", fst.grid_sample, image, grid, **rule
        )

    def test_shapes_and_types(self):
        image, grid = tensors()
        match = r"grid_sample: grid must have shape \(N, \*out, 2\)"
        self.assert_refused(RuntimeError, match, fst.grid_sample, image, grid[..., :1])
        self.assert_refused(
            RuntimeError, match, fst.grid_sample, image.requires_grad_(), grid[..., :1]
        )
        self.assert_refused(
            RuntimeError, "grid must be float32", fst.grid_sample, image, grid.int()
        )

    def test_what_is_no_tensor(self):
        image, grid = tensors()
        self.assert_refused(
            TypeError, "input must be a Tensor", fst.grid_sample, image.numpy(), grid
        )
        self.assert_refused(TypeError, "grid must be a Tensor", fst.grid_sample, image, [0.0])
        options = "bilinear", "zeros", "yes"
        match = "align_corners must be"
        self.assert_refused(TypeError, match, fst.grid_sample, image, grid, *options)

    def test_affine_grid(self):
        theta = torch.randn(2, 2, 3)
        self.assert_refused(ValueError, "floating", fst.affine_grid, theta.int(), (2, 1, 3, 4))
        self.assert_refused(
            ValueError, "theta must have shape", fst.affine_grid, theta, (2, 1, 3, 4, 5)
        )
        self.assert_refused(NotImplementedError, "size must be", fst.affine_grid, theta, (2, 1))
        self.assert_refused(
            ValueError, "size must have no axis", fst.affine_grid, theta, (2, 1, 0, 3)
        )
        self.assert_refused(RuntimeError, "N = 3", fst.affine_grid, theta, (3, 1, 4, 3))

    def test_devices(self):
        image, grid = tensors()
        assert fst.grid_sample(image.to("meta"), grid.to("meta")).shape == (2, 3, 3, 4)


class TestReplace:
    def test_for_as_long_as_it_lasts(self):
        theirs = F.grid_sample, F.affine_grid
        image, grid = tensors()
        with fst.replace():
            assert F.grid_sample is not theirs[0]
            assert torch.equal(F.grid_sample(image, grid), fst.grid_sample(image, grid))
            assert torch.equal(
                F.affine_grid(theta := torch.randn(2, 2, 3), [2, 3, 4, 5]),
                fst.affine_grid(theta, (2, 3, 4, 5)),
            )
        assert (F.grid_sample, F.affine_grid) == theirs

    def test_nested_and_broken_off(self):
        theirs = F.grid_sample
        with fst.replace():
            ours = F.grid_sample
            with pytest.raises(KeyError):
                self.broken_off(ours)
            assert F.grid_sample is ours
        assert F.grid_sample is theirs

    def broken_off(self, ours):
        with fst.replace():
            assert F.grid_sample is ours
            raise KeyError

    def test_threads_that_overlap(self):
        theirs, entered, done = F.grid_sample, threading.Event(), threading.Event()

        def other():
            with fst.replace():
                entered.set()
                done.wait(30)

        thread = threading.Thread(target=other)
        with fst.replace():
            thread.start()
            assert entered.wait(30)
        assert F.grid_sample is not theirs  # the other one is within
        done.set()
        thread.join()
        assert F.grid_sample is theirs

    def test_as_a_decorator(self):
        image, grid = tensors()
        found = fst.replace()(lambda: F.grid_sample(image, grid))()
        assert torch.equal(found, fst.grid_sample(image, grid))

    @pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
    def test_what_is_scripted_stays(self):
        image, grid = tensors()

        def sampled(image, grid):
            return torch.nn.functional.grid_sample(image, grid, align_corners=False)

        with fst.replace():
            scripted = torch.jit.script(sampled)
        assert_near(scripted(image, grid), fst.grid_sample(image, grid), 1e-5)


class TestImport:
    def run(self, code):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    def test_the_library_imports_no_framework(self):
        code = "import fastsample, sys; sys.exit('torch' in sys.modules)"
        assert self.run(code).returncode == 0

    def test_without_pytorch(self):
        code = "import sys; sys.modules['torch'] = None; import fastsample.torch"
        said = self.run(code).stderr.strip().splitlines()[-1]
        assert said.startswith("ImportError: fastsample.torch needs PyTorch")
        assert "fastsample[torch]" in said
