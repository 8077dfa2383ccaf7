"""PyTorch's tensors, where it is installed: taken as they are, or refused for what they are."""

import numpy as np
import pytest
from interop import CALLS, EVERY, GRID, IMAGE, THETA, each_array, refusal, with_one

import fastsample as fs

torch = pytest.importorskip("torch")
forward_ad = torch.autograd.forward_ad
PLACES = each_array(EVERY)


@pytest.mark.compiled
class TestTaken:
    """Plain tensors, and plain tensors back."""

    @pytest.mark.parametrize("name", CALLS)
    def test_tensors_come_back(self, name):
        function, arguments, options = CALLS[name]
        tensors = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in arguments]
        got, want = function(*tensors, **options), function(*arguments, **options)
        if not isinstance(want, tuple):
            want, got = (want,), (got,)
        for one, other in zip(got, want, strict=True):
            assert type(one) is torch.Tensor
            np.testing.assert_array_equal(one.numpy(), other)

    def test_nothing_is_copied(self):
        out = torch.zeros(2, 3, 4, 7)
        assert fs.grid_sample(torch.from_numpy(IMAGE), torch.from_numpy(GRID), out=out) is out
        np.testing.assert_array_equal(out.numpy(), fs.grid_sample(IMAGE, GRID))

    def test_channels_last_memory(self):
        tensor = torch.from_numpy(IMAGE).contiguous(memory_format=torch.channels_last)
        got = fs.grid_sample(tensor, torch.from_numpy(GRID))
        np.testing.assert_array_equal(got.numpy(), fs.grid_sample(IMAGE, GRID))

    def test_what_requires_a_gradient(self):
        with pytest.raises(TypeError, match=r"input.detach\(\)"):
            fs.grid_sample(torch.zeros(1, 1, 3, 3, requires_grad=True), torch.zeros(1, 1, 2))

    @pytest.mark.parametrize("mode", ["nearest", "bilinear"])
    def test_bfloat16(self, mode):
        """As float32's result rounded by PyTorch, over memory of either order."""
        image, grid = torch.from_numpy(IMAGE).bfloat16(), torch.from_numpy(GRID)
        want = fs.grid_sample(image.float(), grid, mode).bfloat16()
        out = torch.zeros_like(want)
        assert fs.grid_sample(image, grid, mode, out=out) is out
        last = image.contiguous(memory_format=torch.channels_last)
        for got in (out, fs.grid_sample(image, grid, mode), fs.grid_sample(last, grid, mode)):
            assert got.dtype == torch.bfloat16
            assert torch.equal(got, want)
        found = fs.grid_sample_backward(want, image, grid, mode)
        wanted = fs.grid_sample_backward(want.float(), image.float(), grid, mode)
        assert torch.equal(found[0], wanted[0].bfloat16())
        assert torch.equal(found[1], wanted[1])

    def test_bfloat16_as_coordinates(self):
        grid = torch.zeros(1, 1, 2, dtype=torch.bfloat16)
        with pytest.raises(TypeError, match=r"grid must be float32.*got bfloat16: convert it"):
            fs.grid_sample(torch.zeros(1, 1, 3, 3), grid)

    def test_a_list_of_bfloat16(self):
        image, grid = torch.from_numpy(IMAGE).bfloat16(), torch.from_numpy(GRID)
        assert torch.equal(fs.grid_sample(list(image), grid), fs.grid_sample(image, grid))

    def test_another_device(self):
        with pytest.raises(TypeError, match=r"input must be on the CPU; got torch.Tensor on meta"):
            fs.grid_sample(torch.zeros(1, 1, 3, 3, device="meta"), torch.zeros(1, 1, 2))


class Plain(torch.Tensor):
    """A class that changes nothing."""


class Seen(torch.Tensor):
    """What torchvision's classes are like: functions give back plain tensors."""

    __module__ = "torchvision.tv_tensors"

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))


class Scaled(torch.Tensor):
    """One whose functions see other values than its memory has."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        result = super().__torch_function__(function, types, args, kwargs or {})
        return result * 2 if function is torch.Tensor.add else result


class Wrapper(torch.Tensor):
    """One that has no memory, and calls another's."""

    @staticmethod
    def __new__(cls, inner):
        made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return function(*(a.inner if isinstance(a, Wrapper) else a for a in args), **(kwargs or {}))


def negated(array):
    """The array's values, as the negative view of others."""
    return torch._neg_view(-torch.from_numpy(array))


def zeros(array):
    return torch._efficientzerotensor(array.shape, dtype=torch.from_numpy(array).dtype)


def freed(array):
    tensor = torch.from_numpy(array).clone()
    tensor.untyped_storage().resize_(0)
    return tensor


def fake(array):
    with torch._subclasses.FakeTensorMode() as mode:
        return mode.from_tensor(torch.from_numpy(array))


def quantized(array):
    return torch.quantize_per_tensor(torch.from_numpy(array).float(), 0.1, 0, torch.qint8)


def masked(array):
    tensor = torch.from_numpy(array)
    return torch.masked.masked_tensor(tensor, torch.ones_like(tensor, dtype=torch.bool))


TAKEN = {
    "negative": negated,
    "list of negative ones": lambda a: [negated(part) for part in a],
    "list": lambda a: list(torch.from_numpy(a)),
    "subclass": lambda a: torch.from_numpy(a).as_subclass(Plain),
    "torchvision": lambda a: torch.from_numpy(a).as_subclass(Seen),
    "parameter": lambda a: torch.nn.Parameter(torch.from_numpy(a), requires_grad=False),
}
REFUSED = {  # what it is made of, and what the message says to call
    "fake": (fake, "outside of the trace"),
    "wrapper": (lambda a: Wrapper(torch.from_numpy(a)), "pass a torch.Tensor of its values"),
    "scaled": (lambda a: torch.from_numpy(a).as_subclass(Scaled), "as_subclass(torch.Tensor)"),
    "masked": (masked, "get_mask()"),
    "freed": (freed, "restore it"),
    "meta": (lambda a: torch.from_numpy(a).to("meta"), "make it on the CPU"),
    "coo": (lambda a: torch.from_numpy(a).to_sparse(), ".to_dense()"),
    "quantized": (quantized, ".dequantize()"),
    "nested": (lambda a: torch.nested.nested_tensor(list(torch.from_numpy(a))), ".unbind()"),
    "jagged": (
        lambda a: torch.nested.nested_tensor(list(torch.from_numpy(a)), layout=torch.jagged),
        "jagged",
    ),
    "gradient": (lambda a: torch.from_numpy(a).double().requires_grad_(), ".detach()"),
    "list of gradients": (
        lambda a: [part.double().requires_grad_() for part in torch.from_numpy(a)],
        "[0].detach()",
    ),
    "complex of half": (lambda a: torch.from_numpy(a).to(torch.complex32), "complex64"),
    "float8": (lambda a: torch.from_numpy(a).to(torch.float8_e5m2), "float32"),
}


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore")  # of PyTorch, for its prototypes
class TestMoreThanMemory:
    """In every array argument of every function: the right values, or one line."""

    @pytest.mark.parametrize("kind", TAKEN)
    @pytest.mark.parametrize(("name", "k"), each_array(CALLS))
    def test_its_values_count(self, name, k, kind):
        if (name, k) == ("affine_sample", 0) and kind.startswith("list"):
            return  # a list of images, whose matrices are in pixels
        got, want = with_one(name, k, TAKEN[kind]), with_one(name, k, np.copy)
        if not isinstance(want, tuple):
            want, got = (want,), (got,)
        for one, other in zip(got, want, strict=True):
            np.testing.assert_array_equal(np.asarray(one), other)

    @pytest.mark.parametrize("kind", REFUSED)
    def test_or_it_is_refused(self, kind):
        make, advice = REFUSED[kind]
        for name, k in PLACES:
            if kind == "jagged" and EVERY[name][1][k].ndim < 2:
                continue
            said = refusal(name, k, make)
            assert advice in said or kind == "jagged", said

    def test_a_tangent(self):
        with forward_ad.dual_level():
            for name, k in PLACES:
                said = refusal(
                    name, k, lambda a: forward_ad.make_dual(*[torch.from_numpy(a) * 1.0] * 2)
                )
                assert ".detach(), and take derivatives" in said
            fs.grid_sample(torch.from_numpy(IMAGE), torch.from_numpy(GRID))

    @pytest.mark.parametrize(
        ("transformed", "word"),
        [
            (lambda f, x: torch.vmap(f)(x[None]), "vmap"),
            (lambda f, x: torch.func.grad(f)(x), "derivative"),
            (lambda f, x: torch.func.vjp(f, x), "derivative"),
            (lambda f, x: torch.func.jvp(f, (x,), (x,)), "derivative"),
            (lambda f, x: torch.vmap(torch.func.grad(f))(x[None]), "derivative"),
            (lambda f, x: torch.func.functionalize(f)(x), "functionalize"),
        ],
    )
    def test_transformed(self, transformed, word):
        def within(tensor):
            said.append(refusal(name, k, lambda a: tensor))
            return torch.zeros(()).double()

        for name, k in PLACES:
            said = []
            transformed(within, torch.from_numpy(EVERY[name][1][k]).double())
            assert word in said[0]

    def test_zeros_without_memory(self):
        got = fs.grid_sample(zeros(IMAGE), torch.from_numpy(GRID))
        assert not got.any()
        assert got.shape == (2, 3, 4, 7)

    def test_a_lazy_conjugate(self):
        image = torch.complex(torch.from_numpy(IMAGE), torch.from_numpy(IMAGE)).conj()
        assert image.is_conj()
        got = fs.grid_sample(image, torch.from_numpy(GRID))
        torch.testing.assert_close(got, fs.grid_sample(image.resolve_conj(), GRID))

    def test_a_matrix_that_is_negative(self):
        """The view of a complex number's part, as one meets it."""
        theta = torch.complex(torch.zeros(2, 2, 3), -torch.from_numpy(THETA)).conj().imag
        got = fs.affine_sample(torch.from_numpy(IMAGE), theta, (4, 5))
        np.testing.assert_array_equal(got, fs.affine_sample(IMAGE, THETA, (4, 5)))

    @pytest.mark.parametrize("make", [negated, zeros, freed, fake, quantized, masked])
    def test_as_out(self, make):
        out = make(np.zeros((2, 3, 4, 7), np.float32))
        with pytest.raises(TypeError, match=r"^grid_sample: out must be .*; got .*: .*"):
            fs.grid_sample(IMAGE, GRID, out=out)

    def test_a_fill_value(self):
        value = torch.tensor(2.0, requires_grad=True)
        with pytest.raises(TypeError, match="grid_sample: fill_value must not require a gradient"):
            fs.grid_sample(IMAGE, GRID, padding_mode="constant", fill_value=value)


@pytest.mark.compiled
class TestTraces:
    """Who records the calls of PyTorch does not see ours."""

    @pytest.mark.filterwarnings("ignore")  # jit.trace is on its way out
    def test_a_trace(self):
        from torch.fx.experimental.proxy_tensor import make_fx

        x = torch.from_numpy(IMAGE)
        for trace in (lambda f: torch.jit.trace(f, x), lambda f: make_fx(f)(x)):
            with pytest.raises(TypeError, match=r"grid_sample: input must be .* of the trace"):
                trace(lambda tensor: fs.grid_sample(tensor, GRID))

    def test_an_export(self):
        class Module(torch.nn.Module):
            def forward(self, x):
                return fs.grid_sample(x, GRID)

        with pytest.raises(TypeError, match=r"grid_sample: input must be .* of the trace"):
            torch.export.export(Module(), (torch.from_numpy(IMAGE),), strict=False)

    def test_among_fake_tensors(self):
        x = torch.from_numpy(IMAGE)
        with (
            torch._subclasses.FakeTensorMode(),
            pytest.raises(TypeError, match="outside of the tr"),
        ):
            fs.grid_sample(x, GRID)

    @pytest.mark.filterwarnings("ignore")
    def test_a_compiled_function_is_left_for_the_call(self):
        grid = torch.from_numpy(GRID)
        compiled = torch.compile(lambda x: fs.grid_sample(x * 2, grid) + 1, backend="eager")
        x = torch.from_numpy(IMAGE)
        for _ in range(2):
            torch.testing.assert_close(compiled(x), fs.grid_sample(x * 2, grid) + 1)
        with pytest.raises(TypeError, match="input must not require a gradient"):
            compiled(x.clone().requires_grad_())
        with pytest.raises(torch._dynamo.exc.Unsupported, match="fastsample reads"):
            torch.compile(lambda x: fs.grid_sample(x, grid), backend="eager", fullgraph=True)(x)

    def test_what_autograd_keeps_is_not_written_in_silence(self):
        weight, out = torch.ones(2, 3, 4, 7, requires_grad=True), torch.zeros(2, 3, 4, 7)
        product = (weight * out).sum()
        fs.grid_sample(torch.from_numpy(IMAGE), torch.from_numpy(GRID), out=out)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.backward()


class TestCallsMadeAgain:
    """Tensors whose call was made before go by their addresses."""

    def make(self, *shape, **options):
        return torch.rand(*shape, **options) * 2 - 1

    def test_other_tensors_have_results_of_their_own(self):
        kept = []
        for _ in range(4):
            x, grid = self.make(2, 3, 6, 7), self.make(2, 5, 4, 2)
            made = fs.grid_sample(x, grid, "bilinear", padding_mode="border")
            want = fs.grid_sample(x.numpy(), grid.numpy(), "bilinear", padding_mode="border")
            assert type(made) is torch.Tensor
            assert np.array_equal(made.numpy(), want)
            kept.append((x, grid, made))
        assert fs.grid_sample.calls.tensors

    def test_gradients(self):
        for _ in range(3):
            parts = self.make(2, 3, 5, 4), self.make(2, 3, 6, 7), self.make(2, 5, 4, 2)
            made = fs.grid_sample_backward(*parts, output_mask=(False, True))
            want = fs.grid_sample_backward(*(x.numpy() for x in parts), output_mask=(False, True))
            assert made[0] is None
            assert np.array_equal(made[1].numpy(), want[1])

    @pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # PyTorch's own
    def test_what_is_more_than_its_memory_is_still_told(self):
        x, grid = self.make(2, 3, 6, 7), self.make(2, 5, 4, 2)
        want = fs.grid_sample(x, grid)
        assert torch.equal(fs.grid_sample(x, grid), want)
        negative = torch._neg_view(x)
        assert torch.equal(fs.grid_sample(negative, grid), -want)
        assert torch.equal(fs.grid_sample(negative, grid), -want)
        with pytest.raises(TypeError, match="require a gradient"):
            fs.grid_sample(x.clone().requires_grad_(), grid)
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(x, x)
            with pytest.raises(TypeError, match="tangent"):
                fs.grid_sample(dual, grid)
        with pytest.raises(TypeError, match="vmap"):
            torch.func.vmap(lambda one: fs.grid_sample(one, grid))(x[None])
        freed = x.clone()
        freed.untyped_storage().resize_(0)
        with pytest.raises(TypeError, match="freed"):
            fs.grid_sample(freed, grid)

    def test_an_array_beside_a_tensor(self):
        x, grid = self.make(2, 3, 6, 7), self.make(2, 5, 4, 2)
        want = fs.grid_sample(x, grid)
        assert torch.equal(fs.grid_sample(x, grid.numpy()), want)
        assert torch.equal(fs.grid_sample(x, grid.numpy()), want)
        assert np.array_equal(fs.grid_sample(x.numpy(), grid), want.numpy())
        assert np.array_equal(fs.grid_sample(x.numpy(), grid), want.numpy())
