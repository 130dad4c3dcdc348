/* CIFAR's binary files and CSV with a picture a line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "data/csv.h"
#include "data/reader.h"
#include "tests/lib/files.h"

static limn_status try_open(limn_dataset **d, limn_data_options o, const char *const *paths, size_t n) {
    char *list[4];
    for (size_t i = 0; i < n; i++) list[i] = (char *)(uintptr_t)paths[i];
    o.images = list;
    o.n_images = n;
    return limn_dataset_open(d, &o);
}

static limn_dataset *open_with(limn_data_options o, const char *path) {
    limn_dataset *d = NULL;
    if (try_open(&d, o, &path, 1) != LIMN_OK) fail_msg("%s", limn_message());
    return d;
}

static void refused(limn_data_options o, const char *path, const char *sentence) {
    limn_dataset *d = NULL;
    limn_status s = try_open(&d, o, &path, 1);
    if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("status %d, '%s' lacks '%s'", s, s ? limn_message() : "", sentence);
}

static const char *text(const char *name, const char *bytes) {
    return temp_file(name, bytes, strlen(bytes));
}

static const limn_data_options plain = LIMN_DATA_OPTIONS_INIT;

/* ---- CIFAR ------------------------------------------------------------------------------------------------------- */
static unsigned char pixel(size_t record, size_t k) {
    return (unsigned char)(record * 31 + k * 7 + k / 1024);
}

/* n records; label i is (5 i + 3) % 10, coarse i % 20, fine (37 i + 9) % 100. */
static const char *cifar(const char *name, size_t n, int labels, size_t first) {
    size_t step = 3072 + (size_t)labels;
    unsigned char *b = malloc(n * step);
    for (size_t i = 0; i < n; i++) {
        size_t r = i + first;
        b[i * step] = (unsigned char)(labels == 1 ? (5 * r + 3) % 10 : r % 20);
        if (labels == 2) b[i * step + 1] = (unsigned char)((37 * r + 9) % 100);
        for (size_t k = 0; k < 3072; k++) b[i * step + (size_t)labels + k] = pixel(r, k);
    }
    const char *path = temp_file(name, b, n * step);
    free(b);
    return path;
}

static void cifar_10_in_batches(void **state) {
    (void)state;
    limn_dataset *d = NULL;
    const char *paths[] = {cifar("c10/data_batch_1.bin", 3, 1, 0), cifar("c10/data_batch_2.bin", 2, 1, 3)};
    float x[3072];
    text("c10/batches.meta.txt", "airplane\nautomobile\r\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
    if (try_open(&d, plain, paths, 2) != LIMN_OK) fail_msg("%s", limn_message());
    assert_int_equal(limn_dataset_count(d), 5);
    assert_string_equal(limn_dataset_format(d), "CIFAR-10");
    assert_int_equal(limn_dataset_classes(d), 10);
    assert_string_equal(limn_dataset_class(d, 1), "automobile");
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(limn_dataset_label(d, i), (5 * i + 3) % 10);
        assert_int_equal(limn_dataset_raw(d, i, x), LIMN_OK);
        for (size_t k = 0; k < 3072; k++) assert_true(x[k] == pixel(i, k));
    }
    limn_dataset_free(d);
    limn_data_options o = plain;
    o.channels = 1;
    d = open_with(o, paths[0]);
    size_t C, H, W;
    limn_dataset_shape(d, &C, &H, &W);
    assert_int_equal(C * 10000 + H * 100 + W, 13232);
    limn_dataset_free(d);
    o = plain;
    o.labels = text("own.txt", "1\n0\n1\n");
    d = open_with(o, paths[0]);
    assert_int_equal(limn_dataset_label(d, 0), 1);
    assert_null(limn_dataset_class(d, 0));
    limn_dataset_free(d);
    text("c10/batches.meta.txt", "airplane\n");
    refused(plain, paths[0], "batches.meta.txt beside it has 1 names, where CIFAR-10 has 10 classes");
}

static void cifar_100_fine_and_coarse(void **state) {
    (void)state;
    limn_data_options o = plain;
    const char *path = cifar("c100/train.bin", 25, 2, 0);
    limn_dataset *d = open_with(o, path);
    assert_string_equal(limn_dataset_format(d), "CIFAR-100");
    for (size_t i = 0; i < 25; i++) assert_int_equal(limn_dataset_label(d, i), (37 * i + 9) % 100);
    limn_dataset_free(d);
    o.labels = ":coarse";
    d = open_with(o, path);
    for (size_t i = 0; i < 25; i++) assert_int_equal(limn_dataset_label(d, i), i % 20);
    limn_dataset_free(d);
    o.labels = ":rough";
    refused(o, path, "there are no labels 'rough' in CIFAR-100, but :coarse and :fine");
}

static void what_is_no_cifar(void **state) {
    (void)state;
    size_t n;
    const char *paths[] = {cifar("a.bin", 2, 1, 0), cifar("b.bin", 2, 2, 0)};
    limn_dataset *d = NULL;
    assert_int_equal(try_open(&d, plain, paths, 2), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "b.bin: it is no batch file of CIFAR-10, as "));
    unsigned char *b = read_whole(paths[0], &n);
    b[3073] = 10; /* a label that is none */
    refused(plain, temp_file("c.bin", b, n), "c.bin: it starts with the bytes ");
    free(b);
    /* an IDX file that is as long as a record, all its "labels" 0, stays IDX */
    unsigned char *idx = calloc(3073, 1);
    const unsigned char head[16] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0x0b, 0xf1};
    memcpy(idx, head, sizeof head);
    d = open_with(plain, temp_file("i", idx, 3073));
    assert_string_equal(limn_dataset_format(d), "IDX");
    limn_dataset_free(d);
    free(idx);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */
static void table_is(limn_data_options o, const char *path, const float *values, const int *labels, size_t rows,
                     size_t size) {
    float x[64];
    limn_dataset *d = open_with(o, path);
    assert_int_equal(limn_dataset_count(d), rows);
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(limn_dataset_raw(d, i, x), LIMN_OK);
        for (size_t k = 0; k < size; k++)
            if (x[k] != values[i * size + k]) fail_msg("%s: row %zu, value %zu is %g", path, i, k, (double)x[k]);
        assert_int_equal(limn_dataset_label(d, i), labels ? labels[i] : -1);
    }
    limn_dataset_free(d);
}

static void csv_with_a_label(void **state) {
    (void)state;
    static const float v[] = {1, 2, 3, 4, 250, 6, 7, 8};
    static const int l[] = {2, 0}, words[] = {1, 0};
    limn_data_options o = plain;
    table_is(o, text("a.csv", "label,p0,p1,p2,p3\n2,1,2,3,4\n0,250,6,7,8\n"), v, l, 2, 4);
    table_is(o, text("b.csv", "\"p0\";\"p1\";\"a;b\";p3;Class\r\n1;2;3;4;2\r\n\r\n\"250\";6; 7 ;8;0"), v, l, 2, 4);
    table_is(o, text("c.tsv", "1\t2\t3\t4\n250\t6\t7\t8\n"), v, NULL, 2, 4);
    table_is(o, text("d.csv", "dog,1,2,3,4\n\"c\"\"at\",250,6,7,8\n"), v, words, 2, 4);
    o.labels = ":kind";
    table_is(o, text("e.csv", "p0,p1,kind,p2,p3\n1,2,2,3,4\n250,6,0,7,8\n"), v, l, 2, 4);
    o.labels = ":-1";
    table_is(o, text("f.csv", "1,2,3,4,2\n250,6,7,8,0\n"), v, l, 2, 4);
    o.labels = ":0";
    table_is(o, text("g.csv", "2,1,2,3,4\n0,250,6,7,8\n"), v, l, 2, 4);
    o.label_base = LIMN_BASE_1;
    table_is(o, text("h.csv", "3,1,2,3,4\n1,250,6,7,8\n"), v, l, 2, 4);
    static const float half[] = {1.5f, -2.25f, 3, 4e3f};
    o = plain;
    table_is(o, text("i.csv", "1,5;-2,25;3;4e3\n"), half, NULL, 1, 4);
    limn_dataset *d = open_with(o, text("d.csv", "dog,1,2,3,4\ncat,250,6,7,8\n"));
    assert_string_equal(limn_dataset_class(d, 0), "cat");
    limn_dataset_free(d);
}

static void csv_with_a_shape(void **state) {
    (void)state;
    limn_data_options o = plain;
    size_t C, H, W;
    o.shape[0] = 3;
    o.shape[1] = 1;
    o.shape[2] = 2;
    limn_dataset *d = open_with(o, text("s.csv", "1,2,3,4,5,6\n7,8,9,10,11,12\n"));
    limn_dataset_shape(d, &C, &H, &W);
    assert_int_equal(C * 100 + H * 10 + W, 312);
    limn_dataset_free(d);
    refused(plain, temp_path("s.csv"), "6 values a sample are no square picture: `shape` must say how they lie");
    refused(plain, text("t.csv", "1,2,3,4,0\n1,2,3,4,1\n"),
            "t.csv: 5 values a sample are no square picture, but 4 are: is one the label? `labels: :COLUMN` names it");
    o.shape[2] = 3;
    refused(o, temp_path("s.csv"), "s.csv: shape is 3 x 1 x 3, but a sample has 6 values");
    o.shape[0] = 2, o.shape[1] = 1;
    refused(o, temp_path("s.csv"), "s.csv: shape has 2 channels, where 1, 3 or 4 can be");
}

static void bad_csv(void **state) {
    (void)state;
    limn_data_options o = plain;
    refused(o, text("x.csv", "1,2,3,4\n1,2,3\n"), "x.csv: it starts with the bytes");
    refused(o, text("x.csv", "1,2,3,4\n1,2,3,4\n1,2,3\n"), "x.csv:3: 3 fields, where the lines before have 4");
    refused(o, text("x.csv", "1,2,3,4\n1,2,3,4\n1,2,\x1b[2J,4\n"),
            "x.csv:3: field 3 is '?[2J', where a number is needed");
    refused(o, text("x.csv", "1,2,3,4\n1,2,3,4\n1,2,,4\n"), "x.csv:3: field 3 is '', where a number is needed");
    refused(o, text("x.csv", "1,2,3,4\n1,2,3,4\n1,2,\"3,4\n"), "x.csv:3: a quote does not end");
    refused(o, temp_file("x.csv", "1,2,3,4\n1,2,3,4\n1,2,\0,4\n", 24), "x.csv:3: it is no text");
    o.labels = ":absent";
    refused(o, text("x.csv", "a,b,c,d\n1,2,3,4\n"), "it has no column 'absent': its 4 columns have other names");
    o.labels = ":4";
    refused(o, text("x.csv", "1,2,3,4\n1,2,3,4\n"), "it has no column '4': its 4 columns have no names");
    o.labels = ":0";
    refused(o, text("x.csv", "-1,2,3,4,5\n1,2,3,4,6\n"), "x.csv: label 0 is -1, where a whole number");
}

static void numbers_in_quotes(void **state) {
    (void)state;
    limn_array a;
    const char good[] = "\"a\",\"b, c\"\n\"1\", \"2.5\" \n3,\"4\"\n", bad[] = "1,2\n1,\"2", odd[] = "1,2\n1,2\"3\"";
    assert_int_equal(limn_csv_parse(&a, good, sizeof good - 1, "x"), LIMN_OK);
    assert_int_equal(a.dim[0] * 10 + a.dim[1], 22);
    assert_true(limn_array_get(&a, 1) == 2.5 && limn_array_get(&a, 3) == 4);
    limn_array_clear(&a);
    assert_int_equal(limn_csv_parse(&a, bad, sizeof bad - 1, "x"), LIMN_EINPUT);
    assert_int_equal(limn_csv_parse(&a, odd, sizeof odd - 1, "x"), LIMN_EINPUT);
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
enum { MUTANTS = 300 }; /* a file; LIMN_MUTANTS raises it */

static void mutant(void *ctx, const unsigned char *bytes, size_t n) {
    limn_dataset *d = NULL;
    const char *path = temp_file(ctx, bytes, n);
    limn_status s = try_open(&d, plain, &path, 1);
    if (s != LIMN_OK) {
        assert_int_equal(s, LIMN_EINPUT);
        if (!strstr(limn_message(), path)) fail_msg("'%s' does not name the file", limn_message());
    }
    limn_dataset_free(d);
}

static void mutants_end_in_one_sentence(void **state) {
    (void)state;
    char all[4096] = "label,p0,p1,p2,p3\n";
    size_t n = strlen(all);
    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%d,%d,\"%d\",%d.5,%d\n", i % 3, i, 2 * i, 3 * i, 255 - i);
    mutants((unsigned char *)all, n, n, MUTANTS, 1, mutant, (char[]){"m.csv"});
    unsigned char *b = read_whole(cifar("m10.bin", 3, 1, 0), &n);
    mutants(b, n, n, MUTANTS, 2, mutant, (char[]){"m.bin"});
    free(b);
    b = read_whole(cifar("m100.bin", 3, 2, 0), &n);
    mutants(b, n, n, MUTANTS, 3, mutant, (char[]){"m.bin"});
    free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cifar_10_in_batches), cmocka_unit_test(cifar_100_fine_and_coarse),
        cmocka_unit_test(what_is_no_cifar),    cmocka_unit_test(csv_with_a_label),
        cmocka_unit_test(csv_with_a_shape),    cmocka_unit_test(bad_csv),
        cmocka_unit_test(numbers_in_quotes),   cmocka_unit_test(mutants_end_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
