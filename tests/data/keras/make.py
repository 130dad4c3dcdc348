"""Small networks of Keras with seeded weights, and their numbers: NAME.keras (and nested.h5), NAME.npz with
  x            (2, …) the input
  LAYER        the output of each layer of the outermost network, at index 0 where it is shared
  gradient     of the sum of c_i output_i of both samples, c_i = (i % 7 - 3) / 3, in the input
Made with Keras 3.15.1 on JAX 0.10.2, CPU, float32: python make.py [NAME …]: all, or those of these names."""
import os
import sys
os.environ["KERAS_BACKEND"] = "jax"
import zipfile
import warnings
import numpy as np
import jax
import jax.numpy as jnp
import keras
from keras import layers as L

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)


def seed(model):
    for w in model.weights:
        v = rng.normal(0, 0.35, w.shape)
        if "variance" in w.name:
            v = rng.uniform(0.3, 1.5, w.shape)
        if "gamma" in w.name:
            v = rng.uniform(0.5, 1.5, w.shape)
        if "count" in w.name:
            continue
        w.assign(v.astype(np.float32))
    for l in model.layers:
        if isinstance(l, L.Normalization):
            l.finalize_state()


def pack(file):
    with zipfile.ZipFile(file) as z:
        members = [(n, z.read(n)) for n in z.namelist()]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:  # HDF5 of small arrays is mostly zeros
        for n, data in members:
            z.writestr(zipfile.ZipInfo(n), data, zipfile.ZIP_DEFLATED)


def save(name, model, h5=False):
    seed(model)
    x = rng.uniform(-1, 1, (2,) + tuple(model.input_shape[1:])).astype(np.float32)
    layers = [l for l in model.layers if not isinstance(l, L.InputLayer)]
    layers = [l for l in layers if not isinstance(l, keras.Model)]
    out = {"x": x}
    values = keras.Model(model.inputs, [l._inbound_nodes[0].output_tensors[0] for l in layers])([x], training=False)
    for l, v in zip(layers, values):
        out[l.name] = np.asarray(v)

    def loss(x):
        y = model([x], training=False)
        c = ((jnp.arange(y[0].size) % 7 - 3) / 3).reshape(y.shape[1:]).astype(jnp.float32)
        return (y * c).sum()
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    out["gradient"] = np.asarray(jax.grad(loss)(jnp.asarray(x)))
    np.savez_compressed(os.path.join(HERE, name + ".npz"), **out)
    file = os.path.join(HERE, name + ".keras")
    model.save(file)
    pack(file)
    if h5:
        model.save(os.path.join(HERE, name + ".h5"))
    print(name, len(layers), "layers,", model.count_params(), "weights, output", np.asarray(values[-1]).ravel()[:4])


# networks within networks, a shared layer, a frozen one, kernels of every kind
i = L.Input((5, 4, 3), name="in")
inner = keras.Sequential([L.Input((5, 4, 3)), L.Conv2D(4, 3, padding="same", name="twice"), L.BatchNormalization(),
                          L.Conv2D(4, 1, name="cold", trainable=False), L.BatchNormalization(scale=False)], name="inner")
a = L.Input((5, 4, 4))
deep = keras.Sequential([L.Input((5, 4, 4)), L.Conv2D(4, (1, 3), padding="same"), L.BatchNormalization(axis=-1)], name="deep")
b = L.Add(name="own_sum")([deep(a), a])
graph = keras.Model(a, b, name="graph")
shared = L.Conv2D(4, 3, padding="same", activation="relu", name="shared")
x = inner(i)
x = shared(x)
y = shared(x)
x = L.Concatenate(name="join")([x, y])
x = L.Conv2D(4, 1, name="twice", groups=2)(x)
x = graph(x)
x = L.PReLU(shared_axes=[1, 2], name="prelu_c")(x)
x = L.PReLU(name="prelu_all")(x)
x = L.SeparableConv2D(5, 3, depth_multiplier=2, strides=2, padding="same", activation="tanh", name="separable")(x)
x = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x)
x = L.Conv2DTranspose(3, 3, strides=2, padding="same", name="up_same")(x)
x = L.Conv2DTranspose(4, (4, 3), strides=(2, 1), name="up_valid")(x)
x = L.Conv2DTranspose(2, 2, strides=3, padding="valid", use_bias=False, name="up_wide")(x)
x = L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1, name="up_more")(x)
x = L.Conv2D(4, 5, strides=3, dilation_rate=1, padding="same", name="stride")(x)
x = L.Conv2D(4, 3, dilation_rate=2, padding="same", name="dilated")(x)
x = L.AveragePooling2D(3, strides=2, padding="same", name="mean_same")(x)
x = L.AveragePooling2D((2, 1), name="mean")(x)
x = L.MaxPooling2D(3, strides=2, padding="same", name="max_same")(x)
x = L.GlobalAveragePooling2D(name="mean_all")(x)
x = L.Dense(1, activation="sigmoid", name="score")(x)
save("nested", keras.Model(i, x, name="outer"), h5=True)

# pixels moved about
i = L.Input((6, 7, 4), name="in")
x = L.Rescaling(0.5, 0.1, name="rescale")(i)
x = L.Rescaling([1, 2, 3, 4], [0, 1, 0, -1], name="rescale_each")(x)
x = L.Normalization(axis=-1, name="normal")(x)
x = L.ZeroPadding2D(((1, 0), (2, 3)), name="pad")(x)
x = L.Cropping2D(((0, 1), (2, 1)), name="crop")(x)
x = L.UpSampling2D((2, 3), name="repeat")(x)
x = L.UpSampling2D(2, interpolation="bilinear", name="smooth")(x)
x = L.Resizing(9, 10, interpolation="nearest", name="near")(x)
x = L.Resizing(13, 15, interpolation="bilinear", name="linear")(x)
x = L.Resizing(17, 21, interpolation="bicubic", name="cubic")(x)
x = L.CenterCrop(8, 9, name="middle")(x)
x = L.GroupNormalization(2, name="groups")(x)
x = L.LayerNormalization(name="layer")(x)
x = L.GroupNormalization(-1, name="instances")(x)
x = L.Permute((2, 1, 3), name="turn")(x)
x = L.Permute((3, 1, 2), name="turn_all")(x)
x = L.Reshape((6, 4, 12), name="cut")(x)
x = L.Dense(5, activation="softmax", name="dense_map")(x)
s = L.GlobalMaxPooling2D(keepdims=True, name="max_all")(x)
t = L.Dense(5, name="of_one", activation="gelu")(L.GlobalAveragePooling2D(name="mean_all")(x))
x = L.Multiply(name="times")([x, s])
x = L.Add(name="plus_vector")([x, t])
x = L.RandomFlip(name="flip")(x)
x = L.GaussianNoise(0.3, name="noise")(x)
x = L.SpatialDropout2D(0.3, name="drop")(x)
x = L.Flatten(name="flat")(x)
x = L.Dense(3, name="scores")(x)
x = L.Softmax(name="odds")(x)
save("pixels", keras.Model(i, x, name="pixels"))

# merging
i = L.Input((5, 4, 3), name="in")
p = [L.Conv2D(3, 3, padding="same", activation=f, name="p_" + f)(i) for f in ("relu", "tanh", "silu")]
m = [L.Maximum(name="maximum")(p), L.Minimum(name="minimum")(p), L.Average(name="average")(p), L.Add(name="sum")(p),
     L.Multiply(name="product")(p), L.Subtract(name="difference")(p[:2])]
x = L.Concatenate(axis=1, name="rows")([L.Concatenate(axis=2, name="columns")(m[:3]), L.Concatenate(axis=2, name="more")(m[3:])])
x = L.Flatten(name="flat")(x)
x = L.Dense(4, name="scores")(x)
save("merge", keras.Model(i, x, name="merge"))

# activations, by name and as layers
i = L.Input((3, 4, 2), name="in")
x = L.Conv2D(3, 1, name="conv")(i)
x = L.Rescaling(4.0, name="wide")(x)
out = [L.Activation(f, name="f_" + f)(x) for f in
       ("linear relu softmax log_softmax sigmoid tanh elu selu celu relu6 leaky_relu gelu silu mish hard_silu hard_sigmoid "
        "hard_tanh log_sigmoid softplus softsign exponential tanh_shrink soft_shrink hard_shrink").split()]
out += [L.ReLU(max_value=3.0, name="top")(x), L.ReLU(negative_slope=0.2, name="slope")(x),
        L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5, name="all")(x), L.LeakyReLU(0.15, name="leaky")(x),
        L.ELU(0.7, name="elu")(x), L.Softmax(axis=1, name="down")(x),
        L.Conv2D(2, 1, activation=L.LeakyReLU(0.4), name="conv_leaky")(x)]
x = L.Concatenate(name="join")(out)
x = L.GlobalAveragePooling2D(name="mean")(x)
save("activations", keras.Model(i, x, name="activations"))

# sequences
i = L.Input((6, 4, 2), name="in")
x = L.Reshape((12, 4), name="sequence")(i)
x = L.Conv1D(6, 3, padding="same", activation="relu", name="same")(x)
x = L.Conv1D(5, 2, padding="causal", dilation_rate=2, name="causal")(x)
x = L.Conv1D(6, 3, strides=2, name="stride")(x)
x = L.TimeDistributed(L.Dense(4, activation="tanh"), name="each")(x)
x = L.Dense(6, name="dense")(x)
x = L.BatchNormalization(name="bn")(x)
x = L.LayerNormalization(name="ln")(x)
x = L.GroupNormalization(3, name="gn")(x)
x = L.MaxPooling1D(2, strides=1, padding="same", name="max")(x)
x = L.AveragePooling1D(2, name="mean")(x)
x = L.Permute((2, 1), name="turn")(x)
y = L.RepeatVector(6, name="again")(L.GlobalMaxPooling1D(name="max_all")(x))
x = L.Add(name="sum")([x, y])
x = L.GlobalAveragePooling1D(name="mean_all")(x)
x = L.Dense(3, activation="softmax", name="scores")(x)
save("sequences", keras.Model(i, x, name="sequences"))

# channels first; Flatten's own data_format, which turns its pictures to channels last
i = L.Input((3, 6, 5), name="in")
f = dict(data_format="channels_first")
x = L.Conv2D(4, 3, strides=2, padding="same", activation="softmax", name="conv", **f)(i)
x = L.BatchNormalization(axis=1, name="bn")(x)
x = L.Conv2DTranspose(4, 3, strides=2, padding="same", name="up", **f)(x)
x = L.SeparableConv2D(4, 3, padding="same", name="separable", **f)(x)
x = L.ZeroPadding2D((1, 2), name="pad", **f)(x)
x = L.Cropping2D(1, name="crop", **f)(x)
x = L.UpSampling2D(2, name="repeat", **f)(x)
x = L.MaxPooling2D(2, name="max", **f)(x)
x = L.PReLU(shared_axes=[2, 3], name="prelu")(x)
x = L.Concatenate(axis=1, name="join")([x, x])
x = L.Dense(6, name="last_axis")(x)
p = L.Permute((2, 3, 1), name="turn")(x)
y = L.GlobalAveragePooling2D(name="mean_all", **f)(x)
x = L.Concatenate(name="all")([L.Flatten(name="flat")(x), L.Flatten(name="flat_turned", **f)(x), y, L.Reshape((-1,), name="row")(p)])
x = L.Dense(3, name="scores")(x)
save("first", keras.Model(i, x, name="first"))

# operations of Keras 3 with numbers: x + 3.0 and the like
i = L.Input((3, 4, 2), name="in")
x = L.Conv2D(3, 1, name="conv")(i)
x = L.Multiply(name="gate")([x, L.ReLU(6.0, name="six")(x + 3.0) * (1.0 / 6.0)])
x = 1.5 - (x - 0.25)
x = L.GlobalAveragePooling2D(name="mean")(x)
save("numbers", keras.Model(i, x, name="numbers"))

# several outputs, one of them of a layer that is called twice: no numbers, but which one is read
i = L.Input((28, 28, 1), name="in")
x = L.Conv2D(2, 5, strides=4, activation="relu", name="conv")(i)
x = L.Flatten(name="flat")(x)
digits = L.Dense(10, activation="softmax", name="digits")(x)
odd = L.Dense(1, activation="sigmoid", name="odd")(x)
heads = {"heads": keras.Model(i, [digits, odd], name="heads"),
         "named_heads": keras.Model(i, {"which": digits, "parity": odd}, name="named_heads")}
for name, model in heads.items():
    seed(model)
    if not sys.argv[1:] or name in sys.argv[1:]:
        file = os.path.join(HERE, name + ".keras")
        model.save(file)
        pack(file)

# sequences, each channel on its own; ends
i = L.Input((6, 4, 2), name="in")
x = L.Reshape((12, 4), name="sequence")(i)
x = L.ZeroPadding1D((2, 1), name="pad")(x)
x = L.DepthwiseConv1D(3, depth_multiplier=2, padding="same", activation="tanh", name="depthwise")(x)
x = L.SeparableConv1D(5, 3, depth_multiplier=2, strides=2, padding="same", name="separable")(x)
x = L.UpSampling1D(3, name="repeat")(x)
x = L.SeparableConv1D(4, 2, dilation_rate=2, use_bias=False, activation="relu", name="dilated")(x)
x = L.Cropping1D((1, 2), name="crop")(x)
x = L.GlobalAveragePooling1D(name="mean_all")(x)
x = L.Dense(3, name="scores")(x)
save("channels", keras.Model(i, x, name="channels"))

# a small vision transformer: patches, normalised attention with and without what it adds to, a wide and a narrow value
i = L.Input((8, 8, 3), name="in")
x = L.Conv2D(6, 4, strides=4, name="patches")(i)
x = L.Reshape((4, 6), name="tokens")(x)
y = L.LayerNormalization(epsilon=1e-6, name="norm_1")(x)
y = L.MultiHeadAttention(2, 3, name="attention")(y, y)
x = L.Add(name="sum_1")([x, y])
y = L.LayerNormalization(epsilon=1e-6, name="norm_2")(x)
y = L.Dense(10, activation="gelu", name="wide")(y)
y = L.Dense(6, name="narrow")(y)
x = L.Add(name="sum_2")([x, y])
q = L.Dense(5, name="asks")(x)
v = L.ZeroPadding1D(1, name="more")(x)
x, _ = L.MultiHeadAttention(3, 2, value_dim=4, output_shape=7, use_bias=False, name="across")(
    q, key=L.Dense(4, name="keys")(v), value=v, return_attention_scores=True)
x = L.GlobalAveragePooling1D(name="mean")(x)
x = L.Dense(3, activation="softmax", name="scores")(x)
save("vit", keras.Model(i, x, name="vit"), h5=True)

# attention without weights or with one, additive; of pictures too
i = L.Input((4, 3, 5), name="in")
p = L.MultiHeadAttention(2, 4, name="of_pixels")(i, i)
x = L.Reshape((12, 5), name="tokens")(p)
k = L.Conv1D(5, 3, name="keys")(x)
v = L.Conv1D(4, 3, name="values")(x)
a = L.Attention(name="plain")([x, k])
b = L.Attention(use_scale=True, name="scaled")([x, v, k])
c = L.Attention(score_mode="concat", use_scale=True, name="concat")([x, v, k])
d = L.AdditiveAttention(name="additive")([x, v, k])
e = L.AdditiveAttention(use_scale=False, name="summed")([x, k])
x = L.Concatenate(name="join")([a, b, c, d, e])
x = L.GlobalAveragePooling1D(name="mean")(x)
x = L.Dense(3, name="scores")(x)
save("attention", keras.Model(i, x, name="attends"))

# a network within that gives two values (one of them a picture), in a list and by name
i = L.Input((6, 5, 2), name="in")
j = L.Input((6, 5, 2))
a = L.Conv2D(3, 3, activation="relu", name="trunk")(j)
b = L.Conv2D(2, 1, activation="tanh", name="side")(a)
pair = keras.Model(j, [a, b], name="pair")
j = L.Input((4, 3, 2))
named = keras.Model(j, {"small": L.MaxPooling2D(2, name="half")(j), "flat": L.Flatten(name="row")(j)}, name="named")
a, b = pair(i)
n = named(b)
y = L.Concatenate(name="join")([L.GlobalMaxPooling2D(name="max")(a), L.Flatten(name="flat")(n["small"]), n["flat"]])
x = L.Dense(3, name="scores")(y)
save("two", keras.Model(i, x, name="two"))
