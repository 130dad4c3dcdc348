/* PGM and PPM (netpbm): P2, P3 as numbers in text, P5, P6 as bytes, of one byte a sample or, above a maxval of 255, two
 * (big-endian). A sample becomes round(v / maxval * 255), halves to the even number, as Pillow makes it of P6. What
 * follows the picture (netpbm allows another one) is not looked at. */
#include <math.h>
#include <string.h>

#include "base/try.h"
#include "data/image_codec.h"

typedef struct {
    const unsigned char *p, *end;
    const char *name;
} text;

static int is_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next number, after blanks and comments (# to the end of the line). */
static limn_status number(text *t, size_t *v, size_t most, const char *what) {
    while (t->p < t->end && (is_space(*t->p) || *t->p == '#')) {
        if (*t->p == '#')
            while (t->p < t->end && *t->p != '\n' && *t->p != '\r') t->p++;
        else
            t->p++;
    }
    if (t->p == t->end) return limn_fail(LIMN_EINPUT, "%s: the PNM picture is cut short in its %s", t->name, what);
    for (*v = 0; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++) {
        *v = *v * 10 + (size_t)(*t->p - '0');
        if (*v > most) break;
    }
    if (*v > most || (t->p < t->end && !is_space(*t->p) && *t->p != '#'))
        return limn_fail(LIMN_EINPUT, "%s: the PNM picture is damaged: its %s %s no number from 0 to %zu", t->name,
                         what, strcmp(what, "pixels") == 0 ? "are" : "is", most);
    return LIMN_OK;
}

static unsigned char scaled(size_t v, size_t maxval) {
    return maxval == 255 ? (unsigned char)v : (unsigned char)nearbyint((double)v / (double)maxval * 255);
}

limn_status image_decode_pnm(limn_image *out, const unsigned char *bytes, size_t n, const char *name) {
    limn_status status = LIMN_OK;
    const int kind = n > 1 ? bytes[1] - '0' : 0, channels = kind == 3 || kind == 6 ? 3 : 1, plain = kind < 4;
    text t = {bytes + 2, bytes + n, name};
    size_t w = 0, h = 0, maxval = 0, v;
    TRY(number(&t, &w, IMAGE_MOST_SIDE, "width"));
    TRY(number(&t, &h, IMAGE_MOST_SIDE, "height"));
    TRY(number(&t, &maxval, 65535, "greatest value"));
    if (maxval == 0) FAIL(LIMN_EINPUT, "%s: the PNM picture is damaged: its greatest value is 0", name);
    if (!plain && t.p < t.end) t.p++; /* just one blank */
    /* a sample takes one or two bytes; in text a digit and, but for the last one, a blank */
    const size_t left = (size_t)(t.end - t.p), size = plain || maxval > 255 ? 2 : 1;
    TRY(image_allocate(out, w, h, channels, (left + (size_t)plain) / (size * (size_t)channels), name));
    for (size_t i = 0; i < w * h * (size_t)channels; i++) {
        if (plain) {
            TRY(number(&t, &v, maxval, "pixels"));
        } else {
            v = size == 2 ? (size_t)t.p[0] << 8 | t.p[1] : t.p[0];
            t.p += size;
            if (v > maxval) v = maxval;
        }
        out->pixels[i] = scaled(v, maxval);
    }
done:
    return status;
}
