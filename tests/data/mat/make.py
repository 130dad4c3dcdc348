"""Small MATLAB and HDF5 files of arrays, and what numpy says that they hold. Needs numpy, scipy and h5py; run in this
folder. Made with numpy 2.4.6, scipy 1.17.1, h5py 3.16.0.

Pictures: 3 of 4 x 5 pixels (H x W), gray or RGB; value = (7 i + 3) % 251 over the C order of (N, H, W[, C]). Labels 2, 0, 1 (in
MATLAB 3, 1, 2; as texts "c", "a", "b").
  v4.mat       one (4, 5) matrix and a vector of labels, version 4
  v5.mat       gray (H, W, N) uint8, rgb (H, W, C, N) single, labels as double and as cellstr, other types
  v7.mat       the same, compressed
  v73.mat      the same as HDF5, as MATLAB 7.3 writes it
  network.mat  a SeriesNetwork object as MATLAB 5 to 7 write it, between two arrays; objects73.mat: the same in HDF5
  digits.*     12 pictures of 28 x 28 with labels, as .mat, .npz, .h5 and .csv
  arrays.h5    images (N, H, W) in chunks with gzip, group/rgb (N, H, W, C), labels, names
"""
import struct

import h5py
import numpy as np
import scipy.io as sio

N, H, W, C = 3, 4, 5, 3


def pictures(*shape):
    return ((7 * np.arange(np.prod(shape)) + 3) % 251).astype("u1").reshape(shape)


gray, rgb = pictures(N, H, W), pictures(N, H, W, C)
names = np.array(["c", "a", "b"], dtype=object).reshape(3, 1)
everything = {
    "gray": gray.transpose(1, 2, 0),
    "rgb": rgb.transpose(1, 2, 3, 0).astype("f4"),
    "labels": np.array([[3.0, 1, 2]]),
    "names": names,
    "chars": np.array(["c", "a", "b"]),
    "numpy_gray": np.concatenate([gray, gray[:1]]).astype("i2"),
    "mask": (gray.transpose(1, 2, 0) % 2 == 0),
    "wide": np.array([[1, -2, 3]], "i8"),
    "complex": np.array([[1 + 2j]]),
    "record": {"a": 1.0},
    "mixed": np.array([["x", 1.0]], dtype=object),
    "empty": np.zeros((0, 3)),
}
sio.savemat("v4.mat", {"picture": gray[0].astype("f8"), "labels": np.array([[3.0], [1], [2]])}, format="4")
sio.savemat("v5.mat", everything)
sio.savemat("v7.mat", everything, do_compression=True)


def header(version=0x0100):
    return b"MATLAB 5.0 MAT-file".ljust(116) + b"\0" * 8 + struct.pack("<H", version) + b"IM"


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def variables(path):
    """The elements of a MATLAB 5 file."""
    return open(path, "rb").read()[128:]


sio.savemat("part.mat", {"before": np.array([[1.0, 2]])})
before = variables("part.mat")
sio.savemat("part.mat", {"after": gray.transpose(1, 2, 0)})
after = variables("part.mat")
inner = element(14, element(6, struct.pack("<II", 13, 0)) + element(5, struct.pack("<ii", 6, 1)) + element(1, b"")
                + element(6, struct.pack("<6I", 0xDD000000, 2, 1, 1, 1, 1)))
net = element(14, element(6, struct.pack("<II", 17, 0)) + element(1, b"net") + element(1, b"MCOS")
              + element(1, b"SeriesNetwork") + inner)
open("network.mat", "wb").write(header() + before + net + after)
import os
os.remove("part.mat")


def v73(path, write):
    with h5py.File(path, "w", userblock_size=512, libver=("earliest", "v110")) as f:
        write(f)
    head = b"MATLAB 7.3 MAT-file".ljust(116) + b"\0" * 8 + struct.pack("<H", 0x0200) + b"IM"
    with open(path, "r+b") as f:
        f.write(head)


def put(f, name, a, kind, **more):
    a = np.asarray(a)
    if a.ndim == 1:
        a = a.reshape(1, -1)
    d = f.create_dataset(name, data=a.T, **more)
    d.attrs["MATLAB_class"] = np.bytes_(kind)
    return d


def put_text(f, name, text):
    d = put(f, name, np.array([[ord(c) for c in text]], "u2"), "char")
    d.attrs["MATLAB_int_decode"] = np.int32(2)
    return d


def all_of_73(f):
    put(f, "gray", gray.transpose(1, 2, 0), "uint8", chunks=(2, 5, 4), compression="gzip")
    put(f, "rgb", rgb.transpose(1, 2, 3, 0).astype("f4"), "single")
    put(f, "labels", np.array([[3.0, 1, 2]]), "double")
    d = f.create_dataset("names", (1, 3), dtype=h5py.ref_dtype)
    d.attrs["MATLAB_class"] = np.bytes_("cell")
    for i, t in enumerate("cab"):
        d[0, i] = put_text(f, "#refs#/" + "xyz"[i], t).ref
    m = put(f, "mask", (gray.transpose(1, 2, 0) % 2 == 0).astype("u1"), "logical")
    m.attrs["MATLAB_int_decode"] = np.int32(1)
    put(f, "wide", np.array([[1, -2, 3]], "i8"), "int64")


def objects(f):
    put(f, "after", gray.transpose(1, 2, 0), "uint8")
    for name, kind in (("net", "DAGNetwork"), ("kinds", "categorical"), ("other", "mine")):
        put(f, name, np.array([[0xDD000000, 2, 1, 1, 1, 1]], "u4"), kind).attrs["MATLAB_object_decode"] = np.int32(3)


v73("v73.mat", all_of_73)
v73("objects73.mat", objects)


def outside(f):
    f["x"] = h5py.ExternalLink("v73.mat", "/gray")


v73("external.mat", outside)

with h5py.File("arrays.h5", "w") as f:
    f.create_dataset("images", data=gray, chunks=(2, 4, 5), compression="gzip", shuffle=True)
    f.create_dataset("group/rgb", data=rgb)
    f.create_dataset("group/halves", data=gray.astype("f2"))
    f.create_dataset("group/big", data=gray.astype(">i4"))
    f.create_dataset("bools", data=gray % 2 == 0)
    f.create_dataset("labels", data=np.array([2, 0, 1]))
    f.create_dataset("names", data=["c", "a", "b"], dtype=h5py.string_dtype())
    f.create_dataset("fixed", data=np.array([b"c", b"a", b"b"], "S3"))
    f.create_dataset("record", data=np.zeros(2, [("x", "f4")]))

# The same 12 pictures of 28 x 28 and labels in every kind of file, for a network of MNIST's size.
y28, x28 = np.mgrid[:28, :28]
digits = np.stack([((x28 - 14 + i) ** 2 + (y28 - 10 - i % 3) ** 2 < 20 + 6 * i) * (255 - 9 * i) for i in range(12)]).astype("u1")
kinds = np.arange(12) % 3
sio.savemat("digits.mat", {"XTest": digits.transpose(1, 2, 0).reshape(28, 28, 1, 12), "YTest": kinds[:, None] + 1.0},
            do_compression=True)
np.savez_compressed("digits.npz", x_train=digits[:2], y_train=kinds[:2], x_test=digits, y_test=kinds)
with h5py.File("digits.h5", "w") as f:
    f.create_dataset("test/images", data=digits[:, None], chunks=(4, 1, 28, 28), compression="gzip")
    f.create_dataset("test/labels", data=kinds)
np.savetxt("digits.csv", np.c_[kinds, digits.reshape(12, -1)], fmt="%d", delimiter=",")
