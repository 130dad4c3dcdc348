"""ONNX files in the forms that programs write: known: what follows from known values alone.
NAME.npz holds x and y of ONNX Runtime. Made with onnx 1.23 and ONNX Runtime 1.32: python make_forms.py [NAME …]"""
import os
import sys
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, save

HERE = os.path.dirname(os.path.abspath(__file__))
N = helper.make_node
F = TensorProto.FLOAT


def port(name, *shape, of=F):
    return helper.make_tensor_value_info(name, of, shape)


def known(name, v, of=np.float32):
    return numpy_helper.from_array(np.array(v, of), name)


def seeded(name, shape, seed, of=np.float32):
    return known(name, np.random.default_rng(seed).normal(0, 0.35, shape), of)


def write(name, nodes, ins, outs, weights, opset, shape, also=()):
    """NAME.onnx, and NAME.npz with the numbers of an input of this shape."""
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    graph = helper.make_graph(nodes, name, ins, outs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *also], ir_version=3 if opset < 9 else 8,
                              producer_name="make_forms.py")
    save(model, os.path.join(HERE, name + ".onnx"))
    x = np.random.default_rng(5).uniform(-1, 1, shape).astype(np.float32)
    run = onnxruntime.InferenceSession(os.path.join(HERE, name + ".onnx"))
    y = run.run(None, {"x": x.astype(np.float16) if run.get_inputs()[0].type == "tensor(float16)" else x})[0]
    np.savez_compressed(os.path.join(HERE, name + ".npz"), x=x, y=y.astype(np.float32))


# a reshape whose sizes were clipped, and sums with what follows from a matrix
made = {"above": N("Clip", ["a", "low", ""], ["above"]), "below": N("Clip", ["a", "", "high"], ["below"]),
        "between": N("Clip", ["a", "low", "high"], ["between"])}
for op in "LogSum LogSumExp Sum SumSquare L1 L2 Max Min Mean Prod".split():
    made[op] = N("Reduce" + op, ["positive", "second"], [op]) if op == "Sum" else N("Reduce" + op, ["positive"], [op], axes=[1])
write("known", [N("Abs", ["a"], ["positive"]), N("Clip", ["sizes", "open", "three"], ["shape"]), *made.values(),
                N("Reshape", ["x", "shape"], ["rows"]),
                *[N("Add", ["rows", n], ["x_" + n]) for n in made],
                N("Concat", ["x_" + n for n in made], ["y"], axis=2)],
      [port("x", "N", 6)], [port("y", "N", 2, "M")],
      [known("a", [[0.4, -1.5, 2.5], [-0.25, 0.75, 3.0]]), known("low", -0.5), known("high", 0.6),
       known("sizes", [-7, 2, 9], np.int64), known("open", -1, np.int64), known("three", 3, np.int64),
       known("second", [1], np.int64)], 13, (2, 6))
