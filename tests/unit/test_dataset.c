/* Data sets: every reader, labels, selection, preprocessing, and fingerprint. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/try.h"
#include "data/array.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/reader.h"
#include "tests/lib/datasets.h"
#include "tests/lib/files.h"

static void check_shape(const limn_dataset *d, size_t count, size_t C, size_t H, size_t W) {
    size_t c, h, w;
    limn_dataset_shape(d, &c, &h, &w);
    assert_int_equal(limn_dataset_count(d), count);
    assert_int_equal(c, C);
    assert_int_equal(h, H);
    assert_int_equal(w, W);
}

/* ---- arrays ------------------------------------------------------------------------------------------------------ */
static void idx_with_labels(void **state) {
    (void)state;
    char *const names[] = {(char[]){"no"}, (char[]){"yes"}};
    limn_data_options o = plain();
    o.labels = idx_labels("l", "\1\0\1", 3);
    limn_dataset *d = open_with(o, idx_images("i", 3, 2, 4));
    float x[8];
    check_shape(d, 3, 1, 2, 4);
    assert_string_equal(limn_dataset_format(d), "IDX");
    assert_int_equal(limn_dataset_classes(d), 2);
    assert_null(limn_dataset_class(d, 0));
    assert_null(limn_dataset_source(d, 0));
    assert_int_equal(limn_dataset_label(d, 0), 1);
    assert_int_equal(limn_dataset_label(d, 1), 0);
    assert_int_equal(limn_dataset_raw(d, 2, x), LIMN_OK);
    for (int p = 0; p < 8; p++) assert_true(x[p] == (float)(100 + p));
    limn_dataset_free(d);
    o.classes = names;
    o.n_classes = 2;
    d = open_with(o, temp_path("i"));
    assert_string_equal(limn_dataset_class(d, 1), "yes");
    assert_null(limn_dataset_class(d, 2));
    limn_dataset_free(d);
    o.labels = NULL;
    d = open_with(o, temp_path("i"));
    assert_int_equal(limn_dataset_label(d, 0), -1);
    assert_int_equal(limn_dataset_classes(d), 2);
    limn_dataset_free(d);
}

/* Element (n, c, y, x) of a picture set is 1000 n + 100 c + 10 y + x, in whichever order it lies. */
static void npy_layouts(void **state) {
    (void)state;
    static const struct {
        size_t dim[4];
        int rank, nchw;
        size_t C, H, W;
    } cases[] = {{{2, 4, 5}, 3, 0, 1, 4, 5},    {{2, 4, 5, 3}, 4, 0, 3, 4, 5}, {{2, 3, 4, 5}, 4, 1, 3, 4, 5},
                 {{2, 1, 4, 5}, 4, 1, 1, 4, 5}, {{2, 3, 5, 3}, 4, 0, 3, 3, 5}, {{2, 4, 4, 1}, 4, 0, 1, 4, 4},
                 {{2, 4, 5, 6}, 4, 1, 4, 5, 6}};
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        float all[512], raw[256];
        size_t C = cases[k].C, H = cases[k].H, W = cases[k].W, at = 0;
        for (size_t n = 0; n < 2; n++) {
            for (size_t i = 0; i < C * H * W; i++) {
                size_t c = cases[k].nchw ? i / (H * W) : i % C, p = cases[k].nchw ? i % (H * W) : i / C;
                all[at++] = (float)(1000 * n + 100 * c + 10 * (p / W) + p % W);
            }
        }
        assert_int_equal(limn_npy_write(temp_path("a.npy"), all, cases[k].dim, cases[k].rank), LIMN_OK);
        limn_dataset *d = open_with(plain(), temp_path("a.npy"));
        check_shape(d, 2, C, H, W);
        assert_int_equal(limn_dataset_raw(d, 1, raw), LIMN_OK);
        for (size_t i = 0; i < C * H * W; i++)
            assert_true(raw[i] == (float)(1000 + 100 * (i / (H * W)) + 10 * (i / W % H) + i % W));
        limn_dataset_free(d);
    }
}

static void channels_are_converted(void **state) {
    (void)state;
    const float rgb[] = {1, 2, 3, 4, 5, 6}; /* (1, 1, 2, 3) */
    float raw[6];
    limn_data_options o = plain();
    assert_int_equal(limn_npy_write(temp_path("rgb.npy"), rgb, (size_t[]){1, 1, 2, 3}, 4), LIMN_OK);
    o.channels = 1;
    limn_dataset *d = open_with(o, temp_path("rgb.npy"));
    check_shape(d, 1, 1, 1, 2);
    assert_int_equal(limn_dataset_raw(d, 0, raw), LIMN_OK);
    assert_true(raw[0] == (float)(0.299 * 1 + 0.587 * 2 + 0.114 * 3)); /* floats are not rounded */
    limn_dataset_free(d);
    o.channels = 3;
    d = open_with(o, idx_images("gray", 2, 1, 2));
    check_shape(d, 2, 3, 1, 2);
    assert_int_equal(limn_dataset_raw(d, 1, raw), LIMN_OK);
    for (int i = 0; i < 6; i++) assert_true(raw[i] == (float)(50 + i % 2));
    limn_dataset_free(d);
    d = open_with(plain(), picture("rgb.png", 2, 1, 3, 200));
    check_shape(d, 1, 3, 1, 2);
    limn_dataset_free(d);
    o.channels = 1;
    d = open_with(o, temp_path("rgb.png"));
    assert_int_equal(limn_dataset_raw(d, 0, raw), LIMN_OK);
    assert_true(raw[0] == (float)limn_luma(200, 201, 202) && raw[1] == (float)limn_luma(203, 204, 205));
    limn_dataset_free(d);
    o.channels = 2;
    refused(o, temp_path("gray"), "gray: its pictures have 1 channel, of which 2 cannot be made");
    refused(o, temp_path("rgb.png"), "a picture becomes gray (1 channel) or RGB (3), but 2 are wanted");
}

static void preprocessing(void **state) {
    (void)state;
    limn_data_options o = plain();
    float x[16];
    o.pre.scale = 1.0 / 255;
    limn_dataset *d = open_with(o, idx_images("i", 1, 16, 16));
    float all[256];
    assert_int_equal(limn_dataset_batch(d, 0, 1, all), LIMN_OK);
    for (int v = 0; v < 256; v++) assert_true(all[v] == (float)v / 255.0f); /* what Keras's x / 255 gives */
    limn_dataset_free(d);
    const float rgb[] = {1, 2, 3, 4, 5, 6};
    assert_int_equal(limn_npy_write(temp_path("rgb.npy"), rgb, (size_t[]){2, 1, 1, 3}, 4), LIMN_OK);
    o.pre.scale = 2;
    o.pre.mean[0] = 1, o.pre.mean[1] = -1, o.pre.mean[2] = 0.5;
    o.pre.std[0] = 4, o.pre.std[1] = 0.5;
    d = open_with(o, temp_path("rgb.npy"));
    assert_int_equal(limn_dataset_batch(d, 0, 2, x), LIMN_OK);
    const float expect[] = {0.25f, 10, 5.5f, 1.75f, 22, 11.5f};
    assert_memory_equal(x, expect, sizeof expect);
    assert_int_equal(limn_dataset_raw(d, 1, x), LIMN_OK);
    assert_true(x[0] == 4); /* raw stays raw */
    limn_dataset_free(d);
    o.pre.std[1] = 0;
    refused(o, temp_path("rgb.npy"),
            "preprocess: channel 1 has mean -1 and std 0, where a number and a number above 0");
    o.pre.scale = 0;
    refused(o, temp_path("rgb.npy"), "preprocess: scale is 0, where a number other than 0 is needed");
}

static void not_finite_values_are_named(void **state) {
    (void)state;
    float x[2 * 6] = {0}, out[12];
    char expect[600];
    x[6 + 4] = NAN;
    assert_int_equal(limn_npy_write(temp_path("nan.npy"), x, (size_t[]){2, 2, 3}, 3), LIMN_OK);
    limn_dataset *d = open_with(plain(), temp_path("nan.npy"));
    assert_int_equal(limn_dataset_batch(d, 0, 1, out), LIMN_OK);
    assert_int_equal(limn_dataset_batch(d, 0, 2, out), LIMN_EFAIL);
    snprintf(expect, sizeof expect, "%s: sample 1 (item 1) holds NaN at channel 0, row 1, column 1",
             temp_path("nan.npy"));
    assert_string_equal(limn_message(), expect);
    unsigned char *png;
    size_t n;
    assert_int_equal(limn_dataset_png(d, 1, &png, &n), LIMN_EFAIL);
    limn_dataset_free(d);
    x[6 + 4] = -INFINITY;
    assert_int_equal(limn_npy_write(temp_path("nan.npy"), x, (size_t[]){2, 2, 3}, 3), LIMN_OK);
    d = open_with(plain(), temp_path("nan.npy"));
    assert_int_equal(limn_dataset_batch(d, 1, 1, out), LIMN_EFAIL);
    assert_non_null(strstr(limn_message(), "holds an infinity"));
    limn_dataset_free(d);
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */
static void picture_files_and_folders(void **state) {
    (void)state;
    float raw[4];
    char *two[] = {(char[512]){0}, (char[512]){0}};
    limn_data_options o = plain();
    strcpy(two[0], picture("p/b.png", 2, 2, 1, 10));
    strcpy(two[1], picture("p/a.PNG", 2, 2, 1, 20));
    text("p/notes.txt", "not a picture");
    text("p/.hidden.png", "not a picture");
    limn_dataset *d = open_with(o, two[0]);
    check_shape(d, 1, 1, 2, 2);
    assert_string_equal(limn_dataset_source(d, 0), two[0]);
    assert_string_equal(limn_dataset_format(d), "PNG");
    limn_dataset_free(d);
    o.images = two;
    o.n_images = 2;
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_OK); /* in the order given */
    assert_string_equal(limn_dataset_source(d, 1), two[1]);
    limn_dataset_free(d);
    d = open_with(plain(), temp_path("p")); /* sorted */
    check_shape(d, 2, 1, 2, 2);
    assert_string_equal(limn_dataset_format(d), "folder of PNG");
    assert_string_equal(limn_dataset_source(d, 0), two[1]);
    assert_int_equal(limn_dataset_label(d, 0), -1);
    assert_int_equal(limn_dataset_classes(d), 0);
    assert_int_equal(limn_dataset_raw(d, 0, raw), LIMN_OK);
    assert_true(raw[0] == 20 && raw[3] == 23);
    limn_dataset_free(d);
}

static void one_folder_a_class(void **state) {
    (void)state;
    limn_data_options o = plain();
    char *const names[] = {(char[]){"zero"}, (char[]){"one"}, (char[]){"two"}};
    picture("c/dog/1.png", 3, 2, 1, 1);
    picture("c/cat/9.png", 3, 2, 1, 2);
    picture("c/cat/10.png", 3, 2, 3, 3);
    mkdir(temp_path("c/eel"), 0777);
    text("c/README", "three classes");
    text("c/.git/x.png", "hidden");
    limn_dataset *d = open_with(o, temp_path("c/"));
    check_shape(d, 3, 3, 2, 3); /* the first picture is RGB: the gray ones become it */
    assert_string_equal(limn_dataset_format(d), "folders of PNG");
    assert_int_equal(limn_dataset_classes(d), 3);
    assert_string_equal(limn_dataset_class(d, 0), "cat");
    assert_string_equal(limn_dataset_class(d, 2), "eel");
    assert_string_equal(limn_dataset_source(d, 0), temp_path("c/cat/10.png"));
    assert_int_equal(limn_dataset_label(d, 1), 0);
    assert_int_equal(limn_dataset_label(d, 2), 1);
    limn_dataset_free(d);
    o.classes = names;
    o.n_classes = 3;
    d = open_with(o, temp_path("c"));
    assert_string_equal(limn_dataset_class(d, 1), "one");
    limn_dataset_free(d);
    o.n_classes = 2;
    refused(o, temp_path("c"), "c: it has 3 class folders, but 2 class names are given");
    o.n_classes = 0;
    o.labels = text("c.txt", "5\n0\n1\n"); /* a label file overrules the folders */
    d = open_with(o, temp_path("c"));
    assert_int_equal(limn_dataset_label(d, 0), 5);
    assert_int_equal(limn_dataset_classes(d), 6);
    assert_null(limn_dataset_class(d, 0));
    limn_dataset_free(d);
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */
static void labels_are(const char *path, const int *expect, size_t n) {
    data_labels l;
    if (data_labels_read(&l, path, LIMN_BASE_AUTO) != LIMN_OK) fail_msg("%s", limn_message());
    assert_int_equal(l.n, n);
    assert_memory_equal(l.label, expect, n * sizeof *l.label);
    data_labels_clear(&l);
}

static void labels_from_every_kind_of_file(void **state) {
    (void)state;
    const int expect[] = {3, 0, 12};
    labels_are(text("l.txt", "3\n0\n12\n"), expect, 3);
    labels_are(text("l.txt", "label\r\n3\r\n\r\n 0 \r\n12"), expect, 3);
    labels_are(text("l.csv", "\"label\"\n3\n0\n12\n\n"), expect, 3);
    labels_are(idx_labels("l.idx", "\3\0\x0c", 3), expect, 3);
    assert_int_equal(limn_npy_write(temp_path("l.npy"), (float[]){3, 0, 12}, (size_t[]){3, 1}, 2), LIMN_OK);
    labels_are(temp_path("l.npy"), expect, 3);
    gzFile z = gzopen(temp_path("l.gz"), "wb");
    gzputs(z, "3\n0\n12\n");
    gzclose(z);
    labels_are(temp_path("l.gz"), expect, 3);
    /* longer than the reader's chunk, so that numbers lie across its border */
    char *many = malloc(5000 * 6 + 1), *p = many;
    int *value = malloc(5000 * sizeof *value);
    for (int i = 0; i < 5000; i++) p += sprintf(p, "%d\n", value[i] = 7 * i);
    labels_are(text("many.txt", many), value, 5000);
    free(many);
    free(value);
}

static void bad_labels(void **state) {
    (void)state;
    limn_data_options o = plain();
    char *const names[] = {(char[]){"zero"}, (char[]){"one"}};
    const char *images = idx_images("i", 3, 2, 2);
    o.labels = idx_labels("l", "\0\1", 2);
    refused(o, images, "l: it has 2 labels, but ");
    refused(o, images, "i has 3 images");
    o.labels = idx_labels("l", "\0\1\1\0", 4);
    refused(o, images, "l: it has 4 labels, but ");
    o.labels = idx_labels("l", "\0\1\2", 3);
    o.classes = names;
    o.n_classes = 2;
    refused(o, images, "l: label 2 is 2, but there are 2 classes (0 to 1)");
    o.labels = text("l.txt", "0\ntwo\n1\n");
    refused(o, images, "l.txt:2: 'two' is not a label: a whole number from 0 to 1048575 is needed");
    o.labels = text("l.txt", "0\n-1\n1\n");
    refused(o, images, "l.txt:2: '-1' is not a label");
    o.labels = text("l.txt", "0\n1.5\n1\n");
    refused(o, images, "l.txt:2: '1.5' is not a label");
    o.labels = text("l.txt", "0\n1048576\n1\n");
    refused(o, images, "l.txt:2: '1048576' is not a label");
    o.labels = text("l.txt", "0 1 1\n");
    refused(o, images, "l.txt:1: '0 1 1' is not a label");
    o.labels = text("l.txt", "\n\n");
    refused(o, images, "l.txt: there is no label in it");
    o.labels = text("l.txt", "0\n00000000000000000000000000000000000000000000000000000000000000000000000000\n");
    refused(o, images, "l.txt:2: this is not a line of a label file");
    o.labels = text("l.txt", "");
    refused(o, images, "l.txt: it is empty");
    o.labels = "absent.txt";
    refused(o, images, "absent.txt: cannot be opened: No such file or directory");
    o.labels = temp_path("l.npy");
    assert_int_equal(limn_npy_write(o.labels, (float[]){0, 0.5f, 1}, (size_t[]){3}, 1), LIMN_OK);
    refused(o, images, "l.npy: label 1 is 0.5, where a whole number from 0 to 1048575 is needed");
    assert_int_equal(limn_npy_write(o.labels, (float[]){0, NAN, 1}, (size_t[]){3}, 1), LIMN_OK);
    refused(o, images, "l.npy: label 1 is nan");
    assert_int_equal(limn_npy_write(o.labels, (float[]){0, 1, 1}, (size_t[]){1, 3}, 2), LIMN_OK);
    refused(o, images, "l.npy: labels with 2 dimensions, where one number an image is needed");
}

/* ---- selection --------------------------------------------------------------------------------------------------- */
static void selection_is(limn_data_options o, const char *expect) {
    char got[256] = "";
    limn_dataset *d = open_with(o, temp_path("ten"));
    for (size_t i = 0; i < limn_dataset_count(d); i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%zu ", limn_dataset_index(d, i));
    limn_dataset_free(d);
    assert_string_equal(got, expect);
}

static void selection_follows_its_order(void **state) {
    (void)state;
    limn_data_options o = plain();
    idx_images("ten", 10, 1, 1);
    o.labels = idx_labels("l", "\0\0\0\1\1\1\0\0\2\2", 10);
    selection_is(o, "0 1 2 3 4 5 6 7 8 9 ");
    o.limit = 4;
    selection_is(o, "0 1 2 3 ");
    o.limit = 100;
    selection_is(o, "0 1 2 3 4 5 6 7 8 9 ");
    o.limit = 0;
    o.every = 3;
    selection_is(o, "0 3 6 9 ");
    o.per_class = 1;
    selection_is(o, "0 3 9 "); /* 6 is a second 0 */
    o.limit = 2;
    selection_is(o, "0 3 ");
    o.every = 1;
    o.limit = 0;
    o.per_class = 2;
    selection_is(o, "0 1 3 4 8 9 ");
    o.every = SIZE_MAX;
    selection_is(o, "0 ");
    o.every = o.per_class = 0;
    o.shuffle = 1;
    o.seed = 7;
    selection_is(o, "7 3 2 5 0 6 8 9 1 4 ");
    o.limit = 3;
    selection_is(o, "7 3 2 ");
    o.seed = 8;
    limn_dataset *d = open_with(o, temp_path("ten"));
    float x;
    for (size_t i = 0; i < 3; i++) { /* labels and values follow */
        size_t item = limn_dataset_index(d, i);
        assert_int_equal(limn_dataset_label(d, i), "\0\0\0\1\1\1\0\0\2\2"[item]);
        assert_int_equal(limn_dataset_raw(d, i, &x), LIMN_OK);
        assert_true(x == (float)(item * 50 % 256));
    }
    limn_dataset_free(d);
    o.labels = NULL;
    o.per_class = 1;
    refused(o, temp_path("ten"), "ten: per_class needs labels, and there are none");
}

/* ---- fingerprint ------------------------------------------------------------------------------------------------- */
static void print_of(char to[65], limn_data_options o, const char *path) {
    limn_dataset *d = open_with(o, path);
    memcpy(to, limn_dataset_fingerprint(d), 65);
    limn_dataset_free(d);
    assert_int_equal(strlen(to), 64);
}

static void fingerprints_depend_on_content_alone(void **state) {
    (void)state;
    char a[65], b[65];
    size_t n;
    limn_data_options o = plain();
    const char *labels = idx_labels("l", "\0\1\0", 3);
    o.labels = labels;
    print_of(a, o, idx_images("i", 3, 2, 2));
    /* made by Python's hashlib after the description in fingerprint.c */
    assert_string_equal(a, "a89b5fc23d092dc325c0a56883e1ad6feb3d207bde76a5a744a0b0a10bb95f3b");
    unsigned char *p = read_whole(temp_path("i"), &n);
    gzFile z = gzopen(temp_path("i.gz"), "wb");
    gzwrite(z, p, (unsigned)n);
    gzclose(z);
    free(p);
    print_of(b, o, temp_path("i.gz"));
    assert_string_equal(a, b); /* gzip or not */
    float x[12];
    for (int i = 0; i < 12; i++) x[i] = (float)(i / 4 * 50 + i % 4);
    assert_int_equal(limn_npy_write(temp_path("i.npy"), x, (size_t[]){3, 2, 2}, 3), LIMN_OK);
    print_of(b, o, temp_path("i.npy"));
    assert_string_equal(a, b); /* bytes or floats */
    picture("fp/1.png", 2, 2, 1, 0);
    picture("fp/2.png", 2, 2, 1, 50);
    picture("fp/3.png", 2, 2, 1, 100);
    print_of(b, o, temp_path("fp"));
    assert_string_equal(a, b); /* pictures */
    o.threads = 1;
    print_of(b, o, temp_path("i"));
    assert_string_equal(a, b); /* any number of threads */
    o.pre.scale = 0.5;
    print_of(b, o, temp_path("i"));
    assert_string_equal(a, b); /* preprocessing is not data */
    o.limit = 2;
    print_of(b, o, temp_path("i"));
    assert_string_not_equal(a, b);
    o.limit = 0;
    o.labels = NULL;
    print_of(b, o, temp_path("i"));
    assert_string_not_equal(a, b);
    o.labels = idx_labels("l2", "\0\1\1", 3);
    print_of(b, o, temp_path("i"));
    assert_string_not_equal(a, b);
    o.labels = labels;
    o.channels = 3;
    print_of(b, o, temp_path("i"));
    assert_string_not_equal(a, b);
    o.channels = 0;
    x[11] += 1;
    assert_int_equal(limn_npy_write(temp_path("i.npy"), x, (size_t[]){3, 2, 2}, 3), LIMN_OK);
    print_of(b, o, temp_path("i.npy"));
    assert_string_not_equal(a, b);
}

static void fingerprints_of_many_chunks_at_any_thread_count(void **state) {
    (void)state;
    char first[65], b[65];
    limn_data_options o = plain();
    idx_images("many", 1000, 4, 4);
    float x[130];
    for (int i = 0; i < 65; i++) x[2 * i] = (float)i + 0.5f, x[2 * i + 1] = (float)-i;
    assert_int_equal(limn_npy_write(temp_path("two.npy"), x, (size_t[]){65, 1, 2}, 3), LIMN_OK);
    print_of(b, o, temp_path("two.npy"));
    assert_string_equal(b, "814cfd0e65019129d3c961a32fec437a9c20f0d892d0cb2d22690c4c4a59e19f"); /* hashlib */
    for (o.threads = 1; o.threads <= 8; o.threads++) {
        print_of(o.threads == 1 ? first : b, o, temp_path("many"));
        if (o.threads > 1) assert_string_equal(first, b);
    }
}

/* ---- pictures of samples ----------------------------------------------------------------------------------------- */
static void png_is(const float *x, const unsigned char *expect) {
    unsigned char *png;
    size_t n;
    limn_image m;
    assert_int_equal(limn_npy_write(temp_path("f.npy"), x, (size_t[]){1, 1, 3}, 3), LIMN_OK);
    limn_dataset *d = open_with(plain(), temp_path("f.npy"));
    assert_int_equal(limn_dataset_png(d, 0, &png, &n), LIMN_OK);
    assert_int_equal(limn_image_parse(&m, png, n, "png"), LIMN_OK);
    assert_memory_equal(m.pixels, expect, 3);
    limn_image_clear(&m);
    free(png);
    limn_dataset_free(d);
}

static void samples_as_png(void **state) {
    (void)state;
    unsigned char *png;
    size_t n;
    limn_image m;
    limn_dataset *d = open_with(plain(), idx_images("i", 1, 2, 3));
    assert_int_equal(limn_dataset_png(d, 0, &png, &n), LIMN_OK);
    assert_int_equal(limn_image_parse(&m, png, n, "png"), LIMN_OK);
    assert_int_equal(m.w, 3);
    assert_memory_equal(m.pixels, "\0\1\2\3\4\5", 6); /* bytes stay, even where none is above 1 */
    limn_image_clear(&m);
    free(png);
    limn_dataset_free(d);
    png_is((float[]){0, 0.5f, 1}, (unsigned char[]){0, 128, 255});
    png_is((float[]){0, 2, 254.6f}, (unsigned char[]){0, 2, 255});
    png_is((float[]){-1, 0, 1}, (unsigned char[]){0, 128, 255});
    png_is((float[]){0, 510, 255}, (unsigned char[]){0, 255, 128});
    png_is((float[]){-7, -7, -7}, (unsigned char[]){0, 0, 0});
    d = open_with(plain(), picture("rgb.png", 3, 2, 3, 100));
    assert_int_equal(limn_dataset_png(d, 0, &png, &n), LIMN_OK);
    assert_int_equal(limn_image_parse(&m, png, n, "png"), LIMN_OK);
    assert_int_equal(m.channels, 3);
    for (int i = 0; i < 18; i++) assert_int_equal(m.pixels[i], 100 + i);
    limn_image_clear(&m);
    free(png);
    limn_dataset_free(d);
}

/* ---- description ------------------------------------------------------------------------------------------------- */
static int collect(void *ctx, const char *s, size_t n) {
    char *to = ctx;
    size_t used = strlen(to);
    if (used + n >= 4096) return 1;
    memcpy(to + used, s, n);
    to[used + n] = '\0';
    return 0;
}

static int broken(void *ctx, const char *s, size_t n) {
    (void)ctx, (void)s, (void)n;
    return 1;
}

static void described(void **state) {
    (void)state;
    char said[4096] = "";
    char *const names[] = {(char[]){"a \"b\""}, (char[]){"\x1b[2J"}};
    limn_data_options o = plain();
    o.labels = idx_labels("l", "\0\1\0", 3);
    o.classes = names;
    o.n_classes = 2;
    limn_dataset *d = open_with(o, idx_images("i", 3, 2, 2));
    assert_int_equal(limn_dataset_describe(d, LIMN_TABLE, collect, said), LIMN_OK);
    assert_non_null(strstr(said,
                           "format       IDX\nsamples      3\nshape        1 x 2 x 2 (channels x height x width)\n"
                           "values       0 to 103\n"));
    assert_non_null(strstr(said, "classes      2\nclass 0      2  a \"b\"\nclass 1      1  ?[2J\n"));
    said[0] = '\0';
    assert_int_equal(limn_dataset_describe(d, LIMN_CSV, collect, said), LIMN_OK);
    assert_non_null(strstr(said, "key,value\nformat,\"IDX\"\nsamples,\"3\"\n"));
    assert_non_null(strstr(said, "class 0,\"2  a \"\"b\"\"\"\n"));
    said[0] = '\0';
    assert_int_equal(limn_dataset_describe(d, LIMN_JSON, collect, said), LIMN_OK);
    assert_non_null(strstr(said, "\"a \\\"b\\\"\""));
    assert_non_null(strstr(said, "\"max\":\t103"));
    assert_int_equal(limn_dataset_describe(d, LIMN_JSON, broken, NULL), LIMN_EFAIL);
    assert_int_equal(limn_dataset_describe(d, LIMN_TABLE, broken, NULL), LIMN_EFAIL);
    limn_dataset_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_with_labels),
        cmocka_unit_test(npy_layouts),
        cmocka_unit_test(channels_are_converted),
        cmocka_unit_test(preprocessing),
        cmocka_unit_test(not_finite_values_are_named),
        cmocka_unit_test(picture_files_and_folders),
        cmocka_unit_test(one_folder_a_class),
        cmocka_unit_test(labels_from_every_kind_of_file),
        cmocka_unit_test(bad_labels),
        cmocka_unit_test(selection_follows_its_order),
        cmocka_unit_test(fingerprints_depend_on_content_alone),
        cmocka_unit_test(fingerprints_of_many_chunks_at_any_thread_count),
        cmocka_unit_test(samples_as_png),
        cmocka_unit_test(described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
