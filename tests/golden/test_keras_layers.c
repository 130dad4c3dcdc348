/* Every layer type of Keras against Keras: the small networks of tests/data/keras (make.py there made them), each layer
 * of the outermost network by name, then the gradient at the input. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/peer.h"

#define DATA "tests/data/keras/"
/* Relative to an array's largest value: two float32 programs, up to 30 layers deep. */
static const double VALUES = 2e-5, GRADIENTS = 1e-4;
enum { ROWS = 2 };

/* c_i = (i % 7 - 3) / 3 of each sample's outputs. */
static double *seeds(const peer_net *p) {
    size_t n = limn_shape_size(graph_layer_shape(p->graph, p->graph->n_layers - 1));
    double *c = malloc(ROWS * n * sizeof *c);
    assert_non_null(c);
    for (size_t i = 0; i < ROWS * n; i++) c[i] = ((double)(i % n % 7) - 3) / 3;
    return c;
}

static void compare(const char *file, const char *numbers, int layers) {
    char npz[128], model[128];
    size_t n;
    double most = 0;
    int seen = 0, bad = 0;
    snprintf(npz, sizeof npz, DATA "%s.npz", numbers);
    snprintf(model, sizeof model, DATA "%s", file);
    peer_net p = peer_open(model, NULL, 0);
    double *x = peer_need(npz, "x", &n), *c = seeds(&p);
    assert_int_equal(n, ROWS * limn_shape_size(&p.d->input));
    peer_forward(&p, x, ROWS);
    for (int i = 0; i < p.graph->n_layers; i++) {
        double *want = peer_array(npz, p.graph->layer[i].name, &n);
        if (!want) continue; /* of a network within, or a second call */
        assert_int_equal(n, ROWS * limn_shape_size(graph_layer_shape(p.graph, i)));
        double *have = peer_value(&p, i, ROWS), d = peer_difference(have, want, n, 1);
        if (!(d <= VALUES)) {
            print_error("%s: layer %s (%s) differs by %g\n", file, p.graph->layer[i].name, p.graph->layer[i].type, d);
            bad++;
        }
        most = d > most ? d : most;
        free(have);
        free(want);
        seen++;
    }
    double *want = peer_need(npz, "gradient", &n), *have = peer_gradient(&p, c, ROWS, LIMN_INPUT);
    double g = peer_difference(have, want, n, 1);
    print_message("# %s: %d layers within %.1e, gradient within %.1e\n", file, seen, most, g);
    assert_int_equal(seen, layers);
    assert_int_equal(bad, 0);
    assert_true(g <= GRADIENTS);
    free(have);
    free(want);
    free(c);
    free(x);
    peer_close(&p);
}

static void networks_within_networks_and_shared_layers(void **state) {
    (void)state;
    compare("nested.keras", "nested", 18);
}

/* The same file with its weights by name: of a network within, what is trained first. */
static void weights_of_networks_within_by_name(void **state) {
    (void)state;
    compare("nested.h5", "nested", 18);
}

static void layers_that_move_pixels(void **state) {
    (void)state;
    compare("pixels.keras", "pixels", 29);
}

static void layers_that_merge(void **state) {
    (void)state;
    compare("merge.keras", "merge", 14);
}

static void activations_by_name_and_as_layers(void **state) {
    (void)state;
    compare("activations.keras", "activations", 35);
}

static void sequences(void **state) {
    (void)state;
    compare("sequences.keras", "sequences", 17);
}

static void sequences_by_channel(void **state) {
    (void)state;
    compare("channels.keras", "channels", 9);
}

static void channels_first(void **state) {
    (void)state;
    compare("first.keras", "first", 18);
}

/* As Keras's count_params has it: moments too, a shared layer once. */
static void parameters_are_counted_as_keras_counts_them(void **state) {
    (void)state;
    static const struct {
        const char *file;
        size_t count;
    } row[] = {{"nested.keras", 1545}, {"nested.h5", 1545},      {"pixels.keras", 491},
               {"merge.keras", 1696},  {"sequences.keras", 354}, {"first.keras", 3009}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char path[128];
        limn_graph *g;
        size_t n = 0;
        snprintf(path, sizeof path, DATA "%s", row[i].file);
        if (model_read(&g, path, NULL) != LIMN_OK) fail_msg("%s", limn_message());
        for (int k = 0; k < g->n_layers; k++) n += g->layer[k].params;
        assert_int_equal(n, row[i].count);
        graph_free(g);
    }
}

static void operations_with_numbers(void **state) {
    (void)state;
    compare("numbers.keras", "numbers", 4);
}

static void a_vision_transformer(void **state) {
    (void)state;
    compare("vit.keras", "vit", 15);
    compare("vit.h5", "vit", 15);
}

static void attention_of_every_kind(void **state) {
    (void)state;
    compare("attention.keras", "attention", 12);
    compare("heads2.keras", "heads2", 7);
    compare("heads2.h5", "heads2", 7);
}

/* A list, and an object whose keys are not in their order. */
static void networks_within_give_several_values(void **state) {
    (void)state;
    compare("two.keras", "two", 4);
}

/* One network in the forms of make_forms.py: names with `/`, a fixed batch, an optimizer's state; float16 and float64 weights,
 * policies as dtypes; a single sigmoid at the end. */
static void versions_and_options_of_one_network(void **state) {
    (void)state;
    static const char *const file[] = {"keras2.h5", "keras2.keras", "half.h5", "double.keras", "mixed.keras"};
    for (int i = 0; i < 5; i++) compare(file[i], "forms", 4);
    limn_graph *g;
    if (model_read(&g, DATA "keras2.h5", NULL) != LIMN_OK) fail_msg("%s", limn_message());
    assert_string_equal(g->layer[0].name, "block/conv");
    assert_int_equal(graph_find_layer(g, "head/score"), 3);
    if (graph_swap_softmax(g) != LIMN_OK) fail_msg("%s", limn_message());
    assert_int_equal(g->final_activation, LIMN_OP_UNARY);
    graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_within_networks_and_shared_layers),
        cmocka_unit_test(weights_of_networks_within_by_name),
        cmocka_unit_test(layers_that_move_pixels),
        cmocka_unit_test(layers_that_merge),
        cmocka_unit_test(activations_by_name_and_as_layers),
        cmocka_unit_test(sequences),
        cmocka_unit_test(sequences_by_channel),
        cmocka_unit_test(channels_first),
        cmocka_unit_test(operations_with_numbers),
        cmocka_unit_test(a_vision_transformer),
        cmocka_unit_test(attention_of_every_kind),
        cmocka_unit_test(networks_within_give_several_values),
        cmocka_unit_test(versions_and_options_of_one_network),
        cmocka_unit_test(parameters_are_counted_as_keras_counts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
