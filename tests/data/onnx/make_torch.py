"""A small vision transformer of PyTorch's own layers as its exporters write it: torch_17 (TorchScript, attention as MatMul and
Softmax), torch_18 and torch_23 (the newer one; the operator Attention); torch_17_batch_1, torch_18_batch_2: of a fixed batch. torch.npz: x, the scores y of PyTorch, and the gradient of
the sum of c_i y_i, c_i = (i % 7 - 3) / 3. Made with torch 2.13.0, onnxscript 0.7.2 and onnx 1.23: python make_torch.py"""
import os
import numpy as np
import onnx
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(3)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 6))
        self.place = nn.Parameter(torch.randn(1, 5, 6))
        self.layer = nn.TransformerEncoderLayer(6, 2, 8, 0, "gelu", batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        return self.head(self.norm(self.layer(x))[:, 0])


net = Small().eval()
for p in net.parameters():
    p.data = torch.randn_like(p) * 0.4 + (p.ndim == 1) * 0.3
x = torch.rand(2, 3, 8, 8, requires_grad=True)
y = net(x)
(y * ((torch.arange(3) % 7 - 3) / 3)).sum().backward()
np.savez_compressed(os.path.join(HERE, "torch.npz"), x=x.detach().numpy(), y=y.detach().numpy(), gradient=x.grad.numpy())
for opset, batch in ((17, 0), (18, 0), (23, 0), (17, 1), (18, 2)):
    name = os.path.join(HERE, "torch_%d%s.onnx" % (opset, "_batch_%d" % batch if batch else ""))
    how = {"dynamo": False} if opset == 17 else {"dynamo": True, "external_data": False}
    if not batch:
        how |= {"dynamic_axes": {"x": {0: "N"}}} if opset == 17 else {"dynamic_shapes": ({0: torch.export.Dim("N")},)}
    torch.onnx.export(net, (x.detach()[:batch or 2],), name, opset_version=opset, input_names=["x"], **how)
    model = onnx.load(name)
    for n in model.graph.node:  # stack traces of the exporter
        del n.metadata_props[:]
        n.doc_string = ""
    del model.graph.metadata_props[:], model.graph.value_info[:]
    onnx.save(model, name)
    print(opset, os.path.getsize(name), sorted({n.op_type for n in model.graph.node}))
