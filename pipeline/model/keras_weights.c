/* Where Keras puts a layer's weights: two schemes, three kinds of files.
 *
 *   by name    .h5 of Keras 2 and 3, weights-only .h5 of Keras 1 and 2: a group for each layer, whose attribute
 *              weight_names lists its arrays in order, as paths from the group ("conv2d_1/kernel:0",
 *              "sequential_1/conv2d_1/kernel", "kernel"). The path can bear another name than the group: the list is
 *              followed, nothing is guessed. A list of more than 64 kB is cut into weight_names0, weight_names1, …
 *   by number  .keras and .weights.h5 of Keras 3: layers/PLACE/vars/0, 1, …; PLACE is the class name in snake case,
 *              numbered within its container (keras.c).
 * As Keras itself does, arrays are taken by their order, and their shapes are checked by the layer.
 * Threading: read-only. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras.h"

const char *const keras_skip[] = {"optimizer_weights", "optimizer", NULL};

static limn_status wrong_count(int have, int want) {
    return limn_fail(LIMN_EINPUT, "the file has %d weight arrays for it where its options need %d", have, want);
}

static limn_status find_array(const keras_weights *w, const char *path, const hdf5_entry **out) {
    *out = hdf5_find(w->file, ANSWER_DATASET, path, "");
    if (!*out) return limn_fail(LIMN_EINPUT, "the file lacks its weights `%s`", path);
    if ((*out)->type != ANSWER_VALUES)
        return limn_fail(LIMN_EINPUT, "its weights `%s` are not floating-point numbers", path);
    return LIMN_OK;
}

/* The arrays that one list of names gives, appended to array (n of them there already, of at most `want`). */
static limn_status append_listed(const keras_weights *w, const char *group, const hdf5_entry *list, int *n, int want,
                                 const hdf5_entry **array) {
    limn_status status = LIMN_OK;
    char *path = NULL;
    const char *name = list->data;
    if (list->n == 0) return LIMN_OK; /* written as an empty float64 */
    if (list->type != ANSWER_TEXTS)
        FAIL(LIMN_EINPUT, "`%s` of the group `%s` is not a list of names", list->name, group);
    if (list->n > (size_t)(want - *n)) TRY(wrong_count(list->n > 9999 ? 9999 : *n + (int)list->n, want));
    for (size_t i = 0; i < list->n; i++, name += strlen(name) + 1) {
        free(path);
        TRY(limn_format(&path, "%s/%s", group, name));
        TRY(find_array(w, path, &array[(*n)++]));
    }
done:
    free(path);
    return status;
}

static limn_status find_by_name(const keras_weights *w, const char *name, const char *place, int want,
                                const hdf5_entry **array) {
    limn_status status = LIMN_OK;
    char *group = NULL, key[32];
    int n = 0;
    (void)place;
    TRY(limn_format(&group, "%s%s%s", w->root, *w->root ? "/" : "", name));
    const hdf5_entry *list = hdf5_find(w->file, ANSWER_ATTRIBUTE, group, "weight_names");
    if (list) TRY(append_listed(w, group, list, &n, want, array));
    for (int part = 0; !list; part++) {
        snprintf(key, sizeof key, "weight_names%d", part);
        const hdf5_entry *cut = hdf5_find(w->file, ANSWER_ATTRIBUTE, group, key);
        if (!cut && part == 0) FAIL(LIMN_EINPUT, "the file lacks the group `%s` with its weights", group);
        if (!cut) break;
        TRY(append_listed(w, group, cut, &n, want, array));
    }
    if (n != want) TRY(wrong_count(n, want));
done:
    free(group);
    return status;
}

static limn_status find_by_number(const keras_weights *w, const char *name, const char *place, int want,
                                  const hdf5_entry **array) {
    limn_status status = LIMN_OK;
    char *path = NULL;
    (void)name;
    for (int i = 0; i < want; i++) {
        free(path);
        TRY(limn_format(&path, "%s/%s/vars/%d", w->root, place, i));
        TRY(find_array(w, path, &array[i]));
    }
    free(path);
    TRY(limn_format(&path, "%s/%s/vars/%d", w->root, place, want));
    if (hdf5_find(w->file, ANSWER_DATASET, path, ""))
        FAIL(LIMN_EINPUT, "the file has more than %d weight arrays for it", want);
done:
    free(path);
    return status;
}

limn_status keras_weights_in(keras_weights *out, const hdf5_file *f) {
    static const char *const list[] = {"layer_names", "layer_names0"};
    static const char *const root[] = {"model_weights", ""};
    for (int i = 0; i < 4; i++)
        if (hdf5_find(f, ANSWER_ATTRIBUTE, root[i / 2], list[i % 2])) {
            *out = (keras_weights){find_by_name, f, root[i / 2]};
            return LIMN_OK;
        }
    if (hdf5_find(f, ANSWER_GROUP, "layers", "")) {
        *out = (keras_weights){find_by_number, f, "layers"};
        return LIMN_OK;
    }
    return limn_fail(LIMN_EINPUT, "it holds no weights of a Keras network (no layer_names and no group `layers`)");
}
