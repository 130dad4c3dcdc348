/* Damaged databases: whatever the bytes, reading ends with an answer or a sentence (counts: LIMN_MUTANTS). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/try.h"
#include "db/info.h"
#include "db/queries.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

enum { MUTANTS = 150, FRONT = 100 /* the header of the file */ };

typedef struct {
    char good[65];
    size_t opened, read_whole, unseen; /* unseen: readable to the end with the digest unchanged */
} tally;

/* Each may fail, none may crash; the sanitizers watch. */
static void ask_everything(limn_store *s) {
    query_run run;
    query_summary_row sum;
    query_point *points = NULL;
    query_sample *samples = NULL;
    query_class *classes = NULL;
    query_figure *figures = NULL;
    float X[STORED_N * STORED_DIM], *map = NULL;
    unsigned char have[STORED_N];
    void *png = NULL;
    size_t n = 0;
    int target = 0;
    limn_status status[] = {
        query_last_run(s, &run, NULL, NULL),
        query_summary(s, &sum, 1),
        query_points(s, &points, &n, 1),
        query_samples(s, &samples, &n, 1, 1, QUERY_PER_CLASS, 2),
        query_classes(s, &classes, &n, 1),
        query_figures(s, &figures, &n, 1),
        query_map(s, &map, &n, &target, 2, 1),
        query_image(s, &png, &n, 3),
        store_features_read(s, 1, X, STORED_N, STORED_DIM),
        store_have(s, STORE_MAPS, 1, 1, have, STORED_N, NULL),
    };
    for (size_t i = 0; i < COUNT_OF(status); i++) assert_true(status[i] == LIMN_OK || *limn_message());
    query_run_clear(&run);
    free(points), free(samples), free(classes), free(figures), free(map), free(png);
}

static void read_damaged(void *ctx, const unsigned char *bytes, size_t n) {
    tally *t = ctx;
    limn_store *s = NULL;
    char hex[65];
    stored_text out = {0};
    const char *path = temp_file("damaged.db", bytes, n);
    if (store_open_readonly(&s, path) == LIMN_OK) {
        t->opened++;
        ask_everything(s);
        if (store_digest(s, hex, NULL, NULL) == LIMN_OK) {
            t->read_whole++;
            t->unseen += strcmp(hex, t->good) == 0;
        }
        store_close(s);
    }
    static const char *const sql[] = {"SELECT * FROM v_map", "SELECT * FROM v_point",
                                      "SELECT map_png(data, h, w) FROM v_map", "SELECT vec_avg(vector) FROM feature",
                                      "PRAGMA integrity_check"};
    for (size_t i = 0; i < COUNT_OF(sql); i++) {
        limn_status status = sql_run(path, sql[i], SQL_JSON, stored_write, &out);
        assert_true(status == LIMN_OK || *limn_message());
    }
    free(out.text);
    /* for writing too: it opens, refuses, or fails; what it makes of the file is the file's */
    if (store_open(&s, path) == LIMN_OK) {
        int64_t run = 0;
        const store_run r = {"x", "", "{}", "0", "{}", NULL};
        limn_status status = store_run_begin(s, &run, &r);
        if (status == LIMN_OK) status = store_forget(s, "x");
        assert_true(status == LIMN_OK || *limn_message());
        store_close(s);
    }
    static const char *const beside[] = {"damaged.db-wal", "damaged.db-shm", "damaged.db-journal"};
    for (size_t i = 0; i < COUNT_OF(beside); i++) unlink(temp_path(beside[i]));
}

/* Copies with one to four bytes changed behind the header, where there is something: most of a small file is blank. */
static void change_content(unsigned char *bytes, size_t n, size_t count, tally *t) {
    for (size_t i = 0; i < count; i++) {
        limn_rng r = limn_rng_stream(2, LIMN_RNG_TEST, i);
        size_t at[4], changes = 1 + (size_t)limn_rng_below(&r, 4);
        unsigned char was[4];
        for (size_t k = 0; k < changes; k++) {
            do at[k] = FRONT + (size_t)limn_rng_below(&r, n - FRONT);
            while (bytes[at[k]] == 0);
            was[k] = bytes[at[k]];
            bytes[at[k]] =
                (unsigned char)(limn_rng_below(&r, 2) ? was[k] ^ 1u << limn_rng_below(&r, 8) : limn_rng_u64(&r));
        }
        read_damaged(t, bytes, n);
        for (size_t k = changes; k-- > 0;) bytes[at[k]] = was[k];
    }
}

static void damage_is_survived(void **state) {
    (void)state;
    limn_store *s = NULL;
    stored o;
    tally t = {0};
    size_t n = 0;
    assert_int_equal(store_open(&s, temp_path("good.db")), LIMN_OK);
    stored_fill(s, &o, "x", 0);
    assert_int_equal(store_digest(s, t.good, NULL, NULL), LIMN_OK);
    store_close(s);
    unsigned char *good = read_whole(temp_path("good.db"), &n);
    mutants(good, n, FRONT, MUTANTS, 1, read_damaged, &t);
    const char *count = getenv("LIMN_MUTANTS");
    change_content(good, n, count ? (size_t)strtoul(count, NULL, 10) : MUTANTS, &t);
    free(good);
    print_message("# of the copies, %zu opened, %zu were read to the end, %zu of these with nothing changed\n",
                  t.opened, t.read_whole, t.unseen);
    assert_true(t.opened > t.read_whole && t.read_whole > t.unseen && t.unseen > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(damage_is_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
