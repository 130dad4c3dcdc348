/* NumPy's .npz: a zip of .npy members, stored or deflated, read through libzip. One member is read, as a stream. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"

enum { NAMES_ROOM = 400 }; /* of a message that lists the members */

static limn_status zip_failed(const char *name, zip_error_t *e) {
    limn_status s = limn_fail(LIMN_EINPUT, "%s: it is not a readable npz (zip) file: %s", name, zip_error_strerror(e));
    zip_error_fini(e);
    return s;
}

static limn_status pull_member(void *ctx, const char *name, void *to, size_t n, size_t *got) {
    zip_int64_t r = zip_fread(ctx, to, n);
    if (r < 0)
        return limn_fail(LIMN_EINPUT, "%s: the zip data are damaged (%s)", name,
                         zip_error_strerror(zip_file_get_error(ctx)));
    *got = (size_t)r;
    return LIMN_OK;
}

static void close_member(void *ctx) {
    zip_fclose(ctx);
}

/* The member's index. NULL asks for the only one; a message names those that are there. */
static limn_status find(zip_int64_t *index, zip_t *z, const char *name, const char *member) {
    limn_status status = LIMN_OK;
    char *with = NULL, list[NAMES_ROOM] = "";
    zip_int64_t n = zip_get_num_entries(z, 0);
    size_t at = 0;
    *index = -1;
    if (member) {
        TRY(limn_format(&with, "%s.npy", member));
        *index = zip_name_locate(z, with, 0);
        if (*index < 0) *index = zip_name_locate(z, member, 0);
    } else if (n == 1) {
        *index = 0;
    }
    if (*index >= 0) goto done;
    for (zip_int64_t i = 0; i < n && at < sizeof list - 1; i++) {
        const char *m = zip_get_name(z, (zip_uint64_t)i, 0);
        int w = snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", m ? m : "?");
        at = w < 0 || (size_t)w >= sizeof list - at ? sizeof list - 1 : at + (size_t)w;
    }
    array_printable(list);
    if (n == 0) FAIL(LIMN_EINPUT, "%s: the npz is empty", name);
    if (member) FAIL(LIMN_EINPUT, "%s: the npz has no member '%s'; it has: %s", name, member, list);
    FAIL(LIMN_EINPUT, "%s: the npz has %lld members, and none was named: %s", name, (long long)n, list);
done:
    free(with);
    return status;
}

/* The most bytes that the member can have: what its entry says, but never more than the file can inflate to; and one
 * more, so that the stream's end is read, where libzip checks the CRC. */
static limn_status bound(size_t *most, zip_t *z, zip_uint64_t index, size_t file_size, const char *name) {
    zip_stat_t st;
    const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(z, index, 0, &st) != 0 || (st.valid & need) != need)
        return limn_fail(LIMN_EINPUT, "%s: the zip entry cannot be read", name);
    if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
        return limn_fail(LIMN_EINPUT, "%s: the zip entry is encrypted", name);
    if (st.comp_method != ZIP_CM_STORE && st.comp_method != ZIP_CM_DEFLATE)
        return limn_fail(LIMN_EINPUT, "%s: zip compression method %d cannot be read: stored and deflated can", name,
                         st.comp_method);
    zip_uint64_t in = st.comp_size < file_size ? st.comp_size : file_size;
    zip_uint64_t can = st.comp_method == ZIP_CM_STORE ? in : in > SIZE_MAX / 2 / 1032 ? SIZE_MAX / 2 : in * 1032;
    *most = (size_t)(st.size < can ? st.size : can) + 1;
    return LIMN_OK;
}

static limn_status read_member(limn_array *out, zip_t *z, size_t file_size, const char *path, const char *member) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    char *name = NULL;
    unsigned char magic[ARRAY_MAGIC];
    zip_int64_t index;
    size_t most = 0;
    TRY(find(&index, z, path, member));
    TRY(limn_format(&name, "%s[%s]", path, member ? member : zip_get_name(z, (zip_uint64_t)index, 0)));
    TRY(bound(&most, z, (zip_uint64_t)index, file_size, name));
    zip_file_t *f = zip_fopen_index(z, (zip_uint64_t)index, 0);
    if (!f) FAIL(LIMN_EINPUT, "%s: the zip entry cannot be opened: %s", name, zip_strerror(z));
    TRY(limn_bytes_from(&b, (limn_bytes_source){pull_member, close_member, f}, most, name));
    TRY(limn_bytes_exact(b, magic, sizeof magic, "npy header"));
    if (memcmp(magic, "\x93NUM", sizeof magic) != 0) FAIL(LIMN_EINPUT, "%s: the member is not an npy array", name);
    TRY(array_parse_npy(out, b, magic));
    snprintf(out->format, sizeof out->format, "npz");
done:
    limn_bytes_free(b);
    free(name);
    if (status != LIMN_OK) limn_array_clear(out);
    return status;
}

limn_status limn_array_read_npz(limn_array *out, const char *path, const char *member) {
    int fd = -1, code = 0;
    size_t size = 0;
    *out = (limn_array){0};
    limn_status s = limn_open_regular(&fd, &size, path);
    if (s != LIMN_OK) return s;
    close(fd);
    zip_t *z = zip_open(path, ZIP_RDONLY, &code);
    if (!z) {
        zip_error_t e;
        zip_error_init_with_code(&e, code);
        return zip_failed(path, &e);
    }
    s = read_member(out, z, size, path, member);
    zip_discard(z);
    return s;
}

limn_status limn_array_parse_npz(limn_array *out, const void *bytes, size_t n, const char *name, const char *member) {
    zip_error_t e;
    *out = (limn_array){0};
    zip_error_init(&e);
    zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &e);
    if (!source) return zip_failed(name, &e);
    zip_t *z = zip_open_from_source(source, ZIP_RDONLY, &e);
    if (!z) {
        zip_source_free(source);
        return zip_failed(name, &e);
    }
    limn_status s = read_member(out, z, n, name, member);
    zip_discard(z);
    zip_error_fini(&e);
    return s;
}
