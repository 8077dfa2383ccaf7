"""Memory in compiled code: `Flat`, an array that is nothing but a pointer and a type.

Numba's arrays are seven numbers each, of which a kernel would hand dozens from function to function
and use none but the pointer: without them a first call compiled in 4.9 s instead of 5.9. No index
is checked, and none counts from the end.
"""

import ctypes
from types import SimpleNamespace

import numpy as np
from llvmlite import ir

from .inner import primitive
from .later import cgutils, module_of_types, types

BYTE = ir.IntType(8).as_pointer()
CACHE_LINE = 64


_flat_type = module_of_types(f"{__package__}.flat_type")


def flat_of(dtype):
    """The type of a Flat."""
    return _flat_type.Flat(dtype)


def start_of(context, builder, array, value):
    """The address of the first element, of a Flat or of an array of Numba's."""
    if isinstance(array, _flat_type.Flat):
        return value
    return context.make_array(array)(context, builder, value).data


def _array_at(typing, pointer, dtype, start):
    array = flat_of(dtype.dtype)

    def code(context, builder, sig, args):
        place = builder.gep(args[0], [args[2]])
        return builder.bitcast(place, context.get_value_type(array))

    return array(pointer, dtype, types.intp), code


@primitive(_array_at)
def array_at(pointer, dtype, start):
    """The array that begins `start` bytes after a pointer."""
    item = np.dtype(dtype).itemsize
    array = pointer[start : start + (pointer.size - start) // item * item].view(dtype)
    if array.dtype.names:
        fields = array.dtype.names
        return [SimpleNamespace(**dict(zip(fields, row, strict=True))) for row in array]
    return array


# Where an array object says at what address its memory is: NumPy's headers have it as the first
# field behind what every object of Python's has. To read it there costs a kernel nothing; a view of
# bytes that Numba would take apart costs 1.7 us an array.
ADDRESS = object.__basicsize__


def address(array):
    """The address of an array's first element: a quarter of the time of `ctypes.data`."""
    return ctypes.c_ssize_t.from_address(id(array) + ADDRESS).value


def _memory_of(typing, array):
    def code(context, builder, sig, args):
        word, (number,) = args[0].type, args
        is_object = builder.icmp_signed(">", number, ir.Constant(word, 0))
        with builder.if_else(is_object) as (then, otherwise):
            with then:
                field = builder.add(number, ir.Constant(word, ADDRESS))
                held, of_object = (
                    builder.load(builder.inttoptr(field, BYTE.as_pointer())),
                    builder.block,
                )
            with otherwise:
                plain, of_address = builder.inttoptr(builder.neg(number), BYTE), builder.block
        place = builder.phi(BYTE)
        place.add_incoming(held, of_object)
        place.add_incoming(plain, of_address)
        return place

    return types.voidptr(array), code


@primitive(_memory_of)
def memory_of(array):
    """The memory of an array that comes as what `id` says of it, or as minus its address.

    Somebody keeps it alive.
    """
    return array


def _new_memory(typing, size):
    def code(context, builder, sig, args):
        # Numba's runtime would count references to an array; these bytes have one owner.
        # Nor is it asked for them: what is compiled has to be ready before kernels are.
        room = builder.add(args[0], ir.Constant(args[0].type, CACHE_LINE))
        kind = ir.FunctionType(BYTE, [room.type])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "malloc"), [room])

    return types.voidptr(types.intp), code


@primitive(_new_memory)
def new_memory(size):
    """So many bytes, and a cache line more; see `on_a_line`. Whoever asks frees them."""
    return np.empty(size + CACHE_LINE, np.uint8)


def _free(typing, pointer):
    def code(context, builder, sig, args):
        kind = ir.FunctionType(ir.VoidType(), [BYTE])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "free"), [args[0]])
        return context.get_dummy_value()

    return types.void(pointer), code


@primitive(_free)
def free(pointer):
    """Give back what `new_memory` gave."""


def _on_a_line(typing, pointer):
    def code(context, builder, sig, args):
        word = ir.IntType(64)
        end = builder.add(builder.ptrtoint(args[0], word), ir.Constant(word, CACHE_LINE - 1))
        line = builder.and_(end, ir.Constant(word, -CACHE_LINE))
        return builder.inttoptr(line, BYTE)

    return pointer(pointer), code


@primitive(_on_a_line)
def on_a_line(pointer):
    """The first place from there on at which a cache line starts.

    A vector of 64 bytes across two of them costs twice.
    """
    return pointer[-pointer.ctypes.data % CACHE_LINE :]


def _at_byte(typing, pointer, start):
    def code(context, builder, sig, args):
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), code


@primitive(_at_byte)
def at_byte(pointer, start):
    """The pointer so many bytes further on."""
    return pointer[start:]


def _memory_at(typing, address, size):
    def code(context, builder, sig, args):
        return builder.inttoptr(args[0], BYTE)

    return types.voidptr(types.intp, types.intp), code


@primitive(_memory_at)
def memory_at(address, size):
    """The pointer that is a number; so many bytes lie there, of an array that somebody keeps."""
    return np.frombuffer((ctypes.c_uint8 * int(size)).from_address(int(address)), np.uint8)
