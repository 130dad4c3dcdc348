/* JPEG by libturbojpeg. Gray stays gray, YCbCr and RGB become RGB; EXIF (rotation) is not looked at.
 *
 * A file cut short is refused. "Extraneous bytes before a marker", which some cameras write and every decoder skips, is
 * let through; any other warning means damaged pixels and is refused. */
#include <string.h>
#include <turbojpeg.h>

#include "base/try.h"
#include "data/image_codec.h"

/* A block of 8x8 takes at least one bit (the DC code of its first scan); with luma of one block to 4x4 blocks of the
 * picture that makes 8 * 64 * 16 pixels a byte at the very most. An all-black 4:2:0 picture has about 170. */
enum { PIXELS_PER_BYTE = 8192 };

limn_status image_decode_jpeg(limn_image *out, const unsigned char *bytes, size_t n, const char *name) {
    limn_status status = LIMN_OK;
    int w = 0, h = 0, sampling = 0, space = 0;
    tjhandle tj = tjInitDecompress();
    if (!tj) return limn_fail(LIMN_ENOMEM, "%s: no memory for a JPEG decoder", name);
    if (tjDecompressHeader3(tj, bytes, (unsigned long)n, &w, &h, &sampling, &space) != 0 || w <= 0 || h <= 0)
        FAIL(LIMN_EINPUT, "%s: its JPEG header is damaged or cut short: %s", name, tjGetErrorStr2(tj));
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        FAIL(LIMN_EINPUT, "%s: a CMYK picture, where gray or RGB is needed", name);
    int gray = space == TJCS_GRAY;
    TRY(image_allocate(out, (size_t)w, (size_t)h, gray ? 1 : 3, n * PIXELS_PER_BYTE, name));
    if (tjDecompress2(tj, bytes, (unsigned long)n, out->pixels, w, 0, h, gray ? TJPF_GRAY : TJPF_RGB,
                      TJFLAG_LIMITSCANS) != 0) {
        const char *why = tjGetErrorStr2(tj);
        if (tjGetErrorCode(tj) != TJERR_WARNING || !strstr(why, "extraneous bytes"))
            FAIL(LIMN_EINPUT, "%s: the JPEG picture is damaged or cut short: %s", name, why);
    }
done:
    tjDestroy(tj);
    return status;
}
