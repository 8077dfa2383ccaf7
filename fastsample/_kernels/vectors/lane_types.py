"""`Vec` and `Mask` as Numba knows them, and Python's operators on them."""

import operator

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin, models, register_model

from . import simd


class Vec(types.Type):
    """16 lanes of `dtype`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Vec({dtype})")


class Mask(types.Type):
    """16 lanes of true or false."""

    def __init__(self):
        super().__init__("Mask")


@register_model(Vec)
class _VecModel(models.PrimitiveModel):
    def __init__(self, dmm, fe):
        lanes = ir.VectorType(dmm.lookup(fe.dtype).get_value_type(), simd.LANES)
        super().__init__(dmm, fe, lanes)


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm, fe):
        super().__init__(dmm, fe, ir.VectorType(ir.IntType(1), simd.LANES))


def operate(symbol, make):
    """Let the operator `symbol` take Vec with Vec, Vec with scalar, scalar with Vec."""

    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, args, kws):
            vecs = [x for x in args if isinstance(x, Vec)]
            if len(args) == 2 and vecs and all(isinstance(x, (Vec, types.Number)) for x in args):
                return make(vecs[0])[0](*args)
            return None

    def code(context, builder, sig, args):
        vec = next(x for x in sig.args if isinstance(x, Vec))
        both = zip(sig.args, args, strict=True)
        return make(vec)[1](builder, *[simd.as_vec(context, builder, ty, v, vec) for ty, v in both])

    for pair in ((Vec, Vec), (Vec, types.Number), (types.Number, Vec)):
        lower_builtin(symbol, *pair)(code)


def arithmetic(on_float, on_int):
    def make(vec):
        name = on_float if simd.is_float(vec) else on_int
        return vec, lambda builder, x, y: getattr(builder, name)(x, y)

    return make


def comparison(predicate):
    return lambda vec: (Mask(), simd.comparison(predicate, vec))


operate(operator.add, arithmetic("fadd", "add"))
operate(operator.sub, arithmetic("fsub", "sub"))
operate(operator.mul, arithmetic("fmul", "mul"))
operate(operator.truediv, arithmetic("fdiv", "sdiv"))
for _symbol, _predicate in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    operate(_symbol, comparison(_predicate))


def combine_masks(symbol, instruction):
    """Let the operator `symbol` take two masks."""

    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, args, kws):
            if len(args) == 2 and all(isinstance(x, Mask) for x in args):
                return Mask()(*args)
            return None

    def code(context, builder, sig, args):
        return getattr(builder, instruction)(*args)

    lower_builtin(symbol, Mask, Mask)(code)


combine_masks(operator.and_, "and_")
combine_masks(operator.or_, "or_")
