/* Attribution methods by name and their options by text: defaults, errors, layers chosen, what is stored and said. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/attribute.h"
#include "base/try.h"
#include "tests/lib/explain.h"
#include "tests/lib/toy.h"

/* conv1 - conv2 - pool - global - dense1 - dense2 on (3, 7, 6); "tiny" is a convolution whose output is 1 x 1. Nothing
 * is evaluated here: weights are absent. */
static const toy_layer layers[] = {
    {.name = "conv1", .op = TOY_CONV, .units = 4, .k = 2},
    {.name = "conv2", .op = TOY_CONV, .units = 3, .k = 2},
    {.name = "pool", .op = TOY_MAX, .k = 2},
    {.name = "tiny", .op = TOY_CONV, .units = 2, .k = 2},
    {.name = "global", .op = TOY_MEAN},
    {.name = "dense1", .op = TOY_DENSE, .units = 5},
    {.name = "dense2", .op = TOY_DENSE, .units = 2},
};

static toy *net(void) {
    return toy_new(1, &(limn_shape){3, {3, 7, 6}}, layers, (int)COUNT_OF(layers));
}

/* The resolved options' JSON, or the message where they are refused. */
static const char *outcome(const char *method, const char *flavour, const char *options) {
    static char result[2048];
    toy *t = net();
    char text[256], *json = NULL;
    const limn_method *m;
    limn_attribute_options o;
    limn_status s = explain_options(toy_diff(t), method, flavour, options, &m, &o, text);
    if (s == LIMN_OK) assert_int_equal(limn_attribute_json(&json, m, &o), LIMN_OK);
    if (s != LIMN_OK) assert_int_equal(s, LIMN_EINPUT);
    strncpy(result, json ? json : limn_message(), sizeof result - 1);
    free(json);
    toy_free(t);
    return result;
}

static void every_row_is_sound(void **state) {
    (void)state;
    for (const limn_method *m = limn_methods_table; m->name; m++) {
        const limn_method *found;
        assert_ptr_equal(limn_method_find(m->name, m->flavour), m);
        assert_int_equal(limn_method_get(&found, m->name, m->flavour), LIMN_OK);
        assert_true(m->help && *m->help && m->run && m->scratch);
        limn_attribute_options o = limn_attribute_defaults(m);
        for (const limn_option_row *row = m->options; row->key; row++) {
            if (row[1].key) assert_true(strcmp(row->key, row[1].key) < 0); /* sorted: so is the JSON */
            assert_true(*row->values && *row->fallback && *row->help);
            assert_int_equal(limn_attribute_set(m, &o, row->key, row->fallback), LIMN_OK);
            assert_int_equal(limn_attribute_set(m, &o, row->key, "auto"), LIMN_OK);
            assert_int_equal(limn_attribute_set(m, &o, row->key, NULL), LIMN_OK);
        }
    }
}

static void defaults_are_the_definitions(void **state) {
    (void)state;
    static const struct {
        const char *method, *flavour, *json;
    } row[] = {
        {"saliency", NULL,
         "{\"backprop_modifier\":\"none\",\"channels\":\"reduce\",\"grad_modifier\":\"absolute\",\"output\":"
         "\"dense2\"}"},
        {"saliency", "keras-vis",
         "{\"backprop_modifier\":\"none\",\"channels\":\"reduce\",\"grad_modifier\":\"absolute\",\"output\":"
         "\"dense2\"}"},
        {"guided", "limn",
         "{\"backprop_modifier\":\"guided\",\"channels\":\"reduce\",\"grad_modifier\":\"none\",\"output\":\"dense2\"}"},
        {"guided", "keras-vis",
         "{\"backprop_modifier\":\"guided\",\"channels\":\"reduce\",\"grad_modifier\":\"absolute\",\"output\":"
         "\"dense2\"}"},
        {"gradcam", NULL,
         "{\"layer\":\"conv2\",\"output\":\"dense2\",\"relu\":\"true\",\"resize\":\"bilinear\",\"size\":\"input\"}"},
        {"gradcam", "keras-vis",
         "{\"backprop_modifier\":\"none\",\"grad_modifier\":\"none\",\"layer\":\"tiny\",\"output\":\"dense2\",\"relu\":"
         "\"true\",\"resize\":\"spline\",\"size\":\"input\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++)
        assert_string_equal(outcome(row[i].method, row[i].flavour, ""), row[i].json);
}

static void options_are_set_by_text(void **state) {
    (void)state;
    assert_string_equal(outcome("gradcam", "keras-vis",
                                "layer=conv1 output=5 size=layer grad_modifier=small_values backprop_modifier=relu"),
                        "{\"backprop_modifier\":\"relu\",\"grad_modifier\":\"small_values\",\"layer\":\"conv1\","
                        "\"output\":\"dense1\",\"relu\":\"true\",\"resize\":\"spline\",\"size\":\"layer\"}");
    assert_string_equal(outcome("saliency", NULL, "channels=keep grad_modifier=invert output=last"),
                        "{\"backprop_modifier\":\"none\",\"channels\":\"keep\",\"grad_modifier\":\"invert\",\"output\":"
                        "\"dense2\"}");
    /* what the method does anyway may be said, or left to it */
    assert_string_equal(
        outcome("gradcam", NULL, "channels=reduce grad_modifier=none backprop_modifier=none layer=auto size=auto"),
        outcome("gradcam", NULL, ""));
    assert_string_equal(outcome("saliency", NULL, "size=input layer=auto"), outcome("saliency", NULL, ""));
}

static void layers_are_chosen_as_defined(void **state) {
    (void)state;
    /* before dense1: two before it is `tiny`, and of ours the last convolution larger than 1 x 1 */
    assert_non_null(strstr(outcome("gradcam", "keras-vis", "output=dense1"), "\"layer\":\"tiny\""));
    assert_non_null(strstr(outcome("gradcam", "keras-vis", "output=global"), "\"layer\":\"pool\""));
    assert_non_null(strstr(outcome("gradcam", NULL, "output=dense1"), "\"layer\":\"conv2\""));
    assert_non_null(strstr(outcome("gradcam", NULL, "output=conv2"), "\"layer\":\"conv1\""));
    assert_non_null(strstr(outcome("gradcam", NULL, "layer=0"), "\"layer\":\"conv1\""));
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *method, *flavour, *options, *message;
    } row[] = {
        {"salency", NULL, "", "unknown method `salency` (did you mean `saliency`?); `limn methods` lists them"},
        {"gradcam", "kerasvis", "",
         "method `gradcam` has no flavour `kerasvis`; it has `limn`, `keras-vis`, `tf-keras-vis`, `pytorch-grad-cam`, "
         "`captum`, `tf-explain`"},
        {"saliency", NULL, "grad_modifer=none",
         "unknown option `grad_modifer` (did you mean `grad_modifier`?); method `saliency` of flavour `limn` has "
         "`backprop_modifier`, `channels`, `grad_modifier`, `output`"},
        {"saliency", NULL, "grad_modifier=absolut",
         "`absolut` is no value of `grad_modifier` (did you mean `absolute`?); it takes `none`, `absolute`, `negate`, "
         "`relu`, `invert`, `small_values`"},
        {"guided", NULL, "backprop_modifier=none", "`none` is no value of `backprop_modifier`; it takes `guided`"},
        {"saliency", NULL, "layer=conv1",
         "method `saliency` of flavour `limn` has no option `layer`; it has `backprop_modifier`, `channels`, "
         "`grad_modifier`, `output`"},
        {"gradcam", NULL, "grad_modifier=relu",
         "method `gradcam` of flavour `limn` has no option `grad_modifier`; it has `layer`, `output`, `relu`, "
         "`resize`, `size`"},
        {"gradcam", NULL, "backprop_modifier=guided",
         "method `gradcam` of flavour `limn` has no option `backprop_modifier`; it has `layer`, `output`, `relu`, "
         "`resize`, `size`"},
        {"gradcam", NULL, "layer=conv3",
         "the model has no layer `conv3` (did you mean `conv1`?); it has conv1, conv2, pool, tiny, global, dense1, "
         "dense2"},
        {"gradcam", NULL, "layer=7",
         "the model has no layer `7`; it has conv1, conv2, pool, tiny, global, dense1, dense2"},
        {"gradcam", NULL, "layer=dense1",
         "method `gradcam` needs a layer of channels, rows and columns; the output of `dense1` is a vector"},
        {"gradcam", NULL, "layer=pool output=conv2",
         "method `gradcam` needs a layer before its output `conv2`; `pool` is not"},
        {"gradcam", NULL, "layer=conv2 output=conv2",
         "method `gradcam` needs a layer before its output `conv2`; `conv2` is not"},
        {"gradcam", "keras-vis", "output=conv2",
         "method `gradcam` of flavour `keras-vis` finds no convolutional layer before `conv2` to look at; name one "
         "with "
         "`layer`"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++)
        assert_string_equal(outcome(row[i].method, row[i].flavour, row[i].options), row[i].message);
}

static void layers_in_use_are_said(void **state) {
    (void)state;
    static const struct {
        const char *method, *flavour, *options, *note;
    } row[] = {
        {"saliency", NULL, "", NULL},
        {"gradcam", NULL, "", "gradcam (limn) explains `dense2` by layer `conv2` (3 x 5 x 4)"},
        {"gradcam", "keras-vis", "",
         "gradcam (keras-vis) explains `dense2` by layer `tiny` (2 x 1 x 1). Warning: a layer of 1 x 1 has no places "
         "to "
         "tell apart, each of its maps is constant"},
    };
    toy *t = net();
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char text[256], *note;
        const limn_method *m;
        limn_attribute_options o;
        assert_int_equal(explain_options(toy_diff(t), row[i].method, row[i].flavour, row[i].options, &m, &o, text),
                         LIMN_OK);
        assert_int_equal(limn_attribute_note(&note, m, toy_diff(t), &o), LIMN_OK);
        if (row[i].note)
            assert_string_equal(note, row[i].note);
        else
            assert_null(note);
        free(note);
    }
    toy_free(t);
}

/* Names come from files: a JSON text must survive them. */
static void json_survives_names(void **state) {
    (void)state;
    const toy_layer hostile[] = {{.name = "a\"b\\c\nd\x7f;é", .op = TOY_DENSE, .units = 1}};
    toy *t = toy_new(1, &(limn_shape){1, {2}}, hostile, 1);
    const limn_method *m;
    limn_attribute_options o;
    char text[256], *json;
    assert_int_equal(explain_options(toy_diff(t), "guided", NULL, "", &m, &o, text), LIMN_OK);
    assert_int_equal(limn_attribute_json(&json, m, &o), LIMN_OK);
    assert_string_equal(json, "{\"backprop_modifier\":\"guided\",\"channels\":\"reduce\",\"grad_modifier\":\"none\","
                              "\"output\":\"a\\\"b\\\\c\\u000ad\\u007f;é\"}");
    free(json);
    toy_free(t);
}

static void shapes_follow_the_options(void **state) {
    (void)state;
    static const struct {
        const char *method, *flavour, *options;
        size_t shape[3];
    } row[] = {
        {"saliency", NULL, "", {1, 7, 6}},
        {"saliency", NULL, "channels=keep", {3, 7, 6}},
        {"guided", "keras-vis", "channels=keep", {3, 7, 6}},
        {"gradcam", NULL, "", {1, 7, 6}},
        {"gradcam", NULL, "size=layer", {1, 5, 4}},
        {"gradcam", "keras-vis", "size=layer layer=pool", {1, 2, 2}},
    };
    toy *t = net();
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char text[256];
        const limn_method *m;
        limn_attribute_options o;
        assert_int_equal(explain_options(toy_diff(t), row[i].method, row[i].flavour, row[i].options, &m, &o, text),
                         LIMN_OK);
        limn_shape s = limn_attribute_shape(m, toy_diff(t), &o);
        assert_int_equal(s.rank, 3);
        for (int k = 0; k < 3; k++) assert_int_equal(s.dim[k], row[i].shape[k]);
    }
    toy_free(t);
}

static void inputs_of_other_ranks(void **state) {
    (void)state;
    const toy_layer one[] = {{.name = "out", .op = TOY_DENSE, .units = 1}};
    toy *t = toy_new(1, &(limn_shape){1, {5}}, one, 1); /* a vector: one channel of one row */
    limn_shape s = limn_shape_picture(&toy_diff(t)->input);
    assert_true(s.rank == 3 && s.dim[0] == 1 && s.dim[1] == 1 && s.dim[2] == 5);
    limn_diff volume = *toy_diff(t);
    volume.input = (limn_shape){4, {1, 2, 3, 4}};
    const limn_method *m;
    limn_attribute_options o;
    char text[256];
    assert_int_equal(explain_options(&volume, "saliency", NULL, "", &m, &o, text), LIMN_EINPUT);
    assert_string_equal(limn_message(), "maps need an input of at most three dimensions; the model's has 4");
    assert_int_equal(explain_options(toy_diff(t), "gradcam", NULL, "", &m, &o, text), LIMN_EINPUT);
    toy_free(t);
}

static void empty_maps_are_counted(void **state) {
    (void)state;
    const float map[] = {0, 0, 0, 1, -0.0F, 0, -1, 1};
    assert_int_equal(limn_attribute_zeros(map, 4, 2), 2);
    assert_int_equal(limn_attribute_zeros(map, 2, 4), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),      cmocka_unit_test(defaults_are_the_definitions),
        cmocka_unit_test(options_are_set_by_text), cmocka_unit_test(layers_are_chosen_as_defined),
        cmocka_unit_test(mistakes_are_named),      cmocka_unit_test(layers_in_use_are_said),
        cmocka_unit_test(json_survives_names),     cmocka_unit_test(shapes_follow_the_options),
        cmocka_unit_test(inputs_of_other_ranks),   cmocka_unit_test(empty_maps_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
