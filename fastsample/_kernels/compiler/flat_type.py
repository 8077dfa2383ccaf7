"""`Flat` as Numba knows it: an array that is nothing but a pointer and a type."""

import operator

from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model


class Flat(types.Type):
    """Elements of `dtype`, one after the other; owned by somebody else."""

    aligned = True

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Flat({dtype})")


@register_model(Flat)
class _FlatModel(models.PrimitiveModel):
    def __init__(self, dmm, fe):
        super().__init__(dmm, fe, dmm.lookup(fe.dtype).get_data_type().as_pointer())


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], Flat) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], types.intp)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], Flat) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


@lower_builtin(operator.getitem, Flat, types.Integer)
def _get(context, builder, sig, args):
    place = builder.gep(args[0], [args[1]])
    return place if isinstance(sig.return_type, types.Record) else builder.load(place)


@lower_builtin(operator.setitem, Flat, types.Integer, types.Any)
def _set(context, builder, sig, args):
    builder.store(args[2], builder.gep(args[0], [args[1]]))
    return context.get_dummy_value()
