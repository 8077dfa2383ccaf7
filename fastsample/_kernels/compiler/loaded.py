"""Machine code from disk, made ready to be called by LLVM alone."""

from llvmlite import binding

from .once import once


def address_of(code):
    """Where a kernel's entry is, once its code is loaded: for as long as the process runs."""
    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code.machine))
    engine.finalize_object()
    return engine.get_function_address(code.entry)


@once
def _engine():
    """What puts code into memory that may be run. It compiles nothing itself."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine()
    nothing = binding.parse_assembly("")
    return binding.create_mcjit_compiler(nothing, machine)
