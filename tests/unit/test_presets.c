/* Presets: every option that each program has, and what it comes to at an iteration; the table is docs/tsne.md's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "embed/embed.h"
#include "embed/tsne.h"

/* The numbers of a preset, in the order of the options. What no program has an opinion on is ours in all of them. */
enum {
    ENGINE,
    PCA,
    THETA,
    FORCE_ERROR,
    EXAGGERATION,
    EARLY,
    ITERATIONS,
    LEARNING_RATE,
    RATE,
    EARLY_MOMENTUM,
    STOP,
    INIT,
    NUMBERS
};
static const char *const number_name[NUMBERS] = {
    "engine",     "pca",           "theta", "force_error",    "exaggeration", "early",
    "iterations", "learning_rate", "rate",  "early_momentum", "stop",         "init"};
static const double want[LIMN_PRESETS][NUMBERS] = {
    [LIMN_PRESET_LIMN] = {LIMN_TSNE_AUTO, 50, 0.8, 0.02, 12, 250, 1000, 0, LIMN_RATE_AUTO, 0.8, LIMN_STOP_NEVER,
                          LIMN_INIT_PCA},
    [LIMN_PRESET_MATLAB] = {LIMN_TSNE_BARNES_HUT, 0, 0.5, 0, 4, 99, 1000, 500, LIMN_RATE_AUTO, 0.5, LIMN_STOP_MATLAB,
                            LIMN_INIT_RANDOM},
    [LIMN_PRESET_SKLEARN] = {LIMN_TSNE_BARNES_HUT, 0, 0.5, 0, 12, 250, 1000, 0, LIMN_RATE_SKLEARN, 0.5,
                             LIMN_STOP_SKLEARN, LIMN_INIT_PCA},
    [LIMN_PRESET_OPENTSNE] = {LIMN_TSNE_AUTO, 0, 0.5, 0, 12, 250, 750, 0, LIMN_RATE_OPENTSNE, 0.8, LIMN_STOP_NEVER,
                              LIMN_INIT_PCA},
    [LIMN_PRESET_BHTSNE] = {LIMN_TSNE_BARNES_HUT, 50, 1, 0, 12, 250, 1000, 200, LIMN_RATE_AUTO, 0.5, LIMN_STOP_NEVER,
                            LIMN_INIT_RANDOM},
};

static void each_option_is_that_program_s(void **state) {
    (void)state;
    for (int p = 0; p < LIMN_PRESETS; p++) {
        limn_embed_options o;
        memset(&o, 0xa5, sizeof o); /* whatever was there before */
        limn_embed_preset(&o, (limn_tsne_preset)p);
        const double have[NUMBERS] = {
            (double)o.engine, o.pca,           o.theta,        o.force_error,    o.exaggeration, o.early,
            o.iterations,     o.learning_rate, (double)o.rate, o.early_momentum, (double)o.stop, (double)o.init};
        for (int i = 0; i < NUMBERS; i++)
            if (have[i] != want[p][i]) fail_msg("preset %d: %s is %g, not %g", p, number_name[i], have[i], want[p][i]);
        assert_true(o.method == LIMN_EMBED_TSNE && o.dims == 2 && o.metric == LIMN_METRIC_EUCLIDEAN);
        assert_true(o.recall == 0.99 && o.perplexity == 30 && o.n_scales == 0 && o.alpha == 1);
        assert_true(o.late_exaggeration == 1 && o.late == 0 && o.momentum == 0.8 && o.seed == 1 && o.threads == 0);
        assert_true(o.trace_every == 50 && o.snapshot_every == 0 && !o.snapshot && !o.checkpoint && !o.start);
        if (limn_embed_check(&o, 100, 5) != LIMN_OK) fail_msg("preset %d: %s", p, limn_message());
    }
}

/* Rates are those of a gradient without the factor 4. */
static void rates_are_that_program_s(void **state) {
    (void)state;
    static const struct {
        limn_tsne_preset preset;
        size_t n;
        int at;
        double exaggeration, rate, momentum;
    } row[] = {
        {LIMN_PRESET_LIMN, 48000, 0, 12, 4000, 0.8},       {LIMN_PRESET_LIMN, 48000, 250, 1, 48000, 0.8},
        {LIMN_PRESET_LIMN, 240, 0, 12, 50, 0.8},           {LIMN_PRESET_LIMN, 240, 250, 1, 240, 0.8},
        {LIMN_PRESET_MATLAB, 48000, 98, 4, 500, 0.5},      {LIMN_PRESET_MATLAB, 48000, 99, 1, 500, 0.8},
        {LIMN_PRESET_SKLEARN, 48000, 0, 12, 4000, 0.5},    {LIMN_PRESET_SKLEARN, 48000, 999, 1, 4000, 0.8},
        {LIMN_PRESET_SKLEARN, 240, 0, 12, 200, 0.5},       {LIMN_PRESET_OPENTSNE, 48000, 249, 12, 4000, 0.8},
        {LIMN_PRESET_OPENTSNE, 48000, 250, 1, 48000, 0.8}, {LIMN_PRESET_OPENTSNE, 240, 0, 12, 20, 0.8},
        {LIMN_PRESET_BHTSNE, 48000, 249, 12, 200, 0.5},    {LIMN_PRESET_BHTSNE, 240, 250, 1, 200, 0.8},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        limn_embed_options o;
        limn_embed_preset(&o, row[i].preset);
        tsne_rates r = tsne_rates_at(&o, row[i].n, row[i].at);
        if (r.exaggeration != row[i].exaggeration || r.rate != row[i].rate || r.momentum != row[i].momentum)
            fail_msg("row %zu: exaggeration %g, rate %g, momentum %g", i, r.exaggeration, r.rate, r.momentum);
    }
}

/* The rows of a table that begin with these words are in the documentation. */
static void the_documentation_has_them(void **state) {
    (void)state;
    static const char *const row[] = {
        "| limn | 12 for 250 | n/12, then n, at least 50 | 0.8 | PCA, std 1e-4 | 1000 | auto |",
        "| matlab | 4 for 99 | 500 | 0.5, then 0.8 | N(0, 1e-4) | 1000, gradient norm 1e-10 | barnes-hut, θ = 0.5; no "
        "PCA "
        "first |",
        "| scikit-learn | 12 for 250 | 4 max(n/48, 50) | 0.5, then 0.8 | PCA, std 1e-4 | 1000, no progress in 300 or "
        "gradient norm 1e-7 | barnes-hut, θ = 0.5; no PCA first |",
        "| openTSNE | 12 for 250 | n/exaggeration | 0.8 | PCA, std 1e-4 | 750 | auto; no PCA first |",
        "| bhtsne | 12 for 250 | 200 | 0.5, then 0.8 | N(0, 1e-4) | 1000 | barnes-hut, θ = 1 (its 0.5 compares half "
        "widths); PCA to 50 first |",
        "| `theta` | 0.8 |",
        "| `force_error` | 0.02 |",
        "| `recall` | 0.99 |",
        "| `perplexity` | 30 |",
        "| `iterations` | 1000 |",
    };
    FILE *f = fopen("docs/tsne.md", "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 17);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 17) - 1, f) > 1000);
    fclose(f);
    for (size_t i = 0; i < COUNT_OF(row); i++)
        if (!strstr(text, row[i])) fail_msg("docs/tsne.md lacks: %s", row[i]);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_is_that_program_s),
        cmocka_unit_test(rates_are_that_program_s),
        cmocka_unit_test(the_documentation_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
