/* Parallel work whose result never depends on the number of threads.
 *
 * The rule (engine.md): a task is a fixed piece of the work, chosen from the work alone; tasks write disjoint outputs;
 * sums over tasks are made in task order by the caller. Inside a task OpenMP and oneDNN see one thread, and
 * limn_parallel runs its tasks in that thread. */
#ifndef LIMN_PARALLEL_H
#define LIMN_PARALLEL_H

#include <stddef.h>

#include "base/status.h"

/* Number of threads to use for a request of `threads` (<= 0: all cores that this process may run on). */
int limn_threads(int threads);

/* Runs fn(ctx, task, worker) for task = 0 … tasks-1, worker in [0, limn_threads(threads)). */
typedef void (*limn_task_fn)(void *ctx, size_t task, int worker);
void limn_parallel(int threads, size_t tasks, limn_task_fn fn, void *ctx);
/* For good, in the calling thread: limn_parallel runs all tasks here, and oneDNN uses this thread alone. */
void limn_parallel_none(void);

/* An ordered pipeline: workers produce items out of order, the calling thread consumes them in order.
 * produce(ctx, item, slot, worker): fills slot `slot` = (item - first) mod slots; slots >= 1 bound the memory.
 * consume(ctx, item, slot): on the calling thread, item = first … end-1 in order; while it runs, workers go on.
 * The first failure in item order stops everything and is returned, with its message on the calling thread. */
typedef limn_status (*limn_produce_fn)(void *ctx, size_t item, int slot, int worker);
typedef limn_status (*limn_consume_fn)(void *ctx, size_t item, int slot);
limn_status limn_ordered(int threads, int slots, size_t first, size_t end, limn_produce_fn produce,
                         limn_consume_fn consume, void *ctx) LIMN_CHECK;

#endif
