"""ONNX files in the forms that programs write. NAME.npz holds an input x and the numbers y of ONNX Runtime:
  known          what follows from known values alone: sizes that were clipped, every ReduceX of a matrix
  opset_7 … 22   one network in the words of each opset; opset.npz
  form_*         one network that ends in a single sigmoid, in many forms; form.npz
Made with onnx 1.23 and ONNX Runtime 1.32: python make_forms.py"""
import os
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


def seeded(shape, seed):
    return np.random.default_rng(seed).normal(0, 0.35, shape).astype(np.float16).astype(np.float32)


def write(name, nodes, ins, outs, weights, opset, **how):
    graph = helper.make_graph(nodes, name, ins, outs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3 if opset < 9 else 8,
                              producer_name="make_forms.py")
    save(model, os.path.join(HERE, name + ".onnx"), **how)


def run(name, x):
    return onnxruntime.InferenceSession(os.path.join(HERE, name + ".onnx")).run(None, {"x": x})[0]


def numbers(name, x, y):
    np.savez_compressed(os.path.join(HERE, name + ".npz"), x=x, y=y)


# ---- known values
made = {"above": N("Clip", ["a", "low", ""], ["above"]), "below": N("Clip", ["a", "", "high"], ["below"]),
        "between": N("Clip", ["a", "low", "high"], ["between"])}
for op in "LogSum LogSumExp Sum SumSquare L1 L2 Max Min Mean Prod".split():
    made[op] = N("Reduce" + op, ["positive", "second"], [op]) if op == "Sum" else N("Reduce" + op, ["positive"], [op], axes=[1])
write("known", [N("Abs", ["a"], ["positive"]), N("Clip", ["sizes", "open", "three"], ["shape"]), *made.values(),
                N("Reshape", ["x", "shape"], ["rows"]), *[N("Add", ["rows", n], ["x_" + n]) for n in made],
                N("Concat", ["x_" + n for n in made], ["y"], axis=2)],
      [port("x", "N", 6)], [port("y", "N", 2, "M")],
      [known("a", [[0.4, -1.5, 2.5], [-0.25, 0.75, 3.0]]), known("low", -0.5), known("high", 0.6),
       known("sizes", [-7, 2, 9], np.int64), known("open", -1, np.int64), known("three", 3, np.int64),
       known("second", [1], np.int64)], 13)
x = np.random.default_rng(5).uniform(-1, 1, (2, 6)).astype(np.float32)
numbers("known", x, run("known", x))

# ---- opsets: what was an attribute became an input, operators and defaults changed
x = np.random.default_rng(6).uniform(-1, 1, (2, 2, 6, 5)).astype(np.float32)
want = None
for v in range(7, 23):
    nodes, weights = [], [known("k", seeded((4, 2, 3, 3), 1)), known("b", seeded(4, 2)), known("w", seeded((24, 5), 3)),
                          known("c", seeded(5, 4)), *[known(n, np.abs(seeded(4, s)) + 0.5) for n, s in
                                                      (("scale", 5), ("shift", 6), ("mean", 7), ("var", 8))]]

    def add(op, out, since, ins, **attributes):
        """attributes that are inputs from `since` on, in order; others as o_NAME"""
        plain = {k[2:]: a for k, a in attributes.items() if k.startswith("o_")}
        moved = {k: a for k, a in attributes.items() if not k.startswith("o_")}
        for k, a in moved.items() if v >= since else ():
            weights.append(known(out + "_" + k, a, np.float32 if isinstance(a, float) else np.int64))
            ins = ins + [out + "_" + k]
        nodes.append(N(op, ins, [out], **plain, **({} if v >= since else moved)))

    nodes.append(N("Conv", ["x", "k", "b"], ["conv"], pads=[1, 1, 1, 1]))
    nodes.append(N("BatchNormalization", ["conv", "scale", "shift", "mean", "var"], ["bn"], epsilon=1e-3))
    add("Clip", "clip", 11, ["bn"], min=-0.5, max=1.5)
    add("Pad", "pad", 11, ["clip"], pads=[0, 0, 1, 0, 0, 0, 1, 1])
    nodes.append(N("MaxPool", ["pad"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]))
    add("Slice", "cut", 10, ["pool"], starts=[1, 0], ends=[4, 100], axes=[2, 3])
    if v < 9:
        nodes.append(N("Upsample", ["cut"], ["up"], mode="nearest", scales=[1.0, 1.0, 2.0, 2.0]))
    else:
        weights.append(known("times", [1, 1, 2, 2]))
        if v < 10:
            nodes.append(N("Upsample", ["cut", "times"], ["up"], mode="nearest"))
        elif v < 11:
            nodes.append(N("Resize", ["cut", "times"], ["up"], mode="nearest"))
        else:
            weights += [known("roi", [])] if v < 13 else []
            nodes.append(N("Resize", ["cut", "roi" if v < 13 else "", "times"], ["up"], mode="nearest", nearest_mode="floor",
                           coordinate_transformation_mode="asymmetric"))
    add("Split", "half", 13, ["up"], split=[3, 1], o_axis=1)
    nodes[-1].output.append("rest")
    nodes.append(N("Concat", ["rest", "half"], ["turned"], axis=1))
    add("Unsqueeze", "five", 13, ["turned"], axes=[1])
    add("ReduceMean", "mean_rows", 18, ["five"], axes=[3], o_keepdims=1)
    add("Squeeze", "four", 13, ["mean_rows"], axes=[1, 3])
    add("ReduceSum", "sum", 13, ["five"], axes=[1, 4], o_keepdims=0)
    nodes.append(N("Dropout", ["sum"], ["kept"]))
    weights += [known("shape", [-1, 4, 6], np.int64), known("rows", [0, -1], np.int64)]
    nodes.append(N("Reshape", ["kept", "shape"], ["again"]))
    nodes.append(N("Softmax", ["again"], ["soft"], axis=2))
    nodes.append(N("Reshape", ["soft", "rows"], ["flat"]))
    nodes.append(N("Gemm", ["flat", "w", "c"], ["scores"]))
    nodes.append(N("Flatten", ["four"], ["flat4"]))
    nodes.append(N("Concat", ["scores", "flat4"], ["y"], axis=1))
    write("opset_%d" % v, nodes, [port("x", "N", 2, 6, 5)], [port("y", "N", "M")], weights, v)
    y = run("opset_%d" % v, x)
    want = y if want is None else want
    assert np.abs(y - want).max() < 1e-6, (v, np.abs(y - want).max())
numbers("opset", x, want)

# ---- forms of one network: its weights are numbers of float16, so that no form rounds them
trunk = [N("Conv", ["p", "k", "b"], ["conv"]), N("Relu", ["conv"], ["r"]), N("Flatten", ["r"], ["f"]),
         N("Gemm", ["f", "w", "c"], ["score"]), N("Sigmoid", ["score"], ["y"])]
W = {"k": seeded((3, 2, 3, 3), 11), "b": seeded(3, 12), "w": seeded((36, 1), 13), "c": seeded(1, 14)}


def form(name, first, shape, of=F, kind=np.float32, nodes=trunk, also=(), ins=(), opset=17, **how):
    """first: the nodes that make the picture p of x"""
    write("form_" + name, [*first, *nodes], [port("x", *shape, of=of), *ins], [port("y", "N", 1, of=of)],
          [known(n, v, kind) for n, v in W.items()] + list(also), opset, **how)


same, shape = [N("Identity", ["x"], ["p"])], ("N", 2, 6, 5)
form("single", same, shape)
form("half", same, shape, TensorProto.FLOAT16, np.float16)
form("double", same, shape, TensorProto.DOUBLE, np.float64)
casts = [N("Cast", [n], [n + "_"], to=F) for n in W]
form("cast", [*same, *casts], shape, kind=np.float16,
     nodes=[N(n.op_type, [i + "_" if i in W else i for i in n.input], n.output) for n in trunk])
form("inputs", same, (1, 2, 6, 5), opset=8, ins=[port(n, *v.shape) for n, v in W.items()])
form("nhwc", [N("Transpose", ["x"], ["p"], perm=[0, 3, 1, 2])], ("N", 6, 5, 2))
external = os.path.join(HERE, "form_external.bin")  # which save would add to
if os.path.exists(external):
    os.remove(external)
form("external", same, shape, save_as_external_data=True, location="form_external.bin", size_threshold=0)
form("reshaped", [N("Reshape", ["x", "to"], ["p"])], ("N", 60, 1, 1), also=[known("to", [-1, 2, 6, 5], np.int64)])
# one channel: (N, H, W, 1) and (N, 1, H, W) lie alike
write("form_gray", [N("Reshape", ["x", "to"], ["g"]), N("Concat", ["g", "g"], ["p"], axis=1), *trunk],
      [port("x", "N", 6, 5, 1)], [port("y", "N", 1)],
      [*[known(n, v) for n, v in W.items()], known("to", [-1, 1, 6, 5], np.int64)], 17)
x = np.random.default_rng(7).uniform(-1, 1, (2, 2, 6, 5)).astype(np.float16).astype(np.float32)
y = run("form_single", x)
for name, v in (("cast", x), ("external", x), ("reshaped", x.reshape(2, 60, 1, 1))):  # ORT has no Conv of float64
    assert np.abs(run("form_" + name, v) - y).max() < 1e-6
assert np.abs(run("form_nhwc", x.transpose(0, 2, 3, 1)) - y).max() < 1e-6
np.savez_compressed(os.path.join(HERE, "form.npz"), x=x, y=y, x_nhwc=x.transpose(0, 2, 3, 1),
                    x_gray=x[:, :1].reshape(2, 6, 5, 1), y_gray=run("form_gray", x[:, :1].reshape(2, 6, 5, 1)))
os.chmod(external, 0o644)
