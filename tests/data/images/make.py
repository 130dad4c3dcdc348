"""Makes small pictures of every kind, and expected.npz: what PIL's convert("RGB"), or "L" for gray ones, gives of each.

Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0) and NumPy 2.4.6. Two files PIL cannot write are put together here: adam7.png
(interlaced) and gray16.png, whose expected value is the high byte (PIL would clip).
"""
import struct
import zlib

import numpy as np
from PIL import Image

r = np.random.default_rng(1)
H, W = 13, 18
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 14, y * 19, (x * y) % 256], -1).astype("u1")
gray = ((x * 9 + y * 8) % 256).astype("u1")
expected = {}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, bits, colour, interlace, data):
    head = struct.pack(">IIBBBBB", W, H, bits, colour, 0, 0, interlace)
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def save(name, im, **kw):
    im.save(name, **kw)
    back = Image.open(name)
    expected[name] = np.asarray(back.convert("L" if back.mode in ("1", "L", "LA") else "RGB"))


save("gray.png", Image.fromarray(gray))
save("rgb.png", Image.fromarray(rgb))
save("palette.png", Image.fromarray(rgb).quantize(7))
save("bits1.png", Image.fromarray(gray).convert("1"))
alpha = r.integers(0, 256, (H, W), "u1")
save("rgba.png", Image.fromarray(np.dstack([rgb, alpha])))
save("gray-alpha.png", Image.fromarray(np.dstack([gray, alpha]), "LA"))
save("transparent.png", Image.fromarray(rgb).quantize(7), transparency=2)

v = (x.astype("u4") * 3001 + y * 777).astype(">u2")
png("gray16.png", 16, 0, 0, b"".join(b"\0" + v[k].tobytes() for k in range(H)))
expected["gray16.png"] = (v >> 8).astype("u1")

passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
png("adam7.png", 8, 2, 1, b"".join(b"\0" + line.tobytes() for a, b, dy, dx in passes for line in rgb[a::dy, b::dx]))
expected["adam7.png"] = rgb

save("gray.jpg", Image.fromarray(gray), quality=90)
save("rgb.jpg", Image.fromarray(rgb), quality=90, subsampling=0)
save("420.jpg", Image.fromarray(rgb), quality=80, subsampling=2)
save("progressive.jpg", Image.fromarray(rgb), quality=90, progressive=True)
exif = Image.Exif()
exif[0x0112] = 6  # "rotate by 90 degrees", which nobody here does
save("exif.jpg", Image.fromarray(rgb), quality=90, exif=exif)
save("cmyk.jpg", Image.fromarray(rgb).convert("CMYK"))
save("gray.pgm", Image.fromarray(gray))
save("rgb.ppm", Image.fromarray(rgb))
comments = b"# of a program\n%d # width\n%d\n99\n"
with open("plain.pgm", "wb") as f:
    f.write(b"P2\n" + comments % (W, H) + b"\n".join(b" ".join(b"%d" % (v // 3) for v in row) for row in gray))
with open("maxval.ppm", "wb") as f:
    f.write(b"P6 " + comments % (W, H) + (rgb * (99 / 255)).astype("u1").tobytes())
for name in ("plain.pgm", "maxval.ppm"):
    expected[name] = np.asarray(Image.open(name))
np.savez_compressed("expected.npz", **expected)
luma = {n: np.asarray(Image.open(n).convert("L")) for n in ("rgb.png", "adam7.png")}
np.savez_compressed("luma.npz", **luma)
