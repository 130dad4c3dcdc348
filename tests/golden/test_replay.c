/* The formulas alone, against other programs' maps: activations and gradients that Keras stored are replayed through
 * limn_diff, so that no engine of ours has a part in it. ../shared/goldens/cnn/README.md says what made the arrays. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "tests/lib/fidelity.h"
#include "tests/lib/toy.h"

/* Programs agree on these float32 gradients to 5e-7 of the largest, on CAMs to 3e-6 (the goldens' README): a sum of 64
 * terms or 576 rounded otherwise. Every map, of the inverted gradients too: keras-vis's own gradients are replayed, so
 * that nothing differs but the formula. */
#define SAME_ARRAYS 1e-5

enum { N = 16 };
static const struct {
    const char *name, *file, *grad;
    size_t C, h, w;
} kept[] = {{"conv2d_1", "keras_activations.npz", "grad_conv2d_1", 32, 26, 26},
            {"conv2d_2", "keras_activations.npz", "grad_conv2d_2", 64, 24, 24},
            {"max_pooling2d_1", "kerasvis.npz", "raw_grad_max_pooling2d_1", 64, 12, 12}};

typedef struct {
    int *sample, *target;
    float *array[16]; /* all that is owned */
    int n_arrays;
    toy_record record[8];
    toy_replay replay;
} stored;

/* A member of rows (h, w, C) as (20, C, h, w): of 16 samples, each pair's sample; of 20 pairs, as they are. */
static float *pairs(stored *s, const char *file, const char *member, size_t C, size_t h, size_t w) {
    size_t count, size = C * h * w;
    float *nhwc = fidelity_floats(file, member, &count), *out;
    assert_true(count == FIDELITY_ROWS * size || count == N * size);
    assert_int_equal(limn_new(&out, FIDELITY_ROWS * size, sizeof *out), LIMN_OK);
    for (size_t r = 0; r < FIDELITY_ROWS; r++) {
        size_t from = count == N * size ? (size_t)s->sample[r] : r;
        fidelity_channels_first(nhwc + from * size, 1, h, w, C, out + r * size);
    }
    free(nhwc);
    s->array[s->n_arrays++] = out;
    return out;
}

static void open_stored(stored *s) {
    *s = (stored){.sample = fidelity_ints("keras_activations.npz", "sample", FIDELITY_ROWS),
                  .target = fidelity_ints("keras_activations.npz", "target", FIDELITY_ROWS)};
    for (int l = 0; l < 3; l++) {
        limn_kind kind = l < 2 ? LIMN_KIND_CONV : LIMN_KIND_POOL;
        size_t C = kept[l].C, h = kept[l].h, w = kept[l].w;
        s->record[l] = (toy_record){.layer = {kept[l].name, kind, {3, {C, h, w}}},
                                    .value = pairs(s, "keras_activations.npz", kept[l].name, C, h, w),
                                    .grad = {pairs(s, kept[l].file, kept[l].grad, C, h, w)}};
    }
    static const char *const rest[] = {"dropout_1", "flatten_1", "dense_1", "dropout_2", "dense_2"};
    for (int l = 0; l < 5; l++)
        s->record[3 + l].layer = (limn_diff_layer){rest[l], LIMN_KIND_DENSE, {1, {l == 4 ? 10 : 128}}, 0};
    toy_replay_init(&s->replay, FIDELITY_ROWS, &(limn_shape){3, {1, 28, 28}}, s->record, 8);
    s->replay.input_grad[LIMN_RULE_GRADIENT] = pairs(s, "kerasvis.npz", "raw_grad_input", 1, 28, 28);
    s->replay.input_grad[LIMN_RULE_GUIDED] = pairs(s, "captum.npz", "guided_backprop", 1, 28, 28);
    s->replay.input_grad[LIMN_RULE_DECONVNET] = pairs(s, "captum.npz", "deconvolution", 1, 28, 28);
}

static void close_stored(stored *s) {
    for (int i = 0; i < s->n_arrays; i++) free(s->array[i]);
    free(s->sample);
    free(s->target);
    toy_replay_clear(&s->replay);
}

static void formulas_give_the_programs_maps(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    stored s;
    int bad = 0;
    open_stored(&s);
    float *x = pairs(&s, "keras_activations.npz", "x", 1, 28, 28);
    for (const fidelity_row *row = fidelity_table; row->file; row++) {
        if (row->needs_net) continue;
        record r = fidelity_compare(&s.replay.diff, x, s.target, row);
        r.limit = SAME_ARRAYS, r.cause = NULL;
        bad += record_failed(&r);
    }
    close_stored(&s);
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formulas_give_the_programs_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
