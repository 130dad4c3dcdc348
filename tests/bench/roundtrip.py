"""Files of arrays as numpy, scipy.io and h5py write them, read by limn: every value, the shape and the labels must come
back. Each file's fingerprint, which limn prints, is computed here anew from the array (docs/data.md, fingerprint.c).

usage: roundtrip.py LIMN [SEED]      needs numpy, scipy, h5py; prints a line a kind of file and `N passed, N failed`
"""
import gzip
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import scipy
import scipy.io as sio

LIMN, SEED = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
rng = np.random.default_rng(SEED)
N, H, W, C = 150, 13, 17, 3
CHUNK = 64
passed, failed = 0, 0


def fingerprint(x, labels):
    """x (N, C, H, W) float32"""
    n = len(x)
    sha = hashlib.sha256(b"limn data 1\n")
    for v in (n, *x.shape[1:]):
        sha.update(struct.pack("<Q", v))
    for i in range(n):
        sha.update(struct.pack("<QQ", i, 0 if labels is None else int(labels[i]) + 1))
    for at in range(0, n, CHUNK):
        part = hashlib.sha256()
        for s in x[at:at + CHUNK]:
            whole = np.all((s >= 0) & (s <= 255) & (s == np.floor(s)))
            part.update(b"b" + s.astype("u1").tobytes() if whole else b"f" + s.astype("<f4").tobytes())
        sha.update(part.hexdigest().encode())
    return sha.hexdigest()


def check(kind, path, x, labels=None):
    """x as (N, H, W) or (N, H, W, C)"""
    global passed, failed
    x = x.astype("f4")
    x = x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    run = subprocess.run([LIMN, "info", "--json", path], capture_output=True, text=True)
    said = json.loads(run.stdout).get("fingerprint") if run.returncode == 0 else run.stderr.strip()
    if said == fingerprint(np.ascontiguousarray(x), labels):
        passed += 1
        return
    failed += 1
    print(f"not ok {kind} {path}: {said}")


def values(dtype, shape):
    k = np.dtype(dtype)
    if k.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if k.kind == "f":
        return (rng.standard_normal(shape) * 50).astype(dtype)
    info = np.iinfo(k)
    return rng.integers(max(info.min, -2**40), min(info.max, 2**40), shape, dtype="i8").astype(dtype)


TYPES = "b1 u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8".split()
labels = rng.integers(0, 10, N)
labels[:3] = 0, 1, 9
words = np.array(["cat", "dog", "bird"], dtype=object)[labels % 3]
word_index = np.array([1, 2, 0])[labels % 3]

os.chdir(tempfile.mkdtemp(dir=os.environ.get("ROUNDTRIP_DIR")))

for t in TYPES:
    for shape in ((N, H, W), (N, H, W, C)):
        x = values(t, shape)
        for endian in "<>":
            for order in "CF":
                a = np.asarray(x.astype(endian + t if x.itemsize > 1 else t), order=order)
                np.save("a.npy", a)
                check("npy", "a.npy", x)
                with gzip.open("a.npy.gz", "wb", 1) as f:
                    f.write(open("a.npy", "rb").read())
                check("npy.gz", "a.npy.gz", x)
print(f"npy: {passed} passed")

for save in (np.savez, np.savez_compressed):
    for t in TYPES:
        x, y = values(t, (N, H, W, C)), values(t, (N, W, H))
        save("a.npz", x_train=x, y_train=labels, x_test=np.asfortranarray(y), y_test=labels[::-1].astype("u1"))
        check("npz", "a.npz:x_train", x, labels)
        check("npz", "a.npz:x_test", y, labels[::-1])
print(f"npz: {passed} passed")

MATLAB_TYPES = [t for t in TYPES if t not in ("b1", "f2")] + ["?"]
for t in MATLAB_TYPES:
    x, y = values("b1" if t == "?" else t, (N, H, W)), values("b1" if t == "?" else t, (N, H, W, C))
    for compress in (False, True):
        sio.savemat("a.mat", {"gray": x.transpose(1, 2, 0), "rgb": y.transpose(1, 2, 3, 0), "labels": labels + 1.0,
                              "scipys": x, "words": words.reshape(-1, 1)}, do_compression=compress)
        check("mat", "a.mat:gray", x, labels)
        check("mat", "a.mat:rgb", y, labels)
        check("mat", "a.mat:scipys", x, labels)
x = values("f8", (1, H, W))
sio.savemat("a.mat", {"picture": x[0]}, format="4")
check("mat 4", "a.mat:picture", x)
print(f"mat 4 to 7: {passed} passed")


def v73(path, write):
    with h5py.File(path, "w", userblock_size=512) as f:
        write(f)
    with open(path, "r+b") as f:
        f.write(b"MATLAB 7.3 MAT-file".ljust(116) + b"\0" * 8 + struct.pack("<H", 0x0200) + b"IM")


CLASSES = {"u1": "uint8", "i1": "int8", "u2": "uint16", "i2": "int16", "u4": "uint32", "i4": "int32", "u8": "uint64",
           "i8": "int64", "f4": "single", "f8": "double", "?": "logical"}
for t in MATLAB_TYPES:
    x, y = values("b1" if t == "?" else t, (N, H, W)), values("b1" if t == "?" else t, (N, H, W, C))
    if t == "?":
        x, y = x.astype("u1"), y.astype("u1")

    def write(f):
        for name, a in (("gray", x.transpose(1, 2, 0)), ("rgb", y.transpose(1, 2, 3, 0))):
            more = {"chunks": True, "compression": "gzip"} if name == "rgb" else {}
            f.create_dataset(name, data=a.T, **more).attrs["MATLAB_class"] = np.bytes_(CLASSES[t])
        f.create_dataset("labels", data=(labels + 1.0).reshape(-1, 1)).attrs["MATLAB_class"] = np.bytes_("double")

    v73("b.mat", write)
    check("mat 7.3", "b.mat:gray", x, labels)
    check("mat 7.3", "b.mat:rgb", y, labels)
print(f"mat 7.3: {passed} passed")

LAYOUTS = [{}, {"chunks": (7, 5, W)}, {"chunks": True, "compression": "gzip", "shuffle": True},
           {"chunks": (N, 1, 1), "fletcher32": True}, {"chunks": True, "compression": "lzf"}]
for t in TYPES:
    for endian in "<>":
        x = values(t, (N, H, W))
        for i, layout in enumerate(LAYOUTS):
            if "lzf" in str(layout):
                continue  # a filter of h5py's own
            with h5py.File("a.h5", "w") as f:
                f.create_dataset("train/images", data=x.astype(endian + t if x.itemsize > 1 else t), **layout)
                f.create_dataset("train/labels", data=labels)
                f.create_dataset("words", data=words, dtype=h5py.string_dtype())
            check("h5", "a.h5:/train/images", x, labels)
print(f"h5: {passed} passed")

x = values("u1", (N, 12, 12))
header = "label," + ",".join(f"pixel{i}" for i in range(144))
np.savetxt("a.csv", np.c_[labels, x.reshape(N, -1)], fmt="%d", delimiter=",", header=header, comments="")
check("csv", "a.csv", x, labels)
y = values("f4", (N, 12, 12))
with open("b.csv", "w") as f:
    for i in range(N):
        f.write(";".join(['"' + words[i] + '"'] + ["%.9g" % v for v in y[i].ravel()]) + "\r\n")
check("csv", "b.csv", y, word_index)
pixels = values("u1", (N, 3, 32, 32))
np.concatenate([labels.astype("u1")[:, None], pixels.reshape(N, -1)], 1).tofile("c.bin")
check("cifar", "c.bin", pixels.transpose(0, 2, 3, 1), labels)
fine = rng.integers(0, 100, N)
fine[0] = 99
np.concatenate([(labels % 20).astype("u1")[:, None], fine.astype("u1")[:, None], pixels.reshape(N, -1)], 1).tofile("d.bin")
check("cifar", "d.bin", pixels.transpose(0, 2, 3, 1), fine)

print(f"numpy {np.__version__}, scipy {scipy.__version__}, h5py {h5py.__version__}, seed {SEED}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
