/* IDX and npy as data sets: the whole array in memory, as it lies (one byte a value for uint8).
 *
 * Shapes: (N, H, W) has one channel. Of four dims, IDX is (N, H, W, C). npy is (N, H, W, C) where the last dim is 1, 3
 * or 4, else (N, C, H, W) where the second is; so a (N, 3, H, 3) counts as (N, H, W, C). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"
#include "data/reader.h"

typedef struct {
    limn_array a;
    size_t channels;                      /* as they lie; converted to the source's C */
    size_t step_c, step_pixel, step_item; /* distances between elements */
} array_state;

static int is_channels(size_t d) {
    return d == 1 || d == 3 || d == 4;
}

static limn_status layout(data_source *s, array_state *st, int may_be_nchw, const char *path) {
    const limn_array *a = &st->a;
    const size_t *d = a->dim;
    char text[ARRAY_SHAPE_ROOM];
    int last = a->rank == 4 && is_channels(d[3]), second = a->rank == 4 && !last && may_be_nchw && is_channels(d[1]);
    array_shape_text(text, a);
    if (a->rank != 3 && !last && !second)
        return limn_fail(LIMN_EINPUT, "%s: its shape is %s, where %s is needed, with 1, 3 or 4 channels C", path, text,
                         may_be_nchw ? "(N, H, W), (N, H, W, C) or (N, C, H, W)" : "(N, H, W) or (N, H, W, C)");
    if (a->count == 0) return limn_fail(LIMN_EINPUT, "%s: its shape is %s: there are no pictures in it", path, text);
    s->count = d[0];
    s->H = d[second ? 2 : 1];
    s->W = d[second ? 3 : 2];
    st->channels = last ? d[3] : second ? d[1] : 1;
    st->step_pixel = last ? st->channels : 1;
    st->step_c = last ? 1 : s->H * s->W;
    st->step_item = s->H * s->W * st->channels;
    return LIMN_OK;
}

static limn_status open_array(data_source *s, const limn_data_options *o, int may_be_nchw) {
    limn_status status = LIMN_OK;
    array_state *st = NULL;
    const char *path = o->images[0];
    if (o->n_images > 1)
        FAIL(LIMN_EINPUT, "%s: one array file makes a data set; of several files each must be a picture", path);
    TRY(limn_new(&st, 1, sizeof *st));
    s->state = st;
    TRY(limn_array_read(&st->a, path));
    TRY(layout(s, st, may_be_nchw, path));
    TRY(data_channels(&s->C, st->channels, o->channels, path));
    s->bytes = st->a.dtype == LIMN_U8;
    snprintf(s->format, sizeof s->format, "%s", st->a.format);
done:
    return status;
}

limn_status reader_open_idx(data_source *s, const limn_data_options *o) {
    return open_array(s, o, 0);
}

limn_status reader_open_npy(data_source *s, const limn_data_options *o) {
    return open_array(s, o, 1);
}

limn_status reader_read_array(const data_source *s, size_t i, float *x) {
    const array_state *st = s->state;
    size_t plane = s->H * s->W;
    float *planes = x;
    if (st->channels != s->C) {
        limn_status status = limn_new(&planes, st->channels * plane, sizeof *planes);
        if (status != LIMN_OK) return status;
    }
    for (size_t c = 0; c < st->channels; c++) {
        size_t from = i * st->step_item + c * st->step_c;
        const uint8_t *u8 = st->a.data;
        for (size_t p = 0; p < plane; p++, from += st->step_pixel)
            planes[c * plane + p] = st->a.dtype == LIMN_U8 ? u8[from] : (float)limn_array_get(&st->a, from);
    }
    if (planes != x) {
        data_convert(x, s->C, planes, st->channels, plane, s->bytes);
        free(planes);
    }
    return LIMN_OK;
}

void reader_close_array(data_source *s) {
    array_state *st = s->state;
    if (st) limn_array_clear(&st->a);
    free(st);
    s->state = NULL;
}
