/* A data set: a source of pictures, labels, a selection, preprocessing. See dataset.h.
 *
 * Open: 1. the reader of the first path opens the source; 2. labels and class names are joined and checked; 3. samples
 * are selected; 4. the fingerprint decodes each selected sample once, so that damaged files are found before anything
 * runs. Afterwards nothing changes any more: all reading is thread-safe. */
#include "data/dataset.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/image.h"
#include "data/reader.h"
#include "data/select.h"

struct limn_dataset {
    data_source source;
    char *name; /* the first path: what messages call it */
    int *label; /* (source.count), or NULL */
    char **class_name;
    size_t n_classes;
    size_t *index; /* (count) items */
    size_t count;
    limn_preprocess pre;
    preprocess_plan plan; /* borrows pre */
    size_t H, W;          /* of a sample; C is the source's */
    char fingerprint[65];
};

/* ---- opening ----------------------------------------------------------------------------------------------------- */
/* Labels from their file, or else from the images' own; names of the classes with them. */
static limn_status join_labels(limn_dataset *d, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    data_source *s = &d->source;
    data_labels l = {0};
    if (data_labels_own(o) && !s->label)
        FAIL(LIMN_EINPUT, "%s: labels is '%s', but such a file has no members", d->name, o->labels);
    if (!o->labels || data_labels_own(o)) {
        d->label = s->label;
        s->label = NULL;
        return LIMN_OK;
    }
    for (size_t c = 0; s->class_name && c < s->n_classes; c++) free(s->class_name[c]); /* overruled */
    free(s->class_name);
    s->class_name = NULL;
    s->n_classes = 0;
    TRY(data_labels_read(&l, o->labels, o->label_base));
    if (l.n != s->count)
        FAIL(LIMN_EINPUT, "%s: it has %zu label%s, but %s has %zu image%s", o->labels, l.n, l.n == 1 ? "" : "s",
             d->name, s->count, s->count == 1 ? "" : "s");
    d->label = l.label;
    s->class_name = l.name;
    s->n_classes = l.n_names;
    l = (data_labels){0};
done:
    data_labels_clear(&l);
    return status;
}

/* Names from the options, or else from what brought the labels. */
static limn_status join_classes(limn_dataset *d, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    data_source *s = &d->source;
    int folders = s->class_name != NULL;
    if (folders && o->n_classes && o->n_classes != s->n_classes)
        FAIL(LIMN_EINPUT, "%s: it has %zu %s, but %zu class names are given", d->name, s->n_classes,
             s->path ? "class folders" : "names of classes", o->n_classes);
    if (o->n_classes) {
        TRY(limn_new(&d->class_name, o->n_classes, sizeof *d->class_name));
        d->n_classes = o->n_classes;
        for (size_t c = 0; c < d->n_classes; c++) TRY(limn_strdup(&d->class_name[c], o->classes[c]));
    } else if (folders) {
        d->class_name = s->class_name;
        d->n_classes = s->n_classes;
        s->class_name = NULL;
    }
    for (size_t i = 0; d->label && i < s->count; i++) {
        size_t l = (size_t)d->label[i];
        if (d->class_name && l >= d->n_classes)
            FAIL(LIMN_EINPUT, "%s: label %zu is %zu, but there are %zu classes (0 to %zu)",
                 o->labels ? o->labels : d->name, i, l, d->n_classes, d->n_classes - 1);
        if (!d->class_name && l >= d->n_classes) d->n_classes = l + 1;
    }
done:
    return status;
}

static limn_status check_values(const limn_preprocess *p, size_t C) {
    if (!isfinite(p->scale) || p->scale == 0)
        return limn_fail(LIMN_EINPUT, "preprocess: scale is %g, where a number other than 0 is needed", p->scale);
    if (!(p->pad >= 0 && p->pad <= 255))
        return limn_fail(LIMN_EINPUT, "preprocess: pad is %g, where a number from 0 to 255 is needed", p->pad);
    if (p->bgr && C != 3)
        return limn_fail(LIMN_EINPUT, "preprocess: order bgr needs 3 channels, and there %s %zu", C == 1 ? "is" : "are",
                         C);
    for (size_t c = 0; c < C; c++) {
        if (!isfinite(p->mean[c]) || !isfinite(p->std[c]) || p->std[c] <= 0)
            return limn_fail(
                LIMN_EINPUT,
                "preprocess: channel %zu has mean %g and std %g, where a number and a number above 0 are needed", c,
                p->mean[c], p->std[c]);
    }
    return LIMN_OK;
}

/* The shape of a sample follows from the first picture. */
static limn_status take_preprocessing(limn_dataset *d, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    const data_source *s = &d->source;
    d->pre = o->pre;
    d->pre.preset = NULL;
    d->plan = (preprocess_plan){&d->pre, o->height, o->width};
    TRY(check_values(&d->pre, s->C));
    TRY(preprocess_check(&d->plan, d->name));
    d->H = s->H;
    d->W = s->W;
    TRY(preprocess_size(&d->plan, &d->H, &d->W, s->path ? s->path[0] : d->name));
done:
    return status;
}

limn_status limn_dataset_open(limn_dataset **out, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    limn_dataset *d = NULL;
    *out = NULL;
    TRY(limn_new(&d, 1, sizeof *d));
    TRY(data_source_open(&d->source, o));
    TRY(limn_strdup(&d->name, o->images[0]));
    TRY(join_labels(d, o));
    TRY(join_classes(d, o));
    TRY(take_preprocessing(d, o));
    TRY(data_select(&d->index, &d->count, d->source.count, d->label, d->n_classes, o));
    TRY(data_fingerprint(d->fingerprint, d, o->threads));
    *out = d;
    d = NULL;
done:
    limn_dataset_free(d);
    return status;
}

void limn_dataset_free(limn_dataset *d) {
    if (!d) return;
    for (size_t c = 0; d->class_name && c < d->n_classes; c++) free(d->class_name[c]);
    free(d->class_name);
    free(d->label);
    free(d->index);
    free(d->name);
    data_source_clear(&d->source);
    free(d);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */
size_t limn_dataset_count(const limn_dataset *d) {
    return d->count;
}

void limn_dataset_shape(const limn_dataset *d, size_t *C, size_t *H, size_t *W) {
    *C = d->source.C;
    *H = d->H;
    *W = d->W;
}

size_t limn_dataset_index(const limn_dataset *d, size_t i) {
    return d->index[i];
}

int limn_dataset_label(const limn_dataset *d, size_t i) {
    return d->label ? d->label[d->index[i]] : -1;
}

const char *limn_dataset_source(const limn_dataset *d, size_t i) {
    return d->source.path ? d->source.path[d->index[i]] : NULL;
}

size_t limn_dataset_classes(const limn_dataset *d) {
    return d->n_classes;
}

const char *limn_dataset_class(const limn_dataset *d, size_t c) {
    return d->class_name && c < d->n_classes ? d->class_name[c] : NULL;
}

const char *limn_dataset_fingerprint(const limn_dataset *d) {
    return d->fingerprint;
}

const char *limn_dataset_format(const limn_dataset *d) {
    return d->source.format;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */
/* Item `item` turned, resized and cropped: x (C, H, W). The size that comes out must be the data set's. */
static limn_status moved(const limn_dataset *d, data_picture *p, const char *name, float *x) {
    const data_source *s = &d->source;
    const size_t from_h = p->h, from_w = p->w;
    size_t h = from_h, w = from_w;
    limn_status status = preprocess_size(&d->plan, &h, &w, name);
    if (status != LIMN_OK) return status;
    if (h != d->H || w != d->W) {
        if (preprocess_moves(&d->plan))
            return limn_fail(LIMN_EINPUT,
                             "%s: its %zu x %zu pixels (width x height) become %zu x %zu, where %s becomes %zu x %zu: "
                             "`preprocess` needs a `crop`, or a `resize` to [height, width]",
                             name, from_w, from_h, w, h, s->path ? s->path[0] : d->name, d->W, d->H);
        return limn_fail(LIMN_EINPUT,
                         "%s: it is %zu x %zu pixels (width x height), where %s is %zu x %zu: all pictures must have "
                         "one size, or be brought to one by `preprocess: {resize: …}`",
                         name, from_w, from_h, s->path ? s->path[0] : d->name, d->W, d->H);
    }
    status = preprocess_move(p, &d->plan, name);
    for (size_t c = 0; status == LIMN_OK && c < p->c; c++)
        for (size_t i = 0; i < h * w; i++) *x++ = p->b ? p->b[i * p->c + c] : p->f[i * p->c + c];
    return status;
}

/* Bytes (h, w, from) to (h, w, C), gray or RGB; the picture's pixels are taken over where they are as wanted. */
static limn_status as_channels(data_picture *p, limn_image *m, size_t C) {
    const size_t n = m->w * m->h, from = (size_t)m->channels;
    *p = (data_picture){.h = m->h, .w = m->w, .c = C};
    if (from == C) {
        p->b = m->pixels;
        m->pixels = NULL;
        return LIMN_OK;
    }
    limn_status status = limn_new(&p->b, n, C);
    if (status != LIMN_OK) return status;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *v = m->pixels + i * from;
        if (C == 1)
            p->b[i] = (unsigned char)limn_luma(v[0], v[1], v[2]);
        else
            memset(p->b + i * 3, *v, 3);
    }
    return LIMN_OK;
}

static limn_status raw_picture(const limn_dataset *d, size_t item, float *x) {
    limn_status status = LIMN_OK;
    const data_source *s = &d->source;
    limn_image m = {0};
    data_picture p = {0};
    TRY(s->reader->picture(s, item, &m));
    if (d->pre.exif) TRY(limn_image_orient(&m));
    TRY(as_channels(&p, &m, s->C));
    limn_image_clear(&m);
    TRY(moved(d, &p, s->path[item], x));
done:
    limn_image_clear(&m);
    data_picture_clear(&p);
    return status;
}

/* An array's item that is to be resized or cropped. */
static limn_status raw_moved(const limn_dataset *d, size_t item, float *x) {
    limn_status status = LIMN_OK;
    const data_source *s = &d->source;
    const size_t plane = s->H * s->W;
    float *all = NULL;
    data_picture p = {.h = s->H, .w = s->W, .c = s->C};
    TRY(limn_new(&all, s->C * plane, sizeof *all));
    if (s->bytes)
        TRY(limn_new(&p.b, plane, p.c));
    else
        TRY(limn_new(&p.f, plane, p.c * sizeof(float)));
    TRY(s->reader->read(s, item, all));
    for (size_t c = 0; c < p.c; c++) {
        for (size_t i = 0; i < plane; i++) {
            if (p.b)
                p.b[i * p.c + c] = (unsigned char)all[c * plane + i];
            else
                p.f[i * p.c + c] = all[c * plane + i];
        }
    }
    TRY(moved(d, &p, d->name, x));
done:
    free(all);
    data_picture_clear(&p);
    return status;
}

limn_status limn_dataset_raw(const limn_dataset *d, size_t i, float *raw) {
    const data_source *s = &d->source;
    if (s->reader->picture) return raw_picture(d, d->index[i], raw);
    return preprocess_moves(&d->plan) ? raw_moved(d, d->index[i], raw) : s->reader->read(s, d->index[i], raw);
}

static limn_status not_finite(const limn_dataset *d, size_t i, size_t at, float v) {
    size_t H = d->H, W = d->W;
    const char *file = limn_dataset_source(d, i);
    return limn_fail(LIMN_EFAIL, "%s: sample %zu (item %zu) holds %s at channel %zu, row %zu, column %zu",
                     file ? file : d->name, i, d->index[i], isnan(v) ? "NaN" : "an infinity", at / (H * W), at / W % H,
                     at % W);
}

limn_status limn_dataset_batch(const limn_dataset *d, size_t i, size_t count, float *x) {
    const size_t plane = d->H * d->W, C = d->source.C;
    const limn_preprocess *q = &d->pre;
    for (size_t k = 0; k < count; k++) {
        limn_status s = limn_dataset_raw(d, i + k, x);
        if (s != LIMN_OK) return s;
        for (size_t p = 0; q->bgr && p < plane; p++) {
            float red = x[p];
            x[p] = x[2 * plane + p];
            x[2 * plane + p] = red;
        }
        for (size_t c = 0; c < C; c++, x += plane) {
            for (size_t p = 0; p < plane; p++) {
                x[p] = (float)(((double)x[p] * q->scale - q->mean[c]) / q->std[c]);
                if (!isfinite(x[p])) return not_finite(d, i + k, c * plane + p, x[p]);
            }
        }
    }
    return LIMN_OK;
}

/* [low, high] becomes 0 … 255. */
static limn_status png_range(const limn_dataset *d, size_t i, const float *raw, size_t size, float *low, float *high) {
    float least = raw[0], greatest = raw[0];
    for (size_t p = 0; p < size; p++) {
        if (!isfinite(raw[p])) return not_finite(d, i, p, raw[p]);
        if (raw[p] < least) least = raw[p];
        if (raw[p] > greatest) greatest = raw[p];
    }
    int unit = !d->source.bytes && least >= 0 && greatest <= 1, byte = least >= 0 && greatest <= 255;
    *low = unit || byte ? 0 : least;
    *high = unit ? 1 : byte ? 255 : greatest;
    return LIMN_OK;
}

limn_status limn_dataset_png(const limn_dataset *d, size_t i, unsigned char **png, size_t *n) {
    limn_status status = LIMN_OK;
    const size_t plane = d->H * d->W, C = d->source.C, shown = C == 1 ? 1 : 3;
    float *raw = NULL, low = 0, high = 0;
    unsigned char *pixels = NULL;
    *png = NULL;
    TRY(limn_new(&raw, C * plane, sizeof *raw));
    TRY(limn_new(&pixels, shown * plane, 1));
    TRY(limn_dataset_raw(d, i, raw));
    TRY(png_range(d, i, raw, C * plane, &low, &high));
    for (size_t c = 0; c < shown; c++) {
        for (size_t p = 0; p < plane; p++) {
            double span = (double)high - (double)low, v = (double)raw[c * plane + p] - (double)low;
            pixels[p * shown + c] = (unsigned char)(span > 0 ? lround(v / span * 255) : 0);
        }
    }
    TRY(limn_png_encode(png, n, pixels, d->W, d->H, (int)shown));
done:
    free(raw);
    free(pixels);
    return status;
}
