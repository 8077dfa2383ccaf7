"""How Numba makes kernels: its dispatchers, its intrinsics, its compiler with our options.

Imported when the first kernel is compiled, and with it Numba.
"""

import importlib
import itertools
import os

from numba import config, njit, types
from numba.core.bytecode import FunctionIdentity
from numba.core.ccallback import CFunc
from numba.core.typing.templates import make_intrinsic_template
from numba.core.typing.typeof import typeof

from . import interrupts, lean, shortcuts
from . import needless as needless  # which adds to what `shortcuts` takes
from .disk import Code
from .later import OF_TYPES
from .once import in_each_process

for _name in OF_TYPES:
    importlib.import_module(_name)

OPTIONS = {"nogil": True, "error_model": "numpy"}
# No reference is counted inside: an array there belongs to the caller. (Counting calls a function
# for each array wherever a small function with a branch takes it: twice the time of a loop.)
INNER = {**OPTIONS, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def dispatcher(function, options):
    """Numba's function that other compiled ones may call."""
    made = njit(pipeline_class=lean.INNER, **INNER, **options)(function)
    usual = made.get_call_template
    # Compile it once for all numbers that callers write out, where Numba would once for each. LLVM
    # finds them again where it puts a function into its caller: the same instructions.
    made.get_call_template = lambda args, kws: usual([types.unliteral(a) for a in args], kws)
    return made


def intrinsic(typed, key):
    """The type of Numba's intrinsic `typed`, which is all that compiled code asks of one."""
    return types.Function(make_intrinsic_template(key, typed, typed.__name__))


def type_of(made):
    """What Numba's compiler takes for the type of one of these."""
    return made if isinstance(made, types.Type) else typeof(made)


def number_apart():
    """Let what this process compiles have names that no other process gives.

    Numba names a function after its source and a number that counts from 1 in each process. All
    kernels of a process share one space of names, in which the first of a name stands for all: of
    two kernels from disk, compiled by two processes, one would call the other's inner functions.
    """
    FunctionIdentity._unique_ids = itertools.count(int.from_bytes(os.urandom(6), "little"))


in_each_process(number_apart)  # a forked child would count on from where its parent was


def compiled(function, signature):
    """A kernel, which must be kept, and its address; and its code for the disk."""
    gives, *takes = (getattr(types, name) for name in signature)
    kernel = CFunc(function, (takes, gives), {}, dict(OPTIONS), pipeline_class=lean.KERNEL)
    config.reload_config()  # before each kernel, not before each function that it is made of
    with shortcuts.taken():
        kernel.compile()
        code = _code_of(kernel)
    return kernel, kernel.address, code


def _code_of(kernel):
    try:
        return Code(kernel.native_name, kernel._library._get_compiled_object())
    except Exception as error:
        if interrupts.LOST in str(error):
            raise KeyboardInterrupt from None
        raise
