/* limn_parallel: a loop over tasks on a pool of POSIX threads that stays between loops.
 *
 * OpenMP's teams make every thread meet at the end of a loop and spin there: on a machine that has other work, a loop of
 * 2 ms waits a time slice for a thread that has not even begun. Here
 *
 *  1. `gate` holds all of a loop's state that threads contend for: its number, whether it is open, and how many helpers
 *     are inside. A helper enters by one compare-and-swap, and only while the loop is open.
 *  2. Tasks are handed out by one counter. The caller takes tasks like everybody; when none is left it closes the gate
 *     and waits for the helpers that are inside alone. One that the system has not run yet is not waited for.
 *  3. Who waits, a helper for the next loop or the caller for the last task, spins for some 100 microseconds (loops of a
 *     descent follow each other closely) and then sleeps.
 *
 * Tasks that call limn_parallel run its tasks themselves, one after the other; so does a second caller while the pool
 * is taken. That changes no result: a task is fixed by the work alone (parallel.h). Inside a task OpenMP, and so oneDNN,
 * sees one thread. A child after fork() starts with an empty pool. Threads are joined when the library goes.
 *
 * `job` is written by the caller while the gate is closed and nobody is inside, and published by opening it. */
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/parallel.h"

enum { MAX_THREADS = 256, SPINS = 6000 };

static const uint64_t OPEN = 1u << 16, INSIDE = (1u << 16) - 1, LOOP = 1u << 17;

static struct {
    pthread_mutex_t taken; /* held by the caller whose loop it is; guards `started` and `job` */
    pthread_t thread[MAX_THREADS];
    int started;           /* helpers */
    _Atomic uint64_t gate; /* number of the loop << 17 | open << 16 | helpers inside */
    struct {
        limn_task_fn fn;
        void *ctx;
        size_t tasks;
        int workers;
    } job;
    atomic_size_t next; /* the next task */
    pthread_mutex_t lock;
    pthread_cond_t opened, emptied;
    atomic_int asleep, waiting; /* helpers in `opened`; whether the caller is in `emptied` */
    int stop;                   /* under `lock` */
} pool = {.taken = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .opened = PTHREAD_COND_INITIALIZER,
          .emptied = PTHREAD_COND_INITIALIZER};

static _Thread_local int inside; /* this thread runs tasks: a loop in one runs here */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void limn_parallel_none(void) {
    inside = 1;
    omp_set_num_threads(1); /* of this thread: oneDNN's primitives and products run with one */
}

static void run_tasks(int worker) {
    limn_task_fn fn = pool.job.fn;
    void *ctx = pool.job.ctx;
    size_t tasks = pool.job.tasks;
    for (;;) {
        size_t t = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
        if (t >= tasks) break;
        fn(ctx, t, worker);
    }
}

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

/* Waits until a loop other than `last` is open; its gate, or 0 where the pool goes. */
static uint64_t next_loop(uint64_t last) {
    uint64_t g;
    int stop = 0;
    for (int i = 0; i < SPINS; i++) {
        g = atomic_load(&pool.gate);
        if (g / LOOP != last && (g & OPEN)) return g;
        pause_briefly();
    }
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.asleep, 1);
    for (;;) {
        g = atomic_load(&pool.gate);
        stop = pool.stop;
        if (stop || (g / LOOP != last && (g & OPEN))) break;
        pthread_cond_wait(&pool.opened, &pool.lock);
    }
    atomic_fetch_sub(&pool.asleep, 1);
    pthread_mutex_unlock(&pool.lock);
    return stop ? 0 : g;
}

static void leave(void) {
    uint64_t g = atomic_fetch_sub(&pool.gate, 1) - 1;
    if ((g & OPEN) || (g & INSIDE) > 0 || !atomic_load(&pool.waiting)) return;
    pthread_mutex_lock(&pool.lock);
    pthread_cond_signal(&pool.emptied);
    pthread_mutex_unlock(&pool.lock);
}

static void *help(void *arg) {
    int worker = (int)(intptr_t)arg;
    uint64_t last = 0, g;
    limn_parallel_none();
    while ((g = next_loop(last)) != 0) {
        if (!atomic_compare_exchange_strong(&pool.gate, &g, g + 1)) continue; /* others came or went, or it closed */
        last = g / LOOP;
        if (worker < pool.job.workers) run_tasks(worker);
        leave();
    }
    return NULL;
}

/* ---- the pool itself --------------------------------------------------------------------------------------------- */

/* In the child of a fork there is no helper, and the locks may have been anybody's. */
static void empty_pool(void) {
    pthread_mutex_init(&pool.taken, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.opened, NULL);
    pthread_cond_init(&pool.emptied, NULL);
    pool.started = pool.stop = 0;
    atomic_store(&pool.gate, 0);
    atomic_store(&pool.asleep, 0);
    atomic_store(&pool.waiting, 0);
    inside = 0;
}

static void watch_forks(void) {
    pthread_atfork(NULL, NULL, empty_pool);
}

__attribute__((destructor)) static void close_pool(void) {
    if (pthread_mutex_trylock(&pool.taken) != 0) return; /* the process ends while another thread is in a loop */
    pthread_mutex_lock(&pool.lock);
    pool.stop = 1;
    pthread_cond_broadcast(&pool.opened);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.started; i++) pthread_join(pool.thread[i], NULL);
    pool.started = 0;
    pthread_mutex_unlock(&pool.taken);
}

/* As many helpers as can be had. Signals are the business of the program's own threads. */
static void start_helpers(int helpers) {
    sigset_t all, before;
    if (pool.started >= helpers) return;
    pthread_once(&once, watch_forks);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; pool.started < helpers; pool.started++)
        if (pthread_create(&pool.thread[pool.started], NULL, help, (void *)(intptr_t)(pool.started + 1)) != 0) break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void open_gate(void) {
    uint64_t loop = atomic_load(&pool.gate) / LOOP + 1;
    atomic_store(&pool.next, 0);
    atomic_store(&pool.gate, loop * LOOP | OPEN);
    if (atomic_load(&pool.asleep) == 0) return;
    pthread_mutex_lock(&pool.lock);
    pthread_cond_broadcast(&pool.opened);
    pthread_mutex_unlock(&pool.lock);
}

static void close_gate(void) {
    uint64_t g = atomic_fetch_and(&pool.gate, ~OPEN);
    for (int i = 0; i < SPINS && (g & INSIDE) > 0; i++) {
        pause_briefly();
        g = atomic_load(&pool.gate);
    }
    if ((g & INSIDE) == 0) return;
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.waiting, 1);
    while ((atomic_load(&pool.gate) & INSIDE) > 0) pthread_cond_wait(&pool.emptied, &pool.lock);
    atomic_store(&pool.waiting, 0);
    pthread_mutex_unlock(&pool.lock);
}

int limn_threads(int threads) {
    int n = threads > 0 ? threads : omp_get_num_procs();
    return n > MAX_THREADS ? MAX_THREADS : n < 1 ? 1 : n;
}

void limn_parallel(int threads, size_t tasks, limn_task_fn fn, void *ctx) {
    int n = limn_threads(threads), was = omp_get_max_threads(), nested = inside;
    if ((size_t)n > tasks) n = (int)tasks;
    omp_set_num_threads(1);
    inside = 1;
    if (n > 1 && !nested && pthread_mutex_trylock(&pool.taken) == 0) {
        start_helpers(n - 1);
        pool.job.fn = fn;
        pool.job.ctx = ctx;
        pool.job.tasks = tasks;
        pool.job.workers = n;
        open_gate();
        run_tasks(0);
        close_gate();
        pthread_mutex_unlock(&pool.taken);
    } else
        for (size_t t = 0; t < tasks; t++) fn(ctx, t, 0);
    inside = nested;
    omp_set_num_threads(was);
}
