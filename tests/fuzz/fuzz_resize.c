/* libFuzzer target: what preprocessing does to a picture's size. The first 16 bytes say how: rule, fit, kinds and values of
 * resize and crop, height, width, channels, bytes or floats; the others are the values. What comes out has the size that
 * was announced, or is one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/resize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 16, MOST = 40 };

static limn_picture_size size_of(const uint8_t *b) {
    limn_picture_size s = {.kind = (limn_size_kind)(b[0] % 4), .h = b[1] % MOST + 1u, .w = b[2] % MOST + 1u};
    if (s.kind == LIMN_SIZE_SIDE) s.w = s.h;
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static volatile float sink;
    limn_preprocess q = LIMN_PREPROCESS_INIT;
    if (size < HEAD) return 0;
    size_t rules = 0;
    while (resize_rules[rules].name) rules++;
    q.rule = (int)(data[0] % rules);
    q.fit = (limn_fit)(data[1] % 5);
    q.resize = size_of(data + 2);
    q.crop = size_of(data + 5);
    q.pad = data[8];
    preprocess_plan plan = {&q, data[9] % MOST + 1u, data[10] % MOST + 1u};
    data_picture p = {.h = data[11] % MOST + 1u, .w = data[12] % MOST + 1u, .c = data[13] % 4 + 1u};
    const int floats = data[14] & 1, thin = data[14] & 2; /* a side far longer than the other */
    if (thin) p.h *= 30, p.w = 1;
    size_t n = p.h * p.w * p.c, h = p.h, w = p.w;
    if (limn_new(&p.b, n, 1) != LIMN_OK) return 0;
    for (size_t i = 0; i < n; i++) p.b[i] = size > HEAD ? data[HEAD + i % (size - HEAD)] : (unsigned char)i;
    if (floats) {
        if (limn_new(&p.f, n, sizeof *p.f) != LIMN_OK) abort();
        for (size_t i = 0; i < n; i++) p.f[i] = (float)p.b[i] - 100;
        free(p.b);
        p.b = NULL;
    }
    limn_status s = preprocess_size(&plan, &h, &w, "input");
    if (s == LIMN_OK) {
        if (preprocess_move(&p, &plan, "input") != LIMN_OK || p.h != h || p.w != w) abort();
        float sum = 0;
        for (size_t i = 0; i < h * w * p.c; i++) sum += p.b ? p.b[i] : p.f[i];
        sink = sum;
    } else if (s != LIMN_EINPUT || !limn_message()[0])
        abort();
    data_picture_clear(&p);
    return 0;
}
