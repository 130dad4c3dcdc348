/* Inside the room `config`: lists of entries, whatever their kind (entries.c). */
#ifndef LIMN_CONFIG_ENTRY_H
#define LIMN_CONFIG_ENTRY_H

#include "config/parse.h"

/* What a list of entries is, and where it goes. T begins with `char *name`. */
typedef struct entry_rule {
    const char *where;
    size_t array, count; /* offsets in limn_experiment of `T *` and `size_t` */
    size_t size;         /* of T */
    void (*begin)(const experiment_parser *p, void *entry, int line);
    limn_status (*end)(experiment_parser *p, const struct entry_rule *r, void *entry, size_t i, yaml_node_t *node,
                       const experiment_given *given);
} entry_rule;

/* One more, zeroed, at the end; others may move. It is counted before it is read, so that experiment_free() frees what a
 * failure leaves half read. */
limn_status experiment_add_entry(limn_experiment *e, const entry_rule *r) LIMN_CHECK;
limn_status experiment_read_entries(experiment_parser *p, const experiment_key *k, yaml_node_t *node,
                                    const entry_rule *r) LIMN_CHECK;
cJSON *experiment_put_entries(const limn_experiment *e, const entry_rule *r,
                              limn_status (*text)(cJSON *o, const void *));
/* Whether an entry before i bears the name. */
int experiment_name_taken(const entry_rule *r, const limn_experiment *e, size_t i, const char *name);
/* Gives entry i its default name where it has none; a name that an earlier entry bears is refused, a default that is
 * taken gets a number. */
limn_status experiment_settle_name(const experiment_parser *p, const entry_rule *r, char **name, const char *fallback,
                                   size_t i, yaml_node_t *node, const experiment_given *given) LIMN_CHECK;

#endif
