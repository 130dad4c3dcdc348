"""Small ONNX networks with seeded weights. outputs: three outputs of one trunk; ops, select: operators that are written with
others, and their numbers. Made with onnx 1.23 and ONNX Runtime 1.32: python make.py"""
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


# operators that are written with others, and windows over volumes: one score of each joined
def number(name, *v):
    return numpy_helper.from_array(np.array(v, np.int64), name)


def floats(name, *v):
    return numpy_helper.from_array(np.array(v, np.float32), name)


parts = [N("Tile", ["x", "times"], ["tiled"]), N("Einsum", ["x", "m"], ["einsum"], equation="bchw,wk->bckh"),
         N("Einsum", ["x", "tiled_rows"], ["product"], equation="bchw,bcvw->bhcv"),
         N("LpNormalization", ["x"], ["lp"], axis=1, p=2), N("LpNormalization", ["x"], ["l1"], axis=3, p=1),
         N("MeanVarianceNormalization", ["x"], ["mvn"], axes=[2, 3]), N("Mod", ["x", "divisor"], ["mod"], fmod=1),
         N("Resize", ["x", "roi", "", "sizes"], ["crop"], coordinate_transformation_mode="tf_crop_and_resize",
           mode="linear", extrapolation_value=0.5, axes=[2, 3]),
         N("Reshape", ["x", "volume"], ["v"]),
         N("ConvTranspose", ["v", "k"], ["up"], strides=[2, 1, 2], pads=[1, 0, 1, 0, 1, 0], output_padding=[1, 0, 0], group=2),
         N("Conv", ["v", "k2"], ["conv"], strides=[2, 1, 1], pads=[1, 1, 0, 1, 1, 0])]
names = ["tiled", "einsum", "product", "lp", "l1", "mvn", "mod", "crop", "up", "conv"]
rows = [N("Mul", ["x", "half"], ["tiled_rows"])]
flat = [N("Flatten", [n], ["flat_" + n]) for n in names]
write("ops", rows + parts + flat + [N("Concat", ["flat_" + n for n in names], ["y"], axis=1)],
      [port("x", "N", 4, 4, 5)], [port("y", "N", "M")],
      [number("times", 1, 1, 2, 3), weights("m", 5, 3), floats("divisor", 2.5), floats("half", 0.5),
       floats("roi", -0.1, 0.2, 0.9, 1.3), number("sizes", 6, 3), number("volume", -1, 2, 2, 4, 5),
       weights("k", 2, 2, 3, 2, 3), weights("k2", 3, 2, 2, 3, 2)], opset=18)


def numbers(name, shape, h=4e-3):
    """NAME.npz: x, y of ONNX Runtime, and the gradient of sum of c_i y_i, c_i = (i % 7 - 3) / 3, by central differences."""
    import onnxruntime
    run = onnxruntime.InferenceSession(os.path.join(HERE, name + ".onnx"))
    x = rng.uniform(-1, 1, shape).astype(np.float32)
    y = run.run(None, {"x": x})[0]
    c = (np.arange(y.shape[1]) % 7 - 3) / 3
    g = np.zeros(shape)
    for i in np.ndindex(*shape[1:]):
        a, b = x.copy(), x.copy()
        a[(slice(None),) + i] += h
        b[(slice(None),) + i] -= h
        d = (run.run(None, {"x": a})[0].astype(float) - run.run(None, {"x": b})[0].astype(float)) @ c
        g[(slice(None),) + i] = d / (a - b)[(slice(None),) + i]
    np.savez_compressed(os.path.join(HERE, name + ".npz"), x=x, y=y, gradient=g.astype(np.float32))


numbers("ops", (2, 4, 4, 5))

# attention with heads side by side and apart, shared keys, masks of numbers and of truth values, one row hidden whole; what is
# largest; equations with an ellipsis, without a result, with sums
truth = numpy_helper.from_array(np.array([[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 1, 1, 1]], bool), "truth")
parts = [N("Attention", ["x", "x", "x", "bias"], ["wide"], q_num_heads=2, kv_num_heads=2, softcap=0.7),
         N("Reshape", ["x", "apart"], ["h"]), N("Transpose", ["h"], ["heads"], perm=[0, 2, 1, 3]),
         N("Slice", ["heads", "zero", "one", "one"], ["fewer"]),
         N("Attention", ["heads", "fewer", "fewer", "truth"], ["shared"], scale=0.8),
         N("Concat", ["fewer", "fewer"], ["twice"], axis=1),
         N("Attention", ["heads", "heads", "twice"], ["causal"], is_causal=1),
         N("TopK", ["x", "three"], ["top", "places"], axis=2), N("Cast", ["places"], ["place"], to=F),
         N("TopK", ["x", "two"], ["low", "low_places"], axis=1, largest=0),
         N("ArgMax", ["x"], ["arg"], axis=1, keepdims=0), N("Cast", ["arg"], ["most"], to=F),
         N("ArgMin", ["x"], ["argmin"], axis=2, select_last_index=1), N("Cast", ["argmin"], ["least"], to=F),
         N("Einsum", ["heads", "matrix"], ["last"], equation="...i,ij->...j"),
         N("Einsum", ["x", "matrix3"], ["implied"], equation="bji,ik"),
         N("Einsum", ["x", "row"], ["sums"], equation="bij,k->bi")]
names = "wide shared causal top place low most least last implied sums".split()
write("select", parts + [N("Flatten", [n], ["flat_" + n]) for n in names] +
      [N("Concat", ["flat_" + n for n in names], ["y"], axis=1)],
      [port("x", "N", 4, 6)], [port("y", "N", "M")],
      [weights("bias", 4, 4), truth, number("apart", 0, 4, 2, 3), number("zero", 0), number("one", 1), number("three", 3),
       number("two", 2), weights("matrix", 3, 2), weights("matrix3", 6, 3), weights("row", 5)], opset=23)
numbers("select", (2, 4, 6))
