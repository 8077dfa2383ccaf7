"""ONNX's operators through its reference evaluator: its own node tests, and what they leave out."""

import numpy as np
import pytest

import fastsample as fs

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
reference = pytest.importorskip("onnx.reference")

import onnx.backend.test.loader as loader  # noqa: E402
from onnx import helper, numpy_helper  # noqa: E402

import fastsample.onnx as fastsample_onnx  # noqa: E402

PREFIXES = {"gridsample": 18, "affine_grid": 4, "basic_deform_conv": 2, "deform_conv": 2}
pytestmark = pytest.mark.compiled


def cases():
    """ONNX's node tests of the three operators."""
    known = ("test_gridsample", "test_affine_grid", "test_basic_deform_conv", "test_deform_conv")
    found = {case.name: case for case in loader.load_model_tests(kind="node")}
    return [c for name, c in sorted(found.items()) if name.startswith(known)]


CASES = [c for c in cases() if not c.name.endswith("_expanded")]


def evaluator(model):
    return reference.ReferenceEvaluator(model, new_ops=fastsample_onnx.ops())


def tensors(folder, kind):
    paths = sorted(folder.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.load_tensor(str(path))) for path in paths]


def test_all_node_tests_are_there():
    counts = {}
    for case in CASES:
        for prefix in PREFIXES:
            counts[prefix] = counts.get(prefix, 0) + case.name.startswith(f"test_{prefix}")
    assert counts == PREFIXES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_node(case):
    from pathlib import Path

    folder = Path(case.model_dir)
    session = evaluator(onnx.load(str(folder / "model.onnx")))
    data = folder / "test_data_set_0"
    feeds = dict(zip(session.input_names, tensors(data, "input"), strict=True))
    wanted = tensors(data, "output")
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
