"""Networks of ../shared in PyTorch with their own weights, for comparisons with programs that explain PyTorch networks."""

import os
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

import engine

SHARED = "../shared"
warnings.filterwarnings("ignore")


def weights(path):
    """(convolutions, dense layers) in the order of the graph: arrays of weight and bias."""
    graph = onnx.load(path).graph
    arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    of = lambda op: [[arrays[name] for name in n.input[1:3]] for n in graph.node if n.op_type == op]
    return of("Conv"), of("Gemm")


def fill(net, path):
    convolutions, dense = weights(path)
    for kind, arrays in ((nn.Conv2d, convolutions), (nn.Linear, dense)):
        layers = [m for m in net.modules() if isinstance(m, kind)]
        assert len(layers) == len(arrays)
        for layer, (w, b) in zip(layers, arrays):
            layer.weight.data, layer.bias.data = torch.from_numpy(w.copy()), torch.from_numpy(b.copy())
    return net.eval().requires_grad_(False)


def mnist():
    """mnist_cnn: logits. Its weights are Keras's, so that the flattening is another order: in PyTorch's own."""
    return fill(engine.mnist(), f"{SHARED}/examples/mnist/mnist_cnn.onnx")


def pad_same(layer, arguments):
    """TensorFlow's SAME padding of a stride of 2: one more behind than before."""
    k, (h, w) = layer.kernel_size[0], arguments[0].shape[2:]
    total = [max((-(-n // 2) - 1) * 2 + k - n, 0) for n in (w, h)]
    return nn.functional.pad(arguments[0], (total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2))


def lite0():
    net = fill(engine.lite0(), f"{SHARED}/models/efficientnet_lite0.onnx")
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
            layer.padding = (0, 0)
            layer.register_forward_pre_hook(pad_same)
    return net


def pictures(names, size=224):
    """(n, 3, size, size) float32, (x - 127) / 128, and the uint8 pictures."""
    from PIL import Image
    u8 = np.stack([np.asarray(Image.open(os.path.join(SHARED, "images", n)).convert("RGB").resize((size, size), Image.BILINEAR))
                   for n in names])
    return (u8.transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128, u8
