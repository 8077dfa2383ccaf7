"""fastsample.torch: calls like late ones, which are found by one test of their tensors."""

import gc
import itertools
import sys
import weakref

import pytest

import fastsample as fs

torch = pytest.importorskip("torch")
flop_counter = pytest.importorskip("torch.utils.flop_counter")
fst = pytest.importorskip("fastsample.torch")
_functions = pytest.importorskip("fastsample.torch._functions")
_operators = pytest.importorskip("fastsample.torch._operators")

ONCE = 8, 13  # sizes that no other test has
TIMES = 10  # calls, of which the ninth is the first to be found so


def pair(height=8, width=8, dtype=torch.float32):
    """An image and a grid."""
    made = torch.Generator().manual_seed(height * width)
    image = torch.randn(1, 1, height, width, dtype=dtype, generator=made)
    return image, torch.rand(1, 4, 5, 2, dtype=dtype, generator=made) * 2.4 - 1.2


def answers(image, grid, times=1, **options):
    """Each call's result, and its gradients where there are any."""
    for _ in range(times):
        result = fst.grid_sample(image, grid, align_corners=False, **options)
        wanted = [x for x in (image, grid) if x.requires_grad]
        found = [result.detach()]
        if result.requires_grad:
            found += torch.autograd.grad(result.sum() + (result**2).sum(), wanted)
        yield found


def assert_same(some, others):
    """The same bits, and as many."""
    assert len(some) == len(others)
    for x, y in zip(some, others, strict=True):
        assert torch.equal(x, y)


@pytest.fixture
def calls(monkeypatch):
    """The calls of this test: options, and what is known of them."""
    known = {}
    monkeypatch.setattr(_functions, "_known", known)
    return known


def only(calls):
    """The one among them."""
    (call,) = calls.values()
    return call


def tables_of(calls):
    """The tables that kernels of known calls of `pair(*ONCE)` read."""
    shapes = tuple(tuple(x.shape) for x in pair(*ONCE))
    for key, known in calls.known.items():
        if known is not None and set(shapes) <= {x for x in key if type(x) is tuple}:
            for step in known.steps:
                yield from step.call.records


GRADIENTS = list(itertools.product((False, True), repeat=2))


class TestSameAnswers:
    @pytest.mark.parametrize("of", GRADIENTS)
    def test_call_after_call(self, calls, of):
        """The first call's way is the library's; from the ninth on none asks for a key."""
        first, *others = answers(
            *(x.requires_grad_(k) for x, k in zip(pair(), of, strict=True)), 12
        )
        for found in others:
            assert_same(found, first)
        assert set(only(calls).last) == ({None, of} if any(of) else {None})

    def test_others_in_between(self, calls):
        """More layouts than are remembered, each with numbers of its own, with gradients or not."""
        givens = [pair(h, w) for h, w in ((8, 8), (8, 9), (5, 8), (3, 3), (2, 7), (4, 4))]
        givens += [(x.movedim(2, 3), grid) for x, grid in givens]
        givens += [(x.clone().requires_grad_(), grid.clone()) for x, grid in givens]
        want = [next(answers(*given)) for given in givens]
        for _ in range(3 * TIMES):
            for given, wanted in zip(givens, want, strict=True):
                assert_same(next(answers(*given)), wanted)
        assert len(only(calls).last[None]) == _operators.LAST

    def test_without_gradients(self, calls):
        """What was found with gradients gives none where none are asked for, and back again."""
        image, grid = (x.requires_grad_() for x in pair())
        for _ in range(3):
            for found in answers(image, grid, TIMES):
                assert len(found) == 3
            for no in (torch.no_grad, torch.inference_mode):
                with no():
                    for found in answers(image, grid, TIMES):
                        assert len(found) == 1

    def test_second_derivatives(self, calls):
        """Gradients that have a graph are never those of kernels alone."""
        image, grid = (x.requires_grad_() for x in pair())
        for _ in answers(image, grid, 2 * TIMES):
            pass
        result = fst.grid_sample(image, grid, align_corners=False)
        (slope,) = torch.autograd.grad(result.sum(), grid, create_graph=True)
        assert slope.requires_grad
        assert float(torch.autograd.grad(slope.sum(), image)[0].abs().max()) > 0

    def test_autocast(self, calls):
        """Halves are computed in float32 there, whatever came before."""
        image, grid = pair(dtype=torch.float16)
        for _ in answers(image, grid, 2 * TIMES):
            pass
        with torch.autocast("cpu"):
            for (found,) in answers(image, grid, 2 * TIMES):
                assert found.dtype is torch.float32
        assert next(answers(image, grid))[0].dtype is torch.float16

    def test_what_the_library_forgets(self, calls):
        """Kernels are told where their tables are: those stay, whatever else is dropped."""
        given = [x.requires_grad_() for x in pair(*ONCE)]
        (first,) = answers(*given)
        for _ in answers(*given, 2 * TIMES):
            pass
        functions = fs.grid_sample.calls, fs.grid_sample_backward.calls
        tables = [weakref.ref(x) for calls in functions for x in tables_of(calls)]
        for function in functions:
            function.forget()
        for name, module in list(sys.modules.items()):
            for thing in list(vars(module).values()) if name.startswith("fastsample.") else ():
                getattr(thing, "cache_clear", int)()
        gc.collect()
        assert all(table() is not None for table in tables)
        assert_same(next(answers(*given)), first)
        calls.clear()
        gc.collect()
        assert any(table() is None for table in tables)  # or this test would show nothing

    def test_options_that_are_equal(self, calls):
        """A flag that is no bool is refused, though it equals one that came before."""
        image, grid = pair()
        for _ in answers(image, grid, 2 * TIMES):
            pass
        with pytest.raises(TypeError, match="align_corners"):
            fst.grid_sample(image, grid, align_corners=0)

    def test_tensors_that_change(self, calls):
        """Another shape, given to a tensor before its gradient is asked for."""
        image, grid = pair()
        grid.requires_grad_()
        for _ in answers(image, grid, 2 * TIMES):
            pass
        result = fst.grid_sample(image, grid, align_corners=False)
        image.data = torch.ones(1, 1, 2, 2)
        (found,) = torch.autograd.grad(result.sum(), grid)
        result = fst.grid_sample(torch.ones(1, 1, 2, 2), grid, align_corners=False)
        assert torch.equal(found, torch.autograd.grad(result.sum(), grid)[0])

    def test_memory_that_was_freed(self, calls):
        image, grid = pair()
        for _ in answers(image, grid, 2 * TIMES):
            pass
        freed = torch.ones(1, 1, 8, 8)
        freed.untyped_storage().resize_(0)
        assert only(calls).like((freed, grid))
        assert fst.grid_sample(freed, grid, align_corners=False).shape == (1, 1, 4, 5)


class TestLike:
    """Which tensors are like those of a call that was made."""

    @pytest.fixture
    def call(self):
        call = _operators.Call((), {}, {}, {})
        call.remember(None, pair(), _operators.Repeated(None, [0]))
        return call

    def test_these(self, call):
        image, grid = pair()
        assert call.like((image + 1, grid + 1))
        assert call.like((image + 1, grid + 1), (True, False)) is None

    def test_no_others(self, call):
        image, grid = pair()
        with torch._subclasses.FakeTensorMode() as mode:
            fake = mode.from_tensor(image)
        spread = torch.zeros(1, 1, 8, 16)[..., ::2]
        others = {
            "negative": torch._neg_view(image),
            "zeros": torch._efficientzerotensor(image.shape),
            "fake": fake,
            "sparse": image.to_sparse(),
            "meta": image.to("meta"),
            "parameter": torch.nn.Parameter(image),
            "with a gradient": image.clone().requires_grad_(),
            "array": image.numpy(),
            "none": None,
            "spread": spread,
            "turned": image.movedim(2, 3),
            "larger": torch.zeros(1, 1, 8, 9),
            "one axis more": image[None],
            "double": image.double(),
        }
        for name, other in others.items():
            assert call.like((other, grid)) is None, name
        assert call.like((image, grid))

    @pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # PyTorch's own
    @pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
    def test_not_in_company(self, call):
        """Plain tensors, while somebody follows what is called."""
        image, grid = pair()
        said = {}

        def asked(name):
            def ask(x):
                said[name] = call.like((image, grid))
                return x

            return ask

        torch.func.vmap(asked("vmap"))(image[None])
        torch.func.grad(lambda x: asked("grad")(x).sum())(image)
        torch.func.jvp(asked("jvp"), (image,), (image,))
        torch.func.functionalize(asked("functionalize"))(image)
        torch.jit.trace(asked("trace"), (image + 1,), check_trace=False)
        with torch.autograd.forward_ad.dual_level():
            asked("level")(image)
        with torch._subclasses.FakeTensorMode():
            asked("fake")(image)
        with flop_counter.FlopCounterMode(display=False):
            asked("mode")(image)
        with torch.autocast("cpu"):
            asked("autocast")(image)
        assert said == dict.fromkeys(said)
        assert len(said) == 9
        assert call.like((image, grid))
