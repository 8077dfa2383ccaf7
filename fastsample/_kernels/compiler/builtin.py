"""Compiled code that Python calls as one of its own functions in C.

Numba's dispatchers look at the types of what they are given, and before the first of a process runs
Numba reads the metadata of all that is installed, 10 ms. What is called here takes plain ints.
"""

import ctypes

from llvmlite import ir

from .flat import BYTE, flat_of, primitive
from .jit import compiled_address, inline
from .later import cgutils, types

WORD = ctypes.sizeof(ctypes.c_ssize_t)
ONE, SOME = 8, 0x80  # METH_O: a function of one argument; METH_FASTCALL: of a list of them
ENTRY = ("intp", "intp", "intp", "intp")  # of SOME: its owner, the list, how many


class Method(ctypes.Structure):
    """What Python knows of a function in C; it must outlive the function."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)


def function_of(method, owner):
    """Python's function, whose first argument in C is `owner`."""
    return _new(("PyCFunction_NewEx", ctypes.pythonapi))(ctypes.addressof(method), owner, None)


# What such code calls of Python's ----------------------------------------------------------------


def _word_at(typing, address):
    def code(context, builder, sig, args):
        return builder.load(builder.inttoptr(args[0], args[0].type.as_pointer()))

    return types.intp(types.intp), code


@primitive(_word_at)
def word_at(address):
    """The number that lies at an address."""
    return ctypes.c_ssize_t.from_address(address).value


def _function(builder, name, gives, *takes):
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(gives, takes), name)


def _held(typing, thing):
    def code(context, builder, sig, args):
        count = _function(builder, "Py_IncRef", ir.VoidType(), BYTE)
        builder.call(count, [builder.inttoptr(args[0], BYTE)])
        return args[0]

    return types.intp(types.intp), code


@primitive(_held)
def held(thing):
    """An object's address, for somebody who gives its reference back."""
    return thing


def _number_of(typing, thing):
    def code(context, builder, sig, args):
        number = _function(builder, "PyLong_AsLongLong", ir.IntType(64), BYTE)
        return builder.call(number, [builder.inttoptr(args[0], BYTE)])

    return types.intp(types.intp), code


@primitive(_number_of)
def number_of(thing):
    """The number that an int is, or that NumPy's is; of what is none, an error for `has_failed`."""
    raise NotImplementedError  # only compiled code is called so


def _has_failed(typing):
    def code(context, builder, sig, args):
        error = builder.call(_function(builder, "PyErr_Occurred", BYTE), [])
        return builder.icmp_unsigned("!=", error, BYTE(None))

    return types.boolean(), code


@primitive(_has_failed)
def has_failed():
    """Has one of Python's functions left an error?"""
    raise NotImplementedError


def _refuse(typing):
    def code(context, builder, sig, args):
        builder.call(_function(builder, "PyErr_BadArgument", ir.IntType(32)), [])
        return context.get_dummy_value()

    return types.void(), code


@primitive(_refuse)
def refuse():
    """Leave a TypeError."""
    raise NotImplementedError


def _let_go(typing):
    def code(context, builder, sig, args):
        state = builder.call(_function(builder, "PyEval_SaveThread", BYTE), [])
        return builder.ptrtoint(state, context.get_value_type(types.intp))

    return types.intp(), code


@primitive(_let_go)
def let_go():
    """Give up Python's lock: what takes it back."""
    raise NotImplementedError


def _take_back(typing, state):
    def code(context, builder, sig, args):
        take = _function(builder, "PyEval_RestoreThread", ir.VoidType(), BYTE)
        builder.call(take, [builder.inttoptr(args[0], BYTE)])
        return context.get_dummy_value()

    return types.void(types.intp), code


@primitive(_take_back)
def take_back(state):
    """Wait for Python's lock."""
    raise NotImplementedError


# Functions of ints ----------------------------------------------------------------------------

MOST = 12


def _room(typing):
    array = flat_of(types.int64)

    def code(context, builder, sig, args):
        place = cgutils.alloca_once(builder, context.get_value_type(types.int64), size=MOST)
        return builder.bitcast(place, context.get_value_type(array))

    return array(), code


@primitive(_room)
def room():
    """An array on the stack for MOST numbers."""
    raise NotImplementedError


@inline
def take_numbers(things, given, count, numbers):
    """Write down the numbers that a list of ints holds; are they what they should be?"""
    if given != count:
        refuse()
        return False
    for k in range(count):
        numbers[k] = number_of(word_at(things + k * WORD))
    return not has_failed()


def without_the_lock(run, count, name):
    """Python's function of so many ints that lets `run` have them, as an array, meanwhile."""

    def entry(owner, things, given):
        numbers, answer = room(), 0
        if take_numbers(things, given, count, numbers):
            state = let_go()
            run(numbers)
            take_back(state)
            answer = held(owner)
        return answer

    method = Method(name.encode(), compiled_address(entry, (name,), ENTRY), SOME, None)
    _KEPT.append(method)
    return function_of(method, None)


_KEPT = []  # what functions point to
