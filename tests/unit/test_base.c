/* The base: memory that refuses overflow, keyed random streams, ordered pipelines. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/try.h"

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    char *p = (char *)1;
    assert_int_equal(limn_new(&p, SIZE_MAX / 2, 4), LIMN_ENOMEM);
    assert_null(p);
    assert_string_not_equal(limn_message(), "");
    assert_int_equal(limn_new(&p, 0, 4), LIMN_OK);
    assert_non_null(p);
    free(p);
}

/* The place and the reason of a failure survive a path of any length. */
static void long_sentences_lose_their_middle(void **state) {
    (void)state;
    static char path[9001];
    for (size_t i = 0; i + 1 < sizeof path; i++) path[i] = "\xe2\x82\xac"[i % 3]; /* euro signs */
    assert_int_equal(limn_fail(LIMN_EINPUT, "begin %s: the reason", path), LIMN_EINPUT);
    assert_int_equal(limn_fail_at(LIMN_EFAIL, "%s:%d: ", "e.yaml", 7), LIMN_EFAIL);
    const char *m = limn_message(), *reason = m + strlen(m) - strlen(": the reason");
    assert_true(strncmp(m, "e.yaml:7: begin ", 16) == 0 && strcmp(reason, ": the reason") == 0);
    for (const char *c = m + 16; c < reason; c += 3) /* whole characters: euro signs and one ellipsis a cut */
        assert_true(memcmp(c, "\xe2\x82\xac", 3) == 0 || memcmp(c, "\xe2\x80\xa6", 3) == 0);
}

static void streams_repeat_and_differ_by_key(void **state) {
    (void)state;
    limn_rng a = limn_rng_stream(1, 2, 3), b = limn_rng_stream(1, 2, 3), c = limn_rng_stream(1, 2, 4);
    int same = 0;
    double sum = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = limn_rng_u64(&a);
        assert_true(x == limn_rng_u64(&b));
        same += x == limn_rng_u64(&c);
        sum += limn_rng_normal(&b);
        (void)limn_rng_normal(&a);
        (void)limn_rng_normal(&c);
    }
    assert_int_equal(same, 0);
    assert_true(sum / 1000 < 0.15 && sum / 1000 > -0.15); /* 4.7 standard errors */
}

typedef struct {
    int value[4];
    size_t order[100], n;
    size_t fail_at;
} pipe_ctx;

static limn_status produce(void *ctx, size_t item, int slot, int worker) {
    pipe_ctx *p = ctx;
    (void)worker;
    if (item % 7 == 0) nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL); /* some are late */
    p->value[slot] = (int)item * 3;
    return item == p->fail_at ? limn_fail(LIMN_EFAIL, "item %zu is bad", item) : LIMN_OK;
}

static limn_status consume(void *ctx, size_t item, int slot) {
    pipe_ctx *p = ctx;
    if (p->value[slot] != (int)item * 3) return limn_fail(LIMN_EFAIL, "slot %d was overwritten", slot);
    p->order[p->n++] = item;
    return LIMN_OK;
}

static void pipelines_keep_order_at_any_thread_count(void **state) {
    (void)state;
    for (int threads = 1; threads <= 8; threads *= 2) {
        pipe_ctx p = {.fail_at = SIZE_MAX};
        assert_int_equal(limn_ordered(threads, 4, 5, 105, produce, consume, &p), LIMN_OK);
        assert_int_equal(p.n, 100);
        for (size_t i = 0; i < 100; i++) assert_int_equal(p.order[i], i + 5);
        pipe_ctx q = {.fail_at = 50};
        assert_int_equal(limn_ordered(threads, 3, 0, 100, produce, consume, &q), LIMN_EFAIL);
        assert_string_equal(limn_message(), "item 50 is bad");
        assert_int_equal(q.n, 50);
    }
}

static void threads_inside(void *ctx, size_t task, int worker) {
    (void)worker;
    ((int *)ctx)[task] = omp_get_max_threads();
}

static void a_task_sees_one_thread(void **state) {
    (void)state;
    int was = omp_get_max_threads();
    omp_set_num_threads(8);
    for (int threads = 1; threads <= 3; threads++) {
        int seen[5] = {0};
        limn_parallel(threads, 5, threads_inside, seen);
        for (int i = 0; i < 5; i++) assert_int_equal(seen[i], 1);
        assert_int_equal(omp_get_max_threads(), 8);
    }
    omp_set_num_threads(was);
}

/* ---- the pool ---------------------------------------------------------------------------------------------------- */

enum { TASKS = 64, ROUNDS = 300 };

typedef struct {
    int times[TASKS], elsewhere;
    pthread_t thread;
} nest;

static void count_task(void *ctx, size_t task, int worker) {
    nest *n = ctx;
    n->times[task]++;
    if (worker != 0 || !pthread_equal(pthread_self(), n->thread)) n->elsewhere = 1;
}

static void outer_task(void *ctx, size_t task, int worker) {
    nest *n = (nest *)ctx + task;
    (void)worker;
    n->thread = pthread_self();
    limn_parallel(4, TASKS, count_task, n);
}

static void a_loop_in_a_loop_runs_where_it_is(void **state) {
    (void)state;
    for (int threads = 1; threads <= 8; threads++) {
        nest n[9];
        memset(n, 0, sizeof n);
        limn_parallel(threads, COUNT_OF(n), outer_task, n);
        for (size_t i = 0; i < COUNT_OF(n); i++) {
            assert_int_equal(n[i].elsewhere, 0);
            for (int t = 0; t < TASKS; t++) assert_int_equal(n[i].times[t], 1);
        }
    }
}

typedef struct {
    size_t sum[TASKS];
    int worker[TASKS], wrong, threads;
} sums;

static void sum_task(void *ctx, size_t task, int worker) {
    sums *s = ctx;
    s->sum[task] += task + 1;
    s->worker[task] = worker;
}

/* Short loops, one after the other, of changing width: nothing is done twice or left out. */
static void *many_loops(void *arg) {
    sums *s = arg;
    for (size_t r = 1; r <= ROUNDS; r++) {
        size_t tasks = 1 + r % TASKS;
        int threads = 1 + (int)r % s->threads;
        memset(s->sum, 0, sizeof s->sum);
        limn_parallel(threads, tasks, sum_task, s);
        for (size_t t = 0; t < TASKS; t++) s->wrong += s->sum[t] != (t < tasks ? t + 1 : 0);
        for (size_t t = 0; t < tasks; t++) s->wrong += s->worker[t] < 0 || s->worker[t] >= threads;
    }
    return NULL;
}

static void callers_at_a_time_disturb_nobody(void **state) {
    (void)state;
    sums s[3] = {{.threads = 5}, {.threads = 2}, {.threads = 8}};
    pthread_t thread[COUNT_OF(s)];
    for (size_t i = 0; i < COUNT_OF(s); i++) assert_int_equal(pthread_create(&thread[i], NULL, many_loops, &s[i]), 0);
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(s[i].wrong, 0);
    }
}

static void a_child_has_a_pool_of_its_own(void **state) {
    (void)state;
    sums s = {.threads = 3};
    many_loops(&s);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        many_loops(&s);
        _exit(s.wrong != 0);
    }
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    many_loops(&s);
    assert_int_equal(s.wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_that_overflow_are_refused),  cmocka_unit_test(long_sentences_lose_their_middle),
        cmocka_unit_test(streams_repeat_and_differ_by_key), cmocka_unit_test(pipelines_keep_order_at_any_thread_count),
        cmocka_unit_test(a_task_sees_one_thread),           cmocka_unit_test(a_loop_in_a_loop_runs_where_it_is),
        cmocka_unit_test(callers_at_a_time_disturb_nobody), cmocka_unit_test(a_child_has_a_pool_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
