/* Where Keras puts a layer's weights: two schemes, three kinds of files.
 *
 *   by name    .h5 of Keras 2 and 3, weights-only .h5 of Keras 1 and 2: a group for each layer, whose attribute
 *              weight_names lists its arrays in order, as paths from the group ("conv2d_1/kernel:0",
 *              "sequential_1/conv2d_1/kernel", "kernel"); the group of a network within lists all in it. The path can bear another name than the group: the list is
 *              followed, nothing is guessed. A list of more than 64 kB is cut into weight_names0, weight_names1, …
 *   by number  .keras and .weights.h5 of Keras 3: layers/PLACE/vars/0, 1, …; PLACE is the class name in snake case,
 *              numbered within its container (keras.c); those of a layer's own layers lie in theirs, PLACE/PART/vars/0.
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

/* *out = the array, or NULL where it is of integers, which no layer computes with. */
static limn_status find_array(const keras_weights *w, const char *path, const hdf5_entry **out) {
    *out = hdf5_find(w->file, ANSWER_DATASET, path, "");
    if (*out && (*out)->type == ANSWER_INTEGERS) {
        *out = NULL;
        return LIMN_OK;
    }
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
    for (size_t i = 0; i < list->n; i++, name += strlen(name) + 1) {
        const hdf5_entry *found;
        free(path);
        TRY(limn_format(&path, "%s/%s", group, name));
        TRY(find_array(w, path, &found));
        if (found && *n == want) TRY(wrong_count(*n + (int)(list->n > 9999 ? 9999 : list->n - i), want));
        if (found) array[(*n)++] = found;
    }
done:
    free(path);
    return status;
}

static limn_status find_by_name(const keras_weights *w, const char *name, const char *place, const char *const *parts,
                                int want, const hdf5_entry **array) {
    limn_status status = LIMN_OK;
    char *group = NULL, key[32];
    int n = 0;
    (void)place;
    (void)parts;
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

static limn_status find_by_number(const keras_weights *w, const char *name, const char *place, const char *const *parts,
                                  int want, const hdf5_entry **array) {
    limn_status status = LIMN_OK;
    char *path = NULL, *part = NULL;
    int n = 0;
    while (parts && parts[n]) n++;
    for (int i = 0; i < n; i++) {
        free(path);
        TRY(limn_format(&path, "%s/%s/%s", w->root, place, parts[i]));
        const char *old = hdf5_find(w->file, ANSWER_GROUP, path, "") ? "" : "_"; /* Keras 2 */
        free(part);
        TRY(limn_format(&part, "%s/%s%s", place, old, parts[i]));
        TRY(find_by_number(w, name, part, NULL, want / n, array + i * (want / n)));
    }
    if (n > 0) goto done;
    for (int i = 0; i < want; i++) {
        free(path);
        TRY(limn_format(&path, "%s/%s/vars/%d", w->root, place, i));
        TRY(find_array(w, path, &array[i]));
        if (!array[i]) FAIL(LIMN_EINPUT, "its weights `%s` are not floating-point numbers", path);
    }
    free(path);
    TRY(limn_format(&path, "%s/%s/vars/%d", w->root, place, want));
    const hdf5_entry *more = hdf5_find(w->file, ANSWER_DATASET, path, "");
    if (more && more->type != ANSWER_INTEGERS)
        FAIL(LIMN_EINPUT, "the file has more than %d weight arrays for it", want);
done:
    free(part);
    free(path);
    return status;
}

/* The backend that Keras names in the root, or in the group of the weights; Keras 1 names none. */
static int of_theano(const hdf5_file *f, const char *root) {
    const char *backend = hdf5_text(f, "", "backend");
    if (!backend) backend = hdf5_text(f, root, "backend");
    return backend && strcmp(backend, "theano") == 0;
}

limn_status keras_weights_in(keras_weights *out, const hdf5_file *f) {
    static const char *const list[] = {"layer_names", "layer_names0"};
    static const char *const root[] = {"model_weights", ""};
    for (int i = 0; i < 4; i++)
        if (hdf5_find(f, ANSWER_ATTRIBUTE, root[i / 2], list[i % 2])) {
            *out = (keras_weights){find_by_name, f, root[i / 2], 1, of_theano(f, root[i / 2])};
            return LIMN_OK;
        }
    if (hdf5_find(f, ANSWER_GROUP, "layers", "")) {
        *out = (keras_weights){find_by_number, f, "layers", 0, 0};
        return LIMN_OK;
    }
    return limn_fail(LIMN_EINPUT, "it holds no weights of a Keras network (no layer_names and no group `layers`)");
}
