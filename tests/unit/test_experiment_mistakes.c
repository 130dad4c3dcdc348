/* The experiment file: every mistake with its sentence and line; bombs; names that are hostile are data. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "config/experiment.h"
#include "tests/lib/parsed.h"

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
        {HEAD "tarmac: 1\n",
         "e.yaml:3: unknown key `tarmac` (known: name, model, seed, data, held_out, store_images, features, "
         "embed, target, attribute, measures, relate, plots)"},
        {HEAD "<<: {a: 1}\n",
         "e.yaml:3: unknown key `<<` (known: name, model, seed, data, held_out, store_images, features, "
         "embed, target, attribute, measures, relate, plots)"},
        {HEAD "seed: 1\nseed: 2\n", "e.yaml:4: the key `seed` is given twice"},
        {HEAD "plots:\n- {heatmaps: input, heatmaps: input}\n",
         "e.yaml:4: the key `heatmaps` is given twice in `plots`"},
        {HEAD "[a, b]: 1\n", "e.yaml:3: a key is not a word"},
        {"data: {images: i}\n", "e.yaml:1: the key `model` is missing: the trained network, relative to this file"},
        {"model: m\n", "e.yaml:1: the key `data` is missing: what is put through the network: see data"},
        {"model: m\ndata:\n  labels: l\n",
         "e.yaml:3: the key `images` in `data` is missing: pictures, a folder of them, a list, a tar, arrays, or a "
         "member of a file, FILE:NAME: see docs/data.md"},
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
        {HEAD "embed: [{seeds: [1, 2], seed: 3}]\n", "e.yaml:3: either `seed` or `seeds`, not both"},
        {HEAD "embed:\n- seeds: [1, 2,\n    1]\n", "e.yaml:5: `seeds` has 1 twice"},
        {HEAD "embed: [{method: pca, seeds: [1, 2]}]\n", "e.yaml:3: `seeds` is for `tsne` only, not for `pca`"},
        {HEAD "embed: [{name: m.2, method: pca}, {name: m, seeds: [1, 2]}]\n",
         "e.yaml:3: two entries of `embed` are called `m.2`"},
        {HEAD "embed: [{name: a}, {name: b, compare: b}]\n",
         "e.yaml:3: `compare` is `b`, which is not in `embed` before it (there: a)"},
        {HEAD "embed: [{name: a, dims: 3}, {start: a}]\n",
         "e.yaml:3: `a` has 3 dimensions, not 2: no map can start from it"},
        {HEAD "embed: [{name: a}, {start: b}]\n",
         "e.yaml:3: `start` is `b`, which is not in `embed` before it (there: a)"},
        {HEAD "embed: [{name: a}, {start: a, seeds: [1, 2]}]\n",
         "e.yaml:3: maps of several seeds that start from one map are the same"},
        {HEAD "embed: [{compare: a}]\n", "e.yaml:3: `compare` is `a`, but `embed` before it has no entries"},
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
        {"model: m\ndata: {images: i, preprocess: {scale: 0/255}}\n",
         "e.yaml:2: `scale` is 0, which would leave nothing of a picture"},
        {"model: m\ndata: {images: i, preprocess: {std: [1, 0]}}\n",
         "e.yaml:2: `std` is `0`, but must be a number above 0 or a list of up to 4, one a channel"},
        {"model: m\ndata: {images: i, preprocess: {preset: keras-vgg}}\n",
         "e.yaml:2: unknown preset `keras-vgg` (did you mean `keras-vgg16`?) (known: see `limn methods`)"},
        {"model: m\ndata: {images: i, preprocess: {resize: 0}}\n",
         "e.yaml:2: `resize` is `0`, but must be none, input, a whole number or [height, width]"},
        {"model: m\ndata: {images: i, preprocess: {resize: [1, 2, 3]}}\n",
         "e.yaml:2: `resize` has 3 items, but at most 2 are allowed"},
        {"model: m\ndata: {images: i, preprocess: {crop: middle}}\n",
         "e.yaml:2: `crop` is `middle`, but must be none, input, a whole number or [height, width]"},
        {"model: m\ndata: {images: i, preprocess: {resize: 8, interpolation: bilinear}}\n",
         "e.yaml:2: unknown interpolation `bilinear` (did you mean `tf-bilinear`?) (known: see `limn methods`)"},
        {"model: m\ndata: {images: i, preprocess: {fit: longer}}\n", "e.yaml:2: `fit` needs a `resize`"},
        {"model: m\ndata: {images: i, preprocess: {resize: 8, pad: 9}}\n", "e.yaml:2: `pad` needs a `crop`"},
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
        {HEAD "relate: [{}]\n", "e.yaml:3: `relate` needs an entry of `attribute`"},
        {HEAD "features: []\nattribute: [{method: saliency}]\nrelate: [{}]\n",
         "e.yaml:5: `relate` needs an entry of `features` or `embed`, or `to`"},
        {HEAD "attribute: [{method: saliency}]\nrelate: [{to: sal}]\n",
         "e.yaml:4: `to` is `sal`, which is not in `features`, `embed` or `attribute` (there: auto, saliency) (did you "
         "mean `saliency`?)"},
        {HEAD "plots: [{bars: query}]\n", "e.yaml:3: `bars: query` needs `sql`, a SELECT"},
        {HEAD "plots: [{matrix: confusion, sql: SELECT 1}]\n",
         "e.yaml:3: `sql` is what `matrix: query` draws, not `confusion`"},
        {HEAD "plots: [{scatter: query, sql: SELECT 1, colour: label}]\n",
         "e.yaml:3: the third column of `sql` is the colour"},
        {HEAD "plots: [{heatmaps: input, sql: SELECT 1, select: errors}]\n",
         "e.yaml:3: `sql` chooses the samples: it needs `select: query`, or no `select`"},
        {HEAD "plots: [{heatmaps: input, select: query}]\n",
         "e.yaml:3: `select: query` needs `sql`, a SELECT of sample_id"},
        {HEAD "embed: [{name: map}]\nplots: [{scatter: mpa}]\n",
         "e.yaml:4: `scatter` is `mpa`, which is not in `embed` (there: map) (did you mean `map`?)"},
        {HEAD "attribute: [{method: gradcam, name: cam}]\nplots:\n  - heatmaps:\n    - input\n    - can\n",
         "e.yaml:7: `heatmaps` is `can`, which is not in `attribute` (there: input, cam) (did you mean `cam`?)"},
        /* plots */
        {HEAD "plots: [{colour: label}]\n",
         "e.yaml:3: `plots`: the key that says what it is (scatter|heatmaps|picture|matrix|bars|lines) is missing"},
        {HEAD "plots: [{heatmaps: input, picture: input}]\n",
         "e.yaml:3: `plots`: either `heatmaps` or `picture`, not both"},
        {HEAD "plots: [{heatmaps: input, colour: label}]\n",
         "e.yaml:3: `colour` is for `scatter` only, not for `heatmaps`"},
        {HEAD "plots: [{heatmaps: input, palette: veridis}]\n",
         "e.yaml:3: unknown palette `veridis` (did you mean `viridis`?) (known: auto, jet, viridis, magma, gray, blue, "
         "diverging)"},
        {HEAD "plots: [{heatmaps: input, format: [png, jpeg]}]\n",
         "e.yaml:3: `format` is `jpeg`, but must be png, svg, pdf or jpg (did you mean `jpg`?)"},
        {HEAD "plots: [{picture: input, format: svg}]\n", "e.yaml:3: a `picture` is png or jpg, not svg"},
        {HEAD "plots: [{heatmaps: input, rows: 3}]\n", "e.yaml:3: `rows` needs `select: errors`, `first` or `query`"},
        {HEAD "plots: [{heatmaps: input, select: first, per_class: 3}]\n",
         "e.yaml:3: `per_class` needs `select: per_class`, which is the default"},
        /* targets */
        {HEAD "target: {contrast: [1, 2, 3]}\n", "e.yaml:3: `contrast` is a list, but must be two classes"},
        {HEAD "target: {contrst: [1, 2]}\n", "e.yaml:3: unknown key `contrst` in `target` (did you mean `contrast`?)"},
        {HEAD "target: [3, 99999999999]\n", "e.yaml:3: class 99999999999 of `target` is larger than 1000000"},
        {HEAD "target: []\n",
         "e.yaml:3: `target` is an empty list, but must be predicted, label, all, a class (number "
         "or name), a list of classes, or {contrast: [a, b]}, {top: k}, {channel: c}, {file: FILE}, {sql: QUERY}"},
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
    bad(laughs,
        "e.yaml:1: unknown key `a` (known: name, model, seed, data, held_out, store_images, features, embed, target, "
        "attribute, measures, relate, plots)");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_have_a_sentence_and_a_line),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(anchors_may_be_used),
        cmocka_unit_test(class_names_survive_as_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
