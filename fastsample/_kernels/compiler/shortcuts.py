"""Quicker ways to what Numba finds out again and again, while a kernel is compiled.

Three quarters of a compilation are Numba's Python, and much of that answers the same questions
anew: which of 20 rules types a sum, where variables live after each pass, what variables a
statement has. Here are functions with the same answers. They stand in the place of Numba's for as
long as its compiler lock is held: other threads' kernels never meet them.
"""

import contextlib
import dis
import functools
import importlib
import itertools
from types import BuiltinFunctionType, ModuleType

import numpy as np
from numba.core import (
    base,
    bytecode,
    byteflow,
    cpu,
    errors,
    event,
    interpreter,
    ir,
    itanium_mangler,
    lowering,
    postproc,
    targetconfig,
    transforms,
    typeinfer,
    types,
    utils,
)
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime import rtsys
from numba.core.types import functions
from numba.core.typing import context, mathdecl, templates

from .later import Later

MADE = []  # (owner, name, what stands there meanwhile)


def in_place_of(owner, name):
    """Make a function that stands for `owner.name`, from that; none where a Numba has none."""

    def enter(make):
        usual = getattr(owner, name, None)
        if usual is not None:
            MADE.append((owner, name, functools.wraps(usual)(make(usual))))
        return make

    return enter


@contextlib.contextmanager
def taken():
    """Take them all, and nothing else of Numba's compiler meanwhile."""
    with global_compiler_lock:
        usual = [(owner, name, getattr(owner, name)) for owner, name, _ in MADE]
        try:
            for owner, name, quicker in MADE:
                setattr(owner, name, quicker)
            yield
        finally:
            for owner, name, was in usual:
                setattr(owner, name, was)


@in_place_of(bytecode, "_unpack_opargs")
def _instructions(usual):
    """A function's instructions. More than half of Python 3.11's are gaps behind the others."""
    gap = dis.opmap.get("CACHE")

    def unpacked(code):
        held = None
        for offset, operation, arg, after in usual(code):
            if operation == gap:
                held = *held[:3], after
                continue
            if held:
                yield held
            held = offset, operation, arg, after
        yield held

    return unpacked


@in_place_of(byteflow.Flow, "run")
def _flows(usual):
    """How a function's bytecode flows: functions made for other ints have the same."""
    known = {}

    def run(self):
        code = self._bytecode.func_id.code
        if code not in known:
            usual(self)
            known[code] = {k: v for k, v in vars(self).items() if k != "_bytecode"}
        vars(self).update(known[code])

    return run


@in_place_of(ir.Inst, "_rec_list_vars")
def _variables(usual):
    """A statement's variables: most of what else it holds has none, as its type says."""
    none = {ir.Loc, str, int, bool, float, type(None), type(len), type(in_place_of)}

    def listed(self, value):
        if type(value) is not dict:
            return usual(self, value)
        found = []
        for held in value.values():
            kind = type(held)
            if kind is ir.Var:
                found.append(held)
            elif kind not in none:
                found += usual(self, held)
        return found

    return listed


@in_place_of(postproc.PostProcessor, "run")
def _lifetimes(usual):
    """Where variables live, once somebody asks: five passes of eight would find it out for naught.

    What is live where a block begins only generators and Numba's object mode want to know.
    """

    def run(self, emit_dels=False, extend_lifetimes=False):
        if emit_dels or self.func_ir.is_generator:
            usual(self, emit_dels, extend_lifetimes)
            return
        self.func_ir.blocks = transforms.canonicalize_cfg(self.func_ir.blocks)
        self.func_ir.variable_lifetime = postproc.VariableLifetime(self.func_ir.blocks)
        self.func_ir.generator_info = None

    return run


@in_place_of(functions.BaseFunction, "get_call_type")
def _signatures(usual):
    """The types of a call of Numba's own functions: each asked for ten times a kernel."""
    known = {}

    def typed(self, context, args, kws):
        if kws:
            return usual(self, context, args, kws)
        key = self, context, args
        found = known.get(key)
        if found is None:
            found = known[key] = usual(self, context, args, kws)
        return found

    return typed


@in_place_of(context.BaseContext, "resolve_getattr")
def _fields(usual):
    """The type of a field, or of a function in a module; and if a function can be called."""
    known = {}
    kept = {types.Record, types.NamedTuple, types.NamedUniTuple, types.Module}
    kept |= {types.Function, types.Dispatcher}

    def typed(self, kind, name):
        if type(kind) not in kept:
            return usual(self, kind, name)
        key = self, kind, name
        if key not in known:
            known[key] = usual(self, kind, name)
        return known[key]

    return typed


FROZEN = int, bool, str, type, np.dtype, Later, ModuleType, BuiltinFunctionType


@in_place_of(context.BaseContext, "resolve_value_type")
def _constants(usual):
    """The type of what a function freezes: it is asked whether it is a buffer, and much else.

    `range` and `int` would have Numba import its lists and dicts, to see that they are none.
    """
    known = {}

    def typed(self, value):
        if not isinstance(value, FROZEN):
            return usual(self, value)
        key = (type(value), value) if type(value) in (int, bool, str) else id(value)
        found = known.get(key)
        if found is None:
            kind = self._get_global_type(value) if isinstance(value, type) else None
            # With the value, whose number is no other's while it is there.
            found = known[key] = value, kind or usual(self, value)
        return found[1]

    return typed


@in_place_of(utils, "pysignature")
def _parameters(usual):
    """What a function takes."""
    return functools.cache(usual)


@in_place_of(getattr(templates, "_TemplateTargetHelperMixin", None), "_get_target_registry")
def _registries(usual):
    """Where an intrinsic's code is listed: Numba goes through all that it knows each time."""
    known = {}

    def registry(self, reason):
        key = self.context, self.metadata.get("target")
        if key not in known:
            known[key] = usual(self, reason)
        return known[key]

    return registry


@in_place_of(base, "_has_loc")
def _places(usual):
    """Does code take a place in the source? By `inspect`, each time that it is called."""

    @functools.cache
    def takes(function):
        code = getattr(function, "__code__", None)
        if code is None or hasattr(function, "__wrapped__"):
            return usual(function)
        return "loc" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    return takes


@in_place_of(base.BaseContext, "get_constant_generic")
def _values(usual):
    """A constant's code: numbers and functions have new types all the time, of few classes."""
    known, classes = {}, {types.IntegerLiteral, types.Dispatcher, types.Function, types.Module}

    def value(self, builder, kind, given):
        key = self._get_constants, type(kind)
        if key[1] not in classes:
            return usual(self, builder, kind, given)
        if key not in known:
            known[key] = self._get_constants.find((kind,))
        return known[key](self, builder, kind, given)

    return value


@in_place_of(itanium_mangler, "_escape_string")
def _names(usual):
    """Names as a linker may read them."""
    return functools.cache(usual)


@in_place_of(targetconfig.TargetConfig, "values")
def _options(usual):
    """A function's options, by which compiled functions are told apart."""

    @functools.cache
    def defaults(kind):
        return {name: option.default for name, option in kind.options.items()}

    def values(self):
        return {**defaults(type(self)), **self._values}

    return values


@in_place_of(targetconfig.TargetConfig, "get_mangle_string")
def _packed_options(usual):
    """The same for names, packed: kernels have a handful of them."""
    known = {}

    def packed(self):
        key = type(self), self.summary()
        if key not in known:
            known[key] = usual(self)
        return known[key]

    return packed


@in_place_of(byteflow.Flow, "_run_handle_exception")
def _ways_out(usual):
    """Where a function goes on after what may raise: ahead, where there is no `try`."""

    def run(self, runner, state):
        if getattr(self._bytecode, "exception_entries", True):  # Python 3.10 has no table of them
            return usual(self, runner, state)
        return state.advance_pc()

    return run


# What kernels need of Numba's functions. All of them are 200 modules, of which one imports SciPy's
# linear algebra: a seventh of a first call. A kernel that needs more does not compile.
IMPLEMENTED = (
    *("cpython.builtins", "cpython.iterators", "cpython.numbers", "cpython.rangeobj"),
    *("cpython.tupleobj", "cpython.mathimpl"),
)


_needs_all = []


def need_all():
    """Leave out nothing, for kernels that Numba's own compiler makes."""
    _needs_all.append(True)


@functools.cache
def _implementations():
    modules = [importlib.import_module(f"numba.{name}") for name in IMPLEMENTED]
    return [module.registry for module in modules if hasattr(module, "registry")]


@in_place_of(cpu.CPUContext, "load_additional_registries")
def _implemented(usual):
    """Their code. Whatever else a process compiles has Numba load the rest before."""

    def load(self):
        if _needs_all:
            usual(self)
        # In the first one there is are intrinsics listed.
        for registry in (*itertools.islice(self._registries, 1), *_implementations()):
            self.install_registry(registry)

    return load


@in_place_of(cpu.CPUContext, "post_lowering")
def _linked(usual):
    """Numba's runtime, begun when Numba's own compiler makes something that kernels call.

    To begin it takes as long as three functions of kernels, which need none.
    """

    def link(self, module, library):
        rtsys.initialize(self)
        usual(self, module, library)

    return link


@in_place_of(context.Context, "load_additional_registries")
def _declared(usual):
    """Their types, besides those that Numba begins with."""
    return lambda self: self.install_registry(mathdecl.registry)


class _Told:
    """What an error is told of where it was raised: nothing before there is one.

    Numba's own is a generator for each statement, thrice for each call.
    """

    __slots__ = ("made", "usual")

    def __init__(self, usual, *made):
        self.usual, self.made = usual, made

    def __enter__(self):
        """Nothing yet."""

    def __exit__(self, kind, error, trace):
        if kind is not None:
            (words, further), named = self.made
            with self.usual(words, *further, **named):
                raise error


@in_place_of(typeinfer, "new_error_context")
@in_place_of(lowering, "new_error_context")
def _told(usual):
    return lambda words, *further, **named: _Told(usual, (words, further), named)


@in_place_of(errors.WarningsFixer, "catch_warnings")
def _caught(usual):
    """Warnings as they come: else Python's filters are replaced, and forgotten, at each step."""
    nothing = contextlib.nullcontext()
    return lambda self, filename=None, lineno=None: nothing


@in_place_of(interpreter, "peep_hole_delete_with_exit")
@in_place_of(interpreter, "peep_hole_fuse_dict_add_updates")
def _as_it_is(usual):
    """What ends a `with`, and dicts written out: kernels have neither."""
    return lambda func_ir: func_ir


@in_place_of(event, "install_timer")
def _timers(usual):
    """No clock for each call of LLVM."""
    return lambda kind, callback: contextlib.nullcontext()


@in_place_of(event, "start_event")
def _starts(usual):
    """No event that nobody listens to: two for each call of LLVM."""

    def start(kind, data=None):
        if event._registered.get(kind):
            usual(kind, data)

    return start


@in_place_of(event, "end_event")
def _ends(usual):
    def end(kind, data=None, exc_details=None):
        if event._registered.get(kind):
            usual(kind, data, exc_details)

    return end
