/* The library alone: vectors to a map, with options, progress, and a way to stop.
 *
 *   cc -o tsne examples/tsne.c $(pkg-config --cflags --libs limn) && ./tsne [STOP]
 *
 * Three groups of vectors are mapped from two seeds, and it is told how far the two maps agree. With STOP the descent is
 * ended at that iteration, as a window's close button would. */
#include <limn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 300, D = 8, SEEDS = 2 };

/* Called now and then; a value other than 0 stops the call, which returns LIMN_EINTERRUPTED. */
static int on_progress(void *ctx, const limn_progress *p) {
    long stop = *(const long *)ctx;
    if (strcmp(p->stage, "map") != 0) return 0;
    if (p->done % 100 == 0) printf("%s %zu of %zu\n", p->stage, p->done, p->total);
    return stop > 0 && p->done >= (size_t)stop;
}

int main(int argc, char **argv) {
    static float X[N][D];
    static const uint64_t seed[SEEDS] = {1, 2};
    long stop = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    limn_embedding *map[SEEDS];
    limn_map_agreement agree;
    limn_embed_options o;
    srand(1);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < D; c++) X[i][c] = (float)(i % 3 == c % 3) * 3 + (float)rand() / (float)RAND_MAX;

    limn_embed_defaults(&o);
    o.perplexity = 20;
    o.iterations = 300;
    limn_status s = limn_embed_seeds(map, seed, SEEDS, &X[0][0], N, D, &o, on_progress, &stop);
    if (s == LIMN_EINTERRUPTED) return puts("stopped"), 0;
    if (s != LIMN_OK) return fprintf(stderr, "%s\n", limn_message()), 1;

    const float *Y[SEEDS] = {map[0]->Y, map[1]->Y};
    const int dims[SEEDS] = {map[0]->dims, map[1]->dims};
    s = limn_maps_agree(&agree, NULL, Y, dims, SEEDS, N, 1, 0);
    if (s != LIMN_OK) return fprintf(stderr, "%s\n", limn_message()), 1;
    printf("KL %.3f and %.3f; of a point's %d neighbours %.0f %% are shared\n", map[0]->kl, map[1]->kl, agree.k,
           100 * agree.overlap);
    for (int i = 0; i < SEEDS; i++) limn_embedding_free(map[i]);
    return 0;
}
