/* The entries of `relate`: which maps and which other vectors of the same samples are compared. */
#include "config/entry.h"

#include "base/try.h"

static void relate_begin(const experiment_parser *p, void *entry, int line) {
    (void)p;
    ((experiment_relate *)entry)->line = line;
}

static limn_status relate_end(experiment_parser *p, const entry_rule *r, void *entry, size_t i, yaml_node_t *node,
                              const experiment_given *given) {
    const experiment_relate *t = entry;
    (void)r, (void)i, (void)given;
    if (p->e->n_attributes == 0) return experiment_fail(p, node, "`relate` needs an entry of `attribute`");
    if (t->n_to == 0 && p->e->n_features + p->e->n_embeds == 0)
        return experiment_fail(p, node, "`relate` needs an entry of `features` or `embed`, or `to`");
    return LIMN_OK;
}
static const entry_rule relate_rule = {"relate",
                                       offsetof(limn_experiment, relate),
                                       offsetof(limn_experiment, n_relates),
                                       sizeof(experiment_relate),
                                       relate_begin,
                                       relate_end};

static limn_status set_relates(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    (void)into;
    return experiment_read_entries(p, k, node, &relate_rule);
}

static limn_status relate_put(cJSON *o, const void *entry) {
    return experiment_put_map(o, experiment_section_find("relate"), entry, NULL, "");
}

static cJSON *put_relates(const experiment_key *k, const void *from) {
    (void)k;
    return experiment_put_entries(from, &relate_rule, relate_put);
}
const experiment_type experiment_relates_type = {set_relates, put_relates};
