"""Types of what users pass: options as words, sizes, arrays of any framework.

A function's result is of its first array's kind. A type checker learns that from protocols, one
for each name that a first argument has; when the program runs, all of them are `takes_any_array`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Literal,
    ParamSpec,
    Protocol,
    SupportsIndex,
    TypeAlias,
    TypeVar,
    overload,
)

from numpy.typing import ArrayLike, NDArray

from .dlpack import takes_any_array

Mode: TypeAlias = Literal["bilinear", "nearest", "bicubic"]
Border: TypeAlias = Literal["zeros", "border", "reflection", "wrap", "constant"]
PixelBorder: TypeAlias = Literal["zeros", "border", "reflection", "wrap", "constant", "mirror"]
Unit: TypeAlias = Literal["normalized", "pixel"]
Size: TypeAlias = Sequence[SupportsIndex] | NDArray[Any]
Fill: TypeAlias = float | Sequence[float] | NDArray[Any]
Pair: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Sides: TypeAlias = SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]]


class Array(Protocol):
    """An array that can be read through DLPack: NumPy's, PyTorch's, JAX's and others."""

    def __dlpack__(self) -> Any: ...


A = TypeVar("A", bound=Array)
P = ParamSpec("P")
Two: TypeAlias = "tuple[A | None, A | None]"
Three: TypeAlias = "tuple[A | None, A | None, A | None]"
Five: TypeAlias = "tuple[A | None, A | None, A | None, A | None, A | None]"
Numpy: TypeAlias = NDArray[Any]


class OfInput(Protocol[P]):
    @overload
    def __call__(self, input: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, input: Any, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class OfAnyType(Protocol[P]):
    @overload  # of the input's type, or of the one that `output` says
    def __call__(
        self, input: Numpy | Sequence[Any], *args: P.args, **kwargs: P.kwargs
    ) -> Numpy: ...
    @overload
    def __call__(self, input: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, input: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class OfTheta(Protocol[P]):
    @overload
    def __call__(self, theta: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, theta: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class OfGradGrid(Protocol[P]):
    @overload
    def __call__(self, grad_grid: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, grad_grid: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class OfImage(Protocol[P]):
    @overload
    def __call__(self, image: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, image: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class OfImages(Protocol[P]):
    @overload
    def __call__(self, images: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, images: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class OfMasks(Protocol[P]):
    @overload  # bools, as a rule, and so not of the masks' own type
    def __call__(
        self, masks: Numpy | Sequence[Any], *args: P.args, **kwargs: P.kwargs
    ) -> Numpy: ...
    @overload
    def __call__(self, masks: A, *args: P.args, **kwargs: P.kwargs) -> A: ...


class OfPoints(Protocol[P]):
    @overload
    def __call__(self, points: A, *args: P.args, **kwargs: P.kwargs) -> A: ...
    @overload
    def __call__(self, points: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Numpy: ...


class TwoGradients(Protocol[P]):
    @overload
    def __call__(self, grad_output: A, *args: P.args, **kwargs: P.kwargs) -> Two[A]: ...
    @overload
    def __call__(self, grad_output: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Two[Numpy]: ...


class ThreeGradients(Protocol[P]):
    @overload
    def __call__(self, grad_output: A, *args: P.args, **kwargs: P.kwargs) -> Three[A]: ...
    @overload
    def __call__(
        self, grad_output: ArrayLike, *args: P.args, **kwargs: P.kwargs
    ) -> Three[Numpy]: ...


class SecondGradients(Protocol[P]):
    @overload
    def __call__(self, grad_grad_input: None, *args: P.args, **kwargs: P.kwargs) -> Three[Any]: ...
    @overload
    def __call__(self, grad_grad_input: A, *args: P.args, **kwargs: P.kwargs) -> Three[A]: ...
    @overload
    def __call__(
        self, grad_grad_input: ArrayLike, *args: P.args, **kwargs: P.kwargs
    ) -> Three[Numpy]: ...


class FiveGradients(Protocol[P]):
    @overload
    def __call__(self, grad_output: A, *args: P.args, **kwargs: P.kwargs) -> Five[A]: ...
    @overload
    def __call__(
        self, grad_output: ArrayLike, *args: P.args, **kwargs: P.kwargs
    ) -> Five[Numpy]: ...


if TYPE_CHECKING:
    One = Callable[Concatenate[ArrayLike, P], Numpy]

    def like_input(function: Callable[Concatenate[Any, P], Numpy]) -> OfInput[P]: ...
    def of_any_type(function: One[P]) -> OfAnyType[P]: ...
    def like_theta(function: One[P]) -> OfTheta[P]: ...
    def like_grad_grid(function: One[P]) -> OfGradGrid[P]: ...
    def like_image(function: One[P]) -> OfImage[P]: ...
    def like_images(function: One[P]) -> OfImages[P]: ...
    def like_masks(function: One[P]) -> OfMasks[P]: ...
    def like_points(function: One[P]) -> OfPoints[P]: ...
    def two_like_gradient(
        function: Callable[Concatenate[ArrayLike, P], Two[Numpy]],
    ) -> TwoGradients[P]: ...
    def three_like_gradient(
        function: Callable[Concatenate[ArrayLike, P], Three[Numpy]],
    ) -> ThreeGradients[P]: ...
    def three_like_direction(
        function: Callable[Concatenate[ArrayLike | None, P], Three[Numpy]],
    ) -> SecondGradients[P]: ...
    def five_like_gradient(
        function: Callable[Concatenate[ArrayLike, P], Five[Numpy]],
    ) -> FiveGradients[P]: ...
else:
    like_input = like_theta = like_grad_grid = like_image = like_images = takes_any_array
    like_masks = like_points = of_any_type = takes_any_array
    two_like_gradient = three_like_gradient = five_like_gradient = takes_any_array
    three_like_direction = takes_any_array
