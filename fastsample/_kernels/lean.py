"""Lean compilation: inner functions become LLVM IR only, and LLVM works once for a whole kernel.

Numba optimises each function by itself, makes machine code of it, and does both again wherever the
function is called. A kernel is some 35 functions of which only the last is ever run.

All that this package takes of Numba's compiler beside its documented parts stands here. Where a
Numba has other parts, `INNER` and `KERNEL` are its own compiler: slower, with the same results.
"""

from numba.core import codegen
from numba.core.compiler import Compiler

# Methods of Numba's that the two libraries below replace or call (0.61 to 0.68 have them all).
NEEDED = (
    "_optimize_functions",  # (module): run on each piece of IR that is added
    "_optimize_final_module",  # (): run once by `finalize`, when all is linked
    "_get_module_for_linking",  # (): what a caller's `finalize` links, in any number of callers
    "add_linking_library",  # (library): a callee is told
    "serialize_using_object_code",  # (): (name, "object", (object code, bitcode)) for the cache
)


class _Library(getattr(codegen, "JITCodeLibrary", object)):
    """A function, and once each all that it calls."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._callees = {}  # libraries, as an ordered set: its own callees, and theirs

    def add_linking_library(self, library):
        library._ensure_finalized()
        self._callees.update(getattr(library, "_callees", {}))
        self._callees[library] = None

    def _optimize_functions(self, ll_module):
        ll_module.data_layout = self._codegen._data_layout

    def _link_callees(self, module):
        # Callers first: LLVM takes a "linkonce" function only where something calls it already.
        for library in reversed(self._callees):
            lean = isinstance(library, Inner)
            one = library._final_module if lean else library._get_module_for_linking()
            module.link_in(one, preserve=True)


class Inner(_Library):
    """What kernels call: lowered, and no more."""

    def finalize(self):
        """Nothing is compiled here. Any number of modules may hold the function."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == codegen.ll.Linkage.external:
                function.linkage = "linkonce_odr"
        self._finalized = True

    def _get_module_for_linking(self):
        """For a caller on Numba's own path, which links what it calls and no further."""
        whole = self._final_module.clone()
        self._link_callees(whole)
        return whole


class Outer(_Library):
    """A kernel."""

    def finalize(self):
        self._link_callees(self._final_module)
        super().finalize()

    def _optimize_final_module(self):
        """Numba's last pipeline without the loop vectoriser: kernels are vectors already."""
        passes, builder = self._codegen._module_pass_manager(loop_vectorize=False)
        passes.run(self._final_module, builder)


class KernelCompiler(Compiler):
    """Numba's compiler with a library of ours to lower into."""

    library_class = Outer

    def compile_extra(self, func):
        codegen_ = self.state.targetctx.codegen()
        self.state.library = self.library_class(codegen_, func.__qualname__)
        self.state.library.enable_object_caching()
        return super().compile_extra(func)


class InnerCompiler(KernelCompiler):
    """Lowers; what calls the function finds it as Numba's lowering would have made it found."""

    library_class = Inner

    def compile_extra(self, func):
        # To a dispatcher an entry is a built-in function, and its identity names the function to
        # whoever calls it. This one raises, should Python call it.
        entry = [].index
        self.state.flags.no_compile = True
        lowered = super().compile_extra(func)
        lowered.target_context.insert_user_function(entry, lowered.fndesc, [lowered.library])
        lowered.reload_init.extend(lowered.library._reload_init)
        return lowered._replace(entry_point=entry)


def _possible():
    return all(hasattr(_Library, name) for name in NEEDED)


INNER = InnerCompiler if _possible() else Compiler
KERNEL = KernelCompiler if _possible() else Compiler
