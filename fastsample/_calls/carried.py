"""What an array carries besides its numbers: refused where it would be lost without a word."""

from typing import Any, NoReturn

import numpy as np

RULES_OF_ITS_OWN = ("__array_function__", "__array_ufunc__")  # by which NumPy's functions go
_NUMBERS = "pass numpy.asarray({name}) if its numbers alone are meant"
LINE = 200  # characters of another library's message


def kind(thing: Any) -> str:
    """The name of a thing's class, as its users write it."""
    return f"{type(thing).__module__}.{type(thing).__name__}".removeprefix("builtins.")


def asked(thing: Any, name: str, default: Any = None) -> Any:
    """An attribute, of a thing that may answer with any error."""
    try:
        return getattr(thing, name, default)
    except Exception:
        return default


def array(function: str, name: str, thing: Any) -> np.ndarray:
    """What NumPy makes of a thing, as plain numbers."""
    refuse_gradient(function, name, thing)
    refuse_unit(function, name, thing)
    if isinstance(parts := asked(thing, "_meta"), np.ndarray):  # Dask's word for what is to come
        refuse_subclass(function, name, parts, f"{name}.compute()")
    try:
        made = np.asanyarray(thing)
    except MemoryError:
        raise
    except Exception as error:
        came = f"{kind(thing)}: {_as_dense(name, thing) or first_line(error)}"
        raise TypeError(f"{function}: {name} must be an array; got {came}") from None
    if made.dtype == object and (dense := _as_dense(name, thing)):
        raise TypeError(f"{function}: {name} must be an array; got {kind(thing)}: {dense}")
    refuse_subclass(function, name, made, f"numpy.asanyarray({name})")
    return np.asarray(made)


def refuse_subclass(function: str, name: str, array: np.ndarray, called: str) -> None:
    """An array whose class says what its memory does not; the user has it as what it is called."""
    if type(array) is np.ndarray:
        return
    of_its_own = any(
        getattr(type(array), k) is not getattr(np.ndarray, k) for k in RULES_OF_ITS_OWN
    )
    if isinstance(array, np.ma.MaskedArray) or (of_its_own and hasattr(type(array), "filled")):
        rule, what = "an array without a mask", "whose mask would not count"
        mask = f"numpy.ma.getmaskarray({called})"
        advice = f"pass {called}.filled(value), and sample {mask}.astype(numpy.float32) alongside"
        if name == "out":
            advice = "pass an array of its own, and set the mask of the result"
    elif isinstance(array, np.matrix):
        rule, what = "an array of any number of axes", "which always has two"
        advice = f"pass numpy.asarray({name})"
    elif of_its_own:
        rule, what = "an array of plain numbers", "whose meaning would be lost"
        advice = _NUMBERS.format(name=name)
    else:
        return
    raise TypeError(f"{function}: {name} must be {rule}; got {kind(array)}, {what}: {advice}")


def refuse_unit(function: str, name: str, thing: Any) -> None:
    """Numbers of a unit, in an object that is no array of NumPy's."""
    if any(hasattr(type(thing), word) for word in ("unit", "units")) and asked(thing, "ndim"):
        raise TypeError(
            f"{function}: {name} must be an array of plain numbers; got {kind(thing)}, whose unit "
            f"would be lost: {_NUMBERS.format(name=name)}"
        )


def refuse_fields(function: str, name: str, array: np.ndarray) -> None:
    """Records are not numbers."""
    if array.dtype.names:
        listed = ", ".join(array.dtype.names)
        raise TypeError(
            f"{function}: {name} must be an array of numbers; got records of the fields {listed}: "
            f"pass one of them, {name}[{array.dtype.names[0]!r}] say"
        )


def refuse_gradient(function: str, name: str, thing: Any) -> None:
    """An array that other arrays' gradients go through."""
    if asked(thing, "requires_grad") is True or asked(thing, "stop_gradient") is False:
        raise TypeError(
            f"{function}: {name} must not require a gradient, which would be lost; got "
            f"{kind(thing)} that does: pass {name}.detach(), and take gradients from fastsample.vjp"
        )


def unreadable(function: str, name: str, thing: Any, error: Exception) -> NoReturn:
    """Say what came and what its library said of it."""
    held = asked(thing, "dtype")
    of = "" if held is None else f" of {held}"
    raise TypeError(
        f"{function}: {name} must be an array that NumPy can read; got {kind(thing)}{of} "
        f"({first_line(error)}): {_advice(function, name, thing, held)}"
    ) from None


def first_line(error: Exception) -> str:
    """What another library said, in short."""
    return (str(error).splitlines() or [""])[0][:LINE] or type(error).__name__


def _advice(function: str, name: str, thing: Any, held: Any) -> str:
    """What to call instead; no value is lost by it."""
    if any(base.__name__ == "Tracer" for base in type(thing).__mro__):
        return f"call {function} outside of jit, grad and vmap, or within jax.pure_callback"
    called = str(held).rpartition(".")[2]
    if held is not None and not _is_known(called):
        return f"convert it to {'complex64' if 'complex' in called else 'float32'}"
    return "make an array of NumPy of its values first"


def _as_dense(name: str, thing: Any) -> str:
    """How a sparse array becomes one, if it is sparse."""
    for method in ("toarray", "todense", "to_dense"):
        if hasattr(type(thing), method):
            return f"pass {name}.{method}()"
    return ""


def _is_known(called: str) -> bool:
    """Does NumPy have a type of this name? Others may have taught it some more."""
    try:
        return np.dtype(called).isbuiltin == 1
    except TypeError:
        return False
