/* Arrays as data sets: IDX, npy, and the members of npz, HDF5 and MATLAB files, item by item from where they lie.
 *
 * Shapes: (N, H, W) has one channel. Of four dims, IDX is (N, H, W, C). npy, npz and HDF5 are (N, H, W, C) where the last
 * dim is 1, 3 or 4, else (N, C, H, W) where the second is; so a (N, 3, H, 3) counts as (N, H, W, C). MATLAB's are
 * (H, W), (H, W, N) and (H, W, C, N), with C 1, 3 or 4; where that does not fit, or where as many labels lie beside it
 * as its first dim says and not its last, as scipy writes them: (N, H, W) and (N, H, W, C).
 * (N, D) are vectors that are pictures where `shape` says how, or where a network wants pictures or labels lie beside
 * them: then square ones; MATLAB's with H fastest.
 *
 * Where a file has several members and none is named, the only one that can be pictures is taken. Labels that lie beside
 * them in the same file are found by name (beside.c). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"
#include "data/reader.h"

typedef struct {
    limn_block a;
    size_t channels;               /* as they lie; converted to the source's C */
    size_t step_c, step_y, step_x; /* distances between elements of an item */
    size_t item;                   /* elements */
} array_state;

/* Lines of a CSV are always vectors. */
typedef enum { KIND_ROWS, KIND_IDX, KIND_LINES } array_kind;

static int is_channels(size_t d) {
    return d == 1 || d == 3 || d == 4;
}

/* Which axis is what: -1 = there is none. */
typedef struct {
    int n, c, y, x;
} axes;

static limn_status wrong_shape(const limn_block *a, const char *wanted) {
    char text[ARRAY_SHAPE_ROOM];
    array_shape_text(text, a->rank, a->dim);
    return limn_fail(LIMN_EINPUT, "%s: its shape is %s, where %s is needed, with 1, 3 or 4 channels C", a->name, text,
                     wanted);
}

static int axes_of_rows(axes *to, const limn_block *a, int may_be_nchw) {
    const size_t *d = a->dim;
    int last = a->rank == 4 && is_channels(d[3]), second = a->rank == 4 && !last && may_be_nchw && is_channels(d[1]);
    if (a->rank != 3 && !last && !second) return 0;
    *to = last ? (axes){0, 3, 1, 2} : second ? (axes){0, 1, 2, 3} : (axes){0, -1, 1, 2};
    return 1;
}

/* labels: how many lie beside it, 0: none. */
static int axes_of_matlab(axes *to, const limn_block *a, size_t labels) {
    const size_t *d = a->dim;
    int first = labels > 0 && d[0] == labels && d[a->rank - 1] != labels;
    if (a->rank == 3 && first) *to = (axes){0, -1, 1, 2};
    if (a->rank == 3 && !first) *to = (axes){2, -1, 0, 1};
    if (a->rank != 4) return a->rank == 3;
    if (is_channels(d[2]) && !(first && is_channels(d[3])))
        *to = (axes){3, 2, 0, 1};
    else if (is_channels(d[3]))
        *to = (axes){0, 3, 1, 2};
    else
        return 0;
    return 1;
}

/* The side of a square picture of D values in C channels, or 0. */
static size_t side_of(size_t D, size_t C) {
    size_t side = 1;
    while (side * side * C < D) side++;
    return side * side * C == D ? side : 0;
}

limn_status data_vector_shape(size_t shape[3], size_t D, const limn_data_options *o, const char *name) {
    memcpy(shape, o->shape, sizeof o->shape);
    if (shape[0] == 0) {
        size_t C = o->channels > 0 ? (size_t)o->channels : 1;
        if (D <= 1u << 28 && !side_of(D, C)) C = D % 3 == 0 && side_of(D, 3) ? 3 : 1;
        size_t side = D <= 1u << 28 ? side_of(D, C) : 0;
        size_t less = D > 1 && D <= 1u << 28 ? side_of(D - 1, 1) : 0;
        if (side == 0 && less > 1)
            return limn_fail(LIMN_EINPUT,
                             "%s: %zu values a sample are no square picture, but %zu are: is one the label? `labels: "
                             ":COLUMN` names it",
                             name, D, D - 1);
        if (side == 0)
            return limn_fail(LIMN_EINPUT,
                             "%s: %zu values a sample are no square picture: `shape` must say how they lie", name, D);
        shape[0] = C;
        shape[1] = shape[2] = side;
    }
    if (shape[0] > D || shape[1] > D || shape[2] > D || shape[0] * shape[1] > D || shape[0] * shape[1] * shape[2] != D)
        return limn_fail(LIMN_EINPUT, "%s: shape is %zu x %zu x %zu, but a sample has %zu values", name, shape[0],
                         shape[1], shape[2], D);
    return is_channels(shape[0])
               ? LIMN_OK
               : limn_fail(LIMN_EINPUT, "%s: shape has %zu channels, where 1, 3 or 4 can be", name, shape[0]);
}

/* (N, D) becomes four dims, as views of the second; MATLAB's vectors run down the columns of a picture. */
static limn_status split_vectors(limn_block *a, axes *to, const limn_data_options *o) {
    size_t shape[3], step = a->stride[1];
    limn_status s = data_vector_shape(shape, a->dim[1], o, a->name);
    if (s != LIMN_OK) return s;
    a->rank = 4;
    for (int k = 0; k < 3; k++) a->dim[k + 1] = shape[k];
    a->stride[1] = step * shape[1] * shape[2];
    a->stride[2] = a->matlab ? step : step * shape[2];
    a->stride[3] = a->matlab ? step * shape[1] : step;
    *to = (axes){0, 1, 2, 3};
    return LIMN_OK;
}

/* A single (H, W) of MATLAB's is one picture, unless `shape` says that its rows are pictures. */
static void add_axis(limn_block *a) {
    a->dim[2] = 1;
    a->stride[2] = a->count;
    a->rank = 3;
}

static limn_status find_axes(limn_block *a, axes *to, array_kind kind, size_t labels, const limn_data_options *o) {
    int idx = kind == KIND_IDX, wished = kind == KIND_LINES || o->shape[0] > 0 || (o->channels > 0 && !a->matlab) ||
                                         (labels > 1 && labels == a->dim[0]);
    if (a->rank == 2 && wished && !idx) return split_vectors(a, to, o);
    if (a->rank == 2 && a->matlab) add_axis(a);
    if (a->matlab)
        return axes_of_matlab(to, a, labels) ? LIMN_OK : wrong_shape(a, "(H, W, N), (H, W, C, N) or (N, H, W, C)");
    if (axes_of_rows(to, a, !idx)) return LIMN_OK;
    return wrong_shape(a, idx ? "(N, H, W) or (N, H, W, C)" : "(N, H, W), (N, H, W, C) or (N, C, H, W)");
}

static limn_status layout(data_source *s, array_state *st, array_kind kind, size_t labels, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    limn_block *a = &st->a;
    char text[ARRAY_SHAPE_ROOM];
    axes x = {0, -1, 0, 0};
    array_shape_text(text, a->rank, a->dim);
    if (a->text) FAIL(LIMN_EINPUT, "%s: it holds texts, where pictures are needed", a->name);
    if (a->count == 0) FAIL(LIMN_EINPUT, "%s: its shape is %s: there are no pictures in it", a->name, text);
    TRY(find_axes(a, &x, kind, labels, o));
    TRY(limn_block_outermost(a, x.n));
    s->count = a->dim[x.n];
    s->H = a->dim[x.y];
    s->W = a->dim[x.x];
    st->channels = x.c < 0 ? 1 : a->dim[x.c];
    st->step_c = x.c < 0 ? 0 : a->stride[x.c];
    st->step_y = a->stride[x.y];
    st->step_x = a->stride[x.x];
    st->item = a->count / s->count;
done:
    return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */
/* The member that is pictures: the one that is named, the only one, or the only one that can be. */
static limn_status choose(const char **member, const limn_members *m, const char *file) {
    char list[BLOCK_NAMES];
    size_t pictures = 0, flat = 0;
    const char *picture = NULL, *vectors = NULL;
    if (*member || m->n <= 1) return LIMN_OK;
    for (size_t i = 0; i < m->n; i++) {
        const limn_member *e = &m->member[i];
        if (e->why[0] || e->text || e->count == 0) continue;
        if (e->rank == 3 || e->rank == 4) pictures++, picture = e->name;
        if (e->rank == 2 && e->dim[0] > 1 && e->dim[1] > 1) flat++, vectors = e->name;
    }
    if (pictures == 1) *member = picture;
    if (pictures == 0 && flat == 1) *member = vectors;
    if (*member) return LIMN_OK;
    for (size_t i = 0; pictures + flat == 0 && i < m->n; i++) /* a network, say: why is better than which */
        if (m->member[i].why[0]) return limn_fail(LIMN_EINPUT, "%s: %s", file, m->member[i].why);
    limn_members_text(list, m);
    return limn_fail(LIMN_EINPUT, "%s: which of its arrays are the pictures must be said, as FILE:NAME; it has: %s",
                     file, list);
}

/* Where the file has members: the pictures' block, and the labels beside them. */
static limn_status open_member(data_source *s, array_state *st, const limn_members *m, const char *file,
                               const char *member, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    data_labels beside = {0};
    TRY(choose(&member, m, file));
    TRY(limn_member_open(&st->a, m, file, member));
    const limn_member *e = member ? limn_members_find(m, member) : &m->member[0];
    TRY(data_labels_beside(&beside, m, file, e->name, o));
    TRY(layout(s, st, KIND_ROWS, beside.n, o));
    if (beside.n > 0 && beside.n != s->count && !data_labels_own(o))
        data_labels_clear(&beside); /* found, not asked for */
    if (beside.n > 0 && beside.n != s->count)
        FAIL(LIMN_EINPUT, "%s: it has %zu pictures, but `%s` has %zu labels", st->a.name, s->count, o->labels + 1,
             beside.n);
    s->label = beside.label;
    s->class_name = beside.name;
    s->n_classes = beside.n_names;
    beside = (data_labels){0};
done:
    data_labels_clear(&beside);
    return status;
}

static limn_status open_array(data_source *s, const limn_data_options *o, array_kind kind) {
    limn_status status = LIMN_OK;
    limn_members m = {0};
    array_state *st = NULL;
    char *file = NULL, *member = NULL;
    const char *path = o->images[0];
    if (o->n_images > 1)
        FAIL(LIMN_EINPUT, "%s: one array file makes a data set; of several files each must be a picture", path);
    TRY(limn_new(&st, 1, sizeof *st));
    s->state = st;
    TRY(limn_member_split(&file, &member, path));
    TRY(limn_members_list(&m, file));
    if (m.kind) {
        TRY(open_member(s, st, &m, file, member, o));
    } else {
        TRY(limn_block_open(&st->a, path));
        TRY(layout(s, st, kind, 0, o));
    }
    TRY(data_channels(&s->C, st->channels, o->channels, path));
    s->bytes = st->a.dtype == LIMN_U8;
    snprintf(s->format, sizeof s->format, "%s", st->a.format);
done:
    limn_members_clear(&m);
    free(file);
    free(member);
    return status;
}

limn_status reader_open_idx(data_source *s, const limn_data_options *o) {
    return open_array(s, o, KIND_IDX);
}

limn_status reader_open_npy(data_source *s, const limn_data_options *o) {
    return open_array(s, o, KIND_ROWS);
}

limn_status reader_open_csv(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    array_state *st = NULL;
    data_labels l = {0};
    limn_bytes *b = NULL;
    const char *column = data_labels_own(o) ? o->labels + 1 : NULL;
    TRY(limn_new(&st, 1, sizeof *st));
    s->state = st;
    TRY(limn_bytes_open(&b, o->images[0]));
    TRY(csv_table_read(&st->a, &l, b, column, o->label_base));
    TRY(layout(s, st, KIND_LINES, 0, o));
    TRY(data_channels(&s->C, st->channels, o->channels, o->images[0]));
    s->bytes = st->a.whole;
    s->label = l.label;
    s->class_name = l.name;
    s->n_classes = l.n_names;
    l = (data_labels){0};
    snprintf(s->format, sizeof s->format, "%s", st->a.format);
done:
    data_labels_clear(&l);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */
/* The item's elements as they lie, in native bytes: *raw points to them, *own is to be freed. */
static limn_status fetch(const array_state *st, size_t i, const void **raw, void **own) {
    const limn_block *a = &st->a;
    size_t size = limn_dtype_size(a->dtype), at = i * st->item * size, n = st->item * size;
    *own = NULL;
    if (!a->bytes.on_disk && !a->swapped && (a->offset + at) % size == 0) {
        *raw = a->bytes.memory + a->offset + at;
        return LIMN_OK;
    }
    limn_status s = limn_new(own, n, 1);
    if (s == LIMN_OK) s = limn_block_read(a, at, *own, n);
    if (s == LIMN_OK && a->swapped) array_swap(*own, st->item, size);
    *raw = *own;
    return s;
}

static void to_planes(const data_source *s, const array_state *st, const void *raw, float *planes) {
    const uint8_t *u8 = raw;
    const float *f32 = raw;
    for (size_t c = 0; c < st->channels; c++) {
        for (size_t y = 0; y < s->H; y++) {
            size_t from = c * st->step_c + y * st->step_y;
            for (size_t x = 0; x < s->W; x++, from += st->step_x)
                *planes++ = st->a.dtype == LIMN_U8    ? u8[from]
                            : st->a.dtype == LIMN_F32 ? f32[from]
                                                      : (float)array_element(st->a.dtype, raw, from);
        }
    }
}

limn_status reader_read_array(const data_source *s, size_t i, float *x) {
    limn_status status = LIMN_OK;
    const array_state *st = s->state;
    size_t plane = s->H * s->W;
    float *planes = x;
    const void *raw = NULL;
    void *own = NULL;
    if (st->channels != s->C) TRY(limn_new(&planes, st->channels * plane, sizeof *planes));
    TRY(fetch(st, i, &raw, &own));
    to_planes(s, st, raw, planes);
    if (planes != x) data_convert(x, s->C, planes, st->channels, plane, s->bytes);
done:
    free(own);
    if (planes != x) free(planes);
    return status;
}

void reader_close_array(data_source *s) {
    array_state *st = s->state;
    if (st) limn_block_clear(&st->a);
    free(st);
    s->state = NULL;
}
