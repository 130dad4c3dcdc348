/* The nearest known word: what people mistype is found, what they did not mean is not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/nearest.h"

static const char *const words[] = {"perplexity", "theta", "method",  "of",         "name", "learning_rate",
                                    "tsne",       "pca",   "gradcam", "iterations", NULL};

static void check(const char *word, const char *want) {
    const char *got = limn_nearest(word, words);
    if (want) assert_non_null(got);
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
}

static void what_is_mistyped_is_found(void **state) {
    (void)state;
    check("perplexty", "perplexity");  /* one left out */
    check("perpexlity", "perplexity"); /* moved */
    check("preplexity", "perplexity"); /* swapped neighbours */
    check("thetaa", "theta");          /* one too many */
    check("mehtod", "method");
    check("tnse", "tsne");
    check("TSNE", "tsne"); /* case */
    check("grad-cam", "gradcam");
    check("learning-rate", "learning_rate"); /* - for _ */
    check("learning", "learning_rate");      /* shortened */
    check("iter", "iterations");
    check("nmae", "name");
    check("pcaa", "pca");
}

static void what_was_not_meant_is_not_found(void **state) {
    (void)state;
    check("", NULL);
    check("x", NULL);
    check("umap", NULL);
    check("zzzzzzzz", NULL);
    check("colour", NULL);
    char long_word[20001];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = 0;
    check(long_word, NULL);
    assert_null(limn_nearest(NULL, words));
}

static void tables_are_searched_by_their_first_member(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double other[3];
    } table[] = {{"alpha", {0}}, {"beta", {0}}, {NULL, {0}}};
    assert_string_equal(limn_nearest_in("bta", table, sizeof table[0]), "beta");
}

static void the_hint_is_a_clause_or_nothing(void **state) {
    (void)state;
    char buf[96];
    assert_string_equal(limn_did_you_mean(buf, sizeof buf, "theta"), " (did you mean `theta`?)");
    assert_string_equal(limn_did_you_mean(buf, sizeof buf, NULL), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_mistyped_is_found),
        cmocka_unit_test(what_was_not_meant_is_not_found),
        cmocka_unit_test(tables_are_searched_by_their_first_member),
        cmocka_unit_test(the_hint_is_a_clause_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
