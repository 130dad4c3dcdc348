/* The experiment file: every key with a good value and its effect, and what is resolved. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/mem.h"
#include "config/experiment.h"
#include "plots/scatter.h"
#include "tests/lib/parsed.h"

/* ---- every key --------------------------------------------------------------------------------------------------- */

/* Where the key's value stands, as YAML with %s for `key: value`, and how to find its section in the resolved JSON. */
static const struct {
    const char *where, *yaml, *path;
} section_case[] = {
    {"experiment", HEAD "%s\n", ""},
    {"model", "model: {%s}\ndata: {images: i.gz}\n", "model"},
    {"data", "model: m.h5\ndata: {images: i.gz, %s}\n", "data"},
    {"preprocess", "model: m.h5\ndata: {images: i.gz, preprocess: {%s}}\n", "data preprocess"},
    {"embed", HEAD "features: [fc1, fc2]\nembed: [{%s}]\n", "embed 0"},
    {"attribute", HEAD "attribute: [{%s}]\n", "attribute 0"},
    {"measures", HEAD "attribute: [{name: sal, method: saliency}]\nmeasures: [{%s}]\n", "measures 0"},
    {"relate", HEAD "embed: [{name: map}]\nattribute: [{name: sal, method: saliency}]\nrelate: [{%s}]\n", "relate 0"},
    {"target", HEAD "target: {%s}\n", "target"},
    {"plots", HEAD "embed: [{name: map}]\nattribute: [{name: sal, method: saliency}]\nplots: [{%s}]\n", "plots 0"},
};

/* A value other than the default, with what its section needs beside it, and the value as resolved. */
static const struct {
    const char *where, *key, *yaml, *json;
} key_case[] = {
    {"experiment", "name", "name: x-1.b_C", "\"x-1.b_C\""},
    {"experiment", "seed", "seed: 9223372036854775807", "9223372036854775807"},
    {"experiment", "store_images", "store_images: no", "false"},
    {"experiment", "features", "features: [conv1, 3]", "[\"conv1\",\"3\"]"},
    {"experiment", "target", "target: label", "\"label\""},
    {"experiment", "model", NULL, "\"dir/m.h5\""},
    {"experiment", "data", NULL, NULL},       /* their sections' own rows */
    {"experiment", "held_out", NULL, "null"}, /* a section of its own: below */
    {"experiment", "embed", NULL, "[]"},
    {"experiment", "attribute", NULL, "[]"},
    {"experiment", "measures", NULL, "[]"},
    {"experiment", "relate", NULL, "[]"},
    {"experiment", "plots", NULL, "[]"},
    {"model", "file", "file: m.onnx, output: 1", "\"dir/m.onnx\""},
    {"model", "config", "config: c.json, weights: w.h5", "\"dir/c.json\""},
    {"model", "weights", "config: c.json, weights: w.h5", "\"dir/w.h5\""},
    {"model", "output", "config: c.json, weights: w.h5, output: side", "\"side\""},
    {"data", "images", NULL, "[\"dir/i.gz\"]"},
    {"data", "labels", "labels: /abs/l.gz", "\"/abs/l.gz\""},
    {"data", "classes", "classes: [no, \"yes\", 1e3, ~, '']", "[\"no\",\"yes\",\"1e3\",\"~\",\"\"]"},
    {"data", "label_base", "label_base: 1", "\"1\""},
    {"data", "shape", "shape: [3, 4]", "[1,3,4]"},
    {"data", "preprocess", "preprocess: {}",
     "{\"preset\":null,\"exif\":\"ignore\",\"resize\":\"none\",\"fit\":\"auto\",\"interpolation\":\"pil-bilinear\","
     "\"crop\":\"none\",\"pad\":null,\"scale\":1,\"mean\":[0,0,0,0],\"std\":[1,1,1,1],\"order\":\"rgb\"}"},

    {"data", "limit", "limit: 1e3", "1000"},
    {"data", "every", "every: \"3\"", "3"},
    {"data", "per_class", "per_class: 010", "10"},
    {"data", "shuffle", "shuffle: yes", "true"},
    {"data", "seed", "seed: 7", "7"},
    {"preprocess", "preset", "preset: keras-vgg16", "\"keras-vgg16\""},
    {"preprocess", "exif", "exif: apply", "\"apply\""},
    {"preprocess", "resize", "resize: [224, 160]", "[224,160]"},
    {"preprocess", "fit", "resize: input, fit: longer", "\"longer\""},
    {"preprocess", "interpolation", "resize: 256, interpolation: tf-bilinear", "\"tf-bilinear\""},
    {"preprocess", "crop", "crop: 224", "224"},
    {"preprocess", "pad", "crop: input, pad: 114", "114"},
    {"preprocess", "scale", "scale: 1/255", "0.00392156862745098"},
    {"preprocess", "mean", "mean: [0.485, 1/4, .5]", "[0.485,0.25,0.5,0.5]"},
    {"preprocess", "std", "std: 2.50e-1", "[0.25,0.25,0.25,0.25]"},
    {"preprocess", "order", "order: bgr", "\"bgr\""},
    {"embed", "name", "name: m", "\"m\""},
    {"embed", "of", "of: fc2", "\"fc2\""},
    {"embed", "method", "method: pca", "\"pca\""},
    {"embed", "dims", "dims: 3", "3"},
    {"embed", "preset", "preset: openTSNE", "\"openTSNE\""},
    {"embed", "perplexity", "perplexity: [12.5, 30, 1e2]", "[12.5,30,100]"},
    {"embed", "alpha", "alpha: 1/2", "0.5"},
    {"embed", "late_exaggeration", "late_exaggeration: 4", "4"},
    {"embed", "late", "late: 100", "100"},
    {"embed", "early_momentum", "early_momentum: 0.5", "0.5"},
    {"embed", "stop", "stop: opt-SNE", "\"opt-SNE\""},
    {"embed", "metric", "metric: cosine", "\"cosine\""},
    {"embed", "recall", "recall: 1", "1"},
    {"embed", "theta", "theta: 0", "0"},
    {"embed", "force_error", "force_error: 0", "0"},
    {"embed", "exaggeration", "exaggeration: 4", "4"},
    {"embed", "early", "early: 0", "0"},
    {"embed", "iterations", "iterations: 77", "77"},
    {"embed", "learning_rate", "learning_rate: 200", "200"},
    {"embed", "momentum", "momentum: 0.1", "0.1"},
    {"embed", "init", "init: random", "\"random\""},
    {"embed", "seed", "seed: 5", "5"},
    {"embed", "start", "name: a}, {start: a", "null"},
    {"embed", "seeds", "seeds: [5, 6]", "null"}, /* an entry each: below */
    {"embed", "compare", "name: a}, {compare: a", "null"},
    {"embed", "pca", "pca: 0", "0"},
    {"embed", "engine", "engine: exact", "\"exact\""},
    {"embed", "trace_every", "trace_every: 10", "10"},
    {"attribute", "name", "method: saliency, name: s", "\"s\""},
    {"attribute", "method", "method: gradcam", "\"gradcam\""},
    {"attribute", "flavour", "method: gradcam, flavour: keras-vis", "\"keras-vis\""},
    {"attribute", "target", "method: saliency, target: [0, 3]", "[0,3]"},
    {"measures", "metric", "metric: gini", "\"gini\""},
    {"measures", "of", "metric: deletion, of: sal", "[\"sal\"]"},
    {"relate", "maps", "maps: sal", "[\"sal\"]"},
    {"relate", "to", "to: [map, auto]", "[\"map\",\"auto\"]"},
    {"relate", "neighbours", "neighbours: 5", "5"},
    {"relate", "directions", "directions: no", "false"},
    {"target", "contrast", "contrast: [4, 9]", "[4,9]"},
    {"target", "top", "top: 3", "3"},
    {"target", "channel", "channel: [5, 0]", "[5,0]"},
    {"target", "at", "channel: 5, at: [1, 2]", "[1,2]"},
    {"target", "file", "file: t.csv", "\"dir/t.csv\""},
    {"target", "sql", "sql: 'SELECT 1, 2'", "\"SELECT 1, 2\""},
    {"plots", "scatter", "scatter: map", "\"map\""},
    {"plots", "heatmaps", "heatmaps: [input, sal]", "[\"input\",\"sal\"]"},
    {"plots", "picture", "picture: sal", "\"sal\""},
    {"plots", "matrix", "matrix: confusion", "\"confusion\""},
    {"plots", "bars", "bars: quality", "\"quality\""},
    {"plots", "lines", "lines: kl", "\"kl\""},
    {"plots", "sql", "scatter: query, sql: SELECT 1", "\"SELECT 1\""},
    {"plots", "metric", "bars: measures, metric: gini", "\"gini\""},
    {"plots", "colour", "scatter: map, colour: margin", "\"margin\""},
    {"plots", "select", "heatmaps: input, select: errors", "\"errors\""},
    {"plots", "per_class", "heatmaps: input, per_class: 3", "3"},
    {"plots", "rows", "heatmaps: input, select: first, rows: 4", "4"},
    {"plots", "sample", "picture: input, sample: 12", "12"},
    {"plots", "palette", "picture: input, palette: viridis", "\"viridis\""},
    {"plots", "normalise", "heatmaps: sal, normalise: global", "\"global\""},
    {"plots", "overlay", "heatmaps: sal, overlay: on", "true"},
    {"plots", "format", "scatter: map, format: [pdf, jpg, pdf]", "[\"pdf\",\"jpg\"]"},
    {"plots", "title", "scatter: map, title: \"a: b\\nc\"", "\"a: b\\nc\""},
    {"plots", "name", "scatter: map, name: fig1", "\"fig1\""},
    {"plots", "width", "scatter: map, width: 8.5", "8.5"},
    {"plots", "height", "scatter: map, height: 2", "2"},
};

/* JSON is YAML, and the resolved options are an experiment file that means the same. */
static void resolved_options_are_an_experiment(const limn_experiment *e) {
    limn_experiment *again = NULL;
    char *first = NULL, *second = NULL;
    assert_int_equal(experiment_resolved_json(&first, e), LIMN_OK);
    if (experiment_parse(&again, first, e->path, ".") != LIMN_OK) fail_msg("%s\n%s", limn_message(), first);
    assert_int_equal(experiment_resolved_json(&second, again), LIMN_OK);
    assert_string_equal(first, second);
    experiment_free(again);
    free(first);
    free(second);
}

static void check_key(const char *where, const char *key) {
    char text[1024], given[512] = "";
    size_t s = 0, c = 0;
    while (s < sizeof section_case / sizeof *section_case && strcmp(section_case[s].where, where)) s++;
    if (s == sizeof section_case / sizeof *section_case) fail_msg("no case for section %s", where);
    for (; c < sizeof key_case / sizeof *key_case; c++)
        if (!strcmp(key_case[c].where, where) && !strcmp(key_case[c].key, key)) break;
    if (c == sizeof key_case / sizeof *key_case) fail_msg("no case for key %s of %s", key, where);
    if (key_case[c].yaml) snprintf(given, sizeof given, "%s", key_case[c].yaml);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, section_case[s].yaml, given);
#pragma GCC diagnostic pop
    limn_experiment *e = good(text);
    cJSON *o = resolved(e);
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(follow(o, section_case[s].path), key);
    if (!v) fail_msg("%s of %s is not among the resolved options", key, where);
    char *printed = cJSON_PrintUnformatted(v);
    if (!strcmp(key, "seed") && strlen(key_case[c].json) > 15) { /* more digits than a double: look at the text */
        free(printed);
        assert_int_equal(experiment_resolved_json(&printed, e), LIMN_OK);
        assert_non_null(strstr(printed, key_case[c].json));
    } else if (key_case[c].json) {
        assert_string_equal(printed, key_case[c].json);
    }
    free(printed);
    cJSON_Delete(o);
    resolved_options_are_an_experiment(e);
    experiment_free(e);
}

static void every_key_is_read(void **state) {
    (void)state;
    size_t n = 0;
    for (const experiment_section *s = experiment_sections; s->where; s++)
        for (const experiment_key *k = s->key; k->key; k++, n++) check_key(s->where, k->key);
    assert_int_equal(n, sizeof key_case / sizeof *key_case);
}

/* Every default is a value that the file could give, and means the same as giving nothing. */
static void every_default_may_be_written(void **state) {
    (void)state;
    for (const experiment_section *s = experiment_sections; s->where; s++)
        for (const experiment_key *k = s->key; k->key; k++) {
            char text[1024], given[300];
            const char *beside = "", *kind = k->only ? k->only : "scatter";
            size_t c = 0;
            if (!k->fallback || k->fallback[0] == '(') continue;
            while (strcmp(section_case[c].where, s->where)) c++;
            if (!strcmp(s->where, "attribute"))
                beside =
                    !strcmp(k->key, "layer") || !strcmp(k->key, "size") ? "method: gradcam, " : "method: saliency, ";
            if (!strcmp(s->where, "target")) beside = "channel: 1, ";
            if (!strcmp(s->where, "plots"))
                beside = !strcmp(k->key, "rows")         ? "heatmaps: input, select: first, "
                         : !strncmp(kind, "heatmaps", 8) ? "heatmaps: input, "
                         : !strcmp(kind, "picture")      ? "picture: input, "
                                                         : "scatter: map, ";
            const char *list = !strcmp(k->key, "format") ? "[" : "";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(given, sizeof given, "%s%s: %s%s%s", beside, k->key, list, k->fallback, *list ? "]" : "");
            snprintf(text, sizeof text, section_case[c].yaml, given);
            limn_experiment *with = good(text);
            snprintf(given, sizeof given, "%s", beside);
            snprintf(text, sizeof text, section_case[c].yaml, given);
#pragma GCC diagnostic pop
            limn_experiment *without = good(text);
            cJSON *a = resolved(with), *b = resolved(without);
            if (!cJSON_Compare(a, b, 1)) fail_msg("the default of %s in %s is not what is said", k->key, s->where);
            cJSON_Delete(a);
            cJSON_Delete(b);
            experiment_free(with);
            experiment_free(without);
        }
}

static void held_out_samples_are_prepared_as_the_data(void **state) {
    (void)state;
    limn_experiment *e = good("model: m\ndata: {images: a, classes: [x, y], preprocess: {scale: 1/4}, limit: 5}\n"
                              "held_out: {images: [b, c], labels: l, every: 2}\n");
    assert_int_equal(e->held_out.n_images, 2);
    assert_string_equal(e->held_out.images[1], "dir/c");
    assert_true(e->held_out.pre.scale == 0.25 && e->held_out.limit == 0 && e->held_out.every == 2);
    assert_int_equal(e->held_out.n_classes, 2);
    assert_string_equal(e->held_out.classes[1], "y");
    resolved_options_are_an_experiment(e);
    experiment_free(e);
    e = good("model: m\ndata: {images: a, preprocess: {scale: 1/4}}\nheld_out: {images: b, preprocess: {std: 2}}\n");
    assert_true(e->held_out.pre.scale == 1 && e->held_out.pre.std[0] == 2 && e->held_out.n_classes == 0);
    experiment_free(e);
    e = good("model: m\ndata: {images: a, preprocess: {preset: torchvision}}\nheld_out: {images: b}\n");
    resolved_options_are_an_experiment(e);
    experiment_free(e);
}

static void seeds_are_entries_that_are_compared(void **state) {
    (void)state;
    limn_experiment *e = good(HEAD "embed: [{method: pca}, {name: m, seeds: [7, 3, 5], compare: pca, dims: 3},"
                                   " {name: w, seed: 2, perplexity: 9, compare: [m.5, m]}]\n");
    static const struct {
        const char *name;
        uint64_t seed;
        size_t n;
        const char *compare[3];
    } want[] = {{"pca", 1, 0, {NULL}},
                {"m", 7, 1, {"pca"}},
                {"m.3", 3, 2, {"pca", "m"}},
                {"m.5", 5, 3, {"pca", "m", "m.3"}},
                {"w", 2, 2, {"m.5", "m"}}};
    assert_int_equal(e->n_embeds, 5);
    for (size_t i = 0; i < 5; i++) {
        const experiment_embed *m = &e->embed[i];
        assert_string_equal(m->name, want[i].name);
        assert_int_equal(m->options.seed, want[i].seed);
        assert_int_equal(m->options.dims, i > 0 && i < 4 ? 3 : 2);
        assert_int_equal(m->n_compare, want[i].n);
        for (size_t c = 0; c < m->n_compare; c++) assert_string_equal(m->compare[c], want[i].compare[c]);
    }
    resolved_options_are_an_experiment(e);
    char *one, *other; /* what is compared with it is no part of what a map is */
    assert_int_equal(experiment_embed_json(&one, &e->embed[1]), LIMN_OK);
    assert_int_equal(experiment_embed_json(&other, &e->embed[3]), LIMN_OK);
    assert_string_equal(one, other);
    assert_null(strstr(one, "compare"));
    free(one);
    free(other);
    experiment_free(e);
}

static void embed_defaults_are_the_library_s(void **state) {
    (void)state;
    limn_experiment *e = good(HEAD "embed: [{}]\n");
    limn_embed_options o;
    limn_embed_defaults(&o);
    assert_int_equal(e->n_embeds, 1);
    const limn_embed_options *have = &e->embed[0].options;
    assert_int_equal(have->method, o.method);
    assert_int_equal(have->engine, o.engine);
    assert_int_equal(have->dims, o.dims);
    assert_int_equal(have->pca, o.pca);
    assert_true(have->perplexity == o.perplexity && have->theta == o.theta && have->force_error == o.force_error &&
                have->metric == o.metric && have->recall == o.recall && have->exaggeration == o.exaggeration);
    assert_true(have->learning_rate == o.learning_rate && have->momentum == o.momentum);
    assert_int_equal(have->early, o.early);
    assert_int_equal(have->iterations, o.iterations);
    assert_int_equal(have->init, o.init);
    assert_true(have->seed == o.seed);
    assert_int_equal(have->threads, o.threads);
    assert_int_equal(have->trace_every, o.trace_every);
    experiment_free(e);
}

static void a_preset_fills_what_the_entry_does_not_give(void **state) {
    (void)state;
    limn_experiment *e =
        good(HEAD "embed: [{learning_rate: 300, preset: matlab}, {preset: scikit-learn, stop: never}]\n");
    limn_embed_options o;
    limn_embed_preset(&o, LIMN_PRESET_MATLAB);
    const limn_embed_options *have = &e->embed[0].options;
    assert_true(have->learning_rate == 300 && have->exaggeration == 4 && have->early_momentum == 0.5);
    assert_int_equal(have->early, 99);
    assert_int_equal(have->stop, LIMN_STOP_MATLAB);
    assert_int_equal(have->init, o.init);
    have = &e->embed[1].options;
    assert_int_equal(have->rate, LIMN_RATE_SKLEARN);
    assert_int_equal(have->stop, LIMN_STOP_NEVER);
    resolved_options_are_an_experiment(e);
    experiment_free(e);
}

static void colours_are_the_plots_own(void **state) {
    (void)state;
    char words[300] = "";
    for (const limn_scatter_colour *c = limn_scatter_colours; c->name; c++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", *words ? "|" : "", c->name);
    const experiment_section *s = experiment_sections;
    while (strcmp(s->where, "plots")) s++;
    const experiment_key *k = s->key;
    while (strcmp(k->key, "colour")) k++;
    assert_string_equal(k->values, words);
}

/* ---- what is resolved -------------------------------------------------------------------------------------------- */

static void a_small_file_has_defaults(void **state) {
    (void)state;
    limn_experiment *e = NULL;
    assert_int_equal(experiment_parse(&e, HEAD, "some/where/my run.yaml", "some/where"), LIMN_OK);
    assert_string_equal(e->name, "my_run");
    assert_string_equal(e->model, "some/where/m.h5");
    assert_null(e->weights);
    assert_string_equal(e->data.images[0], "some/where/i.gz");
    assert_int_equal(e->n_features, 1);
    assert_string_equal(e->feature[0], "auto");
    assert_int_equal(e->n_embeds + e->n_attributes + e->n_plots, 0);
    assert_int_equal(e->target.kind, TARGET_PREDICTED);
    assert_true(e->seed == 1 && e->data.seed == 1 && e->store_images == 1);
    assert_true(e->data.pre.scale == 1 && e->data.pre.mean[3] == 0 && e->data.pre.std[3] == 1);
    experiment_free(e);
    static const struct {
        const char *path, *name;
    } names[] = {{"a.yml", "a"}, {"/x/.yaml", "experiment"}, {"-b.txt", "_b.txt"}, {"\xc3\xa9.yaml", "__"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(experiment_parse(&e, HEAD, names[i].path, "."), LIMN_OK);
        assert_string_equal(e->name, names[i].name);
        assert_string_equal(e->model, "m.h5"); /* `.` adds nothing */
        experiment_free(e);
    }
}

static void names_and_references_are_settled(void **state) {
    (void)state;
    limn_experiment *e =
        good(HEAD "seed: 4\nfeatures: [fc1, conv]\ntarget: all\n"
                  "embed: [{method: pca}, {}, {of: conv, seed: 9}]\n"
                  "attribute:\n  - {method: gradcam, flavour: keras-vis}\n  - {method: saliency, target: 3}\n"
                  "plots:\n  - {scatter: tsne}\n  - {scatter: tsne}\n  - {heatmaps: [input, saliency]}\n"
                  "  - {heatmaps: saliency, select: errors}\n  - {picture: gradcam-keras-vis}\n");
    assert_string_equal(e->embed[0].name, "pca");
    assert_string_equal(e->embed[1].name, "tsne");
    assert_string_equal(e->embed[2].name, "tsne-2");
    assert_string_equal(e->embed[0].of, "fc1");
    assert_string_equal(e->embed[2].of, "conv");
    assert_int_equal(e->feature_line[1], 4);
    assert_int_equal(e->embed[2].line, 6);
    assert_int_equal(e->plot[4].line, 15);
    assert_true(e->embed[0].options.seed == 4 && e->embed[2].options.seed == 9);
    assert_int_equal(e->embed[0].options.iterations, 1000); /* the library's, though not PCA's */
    assert_string_equal(e->attribute[0].name, "gradcam-keras-vis");
    assert_int_equal(e->attribute[0].target.kind, TARGET_ALL);
    assert_int_equal(e->attribute[1].target.kind, TARGET_CLASSES);
    assert_int_equal(e->attribute[1].target.classes[0], 3);
    assert_int_equal(e->attribute[0].line, 8);
    assert_string_equal(e->plot[0].name, "tsne-label");
    assert_string_equal(e->plot[1].name, "tsne-label-2");
    assert_string_equal(e->plot[2].name, "heatmaps");
    assert_int_equal(e->plot[2].kind, PLOT_HEATMAPS);
    assert_int_equal(e->plot[2].per_class, 2);
    assert_int_equal(e->plot[2].n_formats, 3);
    assert_string_equal(e->plot[3].name, "errors");
    assert_int_equal(e->plot[3].select, SELECT_ERRORS);
    assert_int_equal(e->plot[4].kind, PLOT_PICTURE);
    assert_int_equal(e->plot[4].n_formats, 1);
    assert_string_equal(e->plot[4].format[0], "png");
    assert_string_equal(e->plot[4].column[0], "gradcam-keras-vis");
    experiment_free(e);
}

static void options_as_text_identify_results(void **state) {
    (void)state;
    limn_experiment *e =
        good(HEAD "embed: [{name: a, method: tsne, perplexity: 1/3e-1}, {name: b, method: pca, seed: 3}]\n"
                  "attribute: [{method: gradcam}, {method: saliency, grad_modifier: auto}]\n"
                  "plots: [{scatter: a}]\n");
    static const char *const want[] = {
        "{\"preset\":\"limn\",\"dims\":2,\"perplexity\":3.3333333333333335,\"metric\":\"euclidean\",\"recall\":0.99,"
        "\"alpha\":1,\"theta\":0.8,"
        "\"force_error\":0.02,"
        "\"exaggeration\":12,\"early\":250,\"late_exaggeration\":1,\"late\":0,\"iterations\":1000,"
        "\"learning_rate\":\"auto\",\"early_momentum\":0.8,\"momentum\":0.8,\"stop\":\"never\","
        "\"init\":\"pca\",\"pca\":50,\"engine\":\"auto\",\"trace_every\":50}",
        "{\"dims\":2}",
        "{\"layer\":\"auto\",\"output\":\"last\",\"relu\":\"true\",\"resize\":\"bilinear\",\"size\":\"input\"}",
        "{\"backprop_modifier\":\"none\",\"channels\":\"reduce\",\"grad_modifier\":\"absolute\",\"output\":\"last\"}",
        "{\"scatter\":\"a\",\"colour\":\"label\",\"palette\":\"auto\",\"format\":[\"png\",\"svg\",\"pdf\"],\"title\":"
        "null,"
        "\"name\":\"a-label\",\"width\":null,\"height\":null}",
        "{\"preprocess\":{\"exif\":\"ignore\",\"resize\":\"none\",\"fit\":\"auto\",\"interpolation\":\"pil-bilinear\","
        "\"crop\":\"none\",\"pad\":null,\"scale\":1,\"mean\":[0,0,0,0],\"std\":[1,1,1,1],\"order\":\"rgb\"},\"limit\":"
        "0,\"every\":0,\"per_class\":0,"
        "\"shuffle\":false}"};
    char *text[6] = {NULL};
    assert_int_equal(experiment_embed_json(&text[0], &e->embed[0]), LIMN_OK);
    assert_int_equal(experiment_embed_json(&text[1], &e->embed[1]), LIMN_OK);
    assert_int_equal(experiment_attribute_json(&text[2], &e->attribute[0]), LIMN_OK);
    assert_int_equal(experiment_attribute_json(&text[3], &e->attribute[1]), LIMN_OK);
    assert_int_equal(experiment_plot_json(&text[4], &e->plot[0]), LIMN_OK);
    assert_int_equal(experiment_data_json(&text[5], e), LIMN_OK);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(text[i], want[i]);
        free(text[i]);
    }
    experiment_free(e);
}

static void numbers_have_no_locale(void **state) {
    (void)state;
    const char *was = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    limn_experiment *e = good(HEAD "embed: [{perplexity: 12.5}]\n");
    char *text = NULL;
    assert_int_equal(experiment_embed_json(&text, &e->embed[0]), LIMN_OK);
    assert_true(e->embed[0].options.perplexity == 12.5);
    assert_non_null(strstr(text, "\"perplexity\":12.5,"));
    free(text);
    experiment_free(e);
    if (was) setlocale(LC_NUMERIC, "C");
}

static void targets_are_words_numbers_or_names(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *text;
    } cases[] = {
        {"predicted", "predicted"},
        {"all", "all"},
        {"7", "[7]"},
        {"[two, 0]", "[2,0]"},
        {"two", "[2]"},
        {"\"label\"", "label"}, /* as JSON would write it */
        {"[label]", "[3]"},     /* in a list it is a class's name */
        {"'7'", "[4]"},
        {"{contrast: [two, \"7\"]}", "{\"contrast\":[2,4]}"},
        {"{top: 3}", "{\"top\":3}"},
        {"{channel: 5}", "{\"channel\":[5],\"at\":\"mean\"}"},
        {"{channel: [5, 0], at: [3, 4]}", "{\"channel\":[5,0],\"at\":[3,4]}"},
        {"{at: max, channel: 1}", "{\"channel\":[1],\"at\":\"max\"}"},
        {"{sql: 'SELECT 1, 2'}", "{\"sql\":\"SELECT 1, 2\"}"},
        {"{file: a.csv}", "{\"file\":\"dir/a.csv\"}"},
        {"~", "predicted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256], *got = NULL;
        snprintf(text, sizeof text, "model: m\ndata: {images: i, classes: [zero, one, two, label, '7']}\ntarget: %s\n",
                 cases[i].yaml);
        limn_experiment *e = good(text);
        assert_int_equal(experiment_target_text(&got, &e->target), LIMN_OK);
        assert_string_equal(got, cases[i].text);
        free(got);
        experiment_free(e);
    }
    limn_experiment *e =
        good(HEAD "target: [dog, 1]\nattribute: [{method: saliency}]\n"); /* names come with the data */
    assert_int_equal(e->target.classes[0], -1);
    const char *const folders[] = {"cat", "cow", NULL, "dog"};
    assert_int_equal(experiment_resolve_targets(e, folders, 4), LIMN_OK);
    assert_int_equal(e->attribute[0].target.classes[0], 3);
    experiment_free(e);
    e = good(HEAD "target: dgo\n");
    assert_int_equal(experiment_resolve_targets(e, folders, 4), LIMN_EINPUT);
    assert_string_equal(limn_message(), "e.yaml:3: no class is called `dgo` (did you mean `dog`?)");
    experiment_free(e);
    e = good(HEAD "target: predictd\n");
    assert_int_equal(experiment_resolve_targets(e, NULL, 0), LIMN_EINPUT);
    assert_string_equal(limn_message(), "e.yaml:3: no class is called `predictd`: the data have no class names "
                                        "(did you mean `predicted`?)");
    experiment_free(e);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static void files_are_bounded(void **state) {
    (void)state;
    limn_experiment *e = NULL;
    char path[] = "/tmp/limn-experiment-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char *big = repeated("# ", "x", 1 << 20, "\n"), want[200];
    write_file(path, big, strlen(big));
    assert_int_equal(experiment_load(&e, path), LIMN_EINPUT);
    snprintf(want, sizeof want, "%s: is larger than 1 MB, which an experiment file is not", path);
    assert_string_equal(limn_message(), want);
    write_file(path, HEAD "\0seed: 2\n", sizeof HEAD + 8);
    assert_int_equal(experiment_load(&e, path), LIMN_EINPUT);
    snprintf(want, sizeof want, "%s:3: not UTF-8 text: control characters are not allowed", path);
    assert_string_equal(limn_message(), want);
    write_file(path, HEAD, strlen(HEAD));
    assert_int_equal(experiment_load(&e, path), LIMN_OK);
    assert_string_equal(e->model, "/tmp/m.h5");
    assert_string_equal(e->text, HEAD);
    experiment_free(e);
    assert_int_equal(experiment_load(&e, "/tmp"), LIMN_EINPUT);
    assert_string_equal(limn_message(), "/tmp: cannot be read: Is a directory");
    remove(path);
    assert_int_equal(experiment_load(&e, path), LIMN_EINPUT);
    snprintf(want, sizeof want, "%s: cannot be opened: No such file or directory", path);
    assert_string_equal(limn_message(), want);
    free(big);
}

static void examples_are_valid(void **state) {
    (void)state;
    static const char *const path[] = {"examples/mnist/experiment.yaml", "examples/origin/saliency.yaml",
                                       "examples/origin/features.yaml"};
    for (size_t i = 0; i < 3; i++) {
        limn_experiment *e = NULL;
        limn_status s = experiment_load(&e, path[i]);
        if (s != LIMN_OK) fail_msg("%s", limn_message());
        resolved_options_are_an_experiment(e);
        experiment_free(e);
    }
}

/* ---- docs/experiment.md ------------------------------------------------------------------------------------------ */

/* | `key` | values | default | meaning | as docs/experiment.md has it. */
static void doc_row(char *row, size_t size, const experiment_key *k) {
    char values[300];
    size_t n = 0;
    int words = strchr(k->values, '|') && !strchr(k->values, ' ');
    for (const char *v = k->values; *v && n + 8 < sizeof values; v++)
        if (*v == '|')
            n += (size_t)sprintf(values + n, "`, `");
        else
            values[n++] = *v;
    values[n] = 0;
    const char *fallback = k->fallback ? k->fallback : "required",
               *tick = k->fallback && *k->fallback != '(' ? "`" : "";
    char only[100] = "";
    if (k->only && *k->only != '(') snprintf(only, sizeof only, " (%s)", k->only);
    snprintf(row, size, "| `%s` | %s%s%s | %s%s%s | %s%s |\n", k->key, words ? "`" : "", values, words ? "`" : "", tick,
             fallback, tick, k->help, only);
}

static void the_documentation_has_every_key(void **state) {
    (void)state;
    FILE *f = fopen("docs/experiment.md", "rb");
    assert_non_null(f);
    char *doc = calloc(1, 100000), row[1000];
    assert_non_null(doc);
    assert_true(fread(doc, 1, 99999, f) > 0);
    fclose(f);
    const char *at = doc;
    for (const experiment_section *s = experiment_sections; s->where; s++)
        for (const experiment_key *k = s->key; k->key; k++) {
            doc_row(row, sizeof row, k);
            const char *there = strstr(at, row);
            if (!there) fail_msg("docs/experiment.md, section %s, lacks in its order:\n%s", s->where, row);
            at = there;
        }
    free(doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(every_default_may_be_written),
        cmocka_unit_test(held_out_samples_are_prepared_as_the_data),
        cmocka_unit_test(seeds_are_entries_that_are_compared),
        cmocka_unit_test(embed_defaults_are_the_library_s),
        cmocka_unit_test(a_preset_fills_what_the_entry_does_not_give),
        cmocka_unit_test(colours_are_the_plots_own),
        cmocka_unit_test(a_small_file_has_defaults),
        cmocka_unit_test(names_and_references_are_settled),
        cmocka_unit_test(options_as_text_identify_results),
        cmocka_unit_test(numbers_have_no_locale),
        cmocka_unit_test(targets_are_words_numbers_or_names),
        cmocka_unit_test(files_are_bounded),
        cmocka_unit_test(examples_are_valid),
        cmocka_unit_test(the_documentation_has_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
