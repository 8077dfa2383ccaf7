"""Lean compilation: what it may not change, and what it leaves to Numba."""

import contextlib
import re
from itertools import product
from typing import NamedTuple

import numba
import numpy as np
import nursery
import pytest
from installing import cache_files

from fastsample._kernels.compiler import lean, needless, shortcuts
from fastsample._kernels.compiler.jit import inline, jit

pytestmark = pytest.mark.compiled
LIMIT = 120


@inline
def square(x):
    return x * x


@jit
def sum_of_squares(x, n):
    total = 0.0
    for _ in range(n):
        total += square(x)
    return total


def test_this_numba_has_all_that_it_takes():
    assert lean.INNER is lean.InnerCompiler
    assert lean.KERNEL is lean.KernelCompiler


def test_a_caller_on_numbas_own_path():
    """It finds what it calls, and what that calls."""

    @numba.njit
    def caller(x):
        return sum_of_squares(x, 3) + square(x) + max(square(x), 1.0)

    assert caller(2.0) == 20


def test_python_cannot_call_what_has_no_machine_code():
    with pytest.raises((TypeError, ValueError)):
        sum_of_squares(2.0, 3)


def test_inner_functions_get_no_machine_code():
    half = inline(lambda x: x / 2)
    assert numba.njit(lambda x: half(x))(2.0) == 1
    (made,) = half.made().overloads.values()
    assert isinstance(made.library, lean.Inner)
    with pytest.raises(RuntimeError, match="no compiled object"):
        made.library._get_compiled_object()


def frozen(value, first=0):
    """What a factory makes of what it freezes."""

    @inline
    def add(x, by=first):
        return x + value

    return add


def test_alike_functions_are_one():
    one = frozen((2, np.float32))
    assert frozen((2, np.float32)) is one
    values = (2, np.float64), (2.0, np.float32), (True, np.float32), [2, np.float32], 0.0, -0.0, 0
    assert len({id(made) for made in [one, *map(frozen, values)]}) == 1 + len(values)
    assert frozen(0, 1) is not frozen(0, 2)
    assert frozen([1]) is not frozen([1]), "what has no hash is itself alone"


def test_a_function_that_calls_what_is_not_made_yet():
    def makes(to):
        @inline
        def calls(x):
            return adds(x)

        adds = frozen(to)
        return calls

    one, two = makes(3), makes(4)
    assert numba.njit(lambda x: one(x) * two(x))(1.0) == 4 * 5


def test_numbers_that_callers_write_out_make_no_function_of_their_own():
    add = frozen(5)
    assert numba.njit(lambda x: add(1) * add(2) * add(x))(3) == 6 * 7 * 8
    assert len(add.made().overloads) == 1


def counted(start, stop, step):
    """All loops over ranges that there are; numbers in whose digits the order is."""
    seen = 0
    for k in range(stop):
        seen = (seen * 7 + k) % 999_983
    for k in range(start, stop):
        seen = (seen * 7 + k) % 999_983
    for k in range(start, stop, step):
        seen = (seen * 7 + k) % 999_983
    for k in range(start, stop, 3):
        for m in range(k, start, -2):
            if m == 2:
                continue
            seen = (seen * 7 + m) % 999_983
        if k == 5:
            break
    return seen


inner_counted = inline(counted)


@numba.njit
def compiled_counted(start, stop, step):
    return inner_counted(start, stop, step)


@pytest.mark.parametrize(("start", "stop"), [*product((-3, 0, 2, 6), repeat=2)])
def test_loops_over_ranges(start, stop):
    for step in -7, -2, -1, 1, 2, 9:
        assert compiled_counted(start, stop, step) == counted(start, stop, step)


class Held(NamedTuple):
    """What functions hand over whole."""

    first: float
    pair: tuple
    flag: bool


@inline
def held_of(x, n, by=2):
    return Held(x, (n, by), x > 1.0)


@jit
def turned(held, low):
    a, b = held.pair
    return Held(low if held.flag else held.first, (b, a), not held.flag), a + b


@inline
def nothing(held):
    if held.flag:
        return


def turns(x, n):
    """Structures, flags, nothing, a default; variables of branches and of loops."""
    held, total = held_of(x, n), 0
    nothing(held)
    while held.pair[0] > 0 and total < 40:
        held, some = turned(held, x / 2)
        total += some
    return held.first, held.pair, held.flag, total


@pytest.mark.parametrize(("x", "n"), [*product((0.5, 3.0), (0, 1, 7))])
def test_values_go_from_function_to_function(x, n):
    first, pair, flag, total = x, (n, 2), x > 1, 0
    while pair[0] > 0 and total < 40:
        first, pair, flag = x / 2 if flag else first, pair[::-1], not flag
        total += n + 2
    assert numba.njit(turns)(x, n) == (first, pair, flag, total)


def test_what_would_raise_returns_zero():
    third = inline(lambda k: (5, 6, 7)[k])
    compiled = numba.njit(lambda k: third(k))
    assert (compiled(2), compiled(3)) == (7, 0)


def test_inner_functions_are_short():
    """Numba writes some 140 instructions for a loop over a range that makes a call."""
    summed = jit(sum_of_squares.twin)
    assert numba.njit(lambda x: summed(x, 3))(2.0) == 12
    (made,) = summed.made().overloads.values()
    assert len(str(made.library._final_module).splitlines()) < 70


def of_an_array(values, n):
    total = 0.0
    for k in range(n):
        if values[k] > 0 and k % 3:
            total += square(values[k])
        else:
            total -= min(values[k], k)
    return values[:n].copy(), (total, n // 2)


def assembly(context):
    compiled = numba.njit(of_an_array)
    with context:
        compiled.compile("(f8[:], i8)")
    (code,) = compiled.inspect_asm().values()
    return re.sub(r"_ZN\w+|of_an_array\S*|0x[0-9a-f]+|\d{5,}", "NAME", code)


def test_shortcuts_are_to_the_same_code():
    usual = assembly(contextlib.nullcontext())
    assert "NAME" in usual
    assert assembly(shortcuts.taken()) == usual


def test_an_error_tells_as_much():
    def wrong(x):
        return abs(x) + x.nothing

    told = []
    for context in (contextlib.nullcontext(), shortcuts.taken()):
        with context, pytest.raises(numba.TypingError) as found:
            numba.njit(wrong).compile("(f8,)")
        told.append(str(found.value))
    assert "nothing" in told[0]
    assert told[0] == told[1]


def test_shortcuts_are_for_the_time_of_a_compilation():
    def now():
        return [getattr(owner, name) for owner, name, _ in shortcuts.MADE]

    usual = now()
    assert len(usual) == 35
    assert needless.typeinfer.ConstraintNetwork.propagate in usual
    with shortcuts.taken():
        assert not set(usual) & set(now())
    assert now() == usual


WITHOUT = """
import numpy as np
from numba.core import codegen
{before}
import fastsample as fs
from fastsample._kernels.compiler import lean
image = np.random.default_rng(0).random((1, 2, 11), dtype=np.float32)
grid = np.random.default_rng(1).uniform(-1.2, 1.2, (1, 50, 1)).astype(np.float32)
print(lean.INNER.__name__, fs.grid_sample(image, grid, "bicubic").tobytes().hex())
"""


@pytest.fixture(scope="module")
def by_us(tmp_path_factory):
    """What a process says, and where it keeps its kernels."""
    folder = tmp_path_factory.mktemp("lean")
    return nursery.script(WITHOUT.format(before=""), LIMIT, NUMBA_CACHE_DIR=str(folder)), folder


OWN = """
codegen.CPUCodegen._passes = codegen.CPUCodegen._module_pass_manager
del codegen.CPUCodegen._module_pass_manager
codegen.CPUCodegen.__getattr__ = lambda self, name: (
    self._passes if name == '_module_pass_manager' else self.__getattribute__(name))
"""


def test_a_numba_that_lacks_a_part(by_us, tmp_path):
    """Compiles as Numba would, with the same results."""
    code = WITHOUT.format(before=OWN)
    own, values = nursery.script(code, LIMIT, NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert own == "Compiler"
    assert by_us[0].split() == ["InnerCompiler", values]


FEW = """
import sys
import numpy as np
import fastsample as fs
before = set(sys.modules)
fs.grid_sample(np.zeros((1, 1, 4, 4), np.float32), np.zeros((1, 2, 2, 2), np.float32))
for name in ("scipy", "numba.np.arrayobj", "numba.cpython.unicode", "numba.typed.typedlist"):
    assert name not in set(sys.modules) - before, name
print(len({name for name in set(sys.modules) - before if name.startswith("scipy")}))
import numba
from numba.core.runtime import rtsys
print(rtsys._init)
print(numba.njit(lambda x: np.median(np.cumsum(np.sqrt(x))))(np.ones(4)))
"""


def test_fields_of_records():
    """Read and written with the type that they have, wherever they lie."""
    fields = [("byte", "i1"), ("float", "f4"), ("double", "f8"), ("short", "u2")]

    @jit
    def change(record, value):
        record.byte, record.short = value, record.short + 1
        record.float = record.double = record.byte + value / 2

    for align in (False, True):
        records = np.zeros(2, np.dtype(fields, align=align))
        records["short"] = 65535, 7
        numba.njit(lambda rows, value: change(rows[1], value))(records, 3)
        assert records.tolist() == [(0, 0.0, 0.0, 65535), (3, 4.5, 4.5, 8)]


def test_all_of_numba_is_loaded_for_others_alone(tmp_path):
    assert nursery.script(FEW, LIMIT, NUMBA_CACHE_DIR=str(tmp_path)).split() == [
        "0",
        "False",
        "2.5",
    ]


def test_a_kept_kernel_is_machine_code(by_us):
    """And nothing of LLVM's language, as which Numba would keep it as well."""
    kept = [path.read_bytes() for path in cache_files(by_us[1])]
    assert kept
    assert not any(b"BC\xc0\xde" in content for content in kept)
    assert max(map(len, kept)) < 100_000
