"""resize.h: small arrays zoomed and resized by other programs, for tests/unit/test_resize.c.

spline: scipy.ndimage.zoom(a, (H/h, W/w)) with its defaults; bilinear: cv2.resize(a, (W, H), interpolation=INTER_LINEAR).
Run: python make_resize.py > resize.h"""
import cv2
import numpy as np
import scipy
from scipy.ndimage import zoom

CASES = [(3, 5, 7, 11), (12, 12, 28, 28), (1, 4, 3, 9), (2, 2, 5, 3), (6, 4, 6, 9), (7, 9, 4, 5), (1, 1, 3, 2)]
rng = np.random.default_rng(1)


def floats(name, a):
    text = ", ".join("%.9gF" % v if "." in "%.9g" % v or "e" in "%.9g" % v else "%.1fF" % v for v in a.ravel())
    print("static const float %s[] = {%s};" % (name, text))


print("/* Made by make_resize.py: scipy %s, OpenCV %s, numpy %s. */" % (scipy.__version__, cv2.__version__, np.__version__))
print("#include <stddef.h>\n/* clang-format off */")
for i, (h, w, H, W) in enumerate(CASES):
    a = np.maximum(rng.normal(0.3, 1, (h, w)), 0).astype(np.float32)
    z = zoom(a, (H / (h * 1.0), W / (w * 1.0)))
    b = cv2.resize(a, (W, H), interpolation=cv2.INTER_LINEAR).reshape(H, W)
    assert z.shape == b.shape == (H, W) and z.dtype == np.float32
    floats("in_%d" % i, a)
    floats("spline_%d" % i, z)
    floats("bilinear_%d" % i, b)
print("static const struct {\n    size_t h, w, H, W;\n    const float *in, *spline, *bilinear;\n} resize_cases[] = {")
for i, c in enumerate(CASES):
    print("    {%d, %d, %d, %d, in_%d, spline_%d, bilinear_%d}," % (c + (i, i, i)))
print("};\n/* clang-format on */")
