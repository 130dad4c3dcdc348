/* limn_ordered: a ring of slots between POSIX threads (workers) and the caller (consumer), under one mutex.
 * See parallel.h; limn_parallel is in pool.c. */
#include "base/parallel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"

enum slot_state { EMPTY, FULL };

typedef struct {
    enum slot_state state;
    limn_status status;
    char message[2048];
} ring_slot;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t freed, filled;
    ring_slot *slot;
    int slots;
    size_t first, end, next, consumed; /* next item to hand out; items consumed so far */
    int stop;
    limn_produce_fn produce;
    void *ctx;
} ring;

typedef struct {
    ring *r;
    int worker;
} ring_worker;

static void *work(void *arg) {
    ring_worker *w = arg;
    ring *r = w->r;
    limn_parallel_none();
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->stop && r->next < r->end && r->next >= r->consumed + (size_t)r->slots)
            pthread_cond_wait(&r->freed, &r->lock);
        if (r->stop || r->next >= r->end) break;
        size_t item = r->next++;
        int s = (int)((item - r->first) % (size_t)r->slots);
        pthread_mutex_unlock(&r->lock);
        limn_status st = r->produce(r->ctx, item, s, w->worker);
        pthread_mutex_lock(&r->lock);
        r->slot[s].status = st;
        if (st != LIMN_OK) snprintf(r->slot[s].message, sizeof r->slot[s].message, "%s", limn_message());
        r->slot[s].state = FULL;
        pthread_cond_broadcast(&r->filled);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static limn_status consume_all(ring *r, limn_consume_fn consume) {
    limn_status status = LIMN_OK;
    for (size_t item = r->first; item < r->end && status == LIMN_OK; item++) {
        int s = (int)((item - r->first) % (size_t)r->slots);
        pthread_mutex_lock(&r->lock);
        while (r->slot[s].state != FULL) pthread_cond_wait(&r->filled, &r->lock);
        pthread_mutex_unlock(&r->lock);
        status = r->slot[s].status;
        if (status != LIMN_OK)
            status = limn_fail(status, "%s", r->slot[s].message);
        else
            status = consume(r->ctx, item, s);
        pthread_mutex_lock(&r->lock);
        r->slot[s].state = EMPTY;
        r->consumed = item + 1;
        pthread_cond_broadcast(&r->freed);
        pthread_mutex_unlock(&r->lock);
    }
    return status;
}

limn_status limn_ordered(int threads, int slots, size_t first, size_t end, limn_produce_fn produce,
                         limn_consume_fn consume, void *ctx) {
    limn_status status = LIMN_OK;
    int n = limn_threads(threads), started = 0;
    pthread_t *thread = NULL;
    ring_worker *worker = NULL;
    ring r = {
        .slots = slots, .first = first, .end = end, .next = first, .consumed = first, .produce = produce, .ctx = ctx};
    if (first >= end) return LIMN_OK;
    if ((size_t)n > end - first) n = (int)(end - first);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.freed, NULL);
    pthread_cond_init(&r.filled, NULL);
    TRY(limn_new(&r.slot, (size_t)slots, sizeof *r.slot));
    TRY(limn_new(&thread, (size_t)n, sizeof *thread));
    TRY(limn_new(&worker, (size_t)n, sizeof *worker));
    for (; started < n; started++) {
        worker[started] = (ring_worker){.r = &r, .worker = started};
        if (pthread_create(&thread[started], NULL, work, &worker[started]) != 0) break;
    }
    if (started == 0) FAIL(LIMN_EFAIL, "no thread could be started");
    status = consume_all(&r, consume);
done:
    pthread_mutex_lock(&r.lock);
    r.stop = 1;
    pthread_cond_broadcast(&r.freed);
    pthread_mutex_unlock(&r.lock);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    pthread_cond_destroy(&r.filled);
    pthread_cond_destroy(&r.freed);
    pthread_mutex_destroy(&r.lock);
    free(worker);
    free(thread);
    free(r.slot);
    return status;
}
