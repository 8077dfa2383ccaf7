"""Draw images/gradients.jpg from what gradients.md finds: `python docs/make_gradients.py`."""

from typing import Any

import numpy as np
from drawing import Array, arrays_of, blank, coloured, save, show

COLOUR = "#ffd23f"
PANEL = 2.7  # inches
LONGEST = 5.0  # pixels, the flow of full colour


def main() -> None:
    """Run the page and draw its arrays."""
    page = arrays_of("gradients")
    figure = blank(4 * PANEL, 2.35 * PANEL)
    rows = figure.subplots(2, 4)
    draw_registration(rows[0], page)
    draw_flow(rows[1], page)
    save(figure, "gradients")


def draw_registration(row: Array, page: dict[str, Any]) -> None:
    """Show the photograph with the view's outline, the view, the differences before and after."""
    photo, view, theta_of = page["photo"], page["view"], page["theta_of"]
    seen = [see(page, theta_of(*found)) for found in (np.zeros(3), page["found"])]
    show(row[0], photo, "photograph, and where the view is")
    row[0].plot(*outline(theta_of(*page["found"])[0], photo.shape[2:]), color=COLOUR)
    show(row[1], view, "view")
    show(row[2], difference(view, seen[0]), "difference before")
    show(row[3], difference(view, seen[1]), "difference after")


def draw_flow(row: Array, page: dict[str, Any]) -> None:
    """Show the frames' differences before and after, the true flow and the one found."""
    first, second, flow = page["first"], page["second"], page["flow"]
    show(row[0], difference(first, second), "frames, difference before")
    show(row[1], coloured(page["true_flow"], LONGEST), "true flow")
    show(row[2], coloured(flow, LONGEST), "flow found")
    show(row[3], difference(first, page["look"](second, flow)[0]), "difference after")


def see(page: dict[str, Any], theta: Array) -> Array:
    """Take the view."""
    return page["fs"].affine_sample(page["photo"], theta, page["VIEW"])


def outline(theta: Array, size: tuple[int, int]) -> Array:
    """List the corners of the view in the photograph's pixels, x and y, the first one twice."""
    corners = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1], [-1, -1, 1]])
    return (theta @ corners.T + 1) * np.reshape(size[::-1], (2, 1)) / 2 - 0.5


def difference(one: Array, other: Array) -> Array:
    """Subtract an image from another; grey is 0."""
    return 0.5 + (one - other)


if __name__ == "__main__":
    main()
