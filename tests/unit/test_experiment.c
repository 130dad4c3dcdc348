/* The experiment file: every key with a good value and its effect, every mistake with its sentence and line. */
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

#define HEAD "model: m.h5\ndata: {images: i.gz}\n" /* two lines */

static limn_experiment *good(const char *text) {
    limn_experiment *e = NULL;
    limn_status s = experiment_parse(&e, text, "e.yaml", "dir");
    if (s != LIMN_OK) fail_msg("%s\n%s", limn_message(), text);
    return e;
}

/* The text is refused with just this sentence. */
static void bad(const char *text, const char *sentence) {
    limn_experiment *e = NULL;
    limn_status s = experiment_parse(&e, text, "e.yaml", "dir");
    if (s == LIMN_OK) fail_msg("accepted:\n%s", text);
    assert_int_equal(s, LIMN_EINPUT);
    assert_null(e);
    assert_string_equal(limn_message(), sentence);
}

static cJSON *resolved(const limn_experiment *e) {
    char *text = NULL;
    assert_int_equal(experiment_resolved_json(&text, e), LIMN_OK);
    cJSON *o = cJSON_Parse(text);
    assert_non_null(o);
    free(text);
    return o;
}

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
    {"experiment", "data", NULL, NULL}, /* their sections' own rows */
    {"experiment", "embed", NULL, "[]"},
    {"experiment", "attribute", NULL, "[]"},
    {"experiment", "measures", NULL, "[]"},
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
    {"data", "preprocess", "preprocess: {}", "{\"scale\":1,\"mean\":[0,0,0,0],\"std\":[1,1,1,1]}"},
    {"data", "limit", "limit: 1e3", "1000"},
    {"data", "every", "every: \"3\"", "3"},
    {"data", "per_class", "per_class: 010", "10"},
    {"data", "shuffle", "shuffle: yes", "true"},
    {"data", "seed", "seed: 7", "7"},
    {"preprocess", "scale", "scale: 1/255", "0.00392156862745098"},
    {"preprocess", "mean", "mean: [0.485, 1/4, .5]", "[0.485,0.25,0.5,0.5]"},
    {"preprocess", "std", "std: 2.50e-1", "[0.25,0.25,0.25,0.25]"},
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
    {"embed", "pca", "pca: 0", "0"},
    {"embed", "engine", "engine: exact", "\"exact\""},
    {"embed", "trace_every", "trace_every: 10", "10"},
    {"attribute", "name", "method: saliency, name: s", "\"s\""},
    {"attribute", "method", "method: gradcam", "\"gradcam\""},
    {"attribute", "flavour", "method: gradcam, flavour: keras-vis", "\"keras-vis\""},
    {"attribute", "target", "method: saliency, target: [0, 3]", "[0,3]"},
    {"measures", "metric", "metric: gini", "\"gini\""},
    {"measures", "of", "metric: deletion, of: sal", "[\"sal\"]"},
    {"target", "contrast", "contrast: [4, 9]", "[4,9]"},
    {"plots", "scatter", "scatter: map", "\"map\""},
    {"plots", "heatmaps", "heatmaps: [input, sal]", "[\"input\",\"sal\"]"},
    {"plots", "picture", "picture: sal", "\"sal\""},
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

static const cJSON *follow(const cJSON *o, const char *path) {
    char words[64], *save = NULL;
    snprintf(words, sizeof words, "%s", path);
    for (char *w = strtok_r(words, " ", &save); o && w; w = strtok_r(NULL, " ", &save))
        o = *w == '0' ? cJSON_GetArrayItem(o, 0) : cJSON_GetObjectItemCaseSensitive(o, w);
    return o;
}

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
    assert_true(e->data.scale == 1 && e->data.mean[3] == 0 && e->data.std[3] == 1);
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
        "{\"preprocess\":{\"scale\":1,\"mean\":[0,0,0,0],\"std\":[1,1,1,1]},\"limit\":0,\"every\":0,\"per_class\":0,"
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

/* ---- every mistake ----------------------------------------------------------------------------------------------- */

static void mistakes_have_a_sentence_and_a_line(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *sentence;
    } cases[] = {
        /* keys */
        {HEAD "embed:\n  - {perplexty: 3}\n",
         "e.yaml:4: unknown key `perplexty` in `embed` (did you mean `perplexity`?)"},
        {HEAD "sede: 1\n", "e.yaml:3: unknown key `sede` (did you mean `seed`?)"},
        {HEAD "tarmac: 1\n", "e.yaml:3: unknown key `tarmac` (known: name, model, seed, data, store_images, features, "
                             "embed, target, attribute, measures, plots)"},
        {HEAD "<<: {a: 1}\n", "e.yaml:3: unknown key `<<` (known: name, model, seed, data, store_images, features, "
                              "embed, target, attribute, measures, plots)"},
        {HEAD "seed: 1\nseed: 2\n", "e.yaml:4: the key `seed` is given twice"},
        {HEAD "plots:\n- {heatmaps: input, heatmaps: input}\n",
         "e.yaml:4: the key `heatmaps` is given twice in `plots`"},
        {HEAD "[a, b]: 1\n", "e.yaml:3: a key is not a word"},
        {"data: {images: i}\n", "e.yaml:1: the key `model` is missing: the trained network, relative to this file"},
        {"model: m\n", "e.yaml:1: the key `data` is missing: what is put through the network: see data"},
        {"model: m\ndata:\n  labels: l\n",
         "e.yaml:3: the key `images` in `data` is missing: IDX (also gzip), .npy, CIFAR, CSV, a PNG or JPEG picture, "
         "several, a folder with one folder a class, or a member of an .npz, HDF5 or MATLAB file: FILE:NAME"},
        {"model: {file: m, config: c}\ndata: {images: i}\n", "e.yaml:1: `model`: either `file` or `config`, not both"},
        {"model: {output: o}\ndata: {images: i}\n",
         "e.yaml:1: `model`: the key that says what it is (file|config) is missing"},
        {"model: {file: m, weights: w}\ndata: {images: i}\n",
         "e.yaml:1: `weights` is for `config` only, not for `file`"},
        {"model: {config: c}\ndata: {images: i}\n", "e.yaml:1: the key `weights` in `model` is missing: its weights"},
        {HEAD "attribute: [{name: s}]\n", "e.yaml:3: the key `method` in `attribute` is missing: see `limn methods`"},
        {"model:\ndata: {images: i}\n",
         "e.yaml:1: the key `model` is missing: the trained network, relative to this file"},
        /* types */
        {"model: [a, b]\ndata: {images: i}\n",
         "e.yaml:1: `model` is a list, but must be a file, or {file: FILE, output: NAME}, or {config: "
         "FILE, weights: FILE}"},
        {"model: m\ndata: file.gz\n", "e.yaml:2: `data` is `file.gz`, but must hold `key: value` pairs"},
        {"model: m\ndata: {images: []}\n",
         "e.yaml:2: `images` is an empty list, but must be a file, a folder or a list of files"},
        {"model: m\ndata: {images: [a, [b]]}\n",
         "e.yaml:2: `images` is a list, but must be a file, a folder or a list of files"},
        {"model: m\ndata: {images: {a: b}}\n",
         "e.yaml:2: `images` is a mapping, but must be a file, a folder or a list of files"},
        {"model: m\ndata: {images: i, classes: one}\n", "e.yaml:2: `classes` is `one`, but must be a list of texts"},
        {"model: m\ndata: {images: i, shuffle: maybe}\n", "e.yaml:2: `shuffle` is `maybe`, but must be true or false"},
        {HEAD "embed: all\n", "e.yaml:3: `embed` is `all`, but must be a list of entries"},
        {HEAD "embed: [tsne]\n", "e.yaml:3: `embed` is `tsne`, but must hold `key: value` pairs"},
        {HEAD "seed: -1\n", "e.yaml:3: `seed` is `-1`, but must be a whole number from 0"},
        {HEAD "seed: 9223372036854775808\n",
         "e.yaml:3: `seed` is `9223372036854775808`, but must be a whole number from 0"},
        {HEAD "seed: 1.5\n", "e.yaml:3: `seed` is `1.5`, but must be a whole number from 0"},
        /* numbers and ranges */
        {HEAD "embed:\n- perplexity: many\n",
         "e.yaml:4: `perplexity` is `many`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: 0.5}]\n",
         "e.yaml:3: `perplexity` is `0.5`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: 0x10}]\n",
         "e.yaml:3: `perplexity` is `0x10`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: .inf}]\n",
         "e.yaml:3: `perplexity` is `.inf`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: nan}]\n",
         "e.yaml:3: `perplexity` is `nan`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: 1e999}]\n",
         "e.yaml:3: `perplexity` is `1e999`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: 30 x}]\n",
         "e.yaml:3: `perplexity` is `30 x`, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{perplexity: ''}]\n",
         "e.yaml:3: `perplexity` is ``, but must be a number from 1 to 1000000, or a list of up to 8"},
        {HEAD "embed: [{theta: 1.01}]\n", "e.yaml:3: `theta` is `1.01`, but must be a number from 0 to 1"},
        {HEAD "embed: [{iterations: 2.5}]\n",
         "e.yaml:3: `iterations` is `2.5`, but must be a whole number from 1 to 1000000"},
        {HEAD "embed: [{dims: 4}]\n", "e.yaml:3: `dims` is `4`, but must be 1, 2 or 3"},
        {HEAD "embed: [{learning_rate: 0}]\n",
         "e.yaml:3: `learning_rate` is `0`, but must be auto, or a number above 0"},
        {"model: m\ndata: {images: i, preprocess: {scale: 1/0}}\n",
         "e.yaml:2: `scale` is `1/0`, but must be a number (1/255 is one)"},
        {"model: m\ndata: {images: i, preprocess: {scale: 1//2}}\n",
         "e.yaml:2: `scale` is `1//2`, but must be a number (1/255 is one)"},
        {"model: m\ndata: {images: i, preprocess: {std: [1, 0]}}\n",
         "e.yaml:2: `std` is `0`, but must be a number above 0 or a list of up to 4, one a channel"},
        {"model: m\ndata: {images: i, preprocess: {mean: [1, 2, 3, 4, 5]}}\n",
         "e.yaml:2: `mean` has 5 items, but at most 4 are allowed"},
        /* words */
        {HEAD "embed: [{method: tnse}]\n",
         "e.yaml:3: `method` is `tnse`, but must be tsne or pca (did you mean `tsne`?)"},
        {HEAD "embed: [{engine: fast}]\n",
         "e.yaml:3: `engine` is `fast`, but must be auto, barnes-hut, fft, hybrid or exact"},
        {HEAD "embed: [{method: pca, perplexity: 3}]\n", "e.yaml:3: `perplexity` is for `tsne` only, not for `pca`"},
        {HEAD "attribute:\n  - {method: salience}\n",
         "e.yaml:4: unknown method `salience` (did you mean `saliency`?); `limn methods` lists them"},
        {HEAD "attribute:\n  - method: gradcam\n    flavour: kerasvis\n",
         "e.yaml:5: method `gradcam` has no flavour `kerasvis`; it has `limn`, `keras-vis`, `tf-keras-vis`, "
         "`pytorch-grad-cam`, `captum`, `tf-explain`"},
        {HEAD "attribute:\n  - method: saliency\n    grad_modifier: absolut\n",
         "e.yaml:5: `absolut` is no value of `grad_modifier` (did you mean `absolute`?); it takes `none`, `absolute`, "
         "`negate`, `relu`, `invert`, `small_values`"},
        {HEAD "attribute: [{method: saliency, layer: conv1}]\n",
         "e.yaml:3: method `saliency` of flavour `limn` has no option `layer`; it has `backprop_modifier`, `channels`, "
         "`grad_modifier`, `output`"},
        {HEAD "attribute: [{method: saliency, name: input}]\n",
         "e.yaml:3: an entry of `attribute` cannot be called `input`: plots call the input so"},
        /* names */
        {HEAD "name: ../../x\n", "e.yaml:3: `name` is `../../x`, but must be a letter, digit or `_`, then letters, "
                                 "digits, `.`, `_` or `-`, at most 64 in all"},
        {HEAD "embed: [{name: .hidden}]\n", "e.yaml:3: `name` is `.hidden`, but must be a letter, digit or `_`, then "
                                            "letters, digits, `.`, `_` or `-`, at most 64 in all"},
        {HEAD "embed:\n  - {name: a}\n  - method: pca\n    name: a\n",
         "e.yaml:6: two entries of `embed` are called `a`"},
        {HEAD "features: [fc1, fc2, fc1]\n", "e.yaml:3: `features` names `fc1` twice"},
        /* references */
        {HEAD "features: [fc1, conv2]\nembed: [{of: fc2}]\n",
         "e.yaml:4: `of` is `fc2`, which is not in `features` (there: fc1, conv2) (did you mean `fc1`?)"},
        {HEAD "features: []\nembed: [{}]\n", "e.yaml:1: `of` is `auto`, but `features` has no entries"},
        {HEAD "plots: [{scatter: map}]\n", "e.yaml:3: `scatter` is `map`, but `embed` has no entries"},
        {HEAD "embed: [{name: map}]\nplots: [{scatter: mpa}]\n",
         "e.yaml:4: `scatter` is `mpa`, which is not in `embed` (there: map) (did you mean `map`?)"},
        {HEAD "attribute: [{method: gradcam, name: cam}]\nplots:\n  - heatmaps:\n    - input\n    - can\n",
         "e.yaml:7: `heatmaps` is `can`, which is not in `attribute` (there: input, cam) (did you mean `cam`?)"},
        /* plots */
        {HEAD "plots: [{colour: label}]\n",
         "e.yaml:3: `plots`: the key that says what it is (scatter|heatmaps|picture) is missing"},
        {HEAD "plots: [{heatmaps: input, picture: input}]\n",
         "e.yaml:3: `plots`: either `heatmaps` or `picture`, not both"},
        {HEAD "plots: [{heatmaps: input, colour: label}]\n",
         "e.yaml:3: `colour` is for `scatter` only, not for `heatmaps`"},
        {HEAD "plots: [{heatmaps: input, palette: veridis}]\n",
         "e.yaml:3: unknown palette `veridis` (did you mean `viridis`?) (known: auto, jet, viridis, magma, gray, "
         "diverging)"},
        {HEAD "plots: [{heatmaps: input, format: [png, jpeg]}]\n",
         "e.yaml:3: `format` is `jpeg`, but must be png, svg, pdf or jpg (did you mean `jpg`?)"},
        {HEAD "plots: [{picture: input, format: svg}]\n", "e.yaml:3: a `picture` is png or jpg, not svg"},
        {HEAD "plots: [{heatmaps: input, rows: 3}]\n", "e.yaml:3: `rows` needs `select: errors` or `select: first`"},
        {HEAD "plots: [{heatmaps: input, select: first, per_class: 3}]\n",
         "e.yaml:3: `per_class` needs `select: per_class`, which is the default"},
        /* targets */
        {HEAD "target: {contrast: [1, 2, 3]}\n", "e.yaml:3: `contrast` is a list, but must be two classes"},
        {HEAD "target: {contrst: [1, 2]}\n", "e.yaml:3: unknown key `contrst` in `target` (did you mean `contrast`?)"},
        {HEAD "target: [3, 99999999999]\n", "e.yaml:3: class 99999999999 of `target` is larger than 1000000"},
        {HEAD "target: []\n", "e.yaml:3: `target` is an empty list, but must be predicted, label, all, a class (number "
                              "or name), a list of classes, or {contrast: [a, b]}"},
        {"model: m\ndata: {images: i, classes: [a, b]}\ntarget: [b, 1]\n",
         "e.yaml:3: class 1 is named twice in `target`"},
        {"model: m\ndata: {images: i, classes: [cat, dog]}\ntarget: cot\n",
         "e.yaml:3: no class is called `cot` (did you mean `cat`?)"},
        /* YAML */
        {"", "e.yaml: is empty, but an experiment has `model` and `data` at least"},
        {"# only a comment\n---\n", "e.yaml: is empty, but an experiment has `model` and `data` at least"},
        {"just text\n", "e.yaml:1: an experiment is a mapping: `model: …`, `data: …`"},
        {"- a\n- b\n", "e.yaml:1: an experiment is a mapping: `model: …`, `data: …`"},
        {HEAD "---\nmodel: n\n", "e.yaml:3: a second YAML document begins here, but an experiment is one document"},
        {"model: m\ndata:\n\timages: i\n", "e.yaml:3: a tab indents this line, but YAML is indented by spaces"},
        {"model: m\ndata: {images: i\n",
         "e.yaml:3: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'"},
        {"model: m\ndata: {images: *x}\n", "e.yaml:2: not valid YAML: found undefined alias"},
        {"model: m\ndata: {images: \"a\\0b\"}\n", "e.yaml:2: the value of `images` holds a NUL character"},
        {"model: m\nname: \"\xff\"\n", "e.yaml:2: not UTF-8 text: invalid leading UTF-8 octet"},
        {"model: m\n\nname: \x01\n", "e.yaml:3: not UTF-8 text: control characters are not allowed"},
        {"\x89HDF\r\n\x1a\n", "e.yaml:1: not UTF-8 text: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) bad(cases[i].yaml, cases[i].sentence);
}

/* Text made of `n` times `piece` between head and tail. */
static char *repeated(const char *head, const char *piece, size_t n, const char *tail) {
    size_t a = strlen(head), b = strlen(piece), c = strlen(tail);
    char *text = malloc(a + n * b + c + 1);
    assert_non_null(text);
    memcpy(text, head, a);
    for (size_t i = 0; i < n; i++) memcpy(text + a + i * b, piece, b);
    memcpy(text + a + n * b, tail, c + 1);
    return text;
}

static void bombs_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *head, *piece;
        size_t n;
        const char *tail, *sentence;
    } cases[] = {
        {"a: ", "[", 1000000, "", "e.yaml:1: lists and mappings are nested too deeply (at most 16 levels)"},
        {"", "- ", 500000, "", "e.yaml:1: lists and mappings are nested too deeply (at most 16 levels)"},
        {"", "? ", 500000, "", "e.yaml:1: lists and mappings are nested too deeply (at most 16 levels)"},
        {"a: [", "a,", 500000, "]", "e.yaml:1: too many values (at most 200000)"},
        {"a: [", "&a b,", 1001, "]", "e.yaml:1: too many anchors (at most 1000)"},
        {"", "%TAG !a! b\n", 1001, "---\na: 1\n",
         "e.yaml: more than 1000 lines begin with %: these are no directives of YAML"},
        {HEAD "features: &f [a]\nembed: [", "{of: a},", 1001, "]\n",
         "e.yaml:4: `embed` has 1001 items, but at most 1000 are allowed"},
        {HEAD "plots:\n- heatmaps: [", "input,", 65, "]\n",
         "e.yaml:4: `heatmaps` has 65 items, but at most 64 are allowed"},
        {HEAD "name: ", "x", 65, "\n",
         "e.yaml:3: `name` is `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...`, but must be a letter, "
         "digit or `_`, then letters, digits, `.`, `_` or `-`, at most 64 in all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeated(cases[i].head, cases[i].piece, cases[i].n, cases[i].tail);
        bad(text, cases[i].sentence);
        free(text);
    }
    /* aliases: a node that holds itself, and one list that many entries share */
    bad(HEAD "features: &a [*a]\n", "e.yaml:3: `features` is a list, but must be a layer's name or index, `auto`, or a "
                                    "list of them");
    bad("&a {model: m, data: *a}\n",
        "e.yaml:1: unknown key `model` in `data` (known: images, labels, label_base, shape, classes, "
        "preprocess, limit, every, per_class, shuffle, seed)");
    char *laughs = repeated("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [", "*a,", 9, "*a]\n");
    bad(laughs, "e.yaml:1: unknown key `a` (known: name, model, seed, data, store_images, features, embed, target, "
                "attribute, measures, plots)");
    free(laughs);
    char *shared = repeated(HEAD "attribute: [{method: saliency, name: s, target: &t [0, 1]}]\nplots: [",
                            "{heatmaps: s},", 999, "{heatmaps: [s, input]}]\n");
    limn_experiment *e = good(shared);
    assert_int_equal(e->n_plots, 1000);
    assert_string_equal(e->plot[999].name, "heatmaps-1000");
    experiment_free(e);
    free(shared);
}

static void anchors_may_be_used(void **state) {
    (void)state;
    limn_experiment *e = good(HEAD "features: [fc1]\nembed:\n  - &m {perplexity: 5}\n  - *m\n");
    assert_int_equal(e->n_embeds, 2);
    assert_true(e->embed[1].options.perplexity == 5);
    assert_string_equal(e->embed[1].name, "tsne-2");
    experiment_free(e);
}

/* ---- hostile class names are data -------------------------------------------------------------------------------- */

static void class_names_survive_as_data(void **state) {
    (void)state;
    char *long_name = repeated("", "n", 10000, "");
    const char *const names[] = {"`touch /tmp/x`",
                                 "system(\"id\")",
                                 "\"; rm",
                                 "{/Symbol a}",
                                 "<script>",
                                 "it's",
                                 "@x",
                                 "%s",
                                 "%n%d",
                                 "line\nbreak",
                                 "../../x",
                                 "\x01\x1b[31m",
                                 "\xc3\xa9\xe2\x82\xac",
                                 "'; DROP TABLE run; --",
                                 "",
                                 long_name};
    size_t n = sizeof names / sizeof *names;
    char *text = malloc(40000), *at = text;
    assert_non_null(text);
    at += sprintf(at, "model: m\ndata:\n  images: i\n  classes:\n");
    for (size_t i = 0; i < n; i++) { /* JSON strings are YAML */
        cJSON *s = cJSON_CreateString(names[i]);
        char *quoted = cJSON_PrintUnformatted(s);
        at += sprintf(at, "  - %s\n", quoted);
        free(quoted);
        cJSON_Delete(s);
    }
    limn_experiment *e = good(text);
    assert_int_equal(e->data.n_classes, n);
    for (size_t i = 0; i < n; i++) assert_string_equal(e->data.classes[i], names[i]);
    cJSON *o = resolved(e);
    const cJSON *list = follow(o, "data classes");
    for (size_t i = 0; i < n; i++) assert_string_equal(cJSON_GetArrayItem(list, (int)i)->valuestring, names[i]);
    cJSON_Delete(o);
    experiment_free(e);
    free(text);
    free(long_name);
    bad("model: m\ndata: {images: i, classes: [\"\xff\xfe\"]}\n",
        "e.yaml:2: not UTF-8 text: invalid leading UTF-8 octet");
    /* in a message they are short and on one line */
    bad(HEAD "name: \"%s%n\\n\\e[31mred\"\n",
        "e.yaml:3: `name` is `%s%n??[31mred`, but must be a letter, digit or `_`, "
        "then letters, digits, `.`, `_` or `-`, at most 64 in all");
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
        cmocka_unit_test(embed_defaults_are_the_library_s),
        cmocka_unit_test(a_preset_fills_what_the_entry_does_not_give),
        cmocka_unit_test(colours_are_the_plots_own),
        cmocka_unit_test(a_small_file_has_defaults),
        cmocka_unit_test(names_and_references_are_settled),
        cmocka_unit_test(options_as_text_identify_results),
        cmocka_unit_test(numbers_have_no_locale),
        cmocka_unit_test(targets_are_words_numbers_or_names),
        cmocka_unit_test(mistakes_have_a_sentence_and_a_line),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(anchors_may_be_used),
        cmocka_unit_test(class_names_survive_as_data),
        cmocka_unit_test(files_are_bounded),
        cmocka_unit_test(examples_are_valid),
        cmocka_unit_test(the_documentation_has_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
