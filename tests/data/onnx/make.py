"""Small ONNX networks with seeded weights. outputs: three outputs of one trunk.
Made with onnx 1.23: python make.py"""
import os
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(11)
F = TensorProto.FLOAT


def weights(name, *shape):
    return numpy_helper.from_array(rng.normal(0, 0.35, shape).astype(np.float32), name)


def port(name, *shape):
    return helper.make_tensor_value_info(name, F, shape)


def write(name, nodes, ins, outs, known, opset=17):
    graph = helper.make_graph(nodes, name, ins, outs, known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8,
                              producer_name="make.py")
    save(model, os.path.join(HERE, name + ".onnx"))


N = helper.make_node
write("outputs", [N("Conv", ["x", "k"], ["c"], strides=[4, 4]), N("Relu", ["c"], ["r"]), N("Flatten", ["r"], ["f"]),
                N("Gemm", ["f", "w"], ["digits"]), N("Gemm", ["f", "v"], ["o"]), N("Sigmoid", ["o"], ["odd"]),
                N("Neg", ["r"], ["map"])],
      [port("x", "N", 1, 28, 28)], [port("digits", "N", 10), port("odd", "N", 1), port("map", "N", 2, 6, 6)],
      [weights("k", 2, 1, 5, 5), weights("w", 72, 10), weights("v", 72, 1)])
