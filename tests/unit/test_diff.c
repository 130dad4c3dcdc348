/* A memo around a diff: the same bits, fewer backward passes, nothing kept beyond a forward pass or its size. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "diff_memo.h"
#include "tests/lib/toy.h"

static int passes; /* backward passes of the inner diff */
static limn_status (*toy_vjp)(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad);
static limn_status counted(void *ctx, int from, const float *seed, limn_rule rule, int to, float *grad) {
    passes++;
    return toy_vjp(ctx, from, seed, rule, to, grad);
}

typedef struct {
    toy *t;
    limn_diff inner;
    limn_diff_memo *memo;
    float w[64], x[12];
} room;

static void enter(room *r, int entries, size_t bytes) {
    limn_rng g = limn_rng_stream(3, LIMN_RNG_TEST, 0);
    for (int i = 0; i < 64; i++) r->w[i] = (float)limn_rng_normal(&g);
    for (int i = 0; i < 12; i++) r->x[i] = (float)limn_rng_normal(&g);
    const toy_layer two[] = {{.name = "hidden", .op = TOY_DENSE, .units = 5, .w = r->w, .relu = 1},
                             {.name = "out", .op = TOY_DENSE, .units = 3, .w = r->w + 30}};
    r->t = toy_new(2, &(limn_shape){1, {6}}, two, 2);
    r->inner = *toy_diff(r->t);
    toy_vjp = r->inner.vjp;
    r->inner.vjp = counted;
    assert_int_equal(limn_diff_memo_new(&r->memo, &r->inner, entries, bytes), LIMN_OK);
    const limn_diff *d = limn_diff_memo_diff(r->memo);
    assert_int_equal(d->forward(d->ctx, r->x), LIMN_OK);
    passes = 0;
}

static void leave(room *r) {
    limn_diff_memo_free(r->memo);
    toy_free(r->t);
}

/* One product through the memo, equal to the toy's own; returns how many passes it took. */
static int took(room *r, int from, const float *seed, limn_rule rule, int to) {
    const limn_diff *d = limn_diff_memo_diff(r->memo);
    float a[12], b[12];
    int before = passes;
    size_t n = to == LIMN_INPUT ? 12 : 10;
    assert_int_equal(d->vjp(d->ctx, from, seed, rule, to, a), LIMN_OK);
    assert_int_equal(toy_vjp(r->inner.ctx, from, seed, rule, to, b), LIMN_OK);
    assert_memory_equal(a, b, n * sizeof *a);
    return passes - before;
}

static void equal_questions_are_asked_once(void **state) {
    (void)state;
    room r;
    const float one[6] = {1, 0, 0, 0, 1, 0}, two[6] = {0, 1, 0, 0, 1, 0}, hidden[10] = {1, 0, 0, 0, 0, 0, 0, 1};
    enter(&r, 8, 1 << 20);
    for (int again = 0; again < 3; again++) {
        int want = again == 0;
        assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), want);
        assert_int_equal(took(&r, 1, two, LIMN_RULE_GRADIENT, LIMN_INPUT), want);
        assert_int_equal(took(&r, 1, one, LIMN_RULE_GUIDED, LIMN_INPUT), want);
        assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, 0), want);
        assert_int_equal(took(&r, 0, hidden, LIMN_RULE_GRADIENT, LIMN_INPUT), want);
    }
    leave(&r);
}

static void forward_forgets(void **state) {
    (void)state;
    room r;
    const float one[6] = {1, 0, 0, 0, 1, 0};
    enter(&r, 2, 1 << 20);
    const limn_diff *d = limn_diff_memo_diff(r.memo);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), 1);
    for (int i = 0; i < 12; i++) r.x[i] = -r.x[i];
    assert_int_equal(d->forward(d->ctx, r.x), LIMN_OK);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), 1); /* and equal to the toy's of the new x */
    leave(&r);
}

static void the_longest_unused_goes(void **state) {
    (void)state;
    room r;
    const float one[6] = {1, 0, 0, 0, 1, 0};
    enter(&r, 2, 1 << 20);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), 1);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GUIDED, LIMN_INPUT), 1);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), 0);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_DECONVNET, LIMN_INPUT), 1); /* in the place of guided */
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), 0);
    assert_int_equal(took(&r, 1, one, LIMN_RULE_GUIDED, LIMN_INPUT), 1);
    leave(&r);
}

static void large_products_pass_through(void **state) {
    (void)state;
    room r;
    const float one[6] = {1, 0, 0, 0, 1, 0};
    enter(&r, 4, 10 * sizeof(float)); /* room for the hidden layer's, not for the input's 12 */
    for (int again = 0; again < 2; again++) {
        assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, LIMN_INPUT), 1);
        assert_int_equal(took(&r, 1, one, LIMN_RULE_GRADIENT, 0), again == 0);
    }
    leave(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_questions_are_asked_once),
        cmocka_unit_test(forward_forgets),
        cmocka_unit_test(the_longest_unused_goes),
        cmocka_unit_test(large_products_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
