/* libFuzzer target: the experiment file. Every input ends in an experiment or in one sentence with its line; the resolved
 * options of an experiment are an experiment themselves, with the same resolved options. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Characters that YAML takes escaped only, but that JSON writes as they are: DEL, U+0080 … U+009F, U+FEFF, U+FFFE … */
static int only_escaped(const char *text) {
    for (const unsigned char *t = (const unsigned char *)text; *t; t++) {
        if (*t == 0x7f || (*t == 0xc2 && t[1] < 0xa0)) return 1;
        if (*t == 0xef && ((t[1] == 0xbb && t[2] == 0xbf) || (t[1] == 0xbf && t[2] >= 0xbe))) return 1;
    }
    return 0;
}

static void must(int holds, const char *what, const char *text) {
    if (holds) return;
    fprintf(stderr, "%s: %s\n%s\n", what, limn_message(), text);
    abort();
}

static void check_round_trip(const limn_experiment *e) {
    limn_experiment *again = NULL;
    char *first = NULL, *second = NULL;
    must(experiment_resolved_json(&first, e) == LIMN_OK, "not printed", e->text);
    if (!only_escaped(first) && strlen(first) < 1 << 20) {
        must(experiment_parse(&again, first, "e.yaml", ".") == LIMN_OK, "not read again", first);
        must(experiment_resolved_json(&second, again) == LIMN_OK, "not printed again", first);
        must(!strcmp(first, second), "changed", second);
    }
    experiment_free(again);
    free(first);
    free(second);
}

static void check_entries(const limn_experiment *e) {
    char *text = NULL;
    must(experiment_data_json(&text, e) == LIMN_OK, "data", e->text);
    free(text);
    for (size_t i = 0; i < e->n_embeds && i < 8; i++) {
        must(experiment_embed_json(&text, &e->embed[i]) == LIMN_OK, "embed", e->text);
        free(text);
    }
    for (size_t i = 0; i < e->n_attributes && i < 8; i++) {
        must(experiment_attribute_json(&text, &e->attribute[i]) == LIMN_OK, "attribute", e->text);
        free(text);
        must(experiment_target_text(&text, &e->attribute[i].target) == LIMN_OK, "target", e->text);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"zero", "one", NULL, "two"};
    limn_experiment *e = NULL;
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    limn_status s = experiment_parse(&e, text, "e.yaml", "dir");
    if (s == LIMN_OK) {
        check_round_trip(e);
        check_entries(e);
        s = experiment_resolve_targets(e, names, 4);
    }
    must(s == LIMN_OK || (s == LIMN_EINPUT && !strncmp(limn_message(), "e.yaml:", 7)), "no sentence", text);
    experiment_free(e);
    free(text);
    return 0;
}
