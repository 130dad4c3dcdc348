"""make fidelity: Captum and pytorch-grad-cam on EfficientNet-Lite0 with the pictures of ../shared/images, beside limn's maps.

Writes records as tests/lib/record.h has them. The pictures are resized once, by Pillow, so that both see the same values.

    python fidelity_lite0.py LIMN OUT.tsv
"""

import os
import sqlite3
import subprocess
import sys
import tempfile

import captum
import numpy as np
import torch
from captum.attr import InputXGradient, IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion, Saliency

import torch_nets
import pytorch_grad_cam as gc
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

NAMES = ["kitten_224.png", "ouzel1.jpg", "ouzel2.jpg", "beach.jpg", "both.png", "horses.jpg", "test_image.jpg"]
CAPTUM, GRADCAM = f"Captum {captum.__version__}", "pytorch-grad-cam 1.5.7"
GRADIENT, CAM = 1e-5, 1e-4
CAMS = [("GradCAM", "gradcam"), ("GradCAMPlusPlus", "gradcam++"), ("XGradCAM", "xgradcam"), ("HiResCAM", "hirescam"),
        ("LayerCAM", "layercam"), ("GradCAMElementWise", "gradcam-elementwise")]
LIMN = {"Saliency": ("saliency", ""), "InputXGradient": ("input-x-gradient", ""),
        "IntegratedGradients, 50 steps": ("integrated-gradients", "steps: 50"),
        "Occlusion 56x56, stride 28": ("occlusion", "window: 56, stride: 28"),
        "LayerGradCam": ("gradcam", "flavour: captum"),
        **{name: (method, "flavour: pytorch-grad-cam") for name, method in CAMS}}


def limn_maps(program, u8, folder):
    """Logits and {name: maps (n, h, w)}."""
    from PIL import Image
    for i, picture in enumerate(u8):
        Image.fromarray(picture).save(f"{folder}/{i}.png")
    rows = "\n".join(f"  - {{name: m{i}, method: {m}{', ' + o if o else ''}}}" for i, (m, o) in enumerate(LIMN.values()))
    with open(f"{folder}/e.yaml", "w") as f:
        f.write(f"model: {os.path.abspath(torch_nets.SHARED)}/models/efficientnet_lite0.onnx\nfeatures: []\ndata:\n"
                f"  images: [{', '.join(f'{i}.png' for i in range(len(u8)))}]\n"
                f"  preprocess: {{mean: 127, std: 128}}\nattribute:\n{rows}\n")
    subprocess.run([program, "run", f"{folder}/e.yaml", "--db", f"{folder}/e.db", "--quiet"], check=True)
    db = sqlite3.connect(f"{folder}/e.db")
    maps, targets = {}, None
    for i, name in enumerate(LIMN):
        rows = db.execute("SELECT m.data, m.target FROM map m JOIN result r USING "
                          "(attribution_id) JOIN sample s USING (sample_id) WHERE r.name = ? ORDER BY s.idx", (f"m{i}",)).fetchall()
        maps[name] = np.stack([np.frombuffer(r[0], np.float32).reshape(224, 224) for r in rows])
        targets = [r[1] for r in rows]
    return maps, targets


def peer_maps(net, x, target):
    layer, t = net[-4], torch.tensor(target)  # the last convolution's ReLU6
    leaf = lambda: x.clone().requires_grad_()
    yield "Saliency", CAPTUM, Saliency(net).attribute(leaf(), target=t).amax(1), GRADIENT
    yield "InputXGradient", CAPTUM, InputXGradient(net).attribute(leaf(), target=t).sum(1), GRADIENT
    ig = IntegratedGradients(net).attribute(leaf(), target=t, n_steps=50, internal_batch_size=len(x))
    yield "IntegratedGradients, 50 steps", CAPTUM, ig.sum(1), GRADIENT
    occlusion = Occlusion(net).attribute(x, sliding_window_shapes=(3, 56, 56), strides=(3, 28, 28), target=t)
    yield "Occlusion 56x56, stride 28", CAPTUM, occlusion[:, 0], GRADIENT
    cam = LayerGradCam(net, layer).attribute(leaf(), target=t)
    yield "LayerGradCam", CAPTUM, LayerAttribution.interpolate(cam, (224, 224))[:, 0], CAM
    for name, _ in CAMS:
        with getattr(gc, name)(net, [layer]) as explain:
            yield name, GRADCAM, explain(leaf(), [ClassifierOutputTarget(k) for k in target]), CAM


def distance(a, b):
    """Relative L2 of each map."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return [np.linalg.norm(p - q) / (np.linalg.norm(q) or 1) for p, q in zip(a, b)]


def why_paths_differ(net, x, target, single):
    """Integrated gradients in float64: how far the program's own float32 is from them."""
    ig = IntegratedGradients(net.double()).attribute(x.double(), target=torch.tensor(target), n_steps=50, internal_batch_size=len(x))
    net.float()
    return ("on 50 points of a path some of millions of ReLU6 have an input that is rounding noise; Captum's own float32 is "
            f"{max(distance(single, ig.sum(1).detach())):.1e} off its float64")


def main():
    program, out = sys.argv[1:]
    torch.set_num_threads(2)
    x, u8 = torch_nets.pictures(NAMES)
    net, x = torch_nets.lite0(), torch.from_numpy(x)
    with tempfile.TemporaryDirectory() as folder:
        maps, target = limn_maps(program, u8, folder)
    assert net(x).argmax(1).tolist() == target
    for p in net.parameters():
        p.requires_grad_(True)  # pytorch-grad-cam's hooks need a graph
    with open(out, "w") as f:
        for name, peer, theirs, limit in peer_maps(net, x, target):
            theirs = theirs.detach().numpy() if torch.is_tensor(theirs) else theirs
            off = distance(maps[name], theirs)
            cause = why_paths_differ(net, x, target, theirs) if "Integrated" in name else ""
            passed = sum(d <= limit for d in off)
            method, options = LIMN[name]
            what = " ".join([method, options.replace(": ", "=").replace(",", "")]).strip()
            print(name, peer, passed, "of", len(off), ["%.1e" % d for d in off])
            f.write("\t".join(["array", peer, name, what, str(len(off)), str(passed), "%.1e" % max(off), "%.0e" % limit, cause]) + "\n")


if __name__ == "__main__":
    main()
