/* JPEG by libturbojpeg. Gray stays gray, YCbCr and RGB become RGB; CMYK and YCCK, taken as inverted (Adobe's way), become
 * RGB as in Pillow: with K' = 255 - K, R = K' - C * K' / 255, rounded. EXIF is read, not followed.
 *
 * A file cut short is refused. "Extraneous bytes before a marker", which some cameras write and every decoder skips, is
 * let through; any other warning means damaged pixels and is refused. */
#include <string.h>
#include <turbojpeg.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/image_codec.h"

/* A block of 8x8 takes at least one bit (the DC code of its first scan); with luma of one block to 4x4 blocks of the
 * picture that makes 8 * 64 * 16 pixels a byte at the very most. An all-black 4:2:0 picture has about 170. */
enum { PIXELS_PER_BYTE = 8192 };

/* (n, 4) inverted inks to (n, 3). */
static void from_inks(unsigned char *rgb, const unsigned char *cmyk, size_t n) {
    for (size_t i = 0; i < n; i++, cmyk += 4) {
        const unsigned k = cmyk[3];
        for (int c = 0; c < 3; c++) {
            unsigned t = (255u - cmyk[c]) * k + 128;
            *rgb++ = (unsigned char)(k - (((t >> 8) + t) >> 8));
        }
    }
}

limn_status image_decode_jpeg(limn_image *out, const unsigned char *bytes, size_t n, const char *name) {
    limn_status status = LIMN_OK;
    int w = 0, h = 0, sampling = 0, space = 0;
    unsigned char *cmyk = NULL;
    tjhandle tj = tjInitDecompress();
    if (!tj) return limn_fail(LIMN_ENOMEM, "%s: no memory for a JPEG decoder", name);
    if (tjDecompressHeader3(tj, bytes, (unsigned long)n, &w, &h, &sampling, &space) != 0 || w <= 0 || h <= 0)
        FAIL(LIMN_EINPUT, "%s: its JPEG header is damaged or cut short: %s", name, tjGetErrorStr2(tj));
    const int gray = space == TJCS_GRAY, inks = space == TJCS_CMYK || space == TJCS_YCCK;
    TRY(image_allocate(out, (size_t)w, (size_t)h, gray ? 1 : 3, n * PIXELS_PER_BYTE, name));
    out->orientation = image_jpeg_orientation(bytes, n);
    if (inks) TRY(limn_new(&cmyk, (size_t)w * (size_t)h, 4));
    if (tjDecompress2(tj, bytes, (unsigned long)n, inks ? cmyk : out->pixels, w, 0, h,
                      gray   ? TJPF_GRAY
                      : inks ? TJPF_CMYK
                             : TJPF_RGB,
                      TJFLAG_LIMITSCANS) != 0) {
        const char *why = tjGetErrorStr2(tj);
        if (tjGetErrorCode(tj) != TJERR_WARNING || !strstr(why, "extraneous bytes"))
            FAIL(LIMN_EINPUT, "%s: the JPEG picture is damaged or cut short: %s", name, why);
    }
    if (inks) from_inks(out->pixels, cmyk, (size_t)w * (size_t)h);
done:
    free(cmyk);
    tjDestroy(tj);
    return status;
}
