/* Reading ahead: what is read and by how much, takers in many threads, failures in order, an early end. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"
#include "base/try.h"
#include "data/ahead.h"

enum { FLOATS = 5 };

typedef struct {
    limn_ahead *ahead;
    atomic_size_t reads, given;
    atomic_size_t most; /* chunks read and not given back, at the most */
    size_t bad[2], takes;
    float sum[256]; /* of each item */
    size_t stop_at;
} work;

static void pause_for(long nanoseconds) {
    nanosleep(&(struct timespec){0, nanoseconds}, NULL);
}

static limn_status read_chunk(void *ctx, size_t chunk, float *x) {
    work *w = ctx;
    size_t open = atomic_fetch_add(&w->reads, 1) + 1 - atomic_load(&w->given) / w->takes;
    size_t most = atomic_load(&w->most);
    while (open > most && !atomic_compare_exchange_weak(&w->most, &most, open)) continue;
    pause_for((long)(chunk * 7919 % 5) * 100000); /* later ones are often ready first */
    for (int i = 0; i < 2; i++)
        if (chunk == w->bad[i]) return limn_fail(LIMN_EINPUT, "chunk %zu is damaged", chunk);
    for (int i = 0; i < FLOATS; i++) x[i] = (float)(chunk * 10) + (float)i;
    return LIMN_OK;
}

static limn_status produce(void *ctx, size_t item, int slot, int worker) {
    limn_status status = LIMN_OK;
    work *w = ctx;
    const float *x;
    (void)slot, (void)worker;
    TRY(limn_ahead_take(w->ahead, item / w->takes, &x));
    w->sum[item] = 0;
    for (int i = 0; i < FLOATS; i++) w->sum[item] += x[i];
    pause_for((long)(item * 31 % 3) * 100000);
    atomic_fetch_add(&w->given, 1); /* before, so that `most` is never too large */
    limn_ahead_give(w->ahead, item / w->takes);
done:
    return status;
}

static limn_status consume(void *ctx, size_t item, int slot) {
    const work *w = ctx;
    (void)slot;
    return item == w->stop_at ? limn_fail(LIMN_EINTERRUPTED, "stopped") : LIMN_OK;
}

static limn_status run(work *w, size_t chunks, int threads, int depth, int workers) {
    const limn_ahead_options o = {.chunks = chunks,
                                  .floats = FLOATS,
                                  .takes = w->takes,
                                  .threads = threads,
                                  .depth = depth,
                                  .read = read_chunk,
                                  .ctx = w};
    assert_int_equal(limn_ahead_open(&w->ahead, &o), LIMN_OK);
    limn_status s = limn_ordered(workers, workers + 2, 0, chunks * w->takes, produce, consume, w);
    assert_true(limn_ahead_waited(w->ahead) >= 0);
    limn_ahead_close(w->ahead);
    return s;
}

static work fresh(size_t takes) {
    return (work){.takes = takes, .bad = {SIZE_MAX, SIZE_MAX}, .stop_at = SIZE_MAX};
}

static void every_chunk_is_read_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++)
        for (int depth = 1; depth <= 5; depth += 2)
            for (size_t takes = 1; takes <= 3; takes++) {
                work w = fresh(takes);
                enum { CHUNKS = 23 };
                assert_int_equal(run(&w, CHUNKS, threads, depth, 3), LIMN_OK);
                assert_int_equal(w.reads, CHUNKS);
                assert_true(w.most <= (size_t)depth);
                for (size_t i = 0; i < CHUNKS * takes; i++) assert_true(w.sum[i] == (float)(i / takes * 50 + 10));
            }
    work w = fresh(1);
    assert_int_equal(run(&w, 1, 0, 7, 2), LIMN_OK);
    assert_int_equal(run(&w, 0, 0, 7, 2), LIMN_OK);
}

/* Chunk 9 fails at once, chunk 6 later: the message is 6's, at any number of threads; none before it is lost. */
static void the_first_failure_in_order_is_told(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++)
        for (int depth = 1; depth <= 7; depth += 2) {
            work w = fresh(2);
            w.bad[0] = 9;
            w.bad[1] = 6;
            assert_int_equal(run(&w, 20, threads, depth, 4), LIMN_EINPUT);
            assert_string_equal(limn_message(), "chunk 6 is damaged");
            for (size_t i = 0; i < 12; i++) assert_true(w.sum[i] == (float)(i / 2 * 50 + 10));
            assert_true(w.reads <= 6 + (size_t)depth);
        }
}

static void an_early_end(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        work w = fresh(1);
        w.stop_at = 4;
        assert_int_equal(run(&w, 100, threads, 4, 2), LIMN_EINTERRUPTED);
        assert_true(w.reads < 100);
    }
    work w = fresh(1); /* nobody takes anything */
    const limn_ahead_options o = {
        .chunks = 50, .floats = FLOATS, .takes = 1, .threads = 2, .depth = 3, .read = read_chunk, .ctx = &w};
    assert_int_equal(limn_ahead_open(&w.ahead, &o), LIMN_OK);
    limn_ahead_close(w.ahead);
    assert_true(w.reads <= 3);
    limn_ahead_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_is_read_once),
        cmocka_unit_test(the_first_failure_in_order_is_told),
        cmocka_unit_test(an_early_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
