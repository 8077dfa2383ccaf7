"""Lowering: from Numba's language to LLVM's, in two fifths of the instructions.

Numba writes for any Python: variables live in memory, structures go from function to function in
pieces, a call is followed by a look at what it raised, a loop over a range counts as Python's
would. LLVM takes most of that out again, and Python is slow at writing it. The 69 functions of a
first call were 11,500 instructions and are 4,100; on one core of Zen 3 that call took 3.9 s and
takes 3.1.
"""

import itertools
from collections import defaultdict

from llvmlite import ir as llvm
from numba.core import analysis, callconv, cgutils, cpu, ir, lowering, types
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

# What is replaced of Numba's lowering and not everybody's to call: `lean` looks if it is there.
REPLACED = "_find_singly_assigned_variable", "_lower_call_normal"

ZERO = llvm.Constant(llvm.IntType(64), 0)
ONE = llvm.Constant(llvm.IntType(64), 1)


# Variables and loops ------------------------------------------------------------------------------


def named_once(blocks):
    """The variables that need no memory: defined once, and on every way to where they are used."""
    homes, uses = defaultdict(list), defaultdict(set)
    for label, block in blocks.items():
        for statement in block.body:
            if type(statement) is ir.Assign:
                homes[statement.target.name].append(label)
    if len(blocks) == 1:
        return {name for name, defined in homes.items() if len(defined) == 1}
    for label, block in blocks.items():
        for statement in block.body:
            for variable in statement.list_vars():
                uses[variable.name].add(label)
    before = analysis.compute_cfg_from_blocks(blocks).dominators()
    return {
        name
        for name, (home, *others) in homes.items()
        if not others and all(at == home or (home < at and home in before[at]) for at in uses[name])
    }


class Lower(lowering.Lower):
    """Numba's, for functions that raise nothing and read no variable before they define it."""

    def _find_singly_assigned_variable(self):
        self._singly_assigned_vars = named_once(self.blocks)
        self._blk_local_varmap = {}

    def incref(self, typ, val):
        """Nothing: what is passed belongs to the caller, and nothing else is made."""

    def pre_block(self, block):
        """Nothing: there is no `try`."""

    def lower_inst(self, inst):
        """As Numba's, without a text of each statement for whoever debugs."""
        if type(inst) is ir.Assign:
            name = inst.target.name
            self.storevar(self.lower_assign(self.typeof(name), inst), name)
        elif type(inst) is ir.SetAttr and isinstance(self.typeof(inst.target.name), types.Record):
            self._set_field(inst)
        else:
            super().lower_inst(inst)

    def storevar(self, value, name, argidx=None):
        """Numba would read first what is replaced, to count references to it."""
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            place = self.getvar(name)
            self.builder.store(self._whole(value, place.type.pointee), place)

    def alloca(self, name, type):
        """Memory of a variable, and no zero there."""
        return self._local(self.context.get_value_type(type), name)

    def _local(self, kind, name=""):
        with self.builder.goto_entry_block():
            return self.builder.alloca(kind, name=name)

    def lower_expr(self, resty, expr):
        """Loops over ranges as two counters: where they are, and how many are left."""
        if expr.op in ("pair_first", "pair_second"):
            return self._parts(self.loadvar(expr.value.name))[expr.op == "pair_second"]
        if expr.op == "getiter" and self.typeof(expr.value.name) == types.range_state64_type:
            return self._counters(*self._parts(self.loadvar(expr.value.name)))
        if expr.op == "iternext" and self.typeof(expr.value.name) == types.range_iter64_type:
            return self._next(*self._parts(self.loadvar(expr.value.name)))
        if expr.op == "getattr" and isinstance(self.typeof(expr.value.name), types.Record):
            kind, place, align = self._field(expr.value.name, expr.attr)
            return self.context.unpack_value(self.builder, kind, place, align)
        return super().lower_expr(resty, expr)

    def _field(self, name, attr):
        """A record's field: its type, where it lies, and how. Numba's is in its module of arrays.

        That imports what Numba knows of texts, 0.1 s.
        """
        record, value = self.typeof(name), self.loadvar(name)
        kind = record.typeof(attr)
        held, offset = self.context.get_data_type(kind), record.offset(attr)
        place = cgutils.get_record_member(self.builder, value, offset, held)
        return kind, place, None if record.aligned else 1

    def _set_field(self, inst):
        kind, place, align = self._field(inst.target.name, inst.attr)
        value, given = self.loadvar(inst.value.name), self.typeof(inst.value.name)
        value = self.context.cast(self.builder, value, given, kind)
        self.context.pack_value(self.builder, kind, value, place, align=align)

    def _lower_call_normal(self, fnty, expr, signature):
        if signature.return_type == types.range_state64_type:
            args = self.fold_call_args(fnty, signature, expr.args, expr.vararg, expr.kws)
            return self._range(*args)
        return super()._lower_call_normal(fnty, expr, signature)

    def _range(self, start, stop=None, step=ONE):
        """A range: where it begins, how many it has, and the step between two."""
        if stop is None:
            start, stop = ZERO, start
        count = self.builder.sub(stop, start)
        if step is not ONE:
            count = self._rounded_up(count, step)
        some = self.builder.icmp_signed(">", count, ZERO)
        return start, self.builder.select(some, count, ZERO), step

    def _rounded_up(self, distance, step):
        """How many steps reach over a distance."""
        forward = self.builder.icmp_signed(">", step, ZERO)
        less = self.builder.select(forward, ONE, llvm.Constant(ONE.type, -1))
        return self.builder.sdiv(self.builder.sub(self.builder.add(distance, step), less), step)

    def _counters(self, start, count, step):
        here, left = self._local(start.type), self._local(count.type)
        self.builder.store(start, here)
        self.builder.store(count, left)
        return here, ONE, step, left  # as Numba's, whose second is the end

    def _next(self, here, _, step, left):
        value, count = self.builder.load(here), self.builder.load(left)
        self.builder.store(self.builder.add(value, step), here)
        self.builder.store(self.builder.sub(count, ONE), left)
        return value, self.builder.icmp_signed(">", count, ZERO)

    def _parts(self, value):
        """What a structure consists of, from memory or as we have it."""
        if isinstance(value, tuple):
            return value
        return [self.builder.extract_value(value, k) for k in range(len(value.type.elements))]

    def _whole(self, value, kind):
        if not isinstance(value, tuple):
            return value
        made = llvm.Constant(kind, llvm.Undefined)
        for k, part in enumerate(value):
            made = self.builder.insert_value(made, part, k)
        return made


# Calls --------------------------------------------------------------------------------------------


class _Convention(callconv.CPUCallConv):
    """What Numba's own code does where an inner function would raise: it returns."""

    def return_user_exc(self, builder, *args, **kwargs):
        """Zero, whatever that is."""
        if _is_inner(builder):
            builder.ret(llvm.Constant(builder.function.function_type.return_type, None))
        else:
            super().return_user_exc(builder, *args, **kwargs)

    def return_status_propagate(self, builder, status):
        """The same, after a call of what Numba compiled."""
        if _is_inner(builder):
            self.return_user_exc(builder)
        else:
            super().return_status_propagate(builder, status)


def _is_inner(builder):
    return isinstance(builder.function, _Inner)


class _Inner(llvm.Function):
    """A function that takes and returns values as they are, and raises nothing."""


class _Context(cpu.CPUContext):
    """Numba's, where inner functions are lowered."""

    call_conv = property(_Convention)


class InnerLower(Lower):
    """For what kernels call."""

    def init(self):
        """Enter a context of ours."""
        super().init()
        context = object.__new__(_Context)
        vars(context).update(vars(self.context))
        self.context = context

    def emit_environment_object(self):
        """None: it is for Python's objects."""

    def setup_function(self, fndesc):
        """Declare the function."""
        self.function = _Inner(self.module, _type_of(self.context, fndesc), fndesc.mangled_name)
        self.function.linkage = "linkonce_odr"  # at home in any number of modules
        if fndesc.inline:
            self.function.attributes.add("alwaysinline")
        self.builder = llvm.IRBuilder(self.function.append_basic_block("entry"))
        self.call_helper = None

    def extract_function_arguments(self):
        """They are what the caller had."""
        given = iter(self.function.args)
        self.fnargs = [next(given) if _is_given(kind) else None for kind in self.fndesc.argtypes]

    def lower_inst(self, inst):
        """Return a value, not its place."""
        if type(inst) is ir.Return:
            self.builder.ret(self.loadvar(inst.value.name))
        else:
            super().lower_inst(inst)


def _is_given(kind):
    """Does a caller hand a value over, or is it the default that a type holds?"""
    return not isinstance(kind, types.Omitted)


def _type_of(context, fndesc):
    given = filter(_is_given, fndesc.argtypes)
    return llvm.FunctionType(
        context.get_value_type(fndesc.restype), [context.get_value_type(kind) for kind in given]
    )


def call_of(fndesc, libraries):
    """What writes a call of an inner function."""

    def call(context, builder, sig, args):
        callee = builder.module.globals.get(fndesc.mangled_name)
        if callee is None:
            callee = _Inner(builder.module, _type_of(context, fndesc), fndesc.mangled_name)
        given = [arg for arg, kind in zip(args, fndesc.argtypes, strict=True) if _is_given(kind)]
        return builder.call(callee, given)

    call.signature, call.libs = fndesc.argtypes, tuple(libraries)
    return call


_numbers = itertools.count()


def name_of(name, types, *, abi_tags=(), uid=None):
    """An inner function's name: Numba's have its types, some 300 letters each time it is called."""
    return f"{name.rpartition('.')[2]}.{uid}.{next(_numbers)}"


# Passes -------------------------------------------------------------------------------------------


@register_pass(mutates_CFG=True, analysis_only=False)
class InnerLowering(NativeLowering):
    """Numba's pass, of inner functions."""

    _name = "inner_lowering"
    lowering_class = InnerLower


@register_pass(mutates_CFG=True, analysis_only=False)
class KernelLowering(NativeLowering):
    """The same of kernels, which are called as Numba's are."""

    _name = "kernel_lowering"
    lowering_class = Lower
