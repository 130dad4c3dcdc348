/* ONNX operators that limn writes with others, and windows over volumes, against ONNX Runtime: the network ops.onnx of
 * tests/data/onnx (make.py there made it) joins a result of each; values, and the gradient at the input. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/peer.h"

#define DATA "tests/data/onnx/"
/* Relative to the largest: two float32 programs; central differences of a step of 4e-3 in float32, where curvature and
 * rounding weigh about 1e-5. */
static const double VALUES = 2e-6, GRADIENTS = 1e-4;
enum { ROWS = 2 };

static void operators_written_with_others(void **state) {
    (void)state;
    size_t n, m;
    peer_net p = peer_open(DATA "ops.onnx", NULL, 0);
    double *x = peer_need(DATA "ops.npz", "x", &n), *want = peer_need(DATA "ops.npz", "y", &m);
    double *slope = peer_need(DATA "ops.npz", "gradient", &n), *c = malloc(m * sizeof *c);
    assert_non_null(c);
    for (size_t i = 0; i < m; i++) c[i] = ((double)(i % (m / ROWS) % 7) - 3) / 3;
    peer_forward(&p, x, ROWS);
    double *have = peer_value(&p, p.graph->n_layers - 1, ROWS), d = peer_difference(have, want, m, 1);
    double *g = peer_gradient(&p, c, ROWS, LIMN_INPUT), e = peer_difference(g, slope, n, 1);
    print_message("# values within %.1e, gradient within %.1e\n", d, e);
    assert_true(d <= VALUES);
    assert_true(e <= GRADIENTS);
    free(g);
    free(have);
    free(c);
    free(slope);
    free(want);
    free(x);
    peer_close(&p);
}

/* NAME.onnx gives the numbers y of NAME.npz (make_forms.py), within so much of the largest. */
static void has_its_numbers(const char *name, double limit) {
    char model[64], npz[64];
    size_t n, m;
    snprintf(model, sizeof model, DATA "%s.onnx", name);
    snprintf(npz, sizeof npz, DATA "%s.npz", name);
    peer_net p = peer_open(model, NULL, 0);
    double *x = peer_need(npz, "x", &n), *want = peer_need(npz, "y", &m);
    assert_int_equal(n, ROWS * limn_shape_size(&p.d->input));
    assert_int_equal(m, ROWS * limn_shape_size(graph_layer_shape(p.graph, p.graph->n_layers - 1)));
    peer_forward(&p, x, ROWS);
    double *have = peer_value(&p, p.graph->n_layers - 1, ROWS), d = peer_difference(have, want, m, 1);
    print_message("# %s: within %.1e\n", name, d);
    if (!(d <= limit)) fail_msg("%s differs by %g", name, d);
    free(have);
    free(want);
    free(x);
    peer_close(&p);
}

/* Sizes of a reshape that were clipped; every sum along an axis of a constant. */
static void known_values_are_computed(void **state) {
    (void)state;
    has_its_numbers("known", VALUES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators_written_with_others),
                                       cmocka_unit_test(known_values_are_computed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
