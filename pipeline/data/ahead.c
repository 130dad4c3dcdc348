/* A ring of `depth` chunks between reading threads and takers, under one mutex: see ahead.h. Chunk k lies in slot k mod
 * depth. A slot goes EMPTY -> READING (a thread has claimed its next chunk) -> READY -> EMPTY (given back `takes` times).
 * Readers claim chunks in order, and none beyond the first that has failed. */
#include "data/ahead.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"

typedef enum { EMPTY, READING, READY } slot_state;

typedef struct {
    slot_state state;
    size_t chunk, left; /* left: takes that are not given back yet */
    float *x;
} slot;

struct limn_ahead {
    limn_ahead_options o;
    pthread_mutex_t lock;
    pthread_cond_t freed, filled;
    slot *slot;
    pthread_t *thread;
    int started, stop;
    size_t next;   /* chunk to claim */
    size_t failed; /* the first chunk that could not be read; `chunks`: none */
    limn_status status;
    char message[2048];
    double waited;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static slot *slot_of(limn_ahead *a, size_t chunk) {
    return &a->slot[chunk % (size_t)a->o.depth];
}

/* Of two failures the earlier chunk's counts, whichever was noticed first. */
static void note_failure(limn_ahead *a, size_t chunk, limn_status s) {
    if (chunk >= a->failed) return;
    a->failed = chunk;
    a->status = s;
    snprintf(a->message, sizeof a->message, "%s", limn_message());
}

static void *read_chunks(void *arg) {
    limn_ahead *a = arg;
    limn_parallel_none();
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->stop && a->next < a->failed && slot_of(a, a->next)->state != EMPTY)
            pthread_cond_wait(&a->freed, &a->lock);
        if (a->stop || a->next >= a->failed) break;
        size_t chunk = a->next++;
        slot *s = slot_of(a, chunk);
        *s = (slot){.state = READING, .chunk = chunk, .left = a->o.takes, .x = s->x};
        pthread_mutex_unlock(&a->lock);
        limn_status status = a->o.read(a->o.ctx, chunk, s->x);
        pthread_mutex_lock(&a->lock);
        if (status != LIMN_OK) note_failure(a, chunk, status);
        s->state = READY;
        pthread_cond_broadcast(&a->filled);
        if (status != LIMN_OK) pthread_cond_broadcast(&a->freed); /* the others stop */
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

limn_status limn_ahead_open(limn_ahead **out, const limn_ahead_options *o) {
    limn_status status = LIMN_OK;
    limn_ahead *a = NULL;
    int threads = limn_threads(o->threads);
    *out = NULL;
    TRY(limn_new(&a, 1, sizeof *a));
    a->o = *o;
    a->failed = o->chunks;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->freed, NULL);
    pthread_cond_init(&a->filled, NULL);
    if ((size_t)a->o.depth > o->chunks) a->o.depth = o->chunks > 0 ? (int)o->chunks : 1;
    if (threads > a->o.depth) threads = a->o.depth;
    TRY(limn_new(&a->slot, (size_t)a->o.depth, sizeof *a->slot));
    TRY(limn_new(&a->thread, (size_t)threads, sizeof *a->thread));
    for (int i = 0; i < a->o.depth; i++) TRY(limn_new(&a->slot[i].x, o->floats, sizeof(float)));
    for (; a->started < threads; a->started++)
        if (pthread_create(&a->thread[a->started], NULL, read_chunks, a) != 0) break;
    if (a->started == 0) FAIL(LIMN_EFAIL, "no thread could be started");
    *out = a;
    a = NULL;
done:
    limn_ahead_close(a);
    return status;
}

limn_status limn_ahead_take(limn_ahead *a, size_t chunk, const float **x) {
    limn_status status = LIMN_OK;
    slot *s = slot_of(a, chunk);
    *x = NULL;
    pthread_mutex_lock(&a->lock);
    if (!(s->state == READY && s->chunk == chunk) && chunk < a->failed) {
        double since = now();
        while (!(s->state == READY && s->chunk == chunk) && chunk < a->failed) pthread_cond_wait(&a->filled, &a->lock);
        a->waited += now() - since;
    }
    if (chunk >= a->failed)
        status = limn_fail(a->status, "%s", a->message);
    else
        *x = s->x;
    pthread_mutex_unlock(&a->lock);
    return status;
}

void limn_ahead_give(limn_ahead *a, size_t chunk) {
    slot *s = slot_of(a, chunk);
    pthread_mutex_lock(&a->lock);
    if (--s->left == 0) {
        s->state = EMPTY;
        pthread_cond_broadcast(&a->freed);
    }
    pthread_mutex_unlock(&a->lock);
}

double limn_ahead_waited(limn_ahead *a) {
    pthread_mutex_lock(&a->lock);
    double waited = a->waited;
    pthread_mutex_unlock(&a->lock);
    return waited;
}

void limn_ahead_close(limn_ahead *a) {
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->stop = 1;
    pthread_cond_broadcast(&a->freed);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < a->started; i++) pthread_join(a->thread[i], NULL);
    for (int i = 0; a->slot && i < a->o.depth; i++) free(a->slot[i].x);
    pthread_cond_destroy(&a->filled);
    pthread_cond_destroy(&a->freed);
    pthread_mutex_destroy(&a->lock);
    free(a->slot);
    free(a->thread);
    free(a);
}
