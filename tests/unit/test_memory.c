/* The memory of a session:
 *   - it follows from what will be asked, and what is asked has the same bits whatever else is
 *   - what was not asked for is refused
 *   - nothing is allocated while a chunk runs */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "tests/lib/nets.h"

static const limn_op_attr NONE;

/* A value that three nodes read, in-place steps, a pooling with its workspace, a softmax that reads its output going
 * back, a gate, a branch that nothing else needs. 17 channels leave the last block part empty. */
static limn_graph *mixed(void) {
    limn_graph *g = nets_begin((limn_shape)PICTURE(3, 14, 13));
    limn_op_attr same = CONV(17, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1), one = CONV(17, 1, WINDOW(1, 1, 1, 1, 1, 1));
    limn_op_attr pool = CONV(0, 1, WINDOW(2, 2, 2, 2, 1, 1)), add = {.f = LIMN_F_ADD}, mul = {.f = LIMN_F_MUL};
    nets_add(g, "conv1", LIMN_OP_CONV2D, same);
    nets_add(g, "bn1", LIMN_OP_SCALE, (limn_op_attr){.axis = 0});
    int stem = nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_add(g, "conv2", LIMN_OP_CONV2D, same);
    int main1 = nets_add(g, "clip", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_CLIP, .p = {0, 6}});
    int skip = nets_add_at(g, "conv3", LIMN_OP_CONV2D, stem, one);
    nets_add_n(g, "add", LIMN_OP_BINARY, 2, (int[]){main1, skip}, add);
    int joined = nets_add(g, NULL, LIMN_OP_RELU, NONE);
    nets_add_n(g, "square", LIMN_OP_BINARY, 2, (int[]){joined, stem}, mul);
    nets_add(g, "pool", LIMN_OP_MAXPOOL, pool);
    nets_add(g, "conv4", LIMN_OP_CONV2D, same);
    nets_add(g, "swish", LIMN_OP_UNARY, (limn_op_attr){.f = LIMN_F_SIGMOID});
    nets_add(g, "drop", LIMN_OP_IDENTITY, NONE);
    nets_add(g, "flatten", LIMN_OP_FLATTEN, (limn_op_attr){.hwc = 1});
    nets_add(g, "dense1", LIMN_OP_DENSE, (limn_op_attr){.units = 31});
    nets_add(g, "softmax", LIMN_OP_SOFTMAX, NONE);
    nets_add(g, "dense2", LIMN_OP_DENSE, (limn_op_attr){.units = 10});
    nets_add_at(g, "side", LIMN_OP_CONV2D, joined, one);
    return g;
}

typedef struct {
    limn_graph *g;
    limn_net *net;
    limn_session *all; /* after a forward pass */
    const limn_diff *d;
    float *x, *seed;
    int scores;
} fixture;

static fixture open_fixture(limn_backend backend) {
    fixture f = {.g = mixed()};
    assert_int_equal(limn_net_new(&f.net, f.g, backend), LIMN_OK);
    assert_int_equal(limn_session_new(&f.all, f.net), LIMN_OK);
    f.d = limn_session_diff(f.all);
    f.scores = graph_find_layer(f.g, "dense2");
    size_t nx = f.d->B * limn_shape_size(&f.d->input);
    f.x = nets_floats(nx);
    f.seed = nets_floats(f.d->B * 10);
    nets_fill(f.x, nx, 1, 5);
    nets_fill(f.seed, f.d->B * 10, 1, 6);
    nets_forward(f.d, f.x);
    return f;
}

static void close_fixture(fixture *f) {
    limn_session_free(f->all);
    limn_net_free(f->net);
    graph_free(f->g);
    free(f->x);
    free(f->seed);
}

/* A session for these asks whose arena is NaN: what reads before it is written shows. */
static limn_session *narrow(const fixture *f, const unsigned char *asks) {
    limn_session *s;
    assert_int_equal(limn_session_new_for(&s, f->net, asks), LIMN_OK);
    memset(s->arena, 0xff, s->map.bytes);
    return s;
}

static void same_bits(const fixture *f, const float *a, const float *b, int layer, const char *what) {
    size_t n = f->d->B * limn_shape_size(graph_layer_shape(f->g, layer));
    if (memcmp(a, b, n * sizeof *a) != 0) fail_msg("%s %d has other bits in a narrow session", what, layer);
}

static void value_is_the_same(const fixture *f, const limn_diff *d, int layer) {
    float *a = nets_value(f->d, layer), *b = nets_value(d, layer);
    same_bits(f, a, b, layer, "the value of layer");
    free(a);
    free(b);
}

static void one_value(const fixture *f, int layer) {
    unsigned char *asks;
    assert_int_equal(limn_new(&asks, (size_t)f->g->n_layers + 1, 1), LIMN_OK);
    asks[layer + 1] = LIMN_ASK_VALUE;
    limn_session *s = narrow(f, asks);
    const limn_diff *d = limn_session_diff(s);
    for (int pass = 0; pass < 2; pass++) {
        nets_forward(d, f->x);
        value_is_the_same(f, d, layer);
    }
    limn_session_free(s);
    free(asks);
}

/* Gradients from the scores to one layer, all rules, several times after one forward pass, with that layer's value. */
static void one_gradient(const fixture *f, int to) {
    unsigned char *asks;
    assert_int_equal(limn_new(&asks, (size_t)f->g->n_layers + 1, 1), LIMN_OK);
    asks[f->scores + 1] = LIMN_ASK_FROM | LIMN_ASK_VALUE;
    asks[to + 1] |= LIMN_ASK_TO | LIMN_ASK_VALUE;
    limn_session *s = narrow(f, asks);
    const limn_diff *d = limn_session_diff(s);
    for (int pass = 0; pass < 2; pass++) {
        nets_forward(d, f->x);
        for (int rule = 0; rule < LIMN_RULES; rule++) {
            float *a = nets_vjp(f->d, f->scores, f->seed, (limn_rule)rule, to),
                  *b = nets_vjp(d, f->scores, f->seed, (limn_rule)rule, to);
            same_bits(f, a, b, to, "the gradient at layer");
            free(a);
            free(b);
        }
        value_is_the_same(f, d, to);
        value_is_the_same(f, d, f->scores);
    }
    limn_session_free(s);
    free(asks);
}

static void narrow_sessions_give_the_same_bits(void **state) {
    (void)state;
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        fixture f = open_fixture((limn_backend)backend);
        for (int layer = LIMN_INPUT; layer < f.g->n_layers; layer++) one_value(&f, layer);
        for (int to = LIMN_INPUT; to < f.scores; to++) one_gradient(&f, to);
        close_fixture(&f);
    }
}

/* Several seeds and several ends in one session, each of which spans other steps. */
static void several_gradients_share_a_session(void **state) {
    (void)state;
    static const char *const from[] = {"dense2", "pool", "side"}, *const to[] = {"conv1", "conv3", "bn1"};
    fixture f = open_fixture(LIMN_BACKEND_AUTO);
    unsigned char *asks;
    assert_int_equal(limn_new(&asks, (size_t)f.g->n_layers + 1, 1), LIMN_OK);
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        asks[graph_find_layer(f.g, from[i]) + 1] |= LIMN_ASK_FROM;
        asks[graph_find_layer(f.g, to[i]) + 1] |= LIMN_ASK_TO;
    }
    asks[0] = LIMN_ASK_TO;
    limn_session *s = narrow(&f, asks);
    const limn_diff *d = limn_session_diff(s);
    nets_forward(d, f.x);
    for (size_t i = 0; i < COUNT_OF(from); i++)
        for (size_t j = 0; j <= COUNT_OF(to); j++) {
            int a = graph_find_layer(f.g, from[i]), b = j < COUNT_OF(to) ? graph_find_layer(f.g, to[j]) : LIMN_INPUT;
            size_t n = d->B * limn_shape_size(&d->layer[a].out);
            float *seed = nets_floats(n);
            nets_fill(seed, n, 1, i);
            float *want = nets_vjp(f.d, a, seed, LIMN_RULE_GUIDED, b), *got = nets_vjp(d, a, seed, LIMN_RULE_GUIDED, b);
            same_bits(&f, want, got, b, "the gradient at layer");
            free(want);
            free(got);
            free(seed);
        }
    limn_session_free(s);
    free(asks);
    close_fixture(&f);
}

static void what_was_not_asked_for_is_refused(void **state) {
    (void)state;
    fixture f = open_fixture(LIMN_BACKEND_AUTO);
    unsigned char *asks;
    float *out = nets_floats(f.d->B * 17 * 14 * 13);
    assert_int_equal(limn_new(&asks, (size_t)f.g->n_layers + 1, 1), LIMN_OK);
    asks[f.scores + 1] = LIMN_ASK_VALUE;
    limn_session *s = narrow(&f, asks);
    const limn_diff *d = limn_session_diff(s);
    nets_forward(d, f.x);
    assert_int_equal(d->value(d->ctx, f.scores, out), LIMN_OK);
    assert_int_equal(d->value(d->ctx, 0, out), LIMN_EFAIL);
    assert_non_null(strstr(limn_message(), "was not asked for"));
    assert_int_equal(d->vjp(d->ctx, f.scores, f.seed, LIMN_RULE_GRADIENT, LIMN_INPUT, out), LIMN_EFAIL);
    limn_session_free(s);
    free(out);
    free(asks);
    close_fixture(&f);
}

/* Eight equal convolutions: two places going forward, the same two (and the seed's) going back. */
static void a_chain_takes_two_places(void **state) {
    (void)state;
    limn_graph *g = nets_begin((limn_shape)PICTURE(16, 12, 12));
    limn_net *net;
    limn_session *s;
    for (int i = 0; i < 8; i++) {
        char name[] = "conv0";
        name[4] = (char)('0' + i);
        nets_add(g, name, LIMN_OP_CONV2D, (limn_op_attr)CONV(16, 1, WINDOW(3, 3, 1, 1, 1, 1), .same = 1));
    }
    assert_int_equal(limn_net_new(&net, g, LIMN_BACKEND_REF), LIMN_OK);
    size_t one = limn_net_chunk(net) * 16 * 12 * 12 * sizeof(float);
    unsigned char asks[9] = {0};
    asks[8] = LIMN_ASK_FROM;
    asks[0] = LIMN_ASK_TO;
    assert_int_equal(limn_session_new_for(&s, net, asks), LIMN_OK);
    assert_int_equal(limn_session_bytes(s), 2 * one);
    limn_session_free(s);
    asks[8] |= LIMN_ASK_VALUE;
    assert_int_equal(limn_session_new_for(&s, net, asks), LIMN_OK);
    assert_int_equal(limn_session_bytes(s), 3 * one);
    limn_session_free(s);
    assert_int_equal(limn_session_new(&s, net), LIMN_OK);
    assert_true(limn_session_bytes(s) >= 9 * one);
    limn_session_free(s);
    limn_net_free(net);
    graph_free(g);
}

/* ---- allocations --------------------------------------------------------------------------------------------------
 * The program's own malloc and its kin, in front of the C library's: while `watching`, those of this program (where limn is
 * linked in) and those of libraries are counted. oneDNN 2 and 3 keep the arguments of an execution in a small hash table,
 * which is theirs, and gone when it returns. Under a sanitizer these names are its own. */
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static int watching;
static size_t ours, others, largest, alive;

static void count(size_t n, const void *caller) {
    Dl_info here, there;
    if (!watching) return;
    watching = 0;
    int mine = dladdr(caller, &there) && dladdr((void *)(uintptr_t)&count, &here) && here.dli_fbase == there.dli_fbase;
    ours += (size_t)mine;
    others += (size_t)!mine;
    alive++;
    if (n > largest) largest = n;
    watching = 1;
}

void *malloc(size_t n) {
    count(n, __builtin_return_address(0));
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    count(n * size, __builtin_return_address(0));
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
    count(n, __builtin_return_address(0));
    return __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n) {
    count(n, __builtin_return_address(0));
    *p = __libc_memalign(align, n);
    return *p ? 0 : 12; /* ENOMEM */
}

void *aligned_alloc(size_t align, size_t n) {
    count(n, __builtin_return_address(0));
    return __libc_memalign(align, n);
}

void free(void *p) {
    if (watching && p) alive--;
    __libc_free(p);
}

enum { ARGUMENTS = 4096 }; /* bytes: far above a table of eight arguments, far below a layer's values */

static void nothing_is_allocated_while_running(void **state) {
    (void)state;
    for (int backend = LIMN_BACKEND_AUTO; backend <= LIMN_BACKEND_REF; backend++) {
        fixture f = open_fixture((limn_backend)backend);
        float *value = nets_floats(f.d->B * 17 * 14 * 13), *gradient = nets_floats(f.d->B * 3 * 14 * 13);
        limn_status s[4];
        ours = others = largest = alive = 0;
        watching = 1;
        s[0] = f.d->forward(f.d->ctx, f.x);
        s[1] = f.d->value(f.d->ctx, 0, value);
        s[2] = f.d->vjp(f.d->ctx, f.scores, f.seed, LIMN_RULE_GUIDED, LIMN_INPUT, gradient);
        s[3] = f.d->vjp(f.d->ctx, f.scores, f.seed, LIMN_RULE_GRADIENT, LIMN_INPUT, gradient);
        watching = 0;
        for (int i = 0; i < 4; i++) assert_int_equal(s[i], LIMN_OK);
        assert_int_equal(ours, 0);
        assert_int_equal(alive, 0);
        assert_true(largest <= ARGUMENTS);
        if (backend == LIMN_BACKEND_REF) assert_int_equal(others, 0);
        char *one = NULL; /* the counter counts */
        watching = 1;
        limn_status last = limn_new(&one, 1, 1);
        free(one);
        watching = 0;
        assert_int_equal(last, LIMN_OK);
        assert_int_equal(ours, 1);
        free(value);
        free(gradient);
        close_fixture(&f);
    }
}
#else
static void nothing_is_allocated_while_running(void **state) {
    (void)state;
    print_message("the sanitizer has its own malloc\n");
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrow_sessions_give_the_same_bits), cmocka_unit_test(several_gradients_share_a_session),
        cmocka_unit_test(what_was_not_asked_for_is_refused),  cmocka_unit_test(a_chain_takes_two_places),
        cmocka_unit_test(nothing_is_allocated_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
