/* Our maps beside other programs': see fidelity.h. */
#include "tests/lib/fidelity.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "base/mem.h"
#include "data/array.h"
#include "tests/lib/explain.h"

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void read_member(const char *file, const char *member, limn_array *a) {
    char path[256];
    snprintf(path, sizeof path, FIDELITY_GOLDENS "%s", file);
    must(limn_array_read_npz(a, path, member));
}

float *fidelity_floats(const char *file, const char *member, size_t *count) {
    limn_array a;
    float *out;
    read_member(file, member, &a);
    must(limn_array_floats(&out, &a));
    *count = a.count;
    limn_array_clear(&a);
    return out;
}

int *fidelity_ints(const char *file, const char *member, size_t count) {
    limn_array a;
    int *out;
    read_member(file, member, &a);
    assert_int_equal(a.count, count);
    must(limn_new(&out, count, sizeof *out));
    for (size_t i = 0; i < count; i++) out[i] = (int)limn_array_get(&a, i);
    limn_array_clear(&a);
    return out;
}

void fidelity_channels_first(const float *from, size_t n, size_t h, size_t w, size_t C, float *to) {
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < h * w; p++)
            for (size_t c = 0; c < C; c++) to[(i * C + c) * h * w + p] = from[(i * h * w + p) * C + c];
}

/* a (n) -> [0, 1], without an epsilon; a constant stays. */
static void min_max(float *a, size_t n) {
    float low = a[0], high = a[0];
    for (size_t i = 1; i < n; i++) low = fminf(low, a[i]), high = fmaxf(high, a[i]);
    for (size_t i = 0; high > low && i < n; i++) a[i] = (a[i] - low) / (high - low);
}

/* One map (n) into the record. */
static void compare_map(const fidelity_row *row, float *ours, float *golden, size_t n, record *r) {
    double same = 0;
    for (size_t i = 0; row->step == GOLDEN_RELU && i < n; i++) golden[i] = fmaxf(golden[i], 0);
    if (row->step == OURS_MIN_MAX || row->step == BOTH_MIN_MAX) min_max(ours, n);
    if (row->step == BOTH_MIN_MAX) min_max(golden, n);
    for (size_t i = 0; row->step == UP_TO_SIGN && i < n; i++) same += (double)ours[i] * golden[i];
    for (size_t i = 0; same < 0 && i < n; i++) ours[i] = -ours[i];
    record_map(r, ours, golden, n);
}

/* Whether the raw map that the golden picture was made from is positive where it is largest, as ours is by definition. */
static int sign_is_ours(const float *raw, size_t n) {
    float low = 0, high = 0;
    for (size_t i = 0; i < n; i++) low = fminf(low, raw[i]), high = fmaxf(high, raw[i]);
    return high >= -low;
}

void fidelity_what(char *out, size_t size, const fidelity_row *row) {
    snprintf(out, size, "%s%s%s%s%s", row->method, strcmp(row->flavour, "limn") != 0 ? " flavour=" : "",
             strcmp(row->flavour, "limn") != 0 ? row->flavour : "", *row->options ? " " : "", row->options);
}

/* The chunk's part of the noise: (samples, B, in) from (samples, 20, in). */
static float *noise_of(const float *all, size_t samples, size_t first, size_t n, size_t B, size_t in) {
    float *part = NULL;
    must(limn_new(&part, samples * B * in, sizeof *part));
    for (size_t k = 0; k < samples; k++)
        memcpy(part + k * B * in, all + (k * FIDELITY_ROWS + first) * in, n * in * sizeof *part);
    return part;
}

record fidelity_compare(const limn_diff *d, const float *x, const int *target, const fidelity_row *row) {
    static char what[160];
    fidelity_what(what, sizeof what, row);
    const int cam = strstr(row->method, "cam") || strcmp(row->method, "lrp") == 0 ||
                    strcmp(row->method, "deeplift") == 0 || strcmp(row->method, "fullgrad") == 0;
    record result = {row->file,
                     row->member,
                     what,
                     cam ? RECORD_CAM : RECORD_GRADIENT,
                     fidelity_reasons[row->cause].wide,
                     fidelity_reasons[row->cause].text,
                     0,
                     0,
                     0,
                     0};
    size_t count, noises = 0, raws = 0, B = d->B, in = limn_shape_size(&d->input),
                  K = limn_shape_size(&d->layer[d->n_layers - 1].out);
    float *golden = fidelity_floats(row->file, row->member, &count), *chunk, *seed, *raw = NULL;
    float *noise = row->noise ? fidelity_floats(row->file, row->noise, &noises) : NULL;
    char member[128];
    snprintf(member, sizeof member, "%s_raw", row->member);
    if (row->step == SAME_SIGN_ONLY) raw = fidelity_floats(row->file, member, &raws);
    must(limn_new(&chunk, B * in, sizeof *chunk));
    must(limn_new(&seed, B * K, sizeof *seed));
    for (size_t first = 0; first < FIDELITY_ROWS; first += B) {
        size_t n = first + B < FIDELITY_ROWS ? B : FIDELITY_ROWS - first;
        limn_shape s;
        memset(chunk, 0, B * in * sizeof *chunk);
        memcpy(chunk, x + first * in, n * in * sizeof *chunk);
        memset(seed, 0, B * K * sizeof *seed);
        explain_seed(seed, n, K, target + first);
        must(d->forward(d->ctx, chunk));
        float *part = noise ? noise_of(noise, noises / FIDELITY_ROWS / in, first, n, B, in) : NULL;
        const limn_attribute_job job = {.diff = d, .x = chunk, .seed = seed, .changes = part};
        float *map = explain_job(row->method, row->flavour, row->options, &job, &s);
        if (!map) fail_msg("%s %s: %s", row->file, row->member, limn_message());
        size_t size = limn_shape_size(&s), grid = raws / FIDELITY_ROWS;
        assert_int_equal(size * FIDELITY_ROWS, count);
        for (size_t b = 0; b < n; b++)
            if (!raw || sign_is_ours(raw + (first + b) * grid, grid))
                compare_map(row, map + b * size, golden + (first + b) * size, size, &result);
        free(map);
        free(part);
    }
    free(golden), free(raw), free(noise), free(chunk), free(seed);
    if (row->noise) record_input(row->file, row->noise, "noise replayed");
    return result;
}
