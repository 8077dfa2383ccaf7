"""Lean compilation: LLVM works once, on a whole kernel.

A kernel is some 30 functions, of which only the outermost is ever called from outside. Numba would
optimise each by itself, make machine code of it, and optimise it again wherever it is called. Here
inner functions end as LLVM's language; the kernel takes them all in and is optimised and made
machine code of once, in 0.53 to 0.74 of the time. What comes out is as quick but for a few kernels,
which take up to 7 % longer (bicubic of bytes with channels last).

What this package takes of Numba's compiler stands here, in `lower` and in `shortcuts`. Where a
Numba lacks a part of it, `INNER` and `KERNEL` are its own compiler: slower, the same results.
"""

import functools

from llvmlite import binding, ir
from numba.core import codegen, lowering, registry
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager

from . import lower, shortcuts

# Passes of Numba's over a function's Python, by name, that have nothing to do in kernels: no array
# expressions, closures written inside, `literal_unroll`, `with`, parallel loops, annotations to
# print; no ends of lifetimes, where references would be counted. After each of them all lifetimes
# are found anew: together a tenth of a compilation. A kernel that needs one does not compile
# without it.
NOT_NEEDED = {
    "WithLifting",
    "InlineClosureLikes",
    "RewriteDynamicRaises",
    "MakeFunctionToJitFunction",
    "InlineInlinables",
    "FindLiterallyCalls",
    "LiteralUnroll",
    "LiteralPropagationSubPipelinePass",
    "InlineOverloads",
    "NopythonRewrites",
    "NoPythonSupportedFeatureValidation",
    "IRLegalization",
    "AnnotateTypes",
    "DumpParforDiagnostics",
}


# Libraries: a function's LLVM module, and what it calls -----------------------------------------

# Private: the class that Numba's JIT makes for each function, of whose LLVM module the name is
# `_final_module`. `add_linking_library` is called for each callee, `_optimize_functions` for each
# module that is added, `finalize` before the first use; `finalize` calls `_optimize_final_module`,
# and for each callee `_get_module_for_linking`.
NUMBAS = getattr(codegen, "JITCodeLibrary", object)
REPLACED = (
    "add_linking_library",
    "add_ir_module",
    "finalize",
    "_get_compiled_object",
    "_optimize_functions",
    "_optimize_final_module",
    "_get_module_for_linking",
)


class _Library(NUMBAS):
    """A function that knows all libraries below it, each once."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._callees = {}  # an ordered set: who is called comes before who calls

    def add_linking_library(self, library):
        library._ensure_finalized()
        self._callees.update(getattr(library, "_callees", {}))
        self._callees[library] = None

    def _optimize_functions(self, ll_module):
        """Not one by one."""

    def _link_callees(self, module):
        # Callers first: LLVM takes a function of many homes only where something calls it already.
        for library in reversed(self._callees):
            inner = isinstance(library, Inner)
            part = library._final_module if inner else library._get_module_for_linking()
            module.link_in(part, preserve=True)


class Inner(_Library):
    """What kernels call."""

    def __init__(self, *args, **kwargs):
        codegen.CodeLibrary.__init__(self, *args, **kwargs)  # without an empty module to begin with
        self._linking_libraries, self._shared_module, self._callees = [], None, {}

    def add_ir_module(self, ir_module):
        """Read what was lowered, the one module there is. LLVM verifies whole kernels."""
        self._final_module = binding.parse_assembly(str(ir_module))

    def finalize(self):
        """Nothing: kernels are."""
        self._finalized = True

    def _get_module_for_linking(self):
        """For a caller on Numba's own path, which links what it calls and nothing below that."""
        whole = self._final_module.clone()
        self._link_callees(whole)
        return whole


class Outer(_Library):
    """A kernel."""

    def finalize(self):
        self._link_callees(self._final_module)
        super().finalize()

    def _optimize_final_module(self):
        """Numba's last pipeline of two, without vectorisers: kernels are vectors as written."""
        vectorisers = {"loop_vectorize": False, "slp_vectorize": False}
        made = self._codegen._module_pass_manager(**vectorisers)
        passes, *builder = made if isinstance(made, tuple) else (made,)  # none before Numba 0.62
        passes.run(self._final_module, *builder)


# Compilers: Numba's, with libraries of ours to lower into ----------------------------------------


class _Passes(PassManager):
    """Numba's passes, one after the other, with nothing between them."""

    def _runPass(self, index, one, state):
        one.analysis = self._analysis
        one.run_initialization(state)
        one.run_pass(state)
        one.run_finalizer(state)


def _of_ours(passes, to_llvm):
    fewer = _Passes(passes.pipeline_name)
    fewer.passes = [
        (to_llvm if one.__name__ == "NativeLowering" else one, why)
        for one, why in passes.passes
        if one.__name__ not in NOT_NEEDED
    ]
    fewer.finalize()
    return fewer


@functools.cache
def _size_of(ty):
    """The bytes of an LLVM type. Numba has LLVM read a module for each question, 150 a kernel."""
    return registry.cpu_target.target_context.get_abi_sizeof(ty)


def _entry(context, library, fndesc, env, call_helper):
    """What C calls: the kernel, without Numba's way out for exceptions, of which kernels have none.

    That way is longer than some kernels, and what it calls of Python's and of Numba's runtime would
    have to be found again for each kernel that is read from disk.
    """
    module = context.create_module("entry")
    kind = context.call_conv.get_function_type(fndesc.restype, fndesc.argtypes)
    kernel = ir.Function(module, kind, fndesc.llvm_func_name)
    takes = [context.get_value_type(one) for one in fndesc.argtypes]
    gives = context.get_value_type(fndesc.restype)
    entry = ir.Function(module, ir.FunctionType(gives, takes), fndesc.llvm_cfunc_wrapper_name)
    builder = ir.IRBuilder(entry.append_basic_block())
    convention, arguments = context.call_conv, (fndesc.restype, fndesc.argtypes, entry.args)
    _, given = convention.call_function(builder, kernel, *arguments)
    builder.ret(given)
    library.add_ir_module(module)


def _nothing_more(module, library):
    """Numba's runtime is not linked: no kernel calls it."""


_PIPELINES = {}  # by the pass that lowers


class KernelCompiler(Compiler):
    """For the outermost function."""

    library_class, to_llvm = Outer, lower.KernelLowering

    def define_pipelines(self):
        """Numba's passes, put in order once: they and their options are the same for all."""
        if self.to_llvm not in _PIPELINES:
            pipelines = super().define_pipelines()
            _PIPELINES[self.to_llvm] = [_of_ours(passes, self.to_llvm) for passes in pipelines]
        return _PIPELINES[self.to_llvm]

    def compile_extra(self, func):
        context = self.state.targetctx  # of this function alone
        context.get_abi_sizeof = _size_of
        context.create_cfunc_wrapper = functools.partial(_entry, context)
        context.post_lowering = _nothing_more
        self.state.library = self.library_class(context.codegen(), func.__qualname__)
        self.state.library.enable_object_caching()
        return super().compile_extra(func)


class InnerCompiler(KernelCompiler):
    """For the others."""

    library_class, to_llvm = Inner, lower.InnerLowering

    def compile_extra(self, func):
        """Lower, then tell compiled code what to call, as Numba does once there is an address."""
        self.state.flags.no_compile = True
        self.state.targetctx.mangler = lower.name_of
        done = super().compile_extra(func)
        # An entry must be a built-in function, and one of its own. This one raises, should Python
        # call it.
        entry = [].index
        call = lower.call_of(done.fndesc, [done.library])
        done.target_context.insert_func_defn([(call, entry, call.signature)])
        return done._replace(entry_point=entry)


def _possible():
    parts = hasattr(codegen.CPUCodegen, "_module_pass_manager")
    parts = parts and all(hasattr(NUMBAS, name) for name in REPLACED)
    return parts and all(hasattr(lowering.Lower, name) for name in lower.REPLACED)


INNER, KERNEL = (InnerCompiler, KernelCompiler) if _possible() else (Compiler, Compiler)
if not _possible():
    shortcuts.need_all()
