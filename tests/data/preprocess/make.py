"""Makes what other programs make of pictures, for tests/unit/test_preprocess.c and tests/golden/test_preprocess.c.

    python make.py pil IMAGES      Pillow: small.npz (pil-*), shared_pil.npz
    python make.py tf IMAGES       TensorFlow and Keras: small_tf.npz, shared_tf.npz, presets_keras.npz
    python make.py torch IMAGES    torchvision: presets_torchvision.npz

IMAGES is the folder ../shared/images. Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0), NumPy 2.4.6; TensorFlow 2.21.0 with
Keras 3.15.1; torchvision 0.29.1 with torch 2.13.0. small*: the whole result for a picture made by a formula (the test
makes it again). shared*, presets*: at 97 places of each result, for it shall be small.
"""
import sys
import warnings

import numpy as np
from PIL import Image

warnings.filterwarnings("ignore")
NAMES = ["both.png", "kitten_224.png", "beach.jpg", "horses.jpg", "ouzel1.jpg", "ouzel2.jpg", "test_image.jpg"]
PIL = {"pil-nearest": Image.NEAREST, "pil-bilinear": Image.BILINEAR, "pil-box": Image.BOX, "pil-hamming": Image.HAMMING,
       "pil-bicubic": Image.BICUBIC, "pil-lanczos": Image.LANCZOS}
H, W = 23, 31
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([(x * x * 7 + y * 11) % 256, (x * 5 + y * y * 3) % 256, (x * y * 13) % 256], -1).astype("u1")
SIZES = [(10, 13), (27, 34), (23, 12), (9, 31), (1, 1), (31, 7)]


def places(a):
    """97 values spread over the whole of an array."""
    a = np.asarray(a).ravel()
    return a[[(i * 7919 + 13) * 104729 % a.size for i in range(97)]]


def pil(folder):
    out = {}
    for name, f in PIL.items():
        for h, w in SIZES:
            out[f"{name}_{h}x{w}"] = np.asarray(Image.fromarray(rgb).resize((w, h), f))
            g = Image.fromarray(rgb[:, :, 0].astype("f4") / 3)
            out[f"{name}_{h}x{w}_f"] = np.asarray(g.resize((w, h), f))
    np.savez_compressed("small.npz", **out)
    out = {}
    for n in NAMES:
        im = Image.open(f"{folder}/{n}").convert("RGB")
        for name, f in PIL.items():
            out[f"{n}_{name}"] = places(im.resize((224, 224), f))
            out[f"{n}_{name}_up"] = places(im.resize((700, 611), f))
    np.savez_compressed("shared_pil.npz", **out)


def tf(folder):
    import keras
    import tensorflow as t
    v1 = t.compat.v1.image
    rules = {"tf-bilinear": lambda a, s: t.image.resize(a, s, "bilinear"),
             "tf-nearest": lambda a, s: t.image.resize(a, s, "nearest"),
             "tf1-bilinear": lambda a, s: v1.resize_bilinear(a[None], s)[0],
             "tf1-align-corners": lambda a, s: v1.resize_bilinear(a[None], s, align_corners=True)[0],
             "tf1-nearest": lambda a, s: v1.resize_nearest_neighbor(a[None], s)[0]}
    out = {}
    for name, f in rules.items():
        for h, w in SIZES:
            out[f"{name}_{h}x{w}"] = f(rgb, (h, w)).numpy().astype("f4")
            out[f"{name}_{h}x{w}_f"] = f((rgb[:, :, :1] / np.float32(3)).astype("f4"), (h, w)).numpy()[..., 0]
    np.savez_compressed("small_tf.npz", **out)
    out = {}
    for n in NAMES:
        a = np.asarray(Image.open(f"{folder}/{n}").convert("RGB"))
        for name, f in rules.items():
            out[f"{n}_{name}"] = places(f(a, (224, 224))).astype("f4")
            out[f"{n}_{name}_up"] = places(f(a, (611, 700))).astype("f4")
        out[f"{n}_crop"] = places(keras.utils.img_to_array(keras.preprocessing.image.smart_resize(a, (224, 160)))).astype("f4")
    np.savez_compressed("shared_tf.npz", **out)
    k = keras.applications
    modules = {"mobilenet": k.mobilenet, "mobilenet_v2": k.mobilenet_v2, "mobilenet_v3": k.mobilenet_v3,
               "inception_v3": k.inception_v3, "inception_resnet_v2": k.inception_resnet_v2, "xception": k.xception,
               "nasnet": k.nasnet, "resnet50": k.resnet50, "resnet_v2": k.resnet_v2, "vgg16": k.vgg16, "vgg19": k.vgg19,
               "densenet": k.densenet, "efficientnet": k.efficientnet, "efficientnet_v2": k.efficientnet_v2,
               "convnext": k.convnext}
    out = {}
    for n in NAMES[:4]:
        a = np.asarray(Image.open(f"{folder}/{n}").convert("RGB"))
        for name, m in modules.items():
            v = m.preprocess_input(t.image.resize(a, (224, 224)).numpy())
            out[f"{n}_keras-{name}"] = places(np.asarray(v).transpose(2, 0, 1)).astype("f4")
    np.savez_compressed("presets_keras.npz", **out)


def torch(folder):
    import torch as t
    library = t.library.Library("torchvision", "DEF")
    if not hasattr(t.ops.torchvision, "nms"):  # a torchvision without its compiled operators, which transforms don't need
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision.models as m
    weights = {"torchvision": m.ResNet50_Weights.IMAGENET1K_V1, "torchvision-v2": m.ResNet50_Weights.IMAGENET1K_V2,
               "torchvision-convnext_tiny": m.ConvNeXt_Tiny_Weights.IMAGENET1K_V1,
               "torchvision-convnext_small": m.ConvNeXt_Small_Weights.IMAGENET1K_V1,
               "torchvision-inception_v3": m.Inception_V3_Weights.IMAGENET1K_V1,
               "torchvision-efficientnet_b1-v2": m.EfficientNet_B1_Weights.IMAGENET1K_V2}
    for b in range(8):
        weights[f"torchvision-efficientnet_b{b}"] = getattr(m, f"EfficientNet_B{b}_Weights").IMAGENET1K_V1
    for b in "SML":
        weights[f"torchvision-efficientnet_v2_{b.lower()}"] = getattr(m, f"EfficientNet_V2_{b}_Weights").IMAGENET1K_V1
    out = {}
    for n in NAMES[:4]:
        im = Image.open(f"{folder}/{n}").convert("RGB")
        for name, w in weights.items():
            out[f"{n}_{name}"] = places(w.transforms()(im).numpy())
    np.savez_compressed("presets_torchvision.npz", **out)


{"pil": pil, "tf": tf, "torch": torch}[sys.argv[1]](sys.argv[2])
