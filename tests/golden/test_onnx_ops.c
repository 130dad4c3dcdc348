/* ONNX operators that limn writes with others, and windows over volumes, against ONNX Runtime: the networks ops and select of
 * tests/data/onnx (make.py there made them) join a result of each; values, and the gradient at the input. Then the forms in which
 * programs write one network (make_forms.py). */
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

/* Values, and the gradient at the input, of the network `name` against an .npz. */
static void values_and_gradient(const char *name, const char *npz) {
    char model[64];
    size_t n, m;
    snprintf(model, sizeof model, DATA "%s.onnx", name);
    peer_net p = peer_open(model, NULL, 0);
    double *x = peer_need(npz, "x", &n), *want = peer_need(npz, "y", &m);
    double *slope = peer_need(npz, "gradient", &n), *c = malloc(m * sizeof *c);
    assert_non_null(c);
    for (size_t i = 0; i < m; i++) c[i] = ((double)(i % (m / ROWS) % 7) - 3) / 3;
    peer_forward(&p, x, ROWS);
    double *have = peer_value(&p, p.graph->n_layers - 1, ROWS), d = peer_difference(have, want, m, 1);
    double *g = peer_gradient(&p, c, ROWS, LIMN_INPUT), e = peer_difference(g, slope, n, 1);
    print_message("# %s: values within %.1e, gradient within %.1e\n", name, d, e);
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

static void operators_written_with_others(void **state) {
    (void)state;
    values_and_gradient("ops", DATA "ops.npz");
}

static void attention_selection_and_equations(void **state) {
    (void)state;
    values_and_gradient("select", DATA "select.npz");
}

/* As PyTorch's exporters write it (make_torch.py): tokens before the batch, and both, or heads and batch, as one axis. */
static void vision_transformers_of_pytorch(void **state) {
    (void)state;
    values_and_gradient("torch_17", DATA "torch.npz");
    values_and_gradient("torch_18", DATA "torch.npz");
    values_and_gradient("torch_23", DATA "torch.npz");
    values_and_gradient("torch_17_batch_1", DATA "torch.npz");
    values_and_gradient("torch_18_batch_2", DATA "torch.npz");
}

/* The network `name` gives the numbers y of an .npz (make_forms.py), which may be of another form of its input. */
static void has_its_numbers(const char *name, const char *npz, const char *x_name, const char *y_name) {
    char model[64];
    size_t n, m, out;
    snprintf(model, sizeof model, DATA "%s.onnx", name);
    peer_net p = peer_open(model, NULL, 0);
    double *x = peer_need(npz, x_name, &n), *want = peer_need(npz, y_name, &m);
    out = ROWS * limn_shape_size(graph_layer_shape(p.graph, p.graph->n_layers - 1));
    assert_true(n >= ROWS * limn_shape_size(&p.d->input));
    assert_int_equal(m, out);
    peer_forward(&p, x, ROWS);
    double *have = peer_value(&p, p.graph->n_layers - 1, ROWS), d = peer_difference(have, want, m, 1);
    if (!(d <= VALUES)) fail_msg("%s differs by %g", name, d);
    free(have);
    free(want);
    free(x);
    peer_close(&p);
}

/* Sizes of a reshape that were clipped; every sum along an axis of a constant. */
static void known_values_are_computed(void **state) {
    (void)state;
    has_its_numbers("known", DATA "known.npz", "x", "y");
}

/* One network in the words of each: attributes that became inputs, other operators, other defaults. */
static void opsets_7_to_22(void **state) {
    (void)state;
    for (int v = 7; v <= 22; v++) {
        char name[32];
        snprintf(name, sizeof name, "opset_%d", v);
        has_its_numbers(name, DATA "opset.npz", "x", "y");
    }
}

/* Weights of three widths, cast in the file, listed as inputs too (with a batch of 1), in another file; pictures that are
 * turned or reshaped first. A single sigmoid ends each, which is swapped out. */
static void forms_of_one_network(void **state) {
    (void)state;
    static const char *const name[] = {"single", "half", "double", "cast", "inputs", "external", "reshaped"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        char file[64];
        limn_graph *g;
        snprintf(file, sizeof file, "form_%s", name[i]);
        has_its_numbers(file, DATA "form.npz", "x", "y");
        snprintf(file, sizeof file, DATA "form_%s.onnx", name[i]);
        if (model_read(&g, file, NULL) != LIMN_OK || graph_swap_softmax(g) != LIMN_OK) fail_msg("%s", limn_message());
        assert_int_equal(g->final_activation, LIMN_OP_UNARY);
        graph_free(g);
    }
    has_its_numbers("form_nhwc", DATA "form.npz", "x_nhwc", "y");
    has_its_numbers("form_gray", DATA "form.npz", "x_gray", "y_gray");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(operators_written_with_others),
                                       cmocka_unit_test(attention_selection_and_equations),
                                       cmocka_unit_test(vision_transformers_of_pytorch),
                                       cmocka_unit_test(known_values_are_computed),
                                       cmocka_unit_test(opsets_7_to_22),
                                       cmocka_unit_test(forms_of_one_network)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
