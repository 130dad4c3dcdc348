/* OpenMP for the fuzz targets, which run on one thread: clang need not bring its own library. */
#ifndef LIMN_FUZZ_OMP_H
#define LIMN_FUZZ_OMP_H

static inline int omp_get_num_procs(void) {
    return 1;
}
static inline int omp_get_max_threads(void) {
    return 1;
}
static inline int omp_get_num_threads(void) {
    return 1;
}
static inline int omp_get_thread_num(void) {
    return 0;
}
static inline void omp_set_num_threads(int n) {
    (void)n;
}

#endif
