/* Pictures from files, by content: see image.h. */
#include "data/image.h"

#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/bytes.h"
#include "data/image_codec.h"

static const struct {
    const char *name, *magic;
    size_t n;
    limn_status (*decode)(limn_image *, const unsigned char *, size_t, const char *);
} formats[] = {
    {"PNG", "\x89PNG\r\n\x1a\n", 8, image_decode_png},
    {"JPEG", "\xff\xd8\xff", 3, image_decode_jpeg},
};

static size_t which(const unsigned char *head, size_t n) {
    size_t i = 0;
    while (i < COUNT_OF(formats) && (n < formats[i].n || memcmp(head, formats[i].magic, formats[i].n) != 0)) i++;
    return i;
}

const char *limn_image_format(const unsigned char *head, size_t n) {
    size_t i = which(head, n);
    return i < COUNT_OF(formats) ? formats[i].name : NULL;
}

limn_status image_allocate(limn_image *out, size_t w, size_t h, int channels, size_t most, const char *name) {
    if (w == 0 || h == 0) return limn_fail(LIMN_EINPUT, "%s: a picture of %zu x %zu pixels is empty", name, w, h);
    if (most > IMAGE_MOST_PIXELS) most = IMAGE_MOST_PIXELS;
    if (w > most / h)
        return limn_fail(LIMN_EINPUT, "%s: it promises %zu x %zu pixels, more than a file of its size can hold", name,
                         w, h);
    out->w = w;
    out->h = h;
    out->channels = channels;
    return limn_new(&out->pixels, w * h, (size_t)channels);
}

limn_status limn_image_parse(limn_image *out, const void *bytes, size_t n, const char *name) {
    *out = (limn_image){0};
    if (n == 0) return limn_fail(LIMN_EINPUT, "%s: it is empty", name);
    size_t i = which(bytes, n);
    if (i == COUNT_OF(formats))
        return limn_fail(LIMN_EINPUT, "%s: it is neither a PNG nor a JPEG picture, by its first bytes", name);
    limn_status s = formats[i].decode(out, bytes, n, name);
    out->format = formats[i].name;
    if (s != LIMN_OK) limn_image_clear(out);
    return s;
}

limn_status limn_image_read(limn_image *out, const char *path) {
    unsigned char *bytes = NULL;
    size_t n = 0;
    *out = (limn_image){0};
    limn_status s = limn_file_read(&bytes, &n, path);
    if (s == LIMN_OK) s = limn_image_parse(out, bytes, n, path);
    free(bytes);
    return s;
}

void limn_image_clear(limn_image *a) {
    free(a->pixels);
    *a = (limn_image){0};
}
