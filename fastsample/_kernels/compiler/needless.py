"""What Numba does of which nothing comes: passes over functions that have nothing for them.

Most functions of kernels are short: one block, no variable that is defined twice, no subscript of
a tuple. Each of Numba's passes goes through them all the same, and types are found in rounds of
which the last one changes nothing. As in `shortcuts`, what stands here gives the same results.
"""

from numba.core import config, ir, lowering, ssa, typed_passes, typeinfer, types, untyped_passes
from numba.core.rewrites import registry

from .shortcuts import in_place_of

# Types ------------------------------------------------------------------------------------------


@in_place_of(typeinfer.TypeVarMap, "__getitem__")
def _variables(usual):
    """A variable's type, noting who is asked for."""

    def get(self, name):
        found = dict.get(self, name)
        if found is None:
            found = usual(self, name)
        asked = vars(self).get("asked")
        if asked is not None:
            asked.append(found)
        return found

    return get


@in_place_of(typeinfer.ConstraintNetwork, "propagate")
def _rounds(usual):
    """A round that passes over constraints of whose variables none has changed since the last.

    Numba resolves each of them once more, to see that nothing changes: half of its type inference.
    """

    def propagate(self, typeinfer):
        settled, errors, single = vars(self).setdefault("settled", {}), [], type(self)()
        for constraint in self.constraints:
            known = settled.get(constraint)
            if known is not None and all(variable.type is kind for variable, kind in known):
                continue
            asked = typeinfer.typevars.asked = []
            single.constraints = [constraint]
            failed = usual(single, typeinfer)
            errors += failed
            settled[constraint] = None if failed else [(one, one.type) for one in asked]
        return errors

    return propagate


@in_place_of(types, "maybe_literal")
def _literals(usual):
    """A literal's type or None, which Numba learns from an exception."""
    return lambda value: usual(value) if type(value) in types.Literal.ctor_map else None


@in_place_of(lowering, "_lit_or_omitted")
def _operands(usual):
    """The same of an operand, of which four are asked for an operation: none is known before."""
    return lambda value: None if value is ir.UNDEFINED else usual(value)


# Passes -----------------------------------------------------------------------------------------


def _statements(blocks):
    return (statement for block in blocks.values() for statement in block.body)


def _expressions(blocks):
    for statement in _statements(blocks):
        if type(statement) is ir.Assign and type(statement.value) is ir.Expr:
            yield statement.value


@in_place_of(ssa, "_run_ssa")
def _versions(usual):
    """Variables in versions, where one is defined twice.

    Numba also makes versions of those that may be read before they are defined. None of ours is.
    """

    def run(blocks):
        names = [one.target.name for one in _statements(blocks) if type(one) is ir.Assign]
        return blocks if len(set(names)) == len(names) else usual(blocks)

    return run


@in_place_of(typed_passes.PreLowerStripPhis, "run_pass")
def _joins(usual):
    """Versions joined again, where there are any."""

    def run(self, state):
        joined = any(one.op == "phi" for one in _expressions(state.func_ir.blocks))
        return usual(self, state) if joined or state.func_ir.is_generator else True

    return run


@in_place_of(untyped_passes, "dead_branch_prune")
def _branches(usual):
    """Dead branches, where there are branches."""

    def prune(func_ir, called_args):
        if any(type(block.body[-1]) is ir.Branch for block in func_ir.blocks.values()):
            usual(func_ir, called_args)

    return prune


@in_place_of(registry.RewriteRegistry, "apply")
def _rewrites(usual):
    """Rewrites before types are known: of subscripts, and of what Numba's own functions raise."""

    def apply(self, kind, state):
        blocks = state.func_ir.blocks
        some = any(type(one) in (ir.SetItem, ir.Raise) for one in _statements(blocks))
        if some or any(one.op == "getitem" for one in _expressions(blocks)):
            usual(self, kind, state)

    return apply


@in_place_of(config, "reload_config")
def _settings(usual):
    """Settings are read before each kernel."""
    return lambda: None
