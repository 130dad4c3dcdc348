/* Sources of pictures: tar archives of every kind, file lists, folders; what of them harms or is wrong; damaged ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/dataset.h"
#include "data/pictures.h"
#include "data/tar.h"
#include "tests/lib/datasets.h"
#include "tests/lib/files.h"

/* ---- making archives --------------------------------------------------------------------------------------------- */
enum { ROOM = 1 << 16 };
static unsigned char archive[ROOM];
static size_t used;

static void checksum(unsigned char *h) {
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (int i = 0; i < TAR_BLOCK; i++) sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
}

/* Appends a member; ustar where `prefix` is not NULL. */
static unsigned char *member(const char *prefix, const char *name, char type, const void *body, size_t n) {
    unsigned char *h = archive + used;
    assert_true(used + 2 * TAR_BLOCK + n < ROOM);
    memset(h, 0, TAR_BLOCK + (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
    memcpy(h, name, strlen(name) < 100 ? strlen(name) : 100);
    snprintf((char *)h + 124, 12, "%011zo", n);
    h[156] = (unsigned char)type;
    if (prefix) {
        memcpy(h + 257, "ustar\00000", 8);
        memcpy(h + 345, prefix, strlen(prefix));
    }
    checksum(h);
    if (n) memcpy(h + TAR_BLOCK, body, n);
    used += TAR_BLOCK + (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    return h;
}

/* A gray picture of 2 x 2 whose values begin with v. */
static const unsigned char *pgm(int v) {
    static unsigned char b[16];
    memcpy(b, "P5 2 2 255 ", 11);
    for (int i = 0; i < 4; i++) b[11 + i] = (unsigned char)(v + i);
    return b;
}
enum { PGM = 15 };

static void file(const char *name, int v) {
    member(NULL, name, '0', pgm(v), PGM);
}

/* What was made, and an empty archive again; the end's two blocks with it. */
static const char *tar_file(const char *name) {
    memset(archive + used, 0, 1024);
    const char *path = temp_file(name, archive, used + 1024);
    used = 0;
    return path;
}

static const char *tar_gzip(const char *name) {
    memset(archive + used, 0, 1024);
    gzFile f = gzopen(temp_file(name, "", 0), "wb");
    assert_int_equal(gzwrite(f, archive, (unsigned)used + 1024), (int)used + 1024);
    gzclose(f);
    used = 0;
    return temp_path(name);
}

static void holds(const limn_dataset *d, size_t i, int v, int label, const char *source) {
    float x[4];
    assert_int_equal(limn_dataset_raw(d, i, x), LIMN_OK);
    for (int p = 0; p < 4; p++) assert_true(x[p] == (float)(v + p));
    assert_int_equal(limn_dataset_label(d, i), label);
    const char *s = limn_dataset_source(d, i);
    size_t n = strlen(s), m = strlen(source);
    if (n < m || strcmp(s + n - m, source) != 0) fail_msg("%s does not end in %s", s, source);
}

/* ---- tar --------------------------------------------------------------------------------------------------------- */
static void classes_of_a_tar(void **state) {
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        member(NULL, "./set/", '5', NULL, 0);
        file("./set/dog/b.pgm", 10);
        member(NULL, "./set/readme.txt", '0', "no picture", 10);
        file("./set/cat/deep/z.pgm", 30);
        file("./set/cat/a.PGM", 20);
        file("./set/cat/.hidden.pgm", 90);
        limn_dataset *d = open_with(plain(), gzip ? tar_gzip("t.tar.gz") : tar_file("t.tar"));
        assert_string_equal(limn_dataset_format(d), gzip ? "tar (gzip) of PNM" : "tar of PNM");
        assert_int_equal(limn_dataset_count(d), 3);
        assert_int_equal(limn_dataset_classes(d), 2);
        assert_string_equal(limn_dataset_class(d, 0), "cat");
        assert_string_equal(limn_dataset_class(d, 1), "dog");
        holds(d, 0, 20, 0, ":set/cat/a.PGM");
        holds(d, 1, 30, 0, ":set/cat/deep/z.pgm");
        holds(d, 2, 10, 1, ":set/dog/b.pgm");
        limn_dataset_free(d);
    }
    file("x/2.pgm", 2);
    file("x/1.pgm", 1);
    limn_dataset *d = open_with(plain(), tar_file("flat.tar"));
    holds(d, 0, 1, -1, ":x/1.pgm");
    holds(d, 1, 2, -1, ":x/2.pgm");
    limn_dataset_free(d);
}

static void every_kind_of_tar(void **state) {
    (void)state;
    char long_name[200], record[256], body[300];
    memset(long_name, 'n', sizeof long_name);
    memcpy(long_name, "c/", 2);
    memcpy(long_name + 190, ".pgm", 5);
    member("in/front", "ustar.pgm", '0', pgm(1), PGM);
    member(NULL, "././@LongLink", 'L', long_name, 195); /* GNU */
    member(NULL, "cut", '0', pgm(2), PGM);
    snprintf(record, sizeof record, "path=d/%.*s", 150, long_name + 5);
    int n = snprintf(body, sizeof body, "%zu %s.pgm\n11 size=15\n", strlen(record) + 9, record);
    member(NULL, "pax", 'x', body, (size_t)n);
    unsigned char *h = member(NULL, "short.txt", '0', pgm(3), PGM);
    memcpy(h + 124, "00000000000", 12); /* the record's size counts */
    checksum(h);
    member(NULL, "global", 'g', "18 comment=hello\n", 17);
    h = member(NULL, "a/base256.pgm", '\0', pgm(4), PGM);
    memcpy(h + 124, "\200\0\0\0\0\0\0\0\0\0\0\017", 12);
    checksum(h);
    limn_dataset *d = open_with(plain(), tar_file("kinds.tar"));
    assert_int_equal(limn_dataset_count(d), 4);
    holds(d, 0, 4, 0, ":a/base256.pgm");
    holds(d, 1, 2, 1, long_name);
    holds(d, 2, 3, 2, "nnn.pgm");
    holds(d, 3, 1, 3, ":in/front/ustar.pgm");
    limn_dataset_free(d);
}

/* Nothing is written under an archive's names, so that those that lead out are names as any other. */
static void names_lead_nowhere(void **state) {
    (void)state;
    char outside[600];
    snprintf(outside, sizeof outside, "%s/../outside.pgm", temp_folder());
    file("/../outside.pgm", 1);
    file("/../e\033scape.pgm", 5);
    limn_dataset *d = open_with(plain(), tar_file("out.tar"));
    holds(d, 0, 5, -1, ":../e?scape.pgm");
    holds(d, 1, 1, -1, ":../outside.pgm");
    limn_dataset_free(d);
    assert_int_equal(access(outside, F_OK), -1);
}

static void bad_tars(void **state) {
    (void)state;
    unsigned char *h;
    file("a.pgm", 1);
    member(NULL, "b.pgm", '2', NULL, 0);
    refused(plain(), tar_file("t.tar"), "t.tar:b.pgm: it is a link, where a file is needed");
    file("a.pgm", 1);
    file("./a.pgm", 2);
    refused(plain(), tar_file("t.tar"), "t.tar: it holds a.pgm twice");
    file("a.pgm", 1);
    file("c/b.pgm", 2);
    refused(plain(), tar_file("t.tar"),
            "t.tar: some pictures are in folders (c/b.pgm: classes) and some are not (a.pgm)");
    file("a.txt", 1);
    refused(plain(), tar_file("t.tar"), "t.tar: there is no .png, .jpg");
    file("a.webp", 1);
    refused(plain(), tar_file("t.tar"), "t.tar:a.webp: a picture of a format that is not read");
    member(NULL, "a.png", '0', "nothing", 7);
    refused(plain(), tar_file("t.tar"), "t.tar:a.png: it is none of PNG, JPEG, PGM and PPM, by its first bytes");
    file("a.pgm", 1);
    member(NULL, "b.pgm", '0', "", 0);
    refused(plain(), tar_file("t.tar"), "t.tar:b.pgm: it is empty");
    file("a.pgm", 1);
    h = member(NULL, "b.pgm", '0', pgm(2), PGM);
    h[0] = 'c';
    refused(plain(), tar_file("t.tar"),
            "t.tar: the tar archive is damaged at byte 1536: the checksum of a header is wrong");
    file("a.pgm", 1);
    h = member(NULL, "b.pgm", '0', pgm(2), PGM);
    memcpy(h + 124, "77777777777", 12); /* 8 GiB */
    checksum(h);
    refused(plain(), tar_file("t.tar"), "t.tar:b.pgm: it has 8589934591 bytes, more than the 268435456 that a picture");
    h = member(NULL, "b.txt", '0', pgm(2), PGM);
    memcpy(h + 124, "77777777777", 12);
    checksum(h);
    refused(plain(), tar_file("t.tar"), "t.tar: the tar archive is cut short in a member");
    h = member(NULL, "long", 'L', "x", 1);
    memcpy(h + 124, "77777777777", 12);
    checksum(h);
    refused(plain(), tar_file("t.tar"), "a header of a member is too long");
    h = member(NULL, "a.pgm", '0', pgm(2), PGM);
    memset(h + 124, 0xff, 12); /* a negative number in base 256 */
    checksum(h);
    refused(plain(), tar_file("t.tar"), "the size of a member");
    static const char *const records[] = {"99 path=a\n", "8 path=a\n",     "path=a\n",
                                          "0 \n",        "12 size=many\n", "3 \n5 \n"};
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        member(NULL, "pax", 'x', records[i], strlen(records[i]));
        file("a.pgm", 1);
        refused(plain(), tar_file("t.tar"), "a pax header");
    }
    file("a.pgm", 1);
    used = 700; /* in the middle of the body */
    const char *cut = temp_file("t.tar", archive, used);
    used = 0;
    refused(plain(), cut, "t.tar: the tar archive is cut short in a member");
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */
static void pictures_to_list(void) {
    picture("l/a b.png", 2, 2, 1, 10);
    picture("l/x.png", 2, 2, 1, 20);
    picture("l/sub/c,d.png", 2, 2, 1, 30);
}

static void lists(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int labels[3];
        const char *name; /* of class 0 */
    } cases[] = {
        {"x.png\na b.png\nsub/c,d.png", {-1, -1, -1}, NULL}, /* refused below: c,d */
        {"x.png,1\r\na b.png,0\r\n\r\n\"sub/c,d.png\",2\r\n", {1, 0, 2}, NULL},
        {"\xef\xbb\xbfpath,label\nx.png,dog\n\"a b.png\" , cat\n\"sub/c,d.png\",dog\n", {1, 0, 1}, "cat"},
        {"x.png\t3\na b.png\t0\nsub/c,d.png\t2\n", {3, 0, 2}, NULL},
        {"x.png 3\na b.png 0\n./sub/../sub/c,d.png\t2\n", {3, 0, 2}, NULL}, /* Caffe's */
        {"\"x.png\"\n\"a b.png\"\n\"sub/c,d.png\"\n", {-1, -1, -1}, NULL},
    };
    pictures_to_list();
    for (size_t k = 1; k < COUNT_OF(cases); k++) {
        limn_dataset *d = open_with(plain(), text("l/list.txt", cases[k].text));
        assert_string_equal(limn_dataset_format(d), "list of PNG");
        assert_int_equal(limn_dataset_count(d), 3);
        holds(d, 0, 20, cases[k].labels[0], "l/x.png");
        holds(d, 1, 10, cases[k].labels[1], "l/a b.png");
        holds(d, 2, 30, cases[k].labels[2], "c,d.png");
        const char *name = limn_dataset_class(d, 0);
        assert_true(cases[k].name ? name && strcmp(name, cases[k].name) == 0 : !name);
        limn_dataset_free(d);
    }
    refused(plain(), text("l/list.txt", cases[0].text), "l/list.txt:3: some pictures have a label and some have none");
    char absolute[600];
    snprintf(absolute, sizeof absolute, "%s,7\n", temp_path("l/x.png"));
    limn_dataset *d = open_with(plain(), text("elsewhere.csv", absolute));
    holds(d, 0, 20, 7, "l/x.png");
    limn_dataset_free(d);
    limn_data_options o = plain();
    o.label_base = LIMN_BASE_1;
    d = open_with(o, text("l/list.txt", "x.png,1\na b.png,2\n"));
    holds(d, 0, 20, 0, "x.png");
    limn_dataset_free(d);
    refused(o, text("l/list.txt", "x.png,0\na b.png,2\n"), "its label 0 is not a whole number from 1 to");
}

static void bad_lists(void **state) {
    (void)state;
    pictures_to_list();
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"x.png,1,2\n", "list.txt:1: this is not `path` or `path,label`"},
        {"x.png,1\n\"a b.png,2\n", "list.txt:2: this is not `path`"},
        {"x.png,1\n,2\n", "list.txt:2: this is not `path`"},
        {"x.png,1\na b.png\n", "list.txt:2: some pictures have a label and some have none"},
        {"x.png\na b.png,1\n", "list.txt:2: some pictures have a label and some have none"},
        {"x.png,12345678\n", "list.txt: its label 12345678 is not a whole number from 0 to 1048575"},
        {"absent.png\n", "absent.png: cannot be opened: No such file or directory"},
        {"x.png\nabsent.png\n", "absent.png: cannot be opened"},
        {"x.png\n.\n", ".: it is a folder"},
        {"x.png\n/dev/zero\n", "/dev/zero: it is not a regular file"},
        {"x.png\nlist.txt\n", "list.txt: it is none of PNG, JPEG, PGM and PPM"},
        {"x.webp\n", "x.webp: cannot be opened"},
    };
    for (size_t k = 0; k < COUNT_OF(cases); k++) refused(plain(), text("l/list.txt", cases[k].text), cases[k].sentence);
    refused(plain(), temp_file("l/list.txt", "x.png\n\0\n", 8), "it starts with the bytes");
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */
static void folders_in_a_class(void **state) {
    (void)state;
    picture("deep/c/z/a.png", 2, 2, 1, 30);
    picture("deep/c/b.png", 2, 2, 1, 20);
    picture("deep/c/z.png", 2, 2, 1, 25);
    picture("deep/a/a.png", 2, 2, 1, 10);
    limn_dataset *d = open_with(plain(), temp_path("deep"));
    assert_int_equal(limn_dataset_classes(d), 2);
    holds(d, 0, 10, 0, "deep/a/a.png");
    holds(d, 1, 20, 1, "deep/c/b.png");
    holds(d, 2, 25, 1, "deep/c/z.png");
    holds(d, 3, 30, 1, "deep/c/z/a.png");
    limn_dataset_free(d);
    text("deep/c/z/b.tiff", "x");
    refused(plain(), temp_path("deep"), "deep/c/z/b.tiff: a picture of a format that is not read");
}

/* Two links to the folder around them would make 2^32 paths. */
static void links_that_lead_back(void **state) {
    (void)state;
    picture("loop/c/a.png", 2, 2, 1, 1);
    assert_int_equal(symlink(".", temp_path("loop/c/one")), 0);
    assert_int_equal(symlink("../c", temp_path("loop/c/two")), 0);
    refused(plain(), temp_path("loop"), "a link that leads to a folder which it lies in");
    picture("linked/c/a.png", 2, 2, 1, 1);
    picture("aside/b.png", 2, 2, 1, 5);
    assert_int_equal(symlink("../../aside", temp_path("linked/c/d")), 0);
    assert_int_equal(symlink("../../aside/b.png", temp_path("linked/c/e.png")), 0);
    limn_dataset *d = open_with(plain(), temp_path("linked"));
    holds(d, 1, 5, 0, "linked/c/e.png");
    holds(d, 2, 5, 0, "linked/c/d/b.png");
    limn_dataset_free(d);
}

static void order_is_that_of_torchvision(void **state) {
    (void)state;
    assert_true(data_by_folder("a/z.png", "a/b/a.png") < 0); /* os.walk: a folder's files before its folders' */
    assert_true(data_by_folder("a/b/z.png", "a/b-c/a.png") < 0);
    assert_true(data_by_folder("a/Z.png", "a/a.png") < 0);
    assert_true(data_by_folder("a.png", "a.png") == 0);
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
enum { MUTANTS = 300 }; /* LIMN_MUTANTS raises it */

static void mutant(void *ctx, const unsigned char *bytes, size_t n) {
    limn_data_options o = plain();
    limn_dataset *d;
    char *images[] = {(char *)(uintptr_t)temp_file(ctx, bytes, n)};
    o.images = images;
    o.n_images = 1;
    o.threads = 1;
    limn_status s = limn_dataset_open(&d, &o);
    if (s != LIMN_OK) {
        assert_int_equal(s, LIMN_EINPUT);
        if (!strstr(limn_message(), temp_folder())) fail_msg("'%s' does not name the file", limn_message());
    }
    limn_dataset_free(d);
}

static void mutants_end_in_one_sentence(void **state) {
    (void)state;
    size_t n;
    pictures_to_list();
    const char *const list = "path,label\nx.png,dog\n\"a b.png\",cat\n\"sub/c,d.png\",dog\n";
    mutants((const unsigned char *)list, strlen(list), 40, MUTANTS, 31, mutant, (char[]){"l/m.txt"});
    for (int gzip = 0; gzip < 2; gzip++) {
        member(NULL, "pax", 'x', "21 path=a/long/b.pgm\n", 21);
        file("short", 1);
        member("c", "d.pgm", '0', pgm(2), PGM);
        member(NULL, "././@LongLink", 'L', "c/long.pgm", 11);
        file("c/lo", 3);
        unsigned char *p = read_whole(gzip ? tar_gzip("good.tar.gz") : tar_file("good.tar"), &n);
        mutants(p, n, gzip ? n : 2048, MUTANTS, 32 + (unsigned)gzip, mutant, (char[]){"m.tar"});
        free(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_of_a_tar),
        cmocka_unit_test(every_kind_of_tar),
        cmocka_unit_test(names_lead_nowhere),
        cmocka_unit_test(bad_tars),
        cmocka_unit_test(lists),
        cmocka_unit_test(bad_lists),
        cmocka_unit_test(folders_in_a_class),
        cmocka_unit_test(links_that_lead_back),
        cmocka_unit_test(order_is_that_of_torchvision),
        cmocka_unit_test(mutants_end_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
