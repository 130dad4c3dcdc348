/* How near our numbers are to another program's, map by map; and the record of it that docs/fidelity.md is made from.
 *
 * A record is one golden array and what of ours must equal it. A map passes where its relative L2 difference
 * ||ours - golden|| / ||golden|| is at most `limit`. Where the golden array itself is known not to be that exact, `cause`
 * says why, and `wide` is then what the test holds it to; `passed` still counts by `limit`.
 *
 * Where the environment has FIDELITY=FILE, every finished record is appended to FILE as a line of fields with tabs
 * between them: tests/fidelity.sh makes the document from them, and checks that no golden array is left out. */
#ifndef TESTS_RECORD_H
#define TESTS_RECORD_H

#include <stddef.h>

/* What the project promises of a map. */
#define RECORD_GRADIENT 1e-5
#define RECORD_CAM 1e-4

typedef struct {
    const char *file, *member; /* "captum.npz", "saliency" */
    const char *what;          /* "saliency grad_modifier=none" */
    double limit, wide;
    const char *cause; /* NULL: all maps must pass */
    size_t maps, passed;
    double worst;
    int row; /* the worst map */
} record;

void record_map(record *r, const float *ours, const float *golden, size_t n);
void record_values(record *r, const double *ours, const double *golden, size_t n);
/* A map whose difference is known already, relative as the caller means it. */
void record_difference(record *r, double difference);
/* Writes the record down. 1 where it fails the test; then, and where FIDELITY is set, it is printed too. */
int record_failed(const record *r);
/* An array that is compared by being what another is made from: samples, noise, weights … */
void record_input(const char *file, const char *member, const char *as);

#endif
