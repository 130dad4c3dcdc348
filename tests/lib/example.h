/* The example network with the 20 pairs of sample and target that the goldens explain. */
#ifndef TESTS_EXAMPLE_H
#define TESTS_EXAMPLE_H

#include "tests/lib/fidelity.h"
#include "tests/lib/peer.h"

typedef struct {
    peer_net net[3]; /* by fidelity_net */
    int *sample, *target;
    float *x; /* (20, 784) */
} example;

/* Ends the test where something can't be read; skips it where the goldens are absent. */
void example_open(example *e);
void example_close(example *e);

/* The chunk that starts at pair `first`: x (B, 784) and seed (B, 10), rows behind the last pair zero; the number of its
 * pairs, after a forward pass of net. */
size_t example_forward(const example *e, const limn_diff *d, size_t first, float *x, float *seed);

#endif
