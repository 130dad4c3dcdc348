"""Small HDF5 files with what Keras's writers do, and what hostile ones do. Needs h5py and numpy; run in this folder."""
import h5py
import numpy as np

with h5py.File("kinds.h5", "w") as f:
    x = np.arange(6, dtype=np.float64).reshape(2, 3) / 4
    for name, t in (("f2", "<f2"), ("f4", "<f4"), ("f8", "<f8"), ("big", ">f4")):
        f.create_dataset("a/b/" + name, data=x.astype(t))
    f.create_dataset("chunked", data=x.astype("f4"), chunks=(1, 2), compression="gzip")
    f.create_dataset("ints", data=np.array([-1, 2**31, 7]))
    f.create_dataset("bytes", data=np.array([0, 255], "u1"))
    f.create_dataset("null", data=h5py.Empty("f4"))
    f.create_dataset("scalar", data=np.float32(2.5))
    f.create_dataset("compound", data=np.zeros(2, [("x", "f4"), ("y", "i4")]))
    f["hard"] = f["a/b/f4"]
    f.attrs["variable"] = "a text of variable length, \u00e9"
    f.attrs["fixed"] = np.bytes_("fixed")
    f.attrs.create("full", np.array(b"1234"), dtype="S4")
    f.attrs["list"] = np.array([b"one", b"three"], "S5")
    f.attrs.create("names", ["x", "", "zzz"], dtype=h5py.string_dtype())
    f.attrs["empty"] = np.zeros(0)
    f.attrs["number"] = 1.5

with h5py.File("external_link.h5", "w") as f:
    f["x"] = h5py.ExternalLink("kinds.h5", "/scalar")
with h5py.File("soft_link.h5", "w") as f:
    f["x"] = h5py.SoftLink("/y")
with h5py.File("external_storage.h5", "w") as f:
    f.create_dataset("x", (4,), "f4", external=[("/etc/hostname", 0, 16)])
with h5py.File("virtual.h5", "w", libver=("earliest", "v110")) as f:
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[:] = h5py.VirtualSource("kinds.h5", "a/b/f4", (2, 3))
    f.create_virtual_dataset("x", layout)
with h5py.File("bomb.h5", "w") as f:
    f.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")
with h5py.File("deep.h5", "w", libver=("earliest", "v110")) as f:
    f["/".join(["g"] * 70) + "/x"] = 1.0
with h5py.File("cycle.h5", "w") as f:
    f["g/up"] = f["/"]
