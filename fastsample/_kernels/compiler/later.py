"""What is put off until the first kernel is compiled: Numba, and all that is made with it.

Numba takes half of an import. A process that finds its kernels on disk never needs it; so no module
of the kernels imports Numba at its head but those that only `making` and a `Module` here import.
"""

import importlib


class Module:
    """A module that is imported when something of it is asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        found = getattr(importlib.import_module(self._name), name)
        setattr(self, name, found)
        return found


OF_TYPES = []


def module_of_types(name):
    """One that tells Numba of types of ours, which it must know before it compiles."""
    OF_TYPES.append(name)
    return Module(name)


types = Module("numba.core.types")
cgutils = Module("numba.core.cgutils")
making = Module(f"{__package__}.making")


class Later:
    """A function of compiled code, of which Numba's is made when it is asked for."""

    def __init__(self, twin, make):
        self.twin, self._make, self._made = twin, make, None

    def made(self):
        """Numba's."""
        if self._made is None:
            self._made = self._make(self)
        return self._made

    @property
    def _numba_type_(self):
        """What Numba asks of a value that it finds in a function."""
        return making.type_of(self.made())

    def __call__(self, *args):
        return self.made()(*args)
