"""ONNX's operators through its reference evaluator: its own node tests, and what they leave out."""

import warnings
from collections import Counter

import numpy as np
import pytest

import fastsample as fs

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
reference = pytest.importorskip("onnx.reference")

from onnx import helper  # noqa: E402
from onnx.backend.test.loader import load_node_model_tests  # noqa: E402

import fastsample.onnx as fastsample_onnx  # noqa: E402

COUNTS = {"GridSample": 18, "AffineGrid": 4, "DeformConv": 4}
pytestmark = pytest.mark.compiled


def collected():
    """ONNX's node tests of the three operators, without those of their expansions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other operators' tests
        found = {case.name: case for case in load_node_model_tests()}
    return [
        (case.model.graph.node[0].op_type, case)
        for case in found.values()
        if len(case.model.graph.node) == 1 and case.model.graph.node[0].op_type in COUNTS
    ]


CASES = collected()


def evaluator(model):
    return reference.ReferenceEvaluator(model, new_ops=fastsample_onnx.ops())


def test_all_node_tests_are_there():
    assert Counter(operator for operator, _ in CASES) == COUNTS


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=lambda c: c.name)
def test_node(case):
    session = evaluator(case.model)
    for inputs, wanted in case.data_sets:
        feeds = dict(zip(session.input_names, inputs, strict=True))
        for got, want in zip(session.run(None, feeds), wanted, strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=case.rtol, atol=case.atol)


def node(operator, inputs, opset, **attributes):
    """A session of one node."""
    names = [f"x{k}" for k in range(inputs)]
    made = helper.make_node(operator, names, ["y"], **attributes)
    floats = onnx.TensorProto.FLOAT
    values = [helper.make_tensor_value_info(n, floats, None) for n in (*names, "y")]
    graph = helper.make_graph([made], "g", values[:-1], values[-1:])
    return evaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]))


@pytest.mark.parametrize(("opset", "mode", "ours"), [
    (16, "bilinear", "bilinear"), (16, "bicubic", "bicubic"), (16, "nearest", "nearest"),
    (20, "linear", "bilinear"), (22, "cubic", "bicubic"), (22, "nearest", "nearest"),
])  # fmt: skip
@pytest.mark.parametrize("axes", [2, 3])
def test_modes_of_all_opsets(opset, mode, ours, axes):
    if axes == 3 and opset < 20:
        pytest.skip("images alone, before opset 20")
    rng = np.random.default_rng(axes)
    image = rng.random((2, 3, *(5, 6, 7)[:axes]), np.float32)
    grid = rng.uniform(-1.2, 1.2, (2, *(3, 4, 2)[:axes], axes)).astype(np.float32)
    session = node("GridSample", 2, opset, mode=mode, padding_mode="border", align_corners=1)
    (got,) = session.run(None, {"x0": image, "x1": grid})
    np.testing.assert_array_equal(got, fs.grid_sample(image, grid, ours, "border", True))


def test_defaults_are_those_of_the_operator():
    image = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    grid = np.array([[[[0.1, 0.2], [1.1, 0.3]]]], np.float32)
    (got,) = node("GridSample", 2, 22).run(None, {"x0": image, "x1": grid})
    np.testing.assert_array_equal(got, fs.grid_sample(image, grid))


def test_pads_are_beginnings_then_ends():
    rng = np.random.default_rng(3)
    image, weight = rng.random((1, 2, 5, 6), np.float32), rng.random((3, 2, 2, 2), np.float32)
    offset = rng.uniform(-1, 1, (1, 8, 7, 10)).astype(np.float32)
    session = node("DeformConv", 3, 19, pads=[1, 2, 2, 3], kernel_shape=[2, 2])
    (got,) = session.run(None, {"x0": image, "x1": weight, "x2": offset})
    want = fs.deform_conv2d(image, offset, weight, padding=((1, 2), (2, 3)))
    np.testing.assert_array_equal(got, want)


def test_what_does_not_fit():
    session = node("GridSample", 2, 22)
    image, grid = np.zeros((2, 1, 3, 3), np.float32), np.zeros((3, 4, 4, 2), np.float32)
    with pytest.raises(ValueError, match=r"grid_sample: grid must have shape"):
        session.run(None, {"x0": image, "x1": grid})
