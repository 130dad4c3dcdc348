"""One small network as several versions and options of Keras save it; forms.npz has its numbers, the same for all:
  keras2.h5      Keras 2: names with `/`, a fixed batch size, the state of an optimizer
  keras2.keras   the same
  half.h5        Keras 3: every weight is float16
  double.keras   every weight is float64, each layer's dtype a DTypePolicy
  mixed.keras    float32 weights for float16 arithmetic: the policy mixed_float16
  heads2.h5      Keras 2: attention that is given its value by name; its numbers are in heads2.npz
  heads2.keras   the same
The weights are numbers of float16, so that no form rounds them. x, each layer's output and the gradient (see make.py) are
those of Keras 2 in float32. Made with TensorFlow 2.21.0, Keras 3.15.1 and tf-keras 2.21.0, CPU: python make_forms.py"""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import zipfile
import keras
import numpy as np
import tensorflow as tf
import tf_keras

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(13)
x = rng.uniform(-1, 1, (4, 6, 5, 2)).astype(np.float32)


def build(k, join, batch=None, dtype=None):
    L = k.layers
    i = L.Input((6, 5, 2), batch_size=batch, name="in")
    y = L.Conv2D(3, 3, activation="relu", name=join.join(("block", "conv")), dtype=dtype)(i)
    y = L.BatchNormalization(name=join.join(("block", "norm")), dtype=dtype)(y)
    y = L.Flatten(name="flat", dtype=dtype)(y)
    y = L.Dense(1, activation="sigmoid", name=join.join(("head", "score")), dtype=dtype)(y)
    return k.Model(i, y)


def pack(name):
    with zipfile.ZipFile(name) as z:
        members = [(n, z.read(n)) for n in z.namelist()]
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z:
        for n, data in members:
            z.writestr(zipfile.ZipInfo(n), data, zipfile.ZIP_DEFLATED)


def save(model, name, weights):
    model.set_weights(weights)
    file = os.path.join(HERE, name)
    model.save(file)
    if name.endswith(".keras"):
        pack(file)
    print(name, os.path.getsize(file))


old = build(tf_keras, "/", 4)
old.compile(tf_keras.optimizers.Adam(), "binary_crossentropy")
old.fit(x, np.array([[0], [1], [1], [0]]), batch_size=4, verbose=0)
weights = [rng.uniform(0.3, 1.5, w.shape) if "variance" in v.name or "gamma" in v.name else rng.normal(0, 0.35, w.shape)
           for v, w in zip(old.weights, old.get_weights())]
weights = [w.astype(np.float16).astype(np.float32) for w in weights]
save(old, "keras2.h5", weights)
save(old, "keras2.keras", weights)
save(build(keras, "_", dtype="float16"), "half.h5", weights)
save(build(keras, "_", dtype="float64"), "double.keras", weights)
save(build(keras, "_", dtype="mixed_float16"), "mixed.keras", weights)



def numbers(model, name, x):
    layers = [l for l in model.layers if not isinstance(l, tf_keras.layers.InputLayer)]
    values = tf_keras.Model(model.inputs, [l.output for l in layers])(x, training=False)
    out = {"x": x[:2]}
    for l, v in zip(layers, values):
        out[l.name] = out[l.name.replace("/", "_")] = v.numpy()[:2]
    t = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(t)
        y = model(t, training=False)
        loss = tf.reduce_sum(y * ((tf.range(y.shape[1]) % 7 - 3) / 3).numpy().astype(np.float32))
    out["gradient"] = tape.gradient(loss, t).numpy()[:2]
    np.savez_compressed(os.path.join(HERE, name), **out)


numbers(old, "forms.npz", x)

L = tf_keras.layers
i = L.Input((4, 3, 5), name="in")
y = L.Reshape((12, 5), name="tokens")(i)
z = L.Dense(3, name="narrow")(y)
y = L.MultiHeadAttention(2, 3, value_dim=4, name="named")(y, key=y, value=z)
y = L.MultiHeadAttention(2, 3, name="placed")(y, y)
y = L.Attention(name="dot")([y, z, y])
y = L.GlobalAveragePooling1D(name="mean")(y)
heads = tf_keras.Model(i, L.Dense(2, name="scores")(y))
weights = [rng.normal(0, 0.35, w.shape).astype(np.float32) for w in heads.get_weights()]
save(heads, "heads2.h5", weights)
save(heads, "heads2.keras", weights)
numbers(heads, "heads2.npz", rng.uniform(-1, 1, (2, 4, 3, 5)).astype(np.float32))
