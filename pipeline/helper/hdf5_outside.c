/* Walks an HDF5 file and refuses what leads outside it: see hdf5.h. Members are opened by number: a hostile name may hold
 * a `/`, and would be followed through links as a path. */
#include "helper/hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_DEPTH = 64, MAX_NAME = 1 << 12 };

static herr_t first_cause(unsigned n, const H5E_error2_t *e, void *ctx) {
    char *text = ctx;
    if (n == 0 && e->desc) snprintf(text, ANSWER_TEXT, "%s", e->desc);
    return 0;
}

limn_status hdf5_damaged(const char *what) {
    char text[ANSWER_TEXT] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_cause, text);
    return limn_fail(LIMN_EINPUT, "%s%s%.200s", what, *text ? ": " : "", text);
}

static limn_status check_dataset(answer *a, hid_t id, const char *path, hdf5_visit each) {
    limn_status status = LIMN_OK;
    hid_t plan = H5Dget_create_plist(id);
    if (plan < 0) TRY(hdf5_damaged("an array cannot be opened"));
    if (H5Pget_layout(plan) == H5D_VIRTUAL || H5Pget_external_count(plan) > 0)
        REFUSE(a, "`%s` is stored in another file, which is not followed", path);
    H5Pclose(plan);
    if (each) status = each(a, id, path);
done:
    return status;
}

static limn_status check_member(answer *a, hid_t group, hsize_t i, const char *path, int depth, hdf5_visit each) {
    limn_status status = LIMN_OK;
    H5L_info_t link;
    if (H5Lget_info_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, &link, H5P_DEFAULT) < 0)
        TRY(hdf5_damaged("a link cannot be read"));
    if (link.type != H5L_TYPE_HARD) REFUSE(a, "`%s` is a link, which is not followed", path);
    TRY(answer_count(a));
    hid_t id = H5Oopen_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT);
    H5I_type_t type = id < 0 ? H5I_BADID : H5Iget_type(id);
    if (type == H5I_BADID) TRY(hdf5_damaged("an object cannot be opened"));
    if (type == H5I_GROUP) TRY(hdf5_outside(a, id, path, depth + 1, each));
    if (type == H5I_DATASET) TRY(check_dataset(a, id, path, each));
    H5Oclose(id);
done:
    return status;
}

limn_status hdf5_outside(answer *a, hid_t group, const char *path, int depth, hdf5_visit each) {
    limn_status status = LIMN_OK;
    char name[MAX_NAME], *child = NULL;
    H5G_info_t info;
    if (depth > MAX_DEPTH) REFUSE(a, "more than %d groups inside one another", (int)MAX_DEPTH);
    if (H5Gget_info(group, &info) < 0) TRY(hdf5_damaged("a group cannot be read"));
    for (hsize_t i = 0; i < info.nlinks; i++) {
        ssize_t n = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        if (n <= 0) TRY(hdf5_damaged("the members of a group cannot be listed"));
        if ((size_t)n >= sizeof name || strchr(name, '/')) REFUSE(a, "a name of %zd bytes is not one", n);
        free(child);
        TRY(limn_format(&child, "%s%s%s", path, *path ? "/" : "", name));
        TRY(check_member(a, group, i, child, depth, each));
    }
done:
    free(child);
    return status;
}
