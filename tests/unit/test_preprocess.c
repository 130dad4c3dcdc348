/* Resizing against Pillow and TensorFlow, whole pictures; sizes, crops, padding, orientations, presets, sentences. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/resize.h"
#include "tests/lib/files.h"

#define GOLDENS "tests/data/preprocess/"
enum { H = 23, W = 31 };

/* The picture of tests/data/preprocess/make.py. */
static unsigned char value(size_t y, size_t x, size_t c) {
    return (unsigned char)(c == 0 ? x * x * 7 + y * 11 : c == 1 ? x * 5 + y * y * 3 : x * y * 13);
}

static data_picture made(int floats) {
    data_picture p = {.h = H, .w = W, .c = floats ? 1 : 3};
    if (floats)
        assert_int_equal(limn_new(&p.f, H * W, sizeof *p.f), LIMN_OK);
    else
        assert_int_equal(limn_new(&p.b, H * W, 3), LIMN_OK);
    for (size_t i = 0; i < H * W * p.c; i++) {
        unsigned char v = value(i / p.c / W, i / p.c % W, i % p.c);
        if (floats)
            p.f[i] = (float)v / 3;
        else
            p.b[i] = v;
    }
    return p;
}

static const char *file_of(const resize_rule *r) {
    return strncmp(r->name, "pil-", 4) == 0 ? GOLDENS "small.npz" : GOLDENS "small_tf.npz";
}

/* Bytes by PIL's rules and nearest neighbours are the same numbers. TensorFlow's float32 sums may be fused where they
 * were made: a step of float32 at 255 is 1.5e-5. PIL's float code sums in double, as ours. */
static const double FLOAT_TOLERANCE = 6e-5;

static void every_rule_gives_the_others_numbers(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{10, 13}, {27, 34}, {23, 12}, {9, 31}, {1, 1}, {31, 7}};
    for (const resize_rule *r = resize_rules; r->name; r++) {
        for (size_t k = 0; k < 2 * COUNT_OF(sizes); k++) {
            int floats = (int)(k % 2);
            char member[80];
            limn_array a;
            data_picture in = made(floats), out = {.h = sizes[k / 2][0], .w = sizes[k / 2][1]};
            snprintf(member, sizeof member, "%s_%zux%zu%s", r->name, out.h, out.w, floats ? "_f" : "");
            if (limn_array_read_npz(&a, file_of(r), member) != LIMN_OK) fail_msg("%s", limn_message());
            assert_int_equal(resize_picture(&out, &in, r), LIMN_OK);
            assert_int_equal(a.count, out.h * out.w * out.c);
            assert_true((out.b != NULL) == (!floats && !r->at));
            for (size_t i = 0; i < a.count; i++) {
                double mine = out.b ? out.b[i] : (double)out.f[i], theirs = limn_array_get(&a, i);
                if (fabs(mine - theirs) > (out.b ? 0 : FLOAT_TOLERANCE))
                    fail_msg("%s: value %zu is %.9g, not %.9g", member, i, mine, theirs);
            }
            limn_array_clear(&a);
            data_picture_clear(&in);
            data_picture_clear(&out);
        }
    }
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */
static limn_preprocess plain(void) {
    return (limn_preprocess)LIMN_PREPROCESS_INIT;
}

static void size_is(const limn_preprocess *p, size_t h, size_t w, size_t want_h, size_t want_w) {
    preprocess_plan g = {p, 224, 160};
    assert_int_equal(preprocess_size(&g, &h, &w, "x"), LIMN_OK);
    assert_int_equal(h, want_h);
    assert_int_equal(w, want_w);
}

static void sizes_follow_torchvision(void **state) {
    (void)state;
    limn_preprocess p = plain();
    size_is(&p, 348, 500, 348, 500);
    p.resize = (limn_picture_size){LIMN_SIZE_INPUT, 0, 0};
    size_is(&p, 348, 500, 224, 160);
    p.resize = (limn_picture_size){LIMN_SIZE_SIDE, 256, 256};
    size_is(&p, 348, 500, 256, 367); /* int(256 * 500 / 348) */
    size_is(&p, 500, 348, 367, 256);
    p.fit = LIMN_FIT_LONGER;
    size_is(&p, 348, 500, 178, 256);
    size_is(&p, 1, 5000, 1, 256);
    p.fit = LIMN_FIT_STRETCH;
    size_is(&p, 348, 500, 256, 256);
    p.resize = (limn_picture_size){LIMN_SIZE_EXACT, 100, 300};
    p.fit = LIMN_FIT_SHORTER;
    size_is(&p, 100, 100, 300, 300); /* covers 100 x 300 */
    p.fit = LIMN_FIT_LONGER;
    size_is(&p, 100, 100, 100, 100); /* fits into it */
    p.fit = LIMN_FIT_CROP;
    size_is(&p, 348, 500, 100, 300);
    p.crop = (limn_picture_size){LIMN_SIZE_INPUT, 0, 0};
    size_is(&p, 348, 500, 224, 160);
    p = plain();
    p.resize = (limn_picture_size){LIMN_SIZE_SIDE, 1024, 1024};
    size_t h = 1, w = 100000;
    assert_int_equal(preprocess_size(&(preprocess_plan){&p, 0, 0}, &h, &w, "x"), LIMN_EINPUT);
    assert_string_equal(limn_message(),
                        "x: its 100000 x 1 pixels (width x height) would be resized to 102400000 x 1024");
}

static data_picture counted(size_t h, size_t w) {
    data_picture p = {.h = h, .w = w, .c = 1};
    assert_int_equal(limn_new(&p.b, h * w, 1), LIMN_OK);
    for (size_t i = 0; i < h * w; i++) p.b[i] = (unsigned char)(i + 1);
    return p;
}

static void moved_is(limn_preprocess p, size_t h, size_t w, const char *expect, size_t n) {
    data_picture x = counted(h, w);
    assert_int_equal(preprocess_move(&x, &(preprocess_plan){&p, 0, 0}, "x"), LIMN_OK);
    assert_int_equal(x.h * x.w, n);
    assert_memory_equal(x.b, expect, n);
    data_picture_clear(&x);
}

static void crops_are_centred_and_padded(void **state) {
    (void)state;
    limn_preprocess p = plain();
    p.crop = (limn_picture_size){LIMN_SIZE_EXACT, 1, 2};
    moved_is(p, 3, 4, "\6\7", 2);
    moved_is(p, 2, 3, "\1\2", 2);     /* round(0.5) is 0: to the even number, as Python */
    moved_is(p, 4, 5, "\x0d\x0e", 2); /* round(1.5) is 2 */
    p.pad = 9;
    p.crop = (limn_picture_size){LIMN_SIZE_EXACT, 2, 4};
    moved_is(p, 1, 1, "\x09\1\x09\x09\x09\x09\x09\x09", 8); /* (2 - 1) / 2 = 0 rows, (4 - 1) / 2 = 1 column before */
    moved_is(p, 3, 2, "\x09\1\2\x09\x09\3\4\x09", 8);
    p = plain();
    p.rule = 1; /* nearest */
    p.resize = (limn_picture_size){LIMN_SIZE_EXACT, 2, 2};
    p.fit = LIMN_FIT_CROP;
    moved_is(p, 2, 5, "\2\3\7\x08", 4); /* of 5 columns the 2 from (5 - 2) / 2 */
}

/* ---- orientation ------------------------------------------------------------------------------------------------- */
/* 1 2 3
 * 4 5 6, turned as PIL's ImageOps.exif_transpose does. */
static void eight_orientations(void **state) {
    (void)state;
    static const struct {
        int w, h;
        const char *pixels;
    } expect[9] = {{3, 2, "\1\2\3\4\5\6"}, {3, 2, "\1\2\3\4\5\6"}, {3, 2, "\3\2\1\6\5\4"},
                   {3, 2, "\6\5\4\3\2\1"}, {3, 2, "\4\5\6\1\2\3"}, {2, 3, "\1\4\2\5\3\6"},
                   {2, 3, "\4\1\5\2\6\3"}, {2, 3, "\6\3\5\2\4\1"}, {2, 3, "\3\6\2\5\1\4"}};
    for (int o = 0; o < 9; o++) {
        limn_image m = {.w = 3, .h = 2, .channels = 1, .orientation = o};
        assert_int_equal(limn_new(&m.pixels, 6, 1), LIMN_OK);
        memcpy(m.pixels, "\1\2\3\4\5\6", 6);
        assert_int_equal(limn_image_orient(&m), LIMN_OK);
        assert_int_equal(m.w, expect[o].w);
        assert_int_equal(m.h, expect[o].h);
        assert_memory_equal(m.pixels, expect[o].pixels, 6);
        limn_image_clear(&m);
    }
}

/* ---- data sets --------------------------------------------------------------------------------------------------- */
static void picture(const char *name, size_t w, size_t h) {
    unsigned char pixels[4096], *png;
    size_t n;
    for (size_t i = 0; i < w * h * 3; i++) pixels[i] = (unsigned char)(i * 5);
    assert_int_equal(limn_png_encode(&png, &n, pixels, w, h, 3), LIMN_OK);
    temp_file(name, png, n);
    free(png);
}

static void pictures_of_any_size_become_one(void **state) {
    (void)state;
    char *folder[] = {(char[512]){0}};
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    limn_dataset *d;
    size_t C, h, w;
    picture("p/a.png", 10, 8);
    picture("p/b.png", 20, 8);
    strcpy(folder[0], temp_path("p"));
    o.images = folder;
    o.n_images = 1;
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "b.png: it is 20 x 8 pixels (width x height), where "));
    assert_non_null(strstr(limn_message(), "must have one size, or be brought to one by `preprocess: {resize: …}`"));
    o.pre.resize = (limn_picture_size){LIMN_SIZE_SIDE, 6, 6};
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "`preprocess` needs a `crop`, or a `resize` to [height, width]"));
    o.pre.crop = (limn_picture_size){LIMN_SIZE_INPUT, 0, 0};
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "`input` is the size that the network wants, and there is no network here"));
    o.height = 5, o.width = 4;
    o.pre.bgr = 1;
    o.pre.mean[0] = 1000;
    if (limn_dataset_open(&d, &o) != LIMN_OK) fail_msg("%s", limn_message());
    limn_dataset_shape(d, &C, &h, &w);
    assert_true(C == 3 && h == 5 && w == 4 && limn_dataset_count(d) == 2);
    float raw[60], x[60];
    assert_int_equal(limn_dataset_raw(d, 1, raw), LIMN_OK);
    assert_int_equal(limn_dataset_batch(d, 1, 1, x), LIMN_OK);
    for (int i = 0; i < 20; i++) { /* blue is first, and has the first mean */
        assert_true(x[i] == raw[40 + i] - 1000 && x[20 + i] == raw[20 + i] && x[40 + i] == raw[i]);
        assert_true(raw[i] == floorf(raw[i])); /* bytes stay bytes */
    }
    limn_dataset_free(d);
    o.channels = 1;
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "preprocess: order bgr needs 3 channels, and there is 1"));
    /* arrays, too: floats stay floats */
    o = (limn_data_options)LIMN_DATA_OPTIONS_INIT;
    o.images = folder;
    o.n_images = 1;
    o.pre.resize = (limn_picture_size){LIMN_SIZE_EXACT, 1, 1};
    strcpy(folder[0], temp_path("a.npy"));
    assert_int_equal(limn_npy_write(folder[0], (float[]){0.25f, 0.5f, 1, 2.25f}, (size_t[]){1, 2, 2}, 3), LIMN_OK);
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_OK);
    assert_int_equal(limn_dataset_raw(d, 0, x), LIMN_OK);
    assert_true(x[0] == 1);
    limn_dataset_free(d);
}

static void presets_name_their_rules(void **state) {
    (void)state;
    for (const limn_preset *p = limn_presets; p->name; p++) {
        const char *rule = resize_rules[p->value.rule].name;
        assert_non_null(strstr(p->help, rule));
        assert_true(limn_preset_find(p->name) == p);
        for (int c = 0; c < 3; c++) assert_true(p->value.std[c] > 0);
    }
    assert_null(limn_preset_find("keras"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_gives_the_others_numbers), cmocka_unit_test(sizes_follow_torchvision),
        cmocka_unit_test(crops_are_centred_and_padded),        cmocka_unit_test(eight_orientations),
        cmocka_unit_test(pictures_of_any_size_become_one),     cmocka_unit_test(presets_name_their_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
