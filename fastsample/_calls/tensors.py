"""PyTorch's tensors: their memory where it is all there is to them, else one clear error.

PyTorch says which of its layers a call with a tensor goes through: a lazy sign, a transformation of
`torch.func`, a sparse layout, a class of its own. Whatever has one besides the plain layers is more
than its memory, known here or not.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._kernels.vectors import brain
from . import again, carried
from .known import Known, again_at

PLAIN = ("CPU", "Dense", "ADInplaceOrView", "Autograd", "Autocast")  # beginnings of layers' names
RECORDERS = ("FakeTensorMode", "FunctionalTensorMode", "ProxyTorchDispatchMode")
OWN_MEMORY = ("torchvision",)  # whose classes of tensors say what is seen, and not how it is stored

MET = 8  # tests of plain tensors for each number of them: by types, axes and who asks for gradients

_more_by_layers: dict[int, frozenset[str]] = {}  # by the number that is PyTorch's set of layers


class Reason(NamedTuple):
    """Why a tensor is not taken: what it must be, what came, what to do."""

    rule: str
    got: str
    advice: str


_VALUES, _STORED = "a tensor of values", "a tensor of stored values"
_DENSE = Reason("a dense tensor", "{kind} of layout {layout}", "pass {name}.to_dense()")
REASONS = {  # the first that holds is told
    "FuncTorchBatched": Reason(
        _VALUES, "one that vmap follows", "call {function} outside of it, on the whole batch"
    ),
    "FuncTorchGradWrapper": Reason(
        _VALUES,
        "one that torch.func follows for a derivative",
        "call {function} outside of it, and take gradients from fastsample.vjp",
    ),
    "Functionalize": Reason(
        _VALUES, "one that functionalize follows", "call {function} outside of it"
    ),
    "NestedTensorCPU": Reason(
        "a tensor of one shape", "a nested one", "pass the tensors of {name}.unbind() one by one"
    ),
    "SparseCPU": _DENSE,
    "SparseCsrCPU": _DENSE,
    "MkldnnCPU": _DENSE,
    "QuantizedCPU": Reason(
        "a tensor of plain numbers", "a quantized one", "pass {name}.dequantize()"
    ),
}
LAZY = {  # what PyTorch writes out for whoever reads
    "Conjugate": Reason(_STORED, "a lazy conjugate", "pass {name}.resolve_conj()"),
    "Negative": Reason(_STORED, "one with a lazy minus sign", "pass {name}.resolve_neg()"),
    "ZeroTensor": Reason(_STORED, "zeros that have no memory", "pass {name}.clone()"),
}
_CLASS = Reason(
    _STORED,
    "{kind}, whose meaning would be lost",
    "pass a torch.Tensor of its values; {name}.as_subclass(torch.Tensor), if its memory holds them",
)
_MASKED = Reason(
    "a tensor without a mask",
    "{kind}, whose mask would not count",
    "pass {name}.to_tensor(value), and sample {name}.get_mask().float() alongside",
)
_FAKE = Reason(_VALUES, "{kind}, which has none", "call {function} outside of the trace")
KNOWN_CLASSES = {"FakeTensor": _FAKE, "MaskedTensor": _MASKED}
_TRACED = Reason(_VALUES, "one in a trace, which would not see the call", _FAKE.advice)
_FREED = Reason(_STORED, "one whose memory was freed", "restore it first")
_META = Reason("on the CPU", "{kind} on {device}, which holds no values", "make it on the CPU")
_AWAY = Reason("on the CPU", "{kind} on {device}", "copy it there first")
_TANGENT = Reason(
    "a tensor without a tangent of forward mode, which would be lost",
    "one with it",
    "pass {name}.detach(), and take derivatives from fastsample.vjp",
)


def is_tensor(thing: Any) -> bool:
    """Is it one of PyTorch's? Then somebody has imported that."""
    kind = getattr(sys.modules.get("torch"), "Tensor", None)
    return isinstance(kind, type) and isinstance(thing, kind)


def test_of_plain(torch: Any) -> Callable[[tuple[Any, ...]], bool]:
    """Make the question whether tensors are all that a call has to know.

    They are, if they have values, on a CPU, and are followed by nobody; but for autograd, which may
    record them. None stands for no tensor.
    """
    core, forward = torch._C, torch.autograd.forward_ad
    names = "_are_functorch_transforms_active", "_get_tracing_state", "_len_torch_dispatch_stack"
    in_transform, in_trace, in_mode = (getattr(core, name, bool) for name in names)
    are_plain_one_by_one = _one_by_one(torch)
    met: dict[int, tuple[Callable[..., bool], ...]] = {}  # by the number of tensors

    def are_plain(given: tuple[Any, ...]) -> bool:
        if in_transform() or in_trace() or in_mode() or forward._current_level >= 0:
            return False
        for are_like in met.get(len(given), ()):
            if are_like(*given):
                return True
        plain = are_plain_one_by_one(given)
        if plain and (are_like := likeness_of(torch, given)):
            met[len(given)] = (are_like, *met.get(len(given), ()))[:MET]
        return plain

    return are_plain


def _one_by_one(torch: Any) -> Callable[[tuple[Any, ...]], bool]:
    """Make the question whether tensors have a plain class and plain layers."""
    own = frozenset((torch.Tensor, torch.nn.Parameter))
    layers = getattr(torch._C, "_dispatch_keys", None)

    def are_plain(given: tuple[Any, ...]) -> bool:
        for x in given:  # no generator, which takes 2 us
            if x is None:
                continue
            if type(x) not in own:
                return False
            more = None if layers is None else _more_by_layers.get(layers(x).raw_repr())
            if _more(torch, x) if more is None else more:
                return False
        return True

    return are_plain


def likeness_of(
    torch: Any, given: tuple[Any, ...], to_the_layout: bool = False
) -> Callable[..., bool] | None:
    """Make a quick test of tensors: have they the class and layers of those given?

    With `to_the_layout` also the sizes and strides. It is what `torch.compile` asks before it runs
    a graph again, one call in C for all tensors; None if this PyTorch has it not.
    """
    guards = getattr(getattr(torch._C._dynamo, "guards", None), "TensorGuards", None)
    if guards is None or any(x is None for x in given):
        return None
    sizes: list[Any] = [[*x.shape] if to_the_layout else [None] * x.dim() for x in given]
    strides: list[Any] = [[*x.stride()] if to_the_layout else [None] * x.dim() for x in given]
    test: Callable[..., bool] = guards(
        *given, dynamic_dims_sizes=sizes, dynamic_dims_strides=strides
    ).check
    return test if test(*given) else None  # one tensor twice is never like another two


class NoMemoryError(Exception):
    """A tensor's memory was freed."""


def place_of(tensor: Any) -> int:
    """Where a plain tensor lies, as kernels take it."""
    place: int = -tensor.data_ptr()
    if place == 0:
        raise NoMemoryError
    return place


def seen(function: str, name: str, tensor: Any) -> np.ndarray:
    """A tensor as NumPy's array: the same memory, or a copy of what lazy signs make of it."""
    torch: Any = sys.modules["torch"]
    stored = tensor
    if type(tensor) is not torch.Tensor or _more(torch, tensor) or _is_recorded(torch):
        stored = _stored(torch, function, name, tensor)
    if tensor.requires_grad:
        carried.refuse_gradient(function, name, tensor)
    if _has_tangent(torch, tensor):
        _refuse(function, name, tensor, _TANGENT)
    try:
        array = _memory(torch, stored)
    except Exception as error:
        carried.unreadable(function, name, tensor, error)
    if stored.data_ptr() == 0 and array.size:
        _refuse(function, name, tensor, _FREED)
    return array


def made(array: np.ndarray) -> Any:
    """A result as a tensor, over the same memory."""
    torch: Any = sys.modules["torch"]
    if array.dtype == brain.DTYPE:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def key_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """All of a call with tensors but their numbers; None where one is more than its memory."""
    torch: Any = sys.modules["torch"]
    layers = getattr(torch._C, "_dispatch_keys", None)
    if layers is None or _is_recorded(torch) or _is_forward(torch):
        return None
    key: list[Any] = []
    words: list[Any] = [*kwargs]
    for x in (*args, *kwargs.values()) if kwargs else args:
        if type(x) is torch.Tensor:
            if x.requires_grad or _more_by_layers.get(layers(x).raw_repr(), True):
                return None
            key.append(x.shape)
            key.append(x.stride())
            key.append(x.dtype)
        elif type(x) is np.ndarray:
            return None
        else:
            key.append(None)
            words.append(x)
    told = again.key_of(tuple(words), {})
    return None if told is None else (*key, told)


def again_with(known: Known, things: tuple[Any, ...]) -> Any:
    """Do what a call does, with other tensors; None where one's memory was freed."""
    kind = sys.modules["torch"].Tensor
    places = [-x.data_ptr() if type(x) is kind else 1 for x in things]
    if 0 in places:
        return None
    arrays = again_at(known, places, known.jobs)
    results = [None if k is None else made(arrays[k - len(things)]) for k in known.returns]
    return tuple(results) if known.several else results[0]


def _memory(torch: Any, tensor: Any) -> np.ndarray:
    """A plain tensor's memory; that of bfloat16 by its bits, since NumPy has no such type."""
    if tensor.dtype is torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(brain.DTYPE)
    return tensor.numpy()


def was_written(tensor: Any) -> None:
    """Let autograd know, which may have kept the tensor's values for a gradient."""
    torch: Any = sys.modules["torch"]
    count = getattr(torch.autograd.graph, "increment_version", None)
    if count is not None and not tensor.is_inference():
        count(tensor)


def _stored(torch: Any, function: str, name: str, tensor: Any) -> Any:
    """A tensor that is no plain one as one that is, if that has its values."""
    more = _more(torch, tensor)
    lazy = [layer for layer in LAZY if layer in more]
    if reason := _why_not(torch, tensor, more):
        _refuse(function, name, tensor, reason)
    if lazy and name == "out":  # what is written to a copy is lost
        _refuse(function, name, tensor, LAZY[lazy[0]])
    if type(tensor) is not torch.Tensor:
        with torch._C.DisableTorchFunctionSubclass():
            tensor = tensor.as_subclass(torch.Tensor)
    if tensor.requires_grad or not lazy:
        return tensor
    if "ZeroTensor" in lazy:
        tensor = tensor.clone()
    return tensor.resolve_conj().resolve_neg()


def _why_not(torch: Any, tensor: Any, more: frozenset[str]) -> Reason | None:
    """What speaks against a tensor, if anything does."""
    if _is_recorded(torch):
        return _TRACED
    if known := [reason for layer, reason in REASONS.items() if layer in more]:
        return known[0]
    if type(tensor) is not torch.Tensor and (reason := _of_class(torch, type(tensor))):
        return reason
    if more <= set(LAZY):
        return None
    return {"cpu": _CLASS, "meta": _META}.get(tensor.device.type, _AWAY)


def _more(torch: Any, tensor: Any) -> frozenset[str]:
    """The layers that only a tensor has whose memory is not all."""
    try:
        layers = torch._C._dispatch_keys(tensor)
        number = layers.raw_repr()
    except AttributeError:  # a PyTorch that says it otherwise: these say it in public
        lazy = {"Negative": tensor.is_neg(), "Conjugate": tensor.is_conj()}
        return frozenset(layer for layer, has in lazy.items() if has)
    found = _more_by_layers.get(number)
    if found is None:
        names = str(layers).partition("(")[2].rstrip(")").split(", ")
        found = frozenset(n for n in names if n not in PLAIN and not n.startswith(PLAIN[3:]))
        _more_by_layers[number] = found
    return found


def _is_recorded(torch: Any) -> bool:
    """Does PyTorch trace what runs? It would keep our result as a constant."""
    core = torch._C
    if getattr(core, "_get_tracing_state", bool)():
        return True
    if not getattr(core, "_len_torch_dispatch_stack", int)():
        return False
    modes = torch.utils._python_dispatch._get_current_dispatch_mode_stack()
    return any(type(mode).__name__ in RECORDERS for mode in modes)


def _of_class(torch: Any, kind: type) -> Reason | None:
    """What speaks against a class of tensors: it answers PyTorch's functions in its own way."""
    if kind.__name__ in KNOWN_CLASSES:
        return KNOWN_CLASSES[kind.__name__]
    if kind.__module__.partition(".")[0] in OWN_MEMORY:
        return None
    plain, ours = torch.Tensor, {getattr(torch._C, "_disabled_torch_function_impl", None)}
    for protocol in ("__torch_function__", "__torch_dispatch__"):
        own, usual = (getattr(k, protocol, None) for k in (kind, plain))
        own, usual = (getattr(f, "__func__", f) for f in (own, usual))
        if own is not usual and own not in ours:
            return _CLASS
    return None


def _has_tangent(torch: Any, tensor: Any) -> bool:
    """Does a derivative of forward mode ride on it?"""
    return _is_forward(torch) and torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None


def _is_forward(torch: Any) -> bool:
    """Are derivatives of forward mode being taken?"""
    return bool(getattr(torch.autograd.forward_ad, "_current_level", 0) >= 0)


def _refuse(function: str, name: str, tensor: Any, reason: Reason) -> None:
    said = {
        "function": function,
        "name": name,
        "kind": carried.kind(tensor),
        "layout": carried.asked(tensor, "layout"),
        "device": carried.asked(tensor, "device"),
    }
    rule, got, advice = (part.format(**said) for part in reason)
    raise TypeError(f"{function}: {name} must be {rule}; got {got}: {advice}")
