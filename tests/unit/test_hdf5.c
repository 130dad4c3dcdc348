/* The helper program and its client: a real file, files that are not, torn answers, and what the parent keeps. The
 * expected shapes are those that examples/mnist/train.py gave the network. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "model/hdf5.h"
#include "model/helper.h"

static const char SMALL[] = "examples/mnist/mnist_small.h5";

static int open_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int count_descriptors(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

static void a_real_file_is_a_list(void **state) {
    (void)state;
    hdf5_file *f;
    int fd = open_file(SMALL), before = count_descriptors();
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_OK);
    assert_string_equal(hdf5_text(f, "", "keras_version"), "2.21.0");
    assert_int_equal(strncmp(hdf5_text(f, "", "model_config"), "{\"class_name\": \"Sequential\"", 27), 0);
    const hdf5_entry *e = hdf5_find(f, ANSWER_DATASET, "model_weights/conv2/conv2/kernel:0", "");
    assert_non_null(e);
    assert_int_equal(e->type, ANSWER_VALUES);
    assert_int_equal(e->rank, 4);
    assert_memory_equal(e->dim, ((size_t[4]){3, 3, 8, 16}), sizeof(size_t[4]));
    assert_int_equal(e->n, 1152);
    float first = *(const float *)e->data;
    hdf5_done(f, e);
    assert_true(first == *(const float *)e->data);
    e = hdf5_find(f, ANSWER_ATTRIBUTE, "model_weights", "layer_names");
    assert_non_null(e);
    assert_int_equal(e->type, ANSWER_TEXTS);
    assert_int_equal(e->n, 8);
    assert_string_equal(e->data, "conv1");
    e = hdf5_find(f, ANSWER_ATTRIBUTE, "model_weights/flatten", "weight_names"); /* empty: float64 of shape (0,) */
    assert_non_null(e);
    assert_int_equal(e->n, 0);
    assert_non_null(hdf5_find(f, ANSWER_GROUP, "model_weights/fc1", ""));
    assert_null(hdf5_find(f, ANSWER_DATASET, "model_weights/fc1", ""));
    assert_null(hdf5_text(f, "model_weights", "layer_names"));
    hdf5_close(f);
    assert_int_equal(count_descriptors(), before);
    close(fd);
}

static void members_are_skipped(void **state) {
    (void)state;
    hdf5_file *f;
    size_t n;
    int fd = open_file(SMALL);
    assert_int_equal(hdf5_open(&f, fd, (const char *const[]){"optimizer_weights", "model_weights", NULL}), LIMN_OK);
    hdf5_entries(f, &n);
    assert_int_equal(n, 4); /* the root and its three attributes */
    hdf5_close(f);
    close(fd);
}

static void what_is_not_hdf5_is_a_sentence(void **state) {
    (void)state;
    hdf5_file *f = (hdf5_file *)1;
    int fd = open_file("LICENSE");
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_EINPUT);
    assert_null(f);
    assert_non_null(strstr(limn_message(), "damaged HDF5 (it cannot be opened: file signature not found)"));
    close(fd);
}

static void assert_values(const hdf5_file *f, const char *path, const float *v, size_t n) {
    const hdf5_entry *e = hdf5_find(f, ANSWER_DATASET, path, "");
    assert_non_null(e);
    assert_int_equal(e->type, ANSWER_VALUES);
    assert_int_equal(e->n, n);
    assert_memory_equal(e->data, v, n * sizeof *v);
}

static void assert_texts(const hdf5_file *f, const char *name, int rank, const char *all, size_t bytes) {
    const hdf5_entry *e = hdf5_find(f, ANSWER_ATTRIBUTE, "", name);
    assert_non_null(e);
    assert_int_equal(e->type, ANSWER_TEXTS);
    assert_int_equal(e->rank, rank);
    assert_int_equal(e->data_bytes, bytes);
    assert_memory_equal(e->data, all, bytes);
}

/* tests/data/hdf5/make.py says what is in the files. */
static void every_kind_of_value_is_read(void **state) {
    (void)state;
    static const float x[6] = {0, .25f, .5f, .75f, 1, 1.25f}, scalar = 2.5f;
    static const char *const path[] = {"a/b/f2", "a/b/f4", "a/b/f8", "a/b/big", "chunked", "hard"};
    hdf5_file *f;
    int fd = open_file("tests/data/hdf5/kinds.h5");
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_OK);
    for (int i = 0; i < 6; i++) assert_values(f, path[i], x, 6);
    assert_values(f, "scalar", &scalar, 1);
    assert_int_equal(hdf5_find(f, ANSWER_DATASET, "scalar", "")->rank, 0);
    assert_values(f, "null", x, 0);
    const hdf5_entry *e = hdf5_find(f, ANSWER_DATASET, "ints", "");
    assert_int_equal(e->type, ANSWER_INTEGERS);
    assert_memory_equal(e->data, ((int64_t[3]){-1, INT64_C(1) << 31, 7}), 24);
    e = hdf5_find(f, ANSWER_DATASET, "bytes", "");
    assert_memory_equal(e->data, ((int64_t[2]){0, 255}), 16);
    assert_int_equal(hdf5_find(f, ANSWER_DATASET, "compound", "")->type, ANSWER_OTHER);
    assert_string_equal(hdf5_text(f, "", "variable"), "a text of variable length, \xc3\xa9");
    assert_string_equal(hdf5_text(f, "", "fixed"), "fixed");
    assert_string_equal(hdf5_text(f, "", "full"), "1234");
    assert_texts(f, "list", 1, "one\0three", 10);
    assert_texts(f, "names", 1, "x\0\0zzz", 7);
    assert_null(hdf5_text(f, "", "number"));
    hdf5_close(f);
    close(fd);
}

static void files_that_reach_out_are_refused(void **state) {
    (void)state;
    static const char *const file[][2] = {{"external_link", "`x` is a link, which is not followed"},
                                          {"soft_link", "`x` is a link, which is not followed"},
                                          {"external_storage", "`x` is stored in another file"},
                                          {"virtual", "`x` is stored in another file"},
                                          {"bomb", "`x` says that it holds far more than the file"},
                                          {"deep", "more than 64 groups inside one another"},
                                          {"cycle", "more than 64 groups inside one another"}};
    for (int i = 0; i < 7; i++) {
        char path[64];
        hdf5_file *f;
        snprintf(path, sizeof path, "tests/data/hdf5/%s.h5", file[i][0]);
        int fd = open_file(path);
        assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_EINPUT);
        if (!strstr(limn_message(), file[i][1])) fail_msg("%s: %s", path, limn_message());
        close(fd);
    }
}

/* Bytes copied to a file in memory, with its length cut to n. */
static int copy(const char *path, size_t n) {
    static char buf[1 << 17];
    int from = open_file(path), to;
    ssize_t have = read(from, buf, sizeof buf);
    assert_true(have > 0 && (size_t)have < sizeof buf && n <= (size_t)have);
    assert_int_equal(helper_memory_file(&to), LIMN_OK);
    assert_true(write(to, buf, n) == (ssize_t)n);
    close(from);
    return to;
}

static void a_file_without_a_name_is_read(void **state) {
    (void)state;
    hdf5_file *f;
    int fd = copy(SMALL, 62848);
    limn_status st = hdf5_open(&f, fd, NULL);
    if (st != LIMN_OK) fail_msg("%s", limn_message());
    hdf5_close(f);
    close(fd);
    fd = copy(SMALL, 30000);
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "damaged HDF5 ("));
    close(fd);
}

static void the_helper_is_found_or_named(void **state) {
    (void)state;
    char *path, *given = getenv("LIMN_LIBEXEC") ? strdup(getenv("LIMN_LIBEXEC")) : NULL;
    unsetenv("LIMN_LIBEXEC"); /* the tests lie in BUILD/tests/unit, the helper in BUILD/libexec/limn */
    assert_int_equal(helper_find(&path), LIMN_OK);
    assert_non_null(strstr(path, "/libexec/limn/limn-hdf5"));
    free(path);
    setenv("LIMN_LIBEXEC", "/nowhere", 1);
    assert_int_equal(helper_find(&path), LIMN_EFAIL);
    assert_string_equal(limn_message(), "the program that reads HDF5, /nowhere/limn-hdf5, is missing (LIMN_LIBEXEC "
                                        "names its folder)");
    if (given)
        setenv("LIMN_LIBEXEC", given, 1);
    else
        unsetenv("LIMN_LIBEXEC");
    free(given);
}

/* A program in the helper's place that does `what` instead. */
static limn_status with_fake(const char *what) {
    char folder[] = "/tmp/limn-test-XXXXXX", path[64], text[256];
    char *given = getenv("LIMN_LIBEXEC") ? strdup(getenv("LIMN_LIBEXEC")) : NULL;
    hdf5_file *f;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/limn-hdf5", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755), n = snprintf(text, sizeof text, "#!/bin/sh\n%s\n", what);
    assert_true(write(fd, text, (size_t)n) == n);
    close(fd);
    setenv("LIMN_LIBEXEC", folder, 1);
    fd = open_file(SMALL);
    limn_status s = hdf5_open(&f, fd, NULL);
    close(fd);
    if (given)
        setenv("LIMN_LIBEXEC", given, 1);
    else
        unsetenv("LIMN_LIBEXEC");
    free(given);
    unlink(path);
    rmdir(folder);
    return s;
}

static void assert_says(const char *part) {
    if (!strstr(limn_message(), part)) fail_msg("`%s` lacks `%s`", limn_message(), part);
}

static void every_end_of_the_helper_has_its_sentence(void **state) {
    (void)state;
    assert_int_equal(with_fake("kill -SEGV $$"), LIMN_EINPUT);
    assert_says("damaged HDF5 (libhdf5 crashes on it: signal 11)");
    assert_int_equal(with_fake("kill -XCPU $$"), LIMN_EINPUT);
    assert_says("damaged HDF5 (reading it does not come to an end)");
    assert_int_equal(with_fake("exit 3"), LIMN_EINPUT);
    assert_says("far more than its size allows");
    assert_int_equal(with_fake("exit 9"), LIMN_EINPUT);
    assert_says("ended with exit status 9");
    assert_int_equal(with_fake("exit 127"), LIMN_EFAIL);
    assert_says("cannot start");
    assert_int_equal(with_fake("exit 0"), LIMN_EINPUT);
    assert_says("gave no answer");
    assert_int_equal(with_fake("echo nonsense >&4"), LIMN_EINPUT);
    assert_says("not whole");
    /* nothing of this process but its three channels is open in the helper; signals are as if just started */
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(with_fake("[ $(ls /proc/$$/fd | grep -cE '^[0-5]$') = 6 ] && trap '' HUP && kill -PIPE $$"),
                     LIMN_EINPUT);
    assert_says("signal 13");
    signal(SIGPIPE, SIG_DFL);
}

static void children_are_reaped(void **state) {
    (void)state;
    hdf5_file *f;
    int fd = open_file(SMALL);
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_OK);
    hdf5_close(f);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0);
    signal(SIGCHLD, SIG_IGN); /* then no exit status can be had: the answer decides */
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_OK);
    hdf5_close(f);
    assert_int_equal(with_fake("kill -SEGV $$"), LIMN_EINPUT);
    signal(SIGCHLD, SIG_DFL);
    close(fd);
}

static void read_task(void *ctx, size_t task, int worker) {
    limn_status *s = ctx;
    hdf5_file *f;
    (void)worker;
    int fd = open(SMALL, O_RDONLY | O_CLOEXEC);
    s[task] = hdf5_open(&f, fd, NULL);
    hdf5_close(f);
    close(fd);
}

static void threads_do_not_disturb_one_another(void **state) {
    (void)state;
    limn_status s[12];
    limn_parallel(4, 12, read_task, s);
    for (int i = 0; i < 12; i++) assert_int_equal(s[i], LIMN_OK);
}

/* One field of the entry of layer_names (8 texts) made wrong: the whole answer is refused. */
static void every_field_is_checked(void **state) {
    (void)state;
    int fd = open_file(SMALL);
    void *bytes;
    unsigned char *copy_of;
    size_t n;
    hdf5_file *f;
    assert_int_equal(helper_run(fd, NULL, &bytes, &n), LIMN_OK);
    close(fd);
    assert_int_equal(hdf5_parse(&f, bytes, n), LIMN_OK);
    const hdf5_entry *names = hdf5_find(f, ANSWER_ATTRIBUTE, "model_weights", "layer_names");
    size_t at = (size_t)(names->path - (const char *)bytes) - sizeof(answer_entry);
    size_t text = (size_t)((const char *)names->data - (const char *)bytes);
    hdf5_close(f);
    assert_int_equal(limn_new(&copy_of, n, 1), LIMN_OK);
    for (int i = 0; i < 14; i++) {
        answer_entry e;
        memcpy(copy_of, bytes, n);
        memcpy(&e, copy_of + at, sizeof e);
        if (i == 1) e.kind = ANSWER_KINDS;
        if (i == 2) e.type = ANSWER_TYPES;
        if (i == 3) e.rank = ANSWER_RANK + 1;
        if (i == 4) e.dim[0] = 7;
        if (i == 5) e.dim[0] = 9;
        if (i == 6) e.path_bytes--;
        if (i == 7) e.path_bytes = 0;
        if (i == 8) e.name_bytes++;
        if (i == 9) e.data_bytes -= 8;
        if (i == 10) e.data_bytes = UINT64_MAX - 3;
        if (i == 11) e.type = ANSWER_VALUES;
        if (i == 12) e.kind = ANSWER_GROUP;
        memcpy(copy_of + at, &e, sizeof e);
        if (i == 13) memset(copy_of + text, 'x', e.data_bytes); /* no NUL */
        limn_status s = hdf5_parse(&f, copy_of, n);
        if ((s == LIMN_OK) != (i == 0)) fail_msg("edit %d: status %d", i, (int)s);
        if (i == 0)
            hdf5_close(f);
        else
            assert_string_equal(limn_message(), "damaged HDF5 (the answer of its reader is not whole)");
    }
    free(copy_of);
    helper_release(bytes, n);
}

/* The answer of the helper for the small network, torn in 20,000 seeded ways. */
static void torn_answers_are_refused(void **state) {
    (void)state;
    int fd = open_file(SMALL);
    void *bytes;
    uint64_t *copy_of;
    size_t n, sound = 0;
    assert_int_equal(helper_run(fd, NULL, &bytes, &n), LIMN_OK);
    assert_int_equal(limn_new(&copy_of, n / 8 + 1, 8), LIMN_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, i);
        hdf5_file *f;
        size_t length = i % 4 ? n : limn_rng_below(&r, n);
        memcpy(copy_of, bytes, n);
        for (uint64_t k = limn_rng_below(&r, 4); k < 4; k++) {
            /* half of the damage goes to the first 4 kB: header, entries, lengths */
            size_t at = limn_rng_below(&r, limn_rng_below(&r, 2) ? 4096 : n);
            ((unsigned char *)copy_of)[at] ^= (unsigned char)(1u << limn_rng_below(&r, 8));
        }
        if (i % 3 == 0) copy_of[3] = length; /* a header that agrees */
        if (hdf5_parse(&f, copy_of, length) == LIMN_OK) {
            size_t entries;
            const hdf5_entry *e = hdf5_entries(f, &entries);
            for (size_t k = 0; k < entries; k++)
                if (e[k].data_bytes) sound += 1u + ((const unsigned char *)e[k].data)[e[k].data_bytes - 1];
            hdf5_close(f);
        } else
            assert_string_not_equal(limn_message(), "");
    }
    assert_true(sound > 0);
    free(copy_of);
    helper_release(bytes, n);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_file_is_a_list),
        cmocka_unit_test(members_are_skipped),
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(files_that_reach_out_are_refused),
        cmocka_unit_test(what_is_not_hdf5_is_a_sentence),
        cmocka_unit_test(a_file_without_a_name_is_read),
        cmocka_unit_test(the_helper_is_found_or_named),
        cmocka_unit_test(every_end_of_the_helper_has_its_sentence),
        cmocka_unit_test(children_are_reaped),
        cmocka_unit_test(threads_do_not_disturb_one_another),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(torn_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
