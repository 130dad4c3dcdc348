"""make bench-engine: limn's engine beside PyTorch and ONNX Runtime on the same networks, in one run.

Networks: the MNIST CNN and EfficientNet-Lite0 of ../shared, and a VGG16 with seeded random weights, written here as an ONNX
file of a few hundred megabytes. PyTorch gets every chance: eager and compiled (the forward pass frozen too, with weights
packed once), channels first and last, several batches, batch norms folded; its best is what counts. Everything uses THREADS
threads and is asked in turns, ROUNDS times, so that a slow moment of the machine hurts all alike; the best round of each
counts. Prints rates (images a second), ratios, and the share of the sgemm peak (multiply-adds counted as two).

    python engine.py --limn build/tests/bench/bench_engine --work build/bench [--only mnist,lite0,vgg16] [--winograd] [--quick]
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

SHARED = "../shared"


# ---- ONNX by hand: enough of the format to write a chain of layers --------------------------------------------------
def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    """One protobuf field: a whole number, or bytes (text and messages)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7)


def node(op, inputs, output, **attributes):
    body = b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, output) + field(4, op)
    return field(1, body + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))


def tensor(name, array):
    body = b"".join(field(1, int(d)) for d in array.shape) + field(2, 1) + field(8, name)
    return field(5, body + field(9, array.astype("<f4").tobytes()))


def value(number, name, dims):
    shape = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in dims)
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))))


def write_onnx(path, parts, shape, outputs):
    graph = b"".join(parts) + field(2, "bench") + value(11, "x", ["n", *shape]) + value(12, outputs[0], ["n", outputs[1]])
    with open(path, "wb") as f:
        f.write(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))


# ---- networks -------------------------------------------------------------------------------------------------------
def mnist():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


class Block(nn.Module):
    def __init__(self, cin, cout, expand, kernel, stride):
        super().__init__()
        mid = cin * expand
        parts = [] if expand == 1 else [nn.Conv2d(cin, mid, 1), nn.ReLU6()]
        parts += [nn.Conv2d(mid, mid, kernel, stride, kernel // 2, groups=mid), nn.ReLU6(), nn.Conv2d(mid, cout, 1)]
        self.body = nn.Sequential(*parts)
        self.add = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.add else self.body(x)


def lite0():
    """EfficientNet-Lite0 with its batch norms folded; symmetric padding, which costs the same and needs no pad node."""
    rows = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
            (6, 320, 1, 1, 3)]
    layers, cin = [nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU6()], 32
    for expand, cout, repeat, stride, kernel in rows:
        for i in range(repeat):
            layers.append(Block(cin, cout, expand, kernel, stride if i == 0 else 1))
            cin = cout
    return nn.Sequential(*layers, nn.Conv2d(320, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(1280, 1000))


VGG = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]


def vgg16():
    layers, cin = [], 3
    for c in VGG:
        layers += [nn.Conv2d(cin, c, 3, 1, 1), nn.ReLU()] if c else [nn.MaxPool2d(2)]
        cin = c or cin
    layers += [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers)


def vgg16_onnx(path, net):
    parts, last = [], "x"
    for i, layer in enumerate(net):
        out = f"n{i}"
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            parts += [tensor(f"w{i}", layer.weight.detach().numpy()), tensor(f"b{i}", layer.bias.detach().numpy())]
        if isinstance(layer, nn.Conv2d):
            parts.append(node("Conv", [last, f"w{i}", f"b{i}"], out, kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        elif isinstance(layer, nn.Linear):
            parts.append(node("Gemm", [last, f"w{i}", f"b{i}"], out, transB=1))
        elif isinstance(layer, nn.MaxPool2d):
            parts.append(node("MaxPool", [last], out, kernel_shape=[2, 2], strides=[2, 2]))
        else:
            parts.append(node("Relu" if isinstance(layer, nn.ReLU) else "Flatten", [last], out))
        last = out
    write_onnx(path, parts, [3, 224, 224], (last, 1000))


# name: file, maker, input shape, batches for the peers, images a measurement, multiply-adds of a forward pass
NETS = {
    "mnist": (f"{SHARED}/examples/mnist/mnist_cnn.onnx", mnist, (1, 28, 28), (16, 64, 256), 1024, 11.98e6),
    "lite0": (f"{SHARED}/models/efficientnet_lite0.onnx", lite0, (3, 224, 224), (1, 4, 8, 16), 32, 390e6),
    "vgg16": (None, vgg16, (3, 224, 224), (1, 4, 8), 8, 15470e6),
}


# ---- peers ----------------------------------------------------------------------------------------------------------
def timed(run, images, batch):
    """Images a second over about `images` images."""
    n = max(1, images // batch)
    t = time.perf_counter()
    for _ in range(n):
        run()
    return n * batch / (time.perf_counter() - t)


def torch_runs(maker, shape, batch, modes):
    """{(what, mode, layout, batch): function} for the forward pass and the forward pass with input gradient."""
    runs = {}
    for layout in ("nchw", "nhwc"):
        fmt = torch.channels_last if layout == "nhwc" else torch.contiguous_format
        net = maker().eval().requires_grad_(False).to(memory_format=fmt)
        x = torch.randn(batch, *shape).contiguous(memory_format=fmt)
        xg = x.clone(memory_format=torch.preserve_format).requires_grad_(True)
        target = torch.arange(batch) % 10

        for mode in modes:
            ahead, back = net, net
            if mode == "compiled":
                torch._dynamo.reset()
                torch._inductor.config.freezing = True
                ahead = torch.compile(net)
                with torch.no_grad():
                    ahead(x)
                torch._inductor.config.freezing = False
                back = torch.compile(net)

            def forward(f=ahead, x=x):
                with torch.no_grad():
                    f(x)

            def gradient(f=back, x=xg, target=target):
                torch.autograd.grad(f(x).gather(1, target[:, None]).sum(), x)

            for what, run in (("forward", forward), ("gradient", gradient)):
                run()
                runs[what, mode, layout, batch] = run
    return runs


def ort_runs(path, shape, batches, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    runs = {}
    for batch in batches:
        x = np.random.default_rng(1).standard_normal((batch, *shape), dtype=np.float32)
        run = lambda x=x: session.run(None, {name: x})
        run()
        runs["forward", "onnxruntime", "", batch] = run
    return runs


def limn_run(program, path, threads, images, options):
    words = [program, "net", path, str(threads), str(images), *options]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(out[::2], map(float, out[1::2])))


def machine(a):
    """FLOP/s of sgemm, now."""
    text = subprocess.run([a.limn, "machine", str(a.threads)], check=True, capture_output=True, text=True).stdout
    print(text, end="", flush=True)
    return float(text.split("sgemm ")[1].split()[0]) * 1e9


# ---- a network ------------------------------------------------------------------------------------------------------
def best(table, what, peer):
    rows = {k: v for k, v in table.items() if k[0] == what and (k[1] == "onnxruntime") == (peer == "onnxruntime")}
    key = max(rows, key=rows.get)
    return rows[key], " ".join(str(w) for w in key[1:] if w)


def measure(name, a):
    path, maker, shape, batches, images, madds = NETS[name]
    torch.manual_seed(1)
    if path is None:
        path = os.path.join(a.work, f"{name}.onnx")
        if not os.path.exists(path):
            vgg16_onnx(path, maker())
    modes = ("eager",) if a.quick else ("eager", "compiled")
    runs = {}
    t = time.perf_counter()
    batches = tuple(map(int, a.batches.split(","))) if a.batches else batches[-1:] if a.quick else batches
    for batch in batches:
        runs |= torch_runs(maker, shape, batch, modes)
    runs |= ort_runs(path, shape, batches, a.threads)
    print(f"{name}: peers compiled in {time.perf_counter() - t:.0f} s", flush=True)
    if a.wait:
        input()
    table, ours = {}, {}
    for round_ in range(a.rounds):
        for options in ([], ["winograd"]) if a.winograd else ([],):
            r = limn_run(a.limn, path, a.threads, images, options)
            for k, v in r.items():
                key = k, *options
                ours[key] = min(ours.get(key, v), v) if k in ("load", "plan") else max(ours.get(key, v), v)
        for key, run in runs.items():
            if round_ and table[key] < 0.7 * best(table, key[0], key[1])[0]:
                continue  # it will not catch up
            table[key] = max(table.get(key, 0), timed(run, images, key[-1]))
    a.peak = max(a.peak, machine(a))  # the machine of these minutes
    report(name, a, table, ours, madds, path)


def report(name, a, table, ours, madds, path):
    if a.all:
        for key in sorted(table, key=table.get):
            print("   ", *key, f"{table[key]:.1f}")
    print(f"{name}: load {ours['load',] * 1e3:.1f} ms ({os.path.getsize(path) / 1e6:.0f} MB), "
          f"plan {ours['plan',] * 1e3:.0f} ms, chunks of {ours['chunk',]:.0f}, {ours['fallbacks',]:.0f} fallbacks")
    for what in ("forward", "gradient"):
        torch_rate, torch_how = best(table, what, "torch")
        line = f"  {what:9}"
        for options in ((), ("winograd",)):
            if (what, *options) not in ours:
                continue
            rate = ours[what, *options]
            share = 2 * madds * (1 if what == "forward" else 2) * rate / a.peak
            line += f"limn{' winograd' if options else ''} {rate:9.1f}/s = {rate / torch_rate:.2f}x ({share:.0%} of sgemm)  "
        line += f"PyTorch {torch_rate:.1f}/s ({torch_how})"
        if what == "forward":
            rate, how = best(table, what, "onnxruntime")
            line += f"  ONNX Runtime {rate:.1f}/s ({how}), limn {ours[what,] / rate:.2f}x"
        print(line, flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--limn", default="build/tests/bench/bench_engine")
    p.add_argument("--work", default="build/bench", help="folder of the VGG16 file [build/bench]")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--only", default=",".join(NETS))
    p.add_argument("--quick", action="store_true", help="eager PyTorch, one batch")
    p.add_argument("--batches", help="the peers' batches, such as 4,8")
    p.add_argument("--winograd", action="store_true", help="measure the option as well")
    p.add_argument("--all", action="store_true", help="every layout, mode and batch of the peers")
    p.add_argument("--wait", action="store_true", help="wait for a line of input before the measurement")
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    torch.set_num_threads(a.threads)
    print(f"PyTorch {torch.__version__}, ONNX Runtime {ort.__version__}, Python {sys.version.split()[0]}, "
          f"{a.threads} threads", flush=True)
    a.peak = machine(a)
    for name in a.only.split(","):
        measure(name, a)


if __name__ == "__main__":
    main()
