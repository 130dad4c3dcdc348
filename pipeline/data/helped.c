/* The arrays of HDF5 and MATLAB files: as the helper programs hand them over. The answer goes to a temporary file, which
 * stays as the block's data where it is large, so that an array of many gigabytes is never in memory. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"
#include "model/hdf5.h"

/* Runs the helper on the file; *answer = the temporary file, the caller's to close. */
static limn_status ask(hdf5_file **f, int *answer, const helper_kind *kind, const char *file, const char *member) {
    limn_status status = LIMN_OK;
    int fd = -1;
    size_t size;
    *f = NULL;
    *answer = -1;
    TRY(limn_open_regular(&fd, &size, file));
    TRY(limn_temporary_file(answer));
    status = hdf5_ask(f, kind, fd, *answer, member);
    if (status != LIMN_OK) status = limn_fail_at(status, "%s: ", file);
done:
    if (fd >= 0) close(fd);
    return status;
}

static limn_status list(limn_members *out, const helper_kind *kind, const char *file) {
    limn_status status = LIMN_OK;
    hdf5_file *f = NULL;
    int answer;
    size_t n, room = 0;
    limn_member *m;
    TRY(ask(&f, &answer, kind, file, NULL));
    const hdf5_entry *e = hdf5_entries(f, &n);
    for (size_t i = 0; i < n; i++) {
        if (e[i].kind == ANSWER_ATTRIBUTE && strcmp(e[i].name, "model_config") == 0) out->network = 1;
        if (e[i].kind == ANSWER_ATTRIBUTE && strcmp(e[i].name, "layer_names") == 0) out->network = 1;
        if (e[i].kind != ANSWER_DATASET) continue;
        TRY(limn_members_add(out, &room, e[i].path, &m));
        m->dtype = e[i].dtype < LIMN_DTYPES ? (limn_dtype)e[i].dtype : LIMN_U8;
        m->text = e[i].type == ANSWER_LISTED && e[i].dtype == LIMN_DTYPES;
        m->rank = e[i].rank;
        m->count = e[i].n;
        memcpy(m->dim, e[i].dim, sizeof e[i].dim);
        if (e[i].type == ANSWER_LISTED) continue;
        snprintf(m->why, sizeof m->why, "`%s`: %s", e[i].path, e[i].name);
        array_printable(m->why);
    }
done:
    if (answer >= 0) close(answer);
    hdf5_close(f);
    return status;
}

/* Small data move to memory, large ones stay in the answer's file. */
static limn_status take(limn_block *out, const hdf5_file *f, const hdf5_entry *e, int *answer) {
    limn_status status = LIMN_OK;
    if (e->data_bytes <= SPOOL_MEMORY || e->type == ANSWER_TEXTS) {
        TRY(limn_spool_reserve(&out->bytes, e->data_bytes));
        TRY(limn_spool_put(&out->bytes, 0, e->data, e->data_bytes));
        if (out->text && out->bytes.on_disk) FAIL(LIMN_EINPUT, "%s: it holds more text than labels are", out->name);
        return LIMN_OK;
    }
    out->offset = hdf5_offset(f, e);
    out->bytes = (limn_spool){.n = out->offset + e->data_bytes, .on_disk = 1, .fd = *answer};
    *answer = -1;
done:
    return status;
}

static limn_status open_member(limn_block *out, const helper_kind *kind, const char *file, const char *member) {
    limn_status status = LIMN_OK;
    hdf5_file *f = NULL;
    int answer;
    TRY(ask(&f, &answer, kind, file, member));
    const hdf5_entry *e = hdf5_find(f, ANSWER_DATASET, member, "");
    if (!e || (e->type != ANSWER_ARRAY && e->type != ANSWER_TEXTS))
        FAIL(LIMN_EINPUT, "%s: `%s` cannot be read from it", file, member);
    out->text = e->type == ANSWER_TEXTS;
    out->dtype = out->text ? LIMN_U8 : (limn_dtype)e->dtype;
    out->rank = e->rank;
    out->count = e->n;
    memcpy(out->dim, e->dim, sizeof e->dim);
    TRY(take(out, f, e, &answer));
done:
    if (answer >= 0) close(answer);
    hdf5_close(f);
    return status;
}

limn_status hdf5_list_arrays(limn_members *out, const char *file) {
    return list(out, &helper_hdf5, file);
}

limn_status hdf5_open_array(limn_block *out, const limn_members *m, const char *file, const char *member) {
    (void)m;
    limn_status s = open_member(out, &helper_hdf5, file, member);
    limn_block_order(out, 0);
    return s;
}

limn_status mat_list(limn_members *out, const char *file) {
    return list(out, &helper_mat, file);
}

limn_status mat_open(limn_block *out, const limn_members *m, const char *file, const char *member) {
    (void)m;
    limn_status s = open_member(out, &helper_mat, file, member);
    out->matlab = 1;
    limn_block_order(out, 1);
    return s;
}
