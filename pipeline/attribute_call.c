/* limn_attribute: maps without an experiment file. The call is written as an experiment and run like any other. */
#include "limn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "run_internal.h"

typedef struct {
    char *text;
    size_t n, room;
} buffer;

static limn_status put(buffer *b, const char *s, size_t n) {
    while (b->n + n + 1 > b->room) {
        limn_status st = limn_grow(&b->text, b->room, &b->room, 1);
        if (st != LIMN_OK) return st;
    }
    memcpy(b->text + b->n, s, n);
    b->n += n;
    b->text[b->n] = 0;
    return LIMN_OK;
}

static limn_status word(buffer *b, const char *s) {
    return put(b, s, strlen(s));
}

/* A YAML double-quoted string: any bytes that are UTF-8 arrive as they are. */
static limn_status quoted(buffer *b, const char *s) {
    limn_status status = LIMN_OK;
    char hex[8];
    TRY(word(b, "\""));
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c < 32 || c == 127) {
            snprintf(hex, sizeof hex, "\\x%02x", c);
            TRY(word(b, hex));
        } else {
            TRY(put(b, s, 1));
        }
    }
    TRY(word(b, "\""));
done:
    return status;
}

/* Where a "key=value" of the call belongs: into the attribute entry, or into `preprocess`, or at the top. */
static const struct {
    const char *key, *where;
} place[] = {{"preprocess", "data"}, {"preset", "preprocess"}, {"scale", "preprocess"}, {"mean", "preprocess"},
             {"std", "preprocess"},  {"seed", "top"},          {"name", "top"},         {"palette", "plots"},
             {"overlay", "plots"},   {"format", "plots"},      {"rows", "plots"},       {"normalise", "plots"}};

static const char *place_of(const char *set, size_t n) {
    for (size_t i = 0; i < COUNT_OF(place); i++)
        if (strlen(place[i].key) == n && strncmp(place[i].key, set, n) == 0) return place[i].where;
    return "attribute";
}

/* Writes "key: value" of every setting that belongs to `where`, each on a line of its own behind `before`. Values stay
 * YAML: lists and numbers are written as in an experiment file. */
static limn_status settings(buffer *b, const limn_attribute_call *c, const char *where, const char *before) {
    limn_status status = LIMN_OK;
    for (size_t i = 0; i < c->n_set; i++) {
        const char *eq = strchr(c->set[i], '=');
        if (!eq || eq == c->set[i] || strpbrk(c->set[i], "\r\n"))
            FAIL(LIMN_EINPUT, "`%.80s` is no setting; key=value is", c->set[i]);
        if (strcmp(place_of(c->set[i], (size_t)(eq - c->set[i])), where) != 0) continue;
        TRY(word(b, before));
        TRY(put(b, c->set[i], (size_t)(eq - c->set[i])));
        TRY(word(b, ": "));
        TRY(word(b, eq + 1));
        TRY(word(b, "\n"));
    }
done:
    return status;
}

static int has(const limn_attribute_call *c, const char *key) {
    size_t n = strlen(key);
    for (size_t i = 0; i < c->n_set; i++)
        if (strncmp(c->set[i], key, n) == 0 && c->set[i][n] == '=') return 1;
    return 0;
}

static int has_any(const limn_attribute_call *c, const char *where) {
    for (size_t i = 0; i < COUNT_OF(place); i++)
        if (strcmp(place[i].where, where) == 0 && has(c, place[i].key)) return 1;
    return 0;
}

static limn_status write_experiment(buffer *b, const limn_attribute_call *c) {
    limn_status status = LIMN_OK;
    if (!has(c, "name")) TRY(word(b, "name: attribute\n"));
    TRY(settings(b, c, "top", ""));
    TRY(word(b, c->weights ? "model: {config: " : "model: {file: "));
    TRY(quoted(b, c->model));
    if (c->weights) TRY(word(b, ", weights: "));
    if (c->weights) TRY(quoted(b, c->weights));
    if (c->output) TRY(word(b, ", output: "));
    if (c->output) TRY(quoted(b, c->output));
    TRY(word(b, "}\ndata:\n  images: ["));
    for (size_t i = 0; i < c->n_images; i++) {
        if (i > 0) TRY(word(b, ", "));
        TRY(quoted(b, c->images[i]));
    }
    TRY(word(b, "]\n"));
    if (c->labels) {
        TRY(word(b, "  labels: "));
        TRY(quoted(b, c->labels));
        TRY(word(b, "\n"));
    }
    if (has(c, "preprocess") && has_any(c, "preprocess"))
        FAIL(LIMN_EINPUT, "preset, scale, mean and std stand inside `preprocess` where that is given");
    TRY(settings(b, c, "data", "  "));
    if (has_any(c, "preprocess")) TRY(word(b, "  preprocess:\n"));
    TRY(settings(b, c, "preprocess", "    "));
    TRY(word(b, "features: []\nattribute:\n  - name: map\n"));
    TRY(settings(b, c, "attribute", "    "));
    TRY(word(b, "plots:\n  - heatmaps: [input, map]\n    name: maps\n    select: first\n"));
    if (!has(c, "rows")) TRY(word(b, "    rows: 20\n"));
    TRY(settings(b, c, "plots", "    "));
done:
    return status;
}

limn_status limn_attribute(const limn_attribute_call *c, const limn_voice *v, limn_run_result *result) {
    limn_status status = LIMN_OK;
    buffer b = {0};
    limn_experiment *e = NULL;
    *result = (limn_run_result){.accuracy = NAN, .kl = NAN};
    TRY(limn_grow(&b.text, 0, &b.room, 1));
    TRY(write_experiment(&b, c));
    TRY(experiment_parse(&e, b.text, "limn attribute", "."));
    status = run_experiment(e, &c->run, v, result);
done:
    free(b.text);
    return status == LIMN_OK ? LIMN_OK : limn_fail_without_line(status, "limn attribute");
}
