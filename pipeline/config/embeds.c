/* The entries of embed.
 *
 * `seeds: [3, 5, 8]` is short for an entry a seed: the first bears the entry's name, the others NAME.5 and NAME.8, and
 * each is compared with those before it. Resolved options have the entries one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "config/entry.h"

static void embed_begin(const experiment_parser *p, void *entry, int line) {
    experiment_embed *e = entry;
    limn_embed_defaults(&e->options);
    e->options.seed = p->e->seed;
    e->line = line;
}

/* The preset's options, and over them what the entry gives. */
static limn_status take_preset(experiment_parser *p, experiment_embed *e, const experiment_given *given) {
    limn_status status = LIMN_OK;
    const experiment_section *s = experiment_section_find("embed");
    uint64_t seed = e->options.seed;
    limn_embed_preset(&e->options, e->preset);
    e->options.seed = seed;
    for (size_t row = 0; s->key[row].key; row++)
        if (given->value[row] && s->key[row].offset >= offsetof(experiment_embed, options))
            TRY(s->key[row].type->set(p, &s->key[row], given->value[row], e));
done:
    return status;
}

/* ---- several seeds ----------------------------------------------------------------------------------------------- */

/* The first is the entry's own; the others wait in `seed` for the entry's end. */
static limn_status set_seeds(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    limn_status status = LIMN_OK;
    experiment_embed *e = into;
    experiment_list list;
    experiment_key one = *k;
    one.offset = 0;
    TRY(experiment_items(p, k, node, EXPERIMENT_MAX_SEEDS, &list));
    TRY(limn_new(&e->seed, list.n, sizeof *e->seed));
    for (size_t i = 0; i < list.n; i++) {
        yaml_node_t *item = experiment_item(p, &list, i);
        TRY(experiment_seed_type.set(p, &one, item, &e->seed[i]));
        for (size_t j = 0; j < i; j++)
            if (e->seed[j] == e->seed[i])
                TRY(experiment_fail(p, item, "`seeds` has %llu twice", (unsigned long long)e->seed[i]));
        e->n_seeds = i + 1;
    }
    e->options.seed = e->seed[0];
done:
    return status;
}

static cJSON *put_seeds(const experiment_key *k, const void *from) {
    (void)k;
    (void)from;
    return cJSON_CreateNull();
}
const experiment_type experiment_seeds_type = {set_seeds, put_seeds};

/* A name more in e->compare, for which there is room. */
static limn_status add_compared(experiment_embed *e, const char *name) {
    limn_status s = limn_strdup(&e->compare[e->n_compare], name);
    if (s == LIMN_OK) e->n_compare++;
    return s;
}

/* Entry `to` = entry i with another seed, to be compared with what i is compared with, and with entries i … to - 1. */
static limn_status copy_entry(const experiment_parser *p, const entry_rule *r, size_t i, size_t to, uint64_t seed,
                              yaml_node_t *node) {
    limn_status status = LIMN_OK;
    const experiment_embed *e = &p->e->embed[i];
    experiment_embed *copy = &p->e->embed[to];
    copy->preset = e->preset;
    copy->options = e->options;
    copy->options.seed = seed;
    copy->line = e->line;
    TRY(limn_strdup(&copy->of, e->of));
    TRY(limn_strdup(&copy->start, e->start));
    TRY(limn_format(&copy->name, "%s.%llu", e->name, (unsigned long long)seed));
    if (!experiment_name_ok(copy->name))
        TRY(experiment_fail(p, node, "`%s` is too long for the name of a map", copy->name));
    if (experiment_name_taken(r, p->e, to, copy->name))
        TRY(experiment_fail(p, node, "two entries of `embed` are called `%s`", copy->name));
    TRY(limn_new(&copy->compare, e->n_compare + to - i, sizeof *copy->compare));
    for (size_t c = 0; c < e->n_compare; c++) TRY(add_compared(copy, e->compare[c]));
    for (size_t c = i; c < to; c++) TRY(add_compared(copy, p->e->embed[c].name));
done:
    return status;
}

/* The map to start from has as many dimensions; and a start that is given leaves nothing to a seed. */
static limn_status check_start(const experiment_parser *p, const experiment_embed *e, const experiment_given *given) {
    const experiment_section *s = experiment_section_find("embed");
    const yaml_node_t *start = experiment_given_for(s, given, "start");
    const experiment_embed *from = p->e->embed;
    if (!e->start) return LIMN_OK;
    while (strcmp(from->name, e->start)) from++;
    if (e->n_seeds > 1) return experiment_fail(p, start, "maps of several seeds that start from one map are the same");
    if (from->options.dims == e->options.dims) return LIMN_OK;
    return experiment_fail(p, start, "`%s` has %d dimensions, not %d: no map can start from it", e->start,
                           from->options.dims, e->options.dims);
}

static limn_status embed_end(experiment_parser *p, const entry_rule *r, void *entry, size_t i, yaml_node_t *node,
                             const experiment_given *given) {
    limn_status status = LIMN_OK;
    experiment_embed *e = entry;
    const yaml_node_t *seeds = experiment_given_for(experiment_section_find("embed"), given, "seeds");
    if (seeds && experiment_given_for(experiment_section_find("embed"), given, "seed"))
        TRY(experiment_fail(p, seeds, "either `seed` or `seeds`, not both"));
    if (e->preset != LIMN_PRESET_LIMN) TRY(take_preset(p, e, given));
    TRY(experiment_settle_name(p, r, &e->name, given->kind, i, node, given));
    TRY(check_start(p, e, given));
    for (size_t s = 1, n = e->n_seeds; s < n; s++) {
        TRY(experiment_add_entry(p->e, r));
        TRY(copy_entry(p, r, i, i + s, p->e->embed[i].seed[s], node));
    }
done:
    return status;
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static const entry_rule embed_rule = {"embed",
                                      offsetof(limn_experiment, embed),
                                      offsetof(limn_experiment, n_embeds),
                                      sizeof(experiment_embed),
                                      embed_begin,
                                      embed_end};

static limn_status set_embeds(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    (void)into;
    return experiment_read_entries(p, k, node, &embed_rule);
}

static const char *embed_kind(const experiment_embed *e) {
    return e->options.method == LIMN_EMBED_PCA ? "pca" : "tsne";
}

static limn_status embed_put(cJSON *o, const void *entry) {
    return experiment_put_map(o, experiment_section_find("embed"), entry, embed_kind(entry), "");
}

static cJSON *put_embeds(const experiment_key *k, const void *from) {
    (void)k;
    return experiment_put_entries(from, &embed_rule, embed_put);
}
const experiment_type experiment_embeds_type = {set_embeds, put_embeds};

limn_status experiment_embed_json(char **out, const experiment_embed *e) {
    cJSON *o = cJSON_CreateObject();
    return experiment_print(out, o,
                            experiment_put_map(o, experiment_section_find("embed"), e, embed_kind(e),
                                               "name of method start seed seeds compare"));
}
