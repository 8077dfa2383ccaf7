"""paste_masks: masks stretched over their boxes."""

import sys

import child
import numpy as np
import nursery
import pytest
import systems
from pasting import SIZE, noise_masks, random_boxes
from systems import (
    LAYOUTS,
    assert_names_the_first,
    assert_refused,
    assert_written_and_returned,
    layouts,
    watched,
)
from tolerances import assert_close, of_the_coarser

import fastsample as fs

F32, F64 = np.float32, np.float64
NEAR = of_the_coarser(F32, factor=3)
BOXES = {
    "inside": (3.3, 2.1, 15.2, 12.8),
    "whole pixels": (2, 3, 9, 14),
    "half pixels": (2.5, 3.5, 9.5, 14.5),
    "over the low corner": (-6.2, -4.7, 8.1, 7.3),
    "over the high corner": (15.4, 10.6, 31.7, 25.1),
    "larger than the image": (-20.3, -31.1, 61.9, 44.4),
    "a row": (1.2, 6.3, 20.9, 7.6),
    "within a pixel, around its centre": (5.3, 5.4, 5.8, 5.7),
    "within a pixel, beside its centre": (5.6, 5.6, 5.9, 5.9),
}
NOTHING = {
    "no width": (5, 3, 5, 9),
    "no height": (5, 3, 9, 3),
    "turned round": (9, 12, 4, 3),
    "left": (-9, 3, -2, 9),
    "right": (23.5, 3, 30, 9),
    "above": (3, -9, 9, 0),
    "below": (3, 17, 9, 30),
    "far": (3e9, 3e9, 4e9, 4e9),
}


def check(masks, boxes, size=SIZE, threshold=0.5):
    """The soft masks and the hard ones, after a comparison with the oracle."""
    want = systems.soft_masks(masks, boxes, size)
    soft = watched(fs.paste_masks, masks, boxes, size, None)
    assert soft.dtype == F32
    assert_close(soft, want, max(1, np.abs(want).max(initial=0)), NEAR)
    hard = watched(fs.paste_masks, masks, boxes, size, threshold)
    assert hard.dtype == bool
    assert soft.flags.c_contiguous
    assert hard.flags.c_contiguous
    sure = np.abs(want - threshold) > 1e-4
    assert sure.mean() > 0.95
    np.testing.assert_array_equal(hard[sure], (want >= threshold)[sure])
    return hard


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_places(box):
    check(noise_masks(1, 1, (28, 28)), np.array([box], F32))


@pytest.mark.parametrize("size", [(28, 28), (14, 9), (1, 1), (1, 9), (7, 1), (56, 3), (2, 2)])
def test_any_size_of_masks(size):
    check(noise_masks(2, 12, size), random_boxes(3, 12))


@pytest.mark.parametrize("boxes", [F32, F64])
@pytest.mark.parametrize("dtype", [F32, F64, bool, np.uint8])
def test_types(dtype, boxes):
    check(noise_masks(4, 8, (9, 11), dtype), random_boxes(5, 8, boxes))


def test_bytes_keep_their_scale():
    """A threshold for masks of 0 to 255 is on that scale."""
    masks = np.random.default_rng(6).integers(0, 256, (6, 9, 11)).astype(np.uint8)
    check(masks, random_boxes(7, 6), threshold=127.3)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.83, 1.5])
def test_thresholds(threshold):
    check(noise_masks(8, 8, (9, 11)), random_boxes(9, 8), threshold=threshold)


def test_the_default_is_a_half():
    masks, boxes = noise_masks(10, 8, (9, 11)), random_boxes(11, 8)
    hard = fs.paste_masks(masks, boxes, SIZE)
    np.testing.assert_array_equal(hard, fs.paste_masks(masks, boxes, SIZE, 0.5))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (64, 65), (5, 130)])
def test_image_sizes(size):
    boxes = np.array([[-1, -1, 45, 45], [0.2, 0.3, 30, 20], [0, 0, *size[::-1]]], F32)
    check(noise_masks(12, 3, (7, 8)), boxes, size)


@pytest.mark.compiled
def test_many():
    check(noise_masks(13, 100, (5, 6)), random_boxes(14, 100))


class TestExactness:
    """Numbers that no rounding touches."""

    def test_a_box_of_the_masks_size_copies_it(self):
        masks = noise_masks(15, 1, (4, 6))
        want = np.zeros((1, *SIZE), F32)
        want[:, 3:7, 2:8] = masks
        boxes = np.array([[2, 3, 8, 7]], F32)
        np.testing.assert_array_equal(fs.paste_masks(masks, boxes, SIZE, None), want)

    def test_half_a_pixel_off_averages_with_zeros_outside(self):
        boxes = np.array([[1.5, 0, 3.5, 1]], F32)
        got = fs.paste_masks(np.ones((1, 1, 2), F32), boxes, (1, 5), None)
        np.testing.assert_array_equal(got, [[[0, 0.5, 1, 0.5, 0]]])

    def test_the_threshold_itself_belongs_to_the_mask(self):
        boxes = np.array([[1.5, 0, 3.5, 1]], F32)
        got = fs.paste_masks(np.ones((1, 1, 2), F32), boxes, (1, 5))
        np.testing.assert_array_equal(got, [[[False, True, True, True, False]]])

    def test_the_edge_fades_over_half_a_pixel_of_the_mask(self):
        boxes = np.array([[0, 0, 8, 1]], F32)
        got = fs.paste_masks(np.ones((1, 1, 2), F32), boxes, (1, 8), None)
        want = [0.625, 0.875, 1, 1, 1, 1, 0.875, 0.625]
        np.testing.assert_array_equal(got, [[want]])

    def test_x_runs_along_the_width(self):
        mask = np.arange(6, dtype=F32).reshape(1, 2, 3)
        got = fs.paste_masks(mask, np.array([[0, 0, 3, 2]], F32), (2, 3), None)
        np.testing.assert_array_equal(got, mask)

    @pytest.mark.parametrize("threshold", [0, -1])
    def test_beyond_half_a_pixel_of_the_mask_nothing_is_touched(self, threshold):
        """Not even by a threshold that 0 reaches."""
        boxes = np.array([[5.5, 6.25, 9.5, 10.75], [-4, 2, 4.8, 5.6]], F32)
        got = fs.paste_masks(noise_masks(16, 2, (1, 2)), boxes, SIZE, threshold)
        want = np.zeros((2, *SIZE), bool)
        want[0, 4:13, 4:11] = True  # closed: columns 4 and 10 lie a whole pixel of the mask outside
        want[1, :7, :7] = True
        np.testing.assert_array_equal(got, want)

    def test_the_fade_beyond_the_box(self):
        """A row of pixels, each four wide, from column 4 to column 12."""
        boxes = np.array([[4, 0, 12, 1]], F32)
        got = fs.paste_masks(np.ones((1, 1, 2), F32), boxes, (1, 16), None)[0, 0]
        fade = [0.125, 0.375, 0.625, 0.875]
        np.testing.assert_array_equal(got, [0, 0, *fade, 1, 1, 1, 1, *fade[::-1], 0, 0])

    @pytest.mark.parametrize(("threshold", "beyond"), [(0.5, 0), (0.375, 1), (0.125, 2), (0.1, 2)])
    def test_below_half_the_scale_a_mask_reaches_beyond_its_box(self, threshold, beyond):
        boxes = np.array([[4, 0, 12, 1]], F32)
        got = fs.paste_masks(np.ones((1, 1, 2), F32), boxes, (1, 16), threshold)[0, 0]
        assert np.flatnonzero(got).tolist() == list(range(4 - beyond, 12 + beyond))

    @pytest.mark.parametrize("size", [(1, 1), (2, 3), (28, 28)])
    def test_equals_grid_sample_of_the_whole_image(self, size):
        masks, boxes = noise_masks(27, 9, size), random_boxes(28, 9)
        y, x = (np.indices(SIZE)[:, None] + 0.5).astype(F64)
        x0, y0, x1, y1 = boxes.astype(F64).T[..., None, None]
        places = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        want = fs.point_sample(masks[:, None], np.stack(places, -1))[:, 0]
        np.testing.assert_allclose(fs.paste_masks(masks, boxes, SIZE, None), want, atol=1e-6)


class TestNothing:
    @pytest.mark.parametrize("threshold", [0.5, None])
    @pytest.mark.parametrize("box", NOTHING.values(), ids=NOTHING)
    def test_no_pixels(self, box, threshold):
        boxes = np.array([box, (2, 3, 9, 14)], F32)
        got = fs.paste_masks(np.ones((2, 5, 5), F32), boxes, SIZE, threshold)
        assert not got[0].any()
        assert got[1].any()

    @pytest.mark.parametrize(("threshold", "dtype"), [(0.5, bool), (None, F32)])
    @pytest.mark.parametrize("size", [SIZE, (0, 5), (5, 0)])
    @pytest.mark.parametrize("count", [0, 2])
    def test_empty(self, count, size, threshold, dtype):
        got = fs.paste_masks(
            noise_masks(17, count, (5, 5)), random_boxes(18, count), size, threshold
        )
        assert got.shape == (count, *size)
        assert got.dtype == dtype

    @pytest.mark.parametrize("dtype", [F32, F64])
    def test_enormous_boxes(self, dtype):
        """Each is finite, and so is what is seen of its mask."""
        top = np.finfo(dtype).max
        boxes = [(-top, -top, top, top), (0, 0, top, top), (-1e30, 2, 1e30, 9), (-top, 0, 5, 5)]
        got = fs.paste_masks(np.ones((4, 5, 5), F32), np.array(boxes, dtype), SIZE, None)
        assert (got >= 0).all()
        assert (got <= 1).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    masks, boxes = noise_masks(19, 6, (9, 11)), random_boxes(20, 6)
    check(dict(layouts(masks))[layout], dict(layouts(boxes))[layout])


def test_lists():
    got = fs.paste_masks(np.ones((1, 2, 3), F32), [[1.0, 1.0, 4.0, 3.0]], [4, 5])
    np.testing.assert_array_equal(got[0], np.pad(np.ones((2, 3), bool), 1))


@pytest.mark.parametrize("threshold", [0.5, None])
def test_out(threshold):
    """What lay there is gone, inside the boxes and outside."""
    arrays = noise_masks(21, 6, (9, 11)), random_boxes(22, 6)
    assert_written_and_returned(fs.paste_masks, *arrays, SIZE, threshold=threshold)


@pytest.mark.parametrize("size", [(2, 1029), (3, 2071)])
def test_wide_boxes(size):
    """Wider than what is planned at a time, by a little and by more than as much again."""
    boxes = np.array([[0.3, -1, size[1] - 0.2, 4], [3.7, 0.2, size[1] + 40, 1.9]], F32)
    check(noise_masks(23, 2, (3, 70)), boxes, size)


@pytest.mark.parametrize("threshold", [0.5, None])
def test_an_out_between_other_elements(threshold):
    arrays = noise_masks(24, 6, (9, 11)), random_boxes(25, 6)
    want = fs.paste_masks(*arrays, SIZE, threshold)
    records = np.full(want.shape, 1, np.dtype([("before", "u1"), ("here", want.dtype)]))
    out = records["here"]
    assert fs.paste_masks(*arrays, SIZE, threshold, out=out) is out
    np.testing.assert_array_equal(out, want)
    assert (records["before"] == 1).all()


class TestNonFinite:
    """A pixel of the mask matters where it has a weight, and nowhere else."""

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_on_whole_pixels(self, bad):
        masks = np.ones((1, 4, 6), F32)
        masks[0, 1, 2] = bad
        got = fs.paste_masks(masks, np.array([[2, 3, 8, 7]], F32), SIZE, None)
        want = np.zeros((1, *SIZE), F32)
        want[0, 3:7, 2:8] = masks[0]
        np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_between_pixels(self, bad):
        masks, boxes = noise_masks(26, 1, (5, 6)), np.array([[1.3, 2.2, 20.1, 15.4]], F32)
        masks[0, 2, 3] = masks[0, 0, 0] = bad
        want = systems.soft_masks(masks, boxes, SIZE)
        assert_close(fs.paste_masks(masks, boxes, SIZE, None), want, 1, NEAR)

    def test_a_nan_reaches_no_threshold(self):
        masks = np.ones((1, 4, 6), F32)
        masks[0, 1, 2] = np.nan
        got = fs.paste_masks(masks, np.array([[0, 0, 6, 4]], F32), (4, 6), -np.inf)
        np.testing.assert_array_equal(got, ~np.isnan(masks))


PAGES = """
import itertools, sys
import numpy as np
import fastsample as fs
from guarded import SIDES, fenced, guarded
from pasting import noise_masks, random_boxes

images, sizes = [(17, 23), (5, 1040), (40, 9)], [(1, 1), (1, 7), (7, 1), (2, 2), (28, 28), (9, 33)]
for image, size, threshold in itertools.product(images, sizes, (0.5, None)):
    masks, boxes = noise_masks(1, 8, size), random_boxes(2, 8)
    boxes[0], boxes[1] = [0, 0, *image[::-1]], [-30, -20, 2000, 90]
    want = fs.paste_masks(masks, boxes, image, threshold)
    for side in SIDES:
        print(image, size, threshold, side, flush=True)
        copies = guarded(masks, side), guarded(boxes, side)
        with fenced(side):
            got = fs.paste_masks(*copies, image, threshold)
        np.testing.assert_array_equal(got, want)
        for step in (1, 2):
            out = guarded(np.ones_like(want), side, step)
            fs.paste_masks(*copies, image, threshold, out=out)
            np.testing.assert_array_equal(out, want)
"""

DIGESTS = """
import hashlib, numba
import numpy as np
import fastsample as fs
from pasting import noise_masks

rng = np.random.default_rng(3)
low = rng.uniform(-50, 700, (12, 2))
boxes = np.concatenate([low, low + rng.uniform(3, 600, (12, 2))], 1)
boxes[5], boxes[-1] = [0, 0, 900, 700], [9, 9, 9, 9]
masks = noise_masks(4, 12, (28, 30))
for threads in range(numba.config.NUMBA_NUM_THREADS, 0, -1):
    numba.set_num_threads(threads)
    for threshold in (0.5, None):
        out = fs.paste_masks(masks, boxes, (700, 900), threshold)
        print(threshold, hashlib.sha256(out).hexdigest())
"""


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
def test_no_byte_too_far():
    assert nursery.script(PAGES).count("\n") == 3 * 6 * 2 * 2


@pytest.mark.compiled
@pytest.mark.parametrize("layer", [None, "workqueue"])
def test_the_same_bits_for_any_number_of_threads(layer):
    options = {"NUMBA_THREADING_LAYER": layer} if layer else {}
    lines = [child.script(DIGESTS, NUMBA_NUM_THREADS=n, **options) for n in ("1", "3")]
    assert len(set("".join(lines).splitlines())) == 2


class TestErrors:
    GOOD = np.ones((7, 4, 6), F32), np.tile(np.array([0.5, 0.5, 8.5, 8.5], F32), (7, 1)), SIZE

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("corner", range(4))
    def test_the_first_box_that_is_not_finite(self, corner, bad):
        masks, boxes, size = self.GOOD
        boxes = boxes.copy()
        boxes[3, corner], boxes[5] = bad, np.nan
        assert_names_the_first(fs.paste_masks, "boxes", 3, [5], of=(masks, boxes, size))

    @pytest.mark.parametrize("shape", [(7, 5), (7, 2, 2), (6, 4), (28,)])
    def test_boxes(self, shape):
        assert_refused(fs.paste_masks, "boxes", shape, of=(self.GOOD[0], np.ones(shape, F32), SIZE))

    @pytest.mark.parametrize("shape", [(4, 6), (7, 1, 4, 6), (7, 0, 6), (7, 4, 0)])
    def test_masks(self, shape):
        assert_refused(fs.paste_masks, "masks", shape, of=(np.ones(shape, F32), *self.GOOD[1:]))

    @pytest.mark.parametrize("size", [(5,), (5, 6, 7), (5, -1), (5.5, 6), "ab", None, 5])
    def test_image_size(self, size):
        error = (ValueError, TypeError)
        assert_refused(fs.paste_masks, "image_size", of=(*self.GOOD[:2], size), error=error)

    @pytest.mark.parametrize("threshold", ["0.5", 1j, [0.5]])
    def test_threshold(self, threshold):
        assert_refused(
            fs.paste_masks, "threshold", of=self.GOOD, threshold=threshold, error=TypeError
        )

    @pytest.mark.parametrize("dtype", [object, np.complex64])
    def test_types(self, dtype):
        masks, boxes, size = self.GOOD
        assert_refused(
            fs.paste_masks, "masks", of=(masks.astype(dtype), boxes, size), error=TypeError
        )
        assert_refused(
            fs.paste_masks, "boxes", of=(masks, boxes.astype(dtype), size), error=TypeError
        )

    def test_out(self):
        assert_refused(
            fs.paste_masks, "out", (7, *SIZE), of=self.GOOD, out=np.ones((7, 17, 22), bool)
        )
        wrong = np.ones((7, *SIZE), F32)
        assert_refused(fs.paste_masks, "out", "bool", of=self.GOOD, out=wrong, error=TypeError)
        masks, boxes, _ = self.GOOD
        assert_refused(fs.paste_masks, "out", "masks", of=(masks, boxes, (4, 6), None), out=masks)
