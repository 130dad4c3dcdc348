/* Experiment files as text: see parsed.h. */
#include "tests/lib/parsed.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

limn_experiment *good(const char *text) {
    limn_experiment *e = NULL;
    limn_status s = experiment_parse(&e, text, "e.yaml", "dir");
    if (s != LIMN_OK) fail_msg("%s\n%s", limn_message(), text);
    return e;
}

/* The text is refused with just this sentence. */
void bad(const char *text, const char *sentence) {
    limn_experiment *e = NULL;
    limn_status s = experiment_parse(&e, text, "e.yaml", "dir");
    if (s == LIMN_OK) fail_msg("accepted:\n%s", text);
    assert_int_equal(s, LIMN_EINPUT);
    assert_null(e);
    assert_string_equal(limn_message(), sentence);
}

cJSON *resolved(const limn_experiment *e) {
    char *text = NULL;
    assert_int_equal(experiment_resolved_json(&text, e), LIMN_OK);
    cJSON *o = cJSON_Parse(text);
    assert_non_null(o);
    free(text);
    return o;
}

const cJSON *follow(const cJSON *o, const char *path) {
    char words[64], *save = NULL;
    snprintf(words, sizeof words, "%s", path);
    for (char *w = strtok_r(words, " ", &save); o && w; w = strtok_r(NULL, " ", &save))
        o = *w == '0' ? cJSON_GetArrayItem(o, 0) : cJSON_GetObjectItemCaseSensitive(o, w);
    return o;
}

/* Text made of `n` times `piece` between head and tail. */
char *repeated(const char *head, const char *piece, size_t n, const char *tail) {
    size_t a = strlen(head), b = strlen(piece), c = strlen(tail);
    char *text = malloc(a + n * b + c + 1);
    assert_non_null(text);
    memcpy(text, head, a);
    for (size_t i = 0; i < n; i++) memcpy(text + a + i * b, piece, b);
    memcpy(text + a + n * b, tail, c + 1);
    return text;
}
