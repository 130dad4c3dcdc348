/* Labels that lie in the same file as the images, found by the names that people give them.
 *
 * 1. `labels: :NAME` names the member.
 * 2. Without `labels`: the images' name with x -> y, X -> Y, images or data -> labels, … in it (x_test -> y_test,
 *    train/images -> train/labels); else the member called label, labels, y, Y, class, classes, target or targets. Only
 *    one with whole numbers or texts counts, a number an image: others are no labels. */
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/labels.h"

static const struct {
    const char *images, *labels;
} pairs[] = {{"images", "labels"}, {"image", "label"}, {"image", "labels"}, {"data", "labels"}, {"data", "label"},
             {"XTrain", "YTrain"}, {"XTest", "YTest"}, {"x", "y"},          {"X", "Y"},         {"X", "y"}};

static const char *const usual[] = {"labels", "label", "y", "Y", "classes", "class", "targets", "target"};

/* The member called `name` with `from` replaced by `to` at the place `at`. */
static limn_status replaced(const limn_member **found, const limn_members *m, const char *name, const char *at,
                            const char *from, const char *to) {
    char *other = NULL;
    limn_status s = limn_format(&other, "%.*s%s%s", (int)(at - name), name, to, at + strlen(from));
    *found = s == LIMN_OK ? limn_members_find(m, other) : NULL;
    free(other);
    return s;
}

static int could_be(const limn_member *e) {
    size_t longer = 0;
    for (int k = 0; k < e->rank; k++) longer += e->dim[k] != 1;
    return !e->why[0] && e->count > 0 && e->rank >= 1 && longer <= 1;
}

static limn_status find_by_name(const limn_member **found, const limn_members *m, const char *images) {
    limn_status status = LIMN_OK;
    *found = NULL;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        for (const char *at = images; (at = strstr(at, pairs[i].images)) != NULL; at++) {
            TRY(replaced(found, m, images, at, pairs[i].images, pairs[i].labels));
            if (*found && could_be(*found)) return LIMN_OK;
        }
    }
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        *found = limn_members_find(m, usual[i]);
        if (*found && could_be(*found)) return LIMN_OK;
    }
    *found = NULL;
done:
    return status;
}

limn_status data_labels_beside(data_labels *out, const limn_members *m, const char *file, const char *images,
                               const limn_data_options *o) {
    limn_status status = LIMN_OK;
    const limn_member *e = NULL;
    limn_block b = {0};
    const char *name = data_labels_own(o) ? o->labels + 1 : NULL;
    *out = (data_labels){0};
    if (o->labels && !name) return LIMN_OK;
    if (!name) {
        TRY(find_by_name(&e, m, images));
        if (!e) return LIMN_OK;
        name = e->name;
    }
    TRY(limn_member_open(&b, m, file, name));
    status = data_labels_block(out, &b, o->label_base);
    if (status == LIMN_EINPUT && !data_labels_own(o)) status = LIMN_OK; /* not asked for, and none */
done:
    limn_block_clear(&b);
    return status;
}
