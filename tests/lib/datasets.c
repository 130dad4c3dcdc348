/* Small data sets for tests: see datasets.h. */
#include "tests/lib/datasets.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"
#include "tests/lib/files.h"

/* ---- making files ------------------------------------------------------------------------------------------------ */
/* (N, H, W) IDX of bytes: value p of item i is (i * 50 + p) mod 256. */
const char *idx_images(const char *name, size_t n, size_t h, size_t w) {
    static unsigned char b[1 << 16];
    const size_t dim[3] = {n, h, w};
    memcpy(b, "\0\0\x08\x03", 4);
    for (int k = 0; k < 3; k++) {
        for (int s = 0; s < 4; s++) b[4 + 4 * k + s] = (unsigned char)(dim[k] >> (24 - 8 * s));
    }
    for (size_t i = 0; i < n * h * w; i++) b[16 + i] = (unsigned char)(i / (h * w) * 50 + i % (h * w));
    return temp_file(name, b, 16 + n * h * w);
}

const char *idx_labels(const char *name, const char *labels, size_t n) {
    unsigned char b[512] = {0, 0, 8, 1, 0, 0, 0, (unsigned char)n};
    memcpy(b + 8, labels, n);
    return temp_file(name, b, 8 + n);
}

const char *text(const char *name, const char *s) {
    return temp_file(name, s, strlen(s));
}

/* A gray (c = 1) or RGB picture whose values are v, v + 1, … */
const char *picture(const char *name, size_t w, size_t h, int c, int v) {
    unsigned char pixels[1024], *png;
    size_t n;
    for (size_t i = 0; i < w * h * (size_t)c; i++) pixels[i] = (unsigned char)(v + (int)i);
    assert_int_equal(limn_png_encode(&png, &n, pixels, w, h, c), LIMN_OK);
    const char *path = temp_file(name, png, n);
    free(png);
    return path;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */
limn_dataset *open_with(limn_data_options o, const char *path) {
    char *images[] = {(char *)(uintptr_t)path};
    limn_dataset *d;
    o.images = images;
    o.n_images = 1;
    if (limn_dataset_open(&d, &o) != LIMN_OK) fail_msg("%s", limn_message());
    return d;
}

/* The next limn_dataset_open of `path` under o must fail so. */
void refused(limn_data_options o, const char *path, const char *sentence) {
    char *images[] = {(char *)(uintptr_t)path};
    limn_dataset *d;
    o.images = images;
    o.n_images = 1;
    limn_status s = limn_dataset_open(&d, &o);
    if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("status %d, '%s' lacks '%s'", s, s ? limn_message() : "", sentence);
    assert_null(d);
}

limn_data_options plain(void) {
    return (limn_data_options)LIMN_DATA_OPTIONS_INIT;
}
