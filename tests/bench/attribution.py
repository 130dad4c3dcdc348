"""make bench-attribution: limn beside Captum, pytorch-grad-cam, Zennit and Quantus on the same networks, in one run.

limn is asked as a user asks it: `limn run`, whose stage seconds are counted with the maps stored in the database. Every peer
gets its best: channels first and last, several batches; its network's weights need no gradient where the program lets that be.
Nobody's first call counts. In turns, ROUNDS times; the best round of each counts. THREADS threads all. Prints images a second,
the ratio to the fastest peer, and what was asked for.

    python attribution.py --limn build/bin/limn [--only saliency,gradcam] [--rounds 2] [--seconds 1.5]
"""

import argparse
import contextlib
import io
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

import captum as captum_package
import captum.attr as ca
import captum.metrics as metrics
import numpy as np
import quantus
import torch
import zennit.attribution as za
import zennit.composites as zc

import torch_nets
import pytorch_grad_cam as gc
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

logging.disable(logging.WARNING)
LAYER = {"mnist": 3, "lite0": -4}  # the ReLU behind the last convolution
MODEL = {"mnist": "examples/mnist/mnist_cnn.onnx", "lite0": "models/efficientnet_lite0.onnx"}


@contextlib.contextmanager
def silence():
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


# ---- peers: each makes a function of a batch x (n, C, H, W), targets t (n) ---------------------------------------------------
def captum(cls, layer=False, **options):
    def make(net, at):
        method = cls(net, net[at]) if layer else cls(net)
        return lambda x, t: method.attribute(x.requires_grad_(), target=t, **options)
    return make


def tunnel(net, at):
    method = ca.NoiseTunnel(ca.Saliency(net))
    return lambda x, t: method.attribute(x.requires_grad_(), target=t, nt_type="smoothgrad", nt_samples=50, stdevs=0.15,
                                         nt_samples_batch_size=max(1, 256 // len(x)))


def gradcam(cls):
    def make(net, at):
        net.requires_grad_(True)
        options = {"ablation_layer": gc.ablation_layer.AblationLayer()} if cls is gc.AblationCAM else {}
        method = cls(net, [net[at]], **options)
        method.batch_size = 64

        def run(x, t):
            with silence():
                method(x, [ClassifierOutputTarget(int(k)) for k in t])
        run.close = method.activations_and_grads.release
        return run
    return make


def zennit(cls, composite=None, **options):
    def make(net, at):
        def run(x, t):
            with cls(net, composite() if composite else None, **options) as method:
                method(x.requires_grad_(), torch.eye(10)[t] if len(x[0]) == 1 else torch.eye(1000)[t])
        return run
    return make


def curve(net, at):  # pixel flipping in 28 steps: a deletion curve
    method = quantus.PixelFlipping(features_in_step=28, perturb_baseline="black", disable_warnings=True, display_progressbar=False)

    def run(x, t):
        with silence():
            method(net, x.detach().numpy(), t.numpy(), run.maps[:len(x)], device="cpu", channel_first=True, batch_size=len(x))
    run.maps = np.random.default_rng(1).random((256, 1, 28, 28), dtype=np.float32)
    return run


def infidelity(net, at):
    def change(x):
        p = torch.randn_like(x) * 0.2
        return p, x - p
    a = torch.rand(256, 1, 28, 28)
    return lambda x, t: metrics.infidelity(net, change, x.detach(), a[:len(x)], target=t, n_perturb_samples=10)


# name: (network, limn's entry, its images, wanted ratio, peers, their batches)
FAST, SLOW = (16, 64, 256), (4, 16)
TASKS = {
    "saliency": ("mnist", "method: saliency", 10000, 2,
                 {"Captum": captum(ca.Saliency), "Zennit": zennit(za.Gradient)}, FAST),
    "guided": ("mnist", "method: guided", 10000, 2,
               {"Captum": captum(ca.GuidedBackprop), "Zennit": zennit(za.Gradient, zc.GuidedBackprop)}, FAST),
    "gradcam": ("mnist", "method: gradcam", 10000, 2,
                {"Captum": captum(ca.LayerGradCam, True), "pytorch-grad-cam": gradcam(gc.GradCAM)}, FAST),
    "lrp": ("mnist", "method: lrp, composite: epsilon-plus", 4000, 2,
            {"Captum (epsilon)": captum(ca.LRP), "Zennit": zennit(za.Gradient, zc.EpsilonPlus)}, FAST),
    "ig50": ("mnist", "method: integrated-gradients, steps: 50", 200, 2,
             {"Captum": captum(ca.IntegratedGradients, n_steps=50, internal_batch_size=256),
              "Zennit": zennit(za.IntegratedGradients, n_iter=50)}, SLOW),
    "smoothgrad50": ("mnist", "method: saliency, noise: smoothgrad, noise_samples: 50", 200, 2,
                     {"Captum": tunnel, "Zennit": zennit(za.SmoothGrad, n_iter=50)}, SLOW),
    "scorecam": ("mnist", "method: scorecam", 200, 3, {"pytorch-grad-cam": gradcam(gc.ScoreCAM)}, (16,)),
    "ablationcam": ("mnist", "method: ablationcam", 1000, 3, {"pytorch-grad-cam": gradcam(gc.AblationCAM)}, (16,)),
    "occlusion": ("mnist", "method: occlusion, window: 4, stride: 2", 100, 3,
                  {"Captum": captum(ca.Occlusion, sliding_window_shapes=(1, 4, 4), strides=(1, 2, 2), perturbations_per_eval=16)},
                  (4, 16)),
    "deletion": ("mnist", "metric: deletion, steps: 28", 300, 5, {"Quantus": curve}, (16, 64)),
    "infidelity": ("mnist", "metric: infidelity, samples: 10", 800, 5, {"Captum": infidelity}, (16, 64)),
    "lite0-saliency": ("lite0", "method: saliency", 128, 1.5,
                       {"Captum": captum(ca.Saliency), "Zennit": zennit(za.Gradient)}, (1, 4, 8)),
    "lite0-gradcam": ("lite0", "method: gradcam", 128, 1.5,
                      {"Captum": captum(ca.LayerGradCam, True), "pytorch-grad-cam": gradcam(gc.GradCAM)}, (1, 4, 8)),
}


# ---- measuring --------------------------------------------------------------------------------------------------------------
def limn_rate(a, network, entry, images, folder):
    """Images a second of the stage alone, maps stored."""
    shared = os.path.abspath(torch_nets.SHARED)
    data = (f"images: {shared}/examples/mnist/t10k-images-idx3-ubyte.gz, limit: {images}, preprocess: {{scale: 1/255}}"
            if network == "mnist" else f"images: {folder}/p.npy, limit: {images}, preprocess: {{mean: 127, std: 128}}")
    measure = entry.startswith("metric")
    text = (f"model: {shared}/{MODEL[network]}\nstore_images: false\nfeatures: []\ndata: {{{data}}}\nattribute:\n"
            f"  - {{name: m, {'method: saliency' if measure else entry}}}\n" + (f"measures:\n  - {{{entry}}}\n" if measure else ""))
    with open(f"{folder}/e.yaml", "w") as f:
        f.write(text)
    db = f"{folder}/e.db"
    with contextlib.suppress(FileNotFoundError):
        os.remove(db)
    subprocess.run([a.limn, "run", f"{folder}/e.yaml", "--db", db, "--quiet", "--threads", str(a.threads)], check=True)
    rows = sqlite3.connect(db).execute("SELECT name, seconds FROM stage").fetchall()
    return images / sum(s for n, s in rows if n.startswith("measure" if measure else "attribute"))


def peer_runs(task):
    """{(program, layout, batch): function}"""
    network, _, _, _, peers, batches = TASKS[task]
    runs = {}
    for layout in ("nchw", "nhwc"):
        fmt = torch.channels_last if layout == "nhwc" else torch.contiguous_format
        for name, make in peers.items():
            for batch in batches:
                net = getattr(torch_nets, network)().to(memory_format=fmt)
                x = torch.rand(batch, *((1, 28, 28) if network == "mnist" else (3, 224, 224)))
                t = torch.arange(batch) % 10
                one = make(net, LAYER[network])
                runs[name, layout, batch] = lambda one=one, x=x.contiguous(memory_format=fmt), t=t: one(x, t)
    return runs


def timed(run, batch, seconds):
    run()
    n, start = 0, time.perf_counter()
    while n == 0 or time.perf_counter() - start < seconds:
        run()
        n += 1
    return n * batch / (time.perf_counter() - start)


def measure(task, a, folder):
    network, entry, images, wanted, _, _ = TASKS[task]
    runs, table, ours = peer_runs(task), {}, 0
    for round_ in range(a.rounds):
        ours = max(ours, limn_rate(a, network, entry, images, folder))
        most = max(table.values(), default=0)
        for key, run in runs.items():
            if round_ and table[key] < 0.8 * most:
                continue  # it will not catch up
            table[key] = max(table.get(key, 0), timed(run, key[2], a.seconds))
    if a.all:
        for key in sorted(table, key=table.get):
            print("   ", *key, f"{table[key]:.1f}")
    best = {}
    for (name, layout, batch), rate in table.items():
        if rate > best.get(name, (0,))[0]:
            best[name] = rate, f"{layout} {batch}"
    most = max(r for r, _ in best.values())
    peers = ", ".join(f"{name} {rate:.1f}/s ({how})" for name, (rate, how) in best.items())
    print(f"{task:15} limn {ours:8.1f}/s = {ours / most:.2f}x (wanted {wanted}x)  {peers}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--limn", default="build/bin/limn")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--seconds", type=float, default=1.0, help="of each measurement of a peer")
    p.add_argument("--only", default=",".join(TASKS))
    p.add_argument("--all", action="store_true", help="every layout and batch of the peers")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    print(f"PyTorch {torch.__version__}, Captum {captum_package.__version__}, Quantus {quantus.__version__}, "
          f"Python {sys.version.split()[0]}, {a.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/p.npy", np.random.default_rng(1).integers(0, 255, (128, 224, 224, 3), dtype=np.uint8))
        for task in a.only.split(","):
            measure(task, a, folder)


if __name__ == "__main__":
    main()
