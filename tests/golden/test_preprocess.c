/* Photographs through every rule and preset, against Pillow, TensorFlow, Keras and torchvision
 * (tests/data/preprocess/make.py gives the versions); 97 places of each result. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/resize.h"

#define GOLDENS "tests/data/preprocess/"
enum { PLACES = 97 };

/* Of 255. The decoders are two versions of libjpeg-turbo; everything else is the same to a rounding. */
static const double TOLERANCE = 1;

static const char *const names[] = {"both.png",   "kitten_224.png", "beach.jpg",     "horses.jpg",
                                    "ouzel1.jpg", "ouzel2.jpg",     "test_image.jpg"};

static size_t place(size_t i, size_t n) {
    return (i * 7919 + 13) * 104729 % n;
}

static limn_dataset *open_with(limn_data_options o, const char *name) {
    char path[256], *images[] = {path};
    limn_dataset *d;
    snprintf(path, sizeof path, "../shared/images/%s", name);
    o.images = images;
    o.n_images = 1;
    o.channels = 3;
    if (limn_dataset_open(&d, &o) != LIMN_OK) fail_msg("%s", limn_message());
    return d;
}

/* x (3, H, W) of `o` against member of file, whose values lie (H, W, 3) or (3, H, W); 1 of 255 is `one`. */
static void same(const limn_data_options *o, const char *image, const char *file, const char *member, int hwc,
                 const double one[3]) {
    limn_array a;
    limn_dataset *d = open_with(*o, image);
    size_t C, h, w;
    float *x;
    limn_dataset_shape(d, &C, &h, &w);
    assert_int_equal(limn_new(&x, C * h * w, sizeof *x), LIMN_OK);
    assert_int_equal(limn_dataset_batch(d, 0, 1, x), LIMN_OK);
    if (limn_array_read_npz(&a, file, member) != LIMN_OK) fail_msg("%s", limn_message());
    assert_int_equal(a.count, PLACES);
    for (size_t i = 0; i < PLACES; i++) {
        size_t p = place(i, C * h * w), c = hwc ? p % C : p / (h * w);
        double mine = (double)x[hwc ? c * h * w + p / C : p], theirs = limn_array_get(&a, i);
        if (fabs(mine - theirs) > TOLERANCE * one[c] * (1 + 1e-5))
            fail_msg("%s: place %zu is %.9g, not %.9g (1 of 255 is %g)", member, i, mine, theirs, one[c]);
    }
    limn_array_clear(&a);
    free(x);
    limn_dataset_free(d);
}

/* The picture resized to h x w by the rule, against a member of its file. */
static void resized(const limn_image *m, const char *name, const resize_rule *rule, size_t h, size_t w,
                    const char *more) {
    char member[96];
    limn_array a;
    data_picture in = {.h = m->h, .w = m->w, .c = 3, .b = m->pixels}, out = {.h = h, .w = w};
    snprintf(member, sizeof member, "%s_%s%s", name, rule->name, more);
    assert_int_equal(resize_picture(&out, &in, rule), LIMN_OK);
    const char *file = strncmp(rule->name, "pil-", 4) == 0 ? GOLDENS "shared_pil.npz" : GOLDENS "shared_tf.npz";
    if (limn_array_read_npz(&a, file, member) != LIMN_OK) fail_msg("%s", limn_message());
    for (size_t i = 0; i < PLACES; i++) {
        size_t p = place(i, h * w * 3);
        double mine = out.b ? out.b[p] : (double)out.f[p], theirs = limn_array_get(&a, i);
        if (fabs(mine - theirs) > TOLERANCE) fail_msg("%s: place %zu is %.9g, not %.9g", member, i, mine, theirs);
    }
    limn_array_clear(&a);
    data_picture_clear(&out);
}

static void photographs_resized(void **state) {
    (void)state;
    if (access("../shared/images", R_OK) != 0) skip();
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        char path[256];
        limn_image m;
        snprintf(path, sizeof path, "../shared/images/%s", names[k]);
        if (limn_image_read(&m, path) != LIMN_OK) fail_msg("%s", limn_message());
        assert_int_equal(m.channels, 3);
        for (const resize_rule *r = resize_rules; r->name; r++) {
            resized(&m, names[k], r, 224, 224, "");
            if (k < 4) resized(&m, names[k], r, 611, 700, "_up");
        }
        limn_image_clear(&m);
    }
}

static int rule_named(const char *name) {
    int r = 0;
    while (strcmp(resize_rules[r].name, name) != 0) r++;
    return r;
}

static void photographs_by_smart_resize(void **state) {
    (void)state;
    static const double one[3] = {1, 1, 1};
    if (access("../shared/images", R_OK) != 0) skip();
    for (size_t k = 0; k < 6; k++) {
        char member[96];
        limn_data_options o = LIMN_DATA_OPTIONS_INIT;
        o.pre.rule = rule_named("tf-bilinear");
        o.pre.fit = LIMN_FIT_CROP;
        o.pre.resize = (limn_picture_size){LIMN_SIZE_EXACT, 224, 160};
        snprintf(member, sizeof member, "%s_crop", names[k]);
        same(&o, names[k], GOLDENS "shared_tf.npz", member, 1, one);
    }
}

/* Every preset that another program has, as it makes it. */
static void photographs_by_preset(void **state) {
    (void)state;
    size_t compared = 0;
    if (access("../shared/images", R_OK) != 0) skip();
    for (const limn_preset *p = limn_presets; p->name; p++) {
        int keras = strncmp(p->name, "keras-", 6) == 0, torch = strncmp(p->name, "torchvision", 11) == 0;
        if (!(keras && strcmp(p->name, "keras-rescale") != 0) && !torch) continue;
        for (size_t k = 0; k < 4; k++) {
            char member[96];
            double one[3];
            limn_data_options o = LIMN_DATA_OPTIONS_INIT;
            o.pre = p->value;
            o.height = o.width = 224;
            for (int c = 0; c < 3; c++) one[c] = p->value.scale / p->value.std[c];
            snprintf(member, sizeof member, "%s_%s", names[k], p->name);
            same(&o, names[k], keras ? GOLDENS "presets_keras.npz" : GOLDENS "presets_torchvision.npz", member, 0, one);
            compared++;
        }
    }
    assert_int_equal(compared, 4 * (15 + 17));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photographs_resized),
        cmocka_unit_test(photographs_by_smart_resize),
        cmocka_unit_test(photographs_by_preset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
