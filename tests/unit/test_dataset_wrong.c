/* Data sets: the sentences about wrong input, and damaged files. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/try.h"
#include "data/array.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/reader.h"
#include "tests/lib/datasets.h"
#include "tests/lib/files.h"

/* ---- wrong input ------------------------------------------------------------------------------------------------- */
static void wrong_images(void **state) {
    (void)state;
    limn_data_options o = plain();
    limn_dataset *d;
    size_t n;
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_string_equal(limn_message(), "no images are named");
    refused(o, "absent.idx", "absent.idx: cannot be opened: No such file or directory");
    refused(o, text("e", ""), "e: it is empty");
    refused(o, text("poem.png", "this is a poem"),
            "poem.png: it starts with the bytes 74 68 69 73, so it is none of what can");
    text("w/poem.png", "this is a poem");
    refused(o, temp_path("w"), "w/poem.png: it is none of PNG, JPEG, PGM and PPM");
    refused(o, idx_labels("l", "\0\1", 2), "l: its shape is (2), where (N, H, W) or (N, H, W, C) is needed");
    refused(o, idx_images("none", 0, 2, 2), "none: its shape is (0, 2, 2): there are no pictures in it");
    assert_int_equal(limn_npy_write(temp_path("a.npy"), (float[]){1, 2, 3, 4}, (size_t[]){2, 2}, 2), LIMN_OK);
    refused(o, temp_path("a.npy"),
            "a.npy: its shape is (2, 2), where (N, H, W), (N, H, W, C) or (N, C, H, W) is needed");
    float many[100] = {0};
    assert_int_equal(limn_npy_write(temp_path("a.npy"), many, (size_t[]){2, 5, 2, 5}, 4), LIMN_OK);
    refused(o, temp_path("a.npy"), "a.npy: its shape is (2, 5, 2, 5), where");
    picture("s/a.png", 4, 2, 1, 0);
    picture("s/b.png", 4, 3, 1, 0);
    refused(o, temp_path("s"), "s/b.png: it is 4 x 3 pixels (width x height), where ");
    refused(o, temp_path("s"), "s/a.png is 4 x 2: all pictures must have one size, or be brought to one");
    o.limit = 1; /* what is not selected is not looked at */
    limn_dataset_free(open_with(o, temp_path("s")));
    o.limit = 0;
    unsigned char *p = read_whole(temp_path("s/a.png"), &n);
    temp_file("t/a.png", p, n);
    temp_file("t/b.png", p, n - 20);
    free(p);
    refused(o, temp_path("t"), "t/b.png: the PNG picture is damaged: it is cut short");
    mkdir(temp_path("empty"), 0777);
    refused(o, temp_path("empty"), "empty: there is no .png, .jpg, .jpeg, .pgm, .ppm or .pnm file in this folder");
    mkdir(temp_path("classes"), 0777);
    mkdir(temp_path("classes/a"), 0777);
    refused(o, temp_path("classes"), "classes: there is no .png, .jpg, .jpeg, .pgm, .ppm or .pnm file in this folder");
    picture("mixed/a.png", 4, 2, 1, 0);
    picture("mixed/c/a.png", 4, 2, 1, 0);
    refused(o, temp_path("mixed"), "mixed: it holds both folders (");
    char *two[] = {(char[512]){0}, (char[512]){0}};
    strcpy(two[0], idx_images("i", 1, 2, 2));
    strcpy(two[1], two[0]);
    o.images = two;
    o.n_images = 2;
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_non_null(
        strstr(limn_message(), "i: one array file makes a data set; of several files each must be a picture"));
    strcpy(two[0], temp_path("s"));
    assert_int_equal(limn_dataset_open(&d, &o), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "s: one folder makes a data set"));
}

/* Root may read everything: a child gives up its rights first. */
static void a_folder_without_rights(void **state) {
    (void)state;
    mkdir(temp_path("secret"), 0);
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("secret"));
    chmod(temp_folder(), 0755);
    pid_t child = fork();
    if (child == 0) {
        char *images[] = {path};
        limn_data_options o = plain();
        limn_dataset *d;
        o.images = images;
        o.n_images = 1;
        if (getuid() == 0 && setuid(65534) != 0) _exit(3);
        limn_status s = limn_dataset_open(&d, &o);
        _exit(s == LIMN_EINPUT && strstr(limn_message(), "secret: the folder cannot be read: Permission denied") ? 0
                                                                                                                 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
enum { MUTANTS = 300 }; /* a file; LIMN_MUTANTS raises it */

/* As images of one file, or as labels of three. */
static void mutant(void *ctx, const unsigned char *bytes, size_t n) {
    const char *path = temp_file("mutant", bytes, n);
    char *images[] = {(char *)(uintptr_t)(ctx ? temp_path("i") : path)};
    limn_data_options o = plain();
    limn_dataset *d;
    o.images = images;
    o.n_images = 1;
    o.threads = 1;
    if (ctx) o.labels = path;
    limn_status s = limn_dataset_open(&d, &o);
    if (s != LIMN_OK) {
        assert_int_equal(s, LIMN_EINPUT);
        assert_non_null(strstr(limn_message(), "mutant"));
    }
    limn_dataset_free(d);
}

static void mutants_end_in_one_sentence(void **state) {
    (void)state;
    size_t n;
    unsigned char *p = read_whole(idx_images("i", 3, 2, 2), &n);
    mutants(p, n, 16, MUTANTS, 21, mutant, NULL);
    free(p);
    p = read_whole(idx_labels("l", "\0\1\2", 3), &n);
    mutants(p, n, 8, MUTANTS, 22, mutant, (char[]){"labels"});
    free(p);
    mutants((const unsigned char *)"label\n1\n10\n7\n", 13, 13, MUTANTS, 23, mutant, (char[]){"labels"});
    assert_int_equal(limn_npy_write(temp_path("a.npy"), (float[12]){1}, (size_t[]){1, 2, 2, 3}, 4), LIMN_OK);
    p = read_whole(temp_path("a.npy"), &n);
    mutants(p, n, 128, MUTANTS, 24, mutant, NULL);
    free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_images),
        cmocka_unit_test(a_folder_without_rights),
        cmocka_unit_test(mutants_end_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
