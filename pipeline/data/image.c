/* Pictures from files, by content: see image.h. */
#include "data/image.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

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
    {"PNM", "P2", 2, image_decode_pnm},
    {"PNM", "P3", 2, image_decode_pnm},
    {"PNM", "P5", 2, image_decode_pnm},
    {"PNM", "P6", 2, image_decode_pnm},
};

static size_t which(const unsigned char *head, size_t n) {
    size_t i = 0;
    while (i < COUNT_OF(formats) && (n < formats[i].n || memcmp(head, formats[i].magic, formats[i].n) != 0)) i++;
    /* two letters are little: a blank or a comment follows them */
    if (i < COUNT_OF(formats) && formats[i].n == 2 && (n < 3 || (!isspace(head[2]) && head[2] != '#')))
        return COUNT_OF(formats);
    return i;
}

const char *limn_image_format(const unsigned char *head, size_t n) {
    size_t i = which(head, n);
    return i < COUNT_OF(formats) ? formats[i].name : NULL;
}

limn_status image_allocate(limn_image *out, size_t w, size_t h, int channels, size_t most, const char *name) {
    if (w == 0 || h == 0) return limn_fail(LIMN_EINPUT, "%s: a picture of %zu x %zu pixels is empty", name, w, h);
    if (w > most / h)
        return limn_fail(LIMN_EINPUT, "%s: it promises %zu x %zu pixels, more than a file of its size can hold", name,
                         w, h);
    if (w > IMAGE_MOST_PIXELS / h)
        return limn_fail(LIMN_EINPUT, "%s: it promises %zu x %zu pixels, more than the %d that a picture may have",
                         name, w, h, IMAGE_MOST_PIXELS);
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
        return limn_fail(LIMN_EINPUT, "%s: it is none of PNG, JPEG, PGM and PPM, by its first bytes", name);
    limn_status s = formats[i].decode(out, bytes, n, name);
    out->format = formats[i].name;
    if (s != LIMN_OK) limn_image_clear(out);
    return s;
}

limn_status limn_image_read(limn_image *out, const char *path) {
    unsigned char *bytes = NULL;
    size_t n = 0;
    *out = (limn_image){0};
    int fd = -1;
    limn_status s = limn_open_regular(&fd, &n, path);
    if (s != LIMN_OK) return s;
    close(fd);
    if (n > IMAGE_MOST_BYTES)
        return limn_fail(LIMN_EINPUT, "%s: it has %zu bytes, more than the %d that a picture may have", path, n,
                         IMAGE_MOST_BYTES);
    s = limn_file_read(&bytes, &n, path);
    if (s == LIMN_OK) s = limn_image_parse(out, bytes, n, path);
    free(bytes);
    return s;
}

void limn_image_clear(limn_image *a) {
    free(a->pixels);
    *a = (limn_image){0};
}

/* EXIF orientation o: output (y, x) is input (y or h-1-y, x or w-1-x), for 5 to 8 with rows and columns exchanged. */
static const struct {
    int exchange, from_bottom, from_right; /* of the input's rows and columns */
} orientations[9] = {[2] = {0, 0, 1}, [3] = {0, 1, 1}, [4] = {0, 1, 0}, [5] = {1, 0, 0},
                     [6] = {1, 1, 0}, [7] = {1, 1, 1}, [8] = {1, 0, 1}};

limn_status limn_image_orient(limn_image *m) {
    const int o = m->orientation;
    const size_t c = (size_t)m->channels, h = m->h, w = m->w;
    unsigned char *turned = NULL;
    if (o < 2 || o > 8) return LIMN_OK;
    limn_status s = limn_new(&turned, h * w, c);
    if (s != LIMN_OK) return s;
    const size_t H = orientations[o].exchange ? w : h, W = orientations[o].exchange ? h : w;
    for (size_t y = 0; y < H; y++) {
        for (size_t x = 0; x < W; x++) {
            size_t fy = orientations[o].exchange ? x : y, fx = orientations[o].exchange ? y : x;
            if (orientations[o].from_bottom) fy = h - 1 - fy;
            if (orientations[o].from_right) fx = w - 1 - fx;
            memcpy(turned + (y * W + x) * c, m->pixels + (fy * w + fx) * c, c);
        }
    }
    free(m->pixels);
    m->pixels = turned;
    m->h = H;
    m->w = W;
    m->orientation = 1;
    return LIMN_OK;
}
