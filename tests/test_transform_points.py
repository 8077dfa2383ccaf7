"""transform_points: there and back, and where a bright pixel lands."""

import mapping
import numpy as np
import pytest

import fastsample as fs

RNG = np.random.default_rng(0)
THETA = np.eye(2, 3) + RNG.normal(0, 0.2, (2, 2, 3))
HOMOGRAPHY = np.concatenate([THETA, [[[1e-3, -2e-3, 1.0]]] * 2], 1)
CONTROL = RNG.normal(0, 2, (2, 2, 4, 5))
SIZE = (40, 50)
MAPS = {
    "theta": THETA,
    "homography": HOMOGRAPHY,
    "field": (CONTROL, THETA),
    "knots": (CONTROL, None),
}


@pytest.mark.parametrize("name", MAPS)
def test_back_and_there_is_nothing(name):
    points = RNG.uniform(2, 38, (2, 30, 2))
    read = fs.transform_points(points, MAPS[name], SIZE, inverse=False)
    np.testing.assert_allclose(fs.transform_points(read, MAPS[name], SIZE), points, atol=1e-6)
    assert np.abs(read - points).max() > 0.1


@pytest.mark.parametrize("order", [1, 3])
def test_points_of_the_output_are_read_where_sampling_reads(order):
    grid = mapping.places(SIZE).reshape(1, -1, 2)
    read = fs.transform_points(grid, (CONTROL, THETA), SIZE, inverse=False, order=order)
    field = mapping.displacements(CONTROL, SIZE, order)
    want = mapping.through_matrices(THETA, SIZE) + field
    np.testing.assert_allclose(read, want.reshape(2, -1, 2), atol=1e-10)


@pytest.mark.parametrize("axes", [1, 3])
def test_other_numbers_of_axes(axes):
    size, rng = (9, 10, 11)[:axes], np.random.default_rng(1)
    control = rng.normal(0, 0.5, (1, axes, *(3, 4, 3)[:axes]))
    points = rng.uniform(1, 8, (1, 20, axes))
    read = fs.transform_points(points, (control, None), size, inverse=False)
    np.testing.assert_allclose(fs.transform_points(read, (control, None), size), points, atol=1e-6)


def test_a_ramp_tells_where_a_point_lands():
    """The image that holds x itself, at the place where a point has landed."""
    ramp = np.broadcast_to(np.arange(60.0), (1, 1, 50, 60))
    made = fs.elastic_sample(ramp, CONTROL[:1], SIZE, padding_mode="border")
    points = np.array([[[20.0, 15.0], [30.0, 30.0]]])
    landed = fs.transform_points(points, (CONTROL[:1], None), SIZE)
    at = fs.grid_sample(made, landed, coordinates="pixel")
    np.testing.assert_allclose(at[0, 0], points[0, :, 0], atol=0.05)


def test_types_batches_and_what_is_not_seen():
    points = np.array([[[1.0, 2.0]]], np.float32)
    assert fs.transform_points(points, THETA, SIZE).shape == (2, 1, 2)
    assert fs.transform_points(points, THETA, SIZE).dtype == np.float32
    behind = np.eye(3)[None].copy()
    behind[0, 2, 0] = -1
    seen = fs.transform_points(np.array([[[0.5, 0.0], [2.0, 0.0]]]), behind, SIZE, inverse=False)
    assert np.isfinite(seen[0, 0]).all()
    assert np.isnan(seen[0, 1]).all()


def test_refusals_name_the_rule():
    points = np.zeros((2, 4, 2))
    singular = THETA.copy()
    singular[1, 1] = singular[1, 0]
    for arguments, message in (
        ((points[0], THETA, SIZE), r"points must have shape \(N, P, D\)"),
        ((points, THETA[:, :1], SIZE), "map must have shape"),
        ((points, singular, SIZE), r"map\[1\] must have an inverse"),
        ((points, THETA, (3,)), r"size must be the result's \(H, W\)"),
        ((points, (CONTROL[..., :1], None), SIZE), "two knots or more"),
    ):
        with pytest.raises(ValueError, match=message):
            fs.transform_points(*arguments)
