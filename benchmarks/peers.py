"""The other libraries, imported.

asv's fork server imports every file of this folder once, this one too, and then forks for each
measurement. No file here imports this one: where asv starts each process anew, the process imports
the one library that it measures.
"""

from contextlib import suppress
from importlib import import_module

PARTS = ("torch", "nn"), ("cv2", "remap"), ("scipy", "ndimage"), ("skimage.transform", "warp")

for library, part in PARTS:
    with suppress(ImportError):
        getattr(import_module(library), part)  # some are imported when they are asked for
