"""Makes numpy.npz: one (2, 3, 4) array a type, byte order and memory order, written by NumPy itself.

Element i (C order) is 5 i for unsigned types, 3 i - 30 for signed ones, (3 i - 30) / 4 for floats, i % 3 == 0 for bool.
Members: TYPE_ENDIAN_ORDER, and v2, v3 (npy versions 2.0 and 3.0), scalar, empty. Made with NumPy 2.4.6.
"""
import io
import zipfile

import numpy as np


def npy(a, version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, a, version=version, allow_pickle=False)
    return f.getvalue()


i = np.arange(24)
with zipfile.ZipFile("numpy.npz", "w", zipfile.ZIP_DEFLATED) as z:
    def add(name, data):
        z.writestr(zipfile.ZipInfo(name + ".npy"), data, zipfile.ZIP_STORED if name == "v3" else zipfile.ZIP_DEFLATED)

    for t in "b1 u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8".split():
        v = {"b": i % 3 == 0, "u": i * 5, "i": 3 * i - 30, "f": (3 * i - 30) / 4}[t[0]].reshape(2, 3, 4)
        for endian in "<>" if t[1] != "1" else "|":
            for order in "CF":
                name = {"<": "le", ">": "be", "|": "na"}[endian]
                add(f"{t}_{name}_{order}", npy(np.asarray(v.astype(endian + t), order=order)))
    f = ((3 * i - 30) / 4).astype("<f4").reshape(2, 3, 4)
    add("v2", npy(f, (2, 0)))
    add("v3", npy(f, (3, 0)))
    add("scalar", npy(np.array(2.5)))
    add("empty", npy(np.zeros((0, 5))))
