/* The orientation in EXIF data: a TIFF header ("II" or "MM", 42, where the first directory is) and directories of 12
 * bytes an entry: tag, type, count, value. Tag 0x0112 of the first directory, a SHORT (3) or LONG (4), is 1 … 8. */
#include <string.h>

#include "data/image_codec.h"

static size_t whole(const unsigned char *p, size_t n, int big) {
    size_t v = 0;
    for (size_t i = 0; i < n; i++) v |= (size_t)p[i] << 8 * (big ? n - 1 - i : i);
    return v;
}

int image_exif_orientation(const unsigned char *tiff, size_t n) {
    if (n < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) return 0;
    const int big = *tiff == 'M';
    size_t at = whole(tiff + 4, 4, big);
    if (at > n - 2) return 0;
    size_t entries = whole(tiff + at, 2, big);
    for (at += 2; entries > 0 && at + 12 <= n; entries--, at += 12) {
        if (whole(tiff + at, 2, big) != 0x0112) continue;
        size_t type = whole(tiff + at + 2, 2, big), v = whole(tiff + at + 8, type == 4 ? 4 : 2, big);
        return (type == 3 || type == 4) && v >= 1 && v <= 8 ? (int)v : 0;
    }
    return 0;
}

/* Segments before the first scan: FF, a marker, a length of itself and what follows. */
int image_jpeg_orientation(const unsigned char *p, size_t n) {
    for (size_t at = 2; at + 4 <= n && p[at] == 0xff;) {
        unsigned marker = p[at + 1];
        if (marker == 0xff) { /* a fill byte */
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) break;
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3];
        if (length < 2 || at + 2 + length > n) break;
        if (marker == 0xe1 && length >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
            return image_exif_orientation(p + at + 10, length - 8);
        at += 2 + length;
    }
    return 0;
}
