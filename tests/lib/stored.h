/* A small database with a row in every table, for the tests of db/. */
#ifndef STORED_H
#define STORED_H

#include "db/store.h"

/* For files that include cmocka.h: the call succeeds; the last sentence holds the word. */
#define OK(expr)                                                                                                       \
    do {                                                                                                               \
        if ((expr) != LIMN_OK) fail_msg("%s: %s", #expr, limn_message());                                              \
    } while (0)
#define SAYS(word)                                                                                                     \
    do {                                                                                                               \
        if (!strstr(limn_message(), word)) fail_msg("no '%s' in: %s", word, limn_message());                           \
    } while (0)

enum { STORED_N = 6, STORED_CLASSES = 3, STORED_DIM = 4, STORED_SIDE = 2, STORED_K = 2 };

typedef struct {
    int64_t run, model, dataset, extraction, map, pca, saliency, cam;
    int64_t sample[STORED_N];
} stored;

/* Labels 0 1 2 0 1 2; predictions right but for sample 5 (2 -> 0). Vectors: (idx, idx^2, label, 1). Maps: saliency of
 * sample i = (i, i + 1, -i, 0.5), of the predicted class; cam the same times 2, for classes 0 and 1. Points: (idx, -idx);
 * the two maps share idx/8 of sample idx's neighbours.
 * Samples are written last to first where `reversed`. Fails the test where anything fails. */
void stored_fill(limn_store *s, stored *out, const char *experiment, int reversed);

/* A limn_text_fn / store_text_fn that gathers: free(text). */
typedef struct {
    char *text;
    size_t n;
} stored_text;
int stored_write(void *ctx, const char *text, size_t n);

/* The first value of a query on a database file, as text: free(). "NULL" for NULL, "" where there is no row. */
char *stored_ask(const char *path, const char *sql);
/* The same as a number. */
int64_t stored_count(const char *path, const char *sql);

#endif
