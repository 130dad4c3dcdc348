/* Sizes, resizing and cropping: see preprocess.h. Sizes follow torchvision where a side is given: the shorter (longer)
 * side gets it, the other int(side * other / this); a crop starts at round((h - H) / 2), halves to the even number, and
 * where the picture is smaller, (H - h) / 2 rows of `pad` come first. fit: crop is Keras's smart_resize: of h x w the
 * centred piece of min(h, w H / W) x min(w, h W / H), rounded down, is what is resized. */
#include "data/preprocess.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/image_codec.h"
#include "data/resize.h"

void data_picture_clear(data_picture *p) {
    free(p->b);
    free(p->f);
    *p = (data_picture){0};
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */
static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* H, W that a `resize` or `crop` names. */
static void named(const preprocess_plan *g, const limn_picture_size *s, size_t *H, size_t *W) {
    *H = s->kind == LIMN_SIZE_INPUT ? g->H : s->h;
    *W = s->kind == LIMN_SIZE_INPUT ? g->W : s->w;
}

static limn_fit fit_of(const limn_preprocess *p) {
    if (p->fit != LIMN_FIT_AUTO) return p->fit;
    return p->resize.kind == LIMN_SIZE_SIDE ? LIMN_FIT_SHORTER : LIMN_FIT_STRETCH;
}

/* int(side * other / this), at least 1: sides are below 2^28, so that nothing overflows. */
static size_t in_proportion(size_t side, size_t other, size_t this) {
    size_t v = side * other / this;
    return v > 0 ? v : 1;
}

/* The size that step 3 makes of h x w; of `fit: crop` this is exactly what is named. */
static void resized(const preprocess_plan *g, size_t *h, size_t *w) {
    size_t H, W;
    limn_fit fit = fit_of(g->p);
    if (g->p->resize.kind == LIMN_SIZE_NONE) return;
    named(g, &g->p->resize, &H, &W);
    if (fit == LIMN_FIT_SHORTER || fit == LIMN_FIT_LONGER) {
        /* the height is what decides where H / h is the larger (SHORTER: all of H x W is covered), or the smaller */
        int by_height = fit == LIMN_FIT_SHORTER ? H * *w >= W * *h : H * *w <= W * *h;
        if (by_height)
            W = in_proportion(H, *w, *h);
        else
            H = in_proportion(W, *h, *w);
    }
    *h = H;
    *w = W;
}

int preprocess_moves(const preprocess_plan *g) {
    return g->p->resize.kind != LIMN_SIZE_NONE || g->p->crop.kind != LIMN_SIZE_NONE;
}

limn_status preprocess_check(const preprocess_plan *g, const char *name) {
    int input = g->p->resize.kind == LIMN_SIZE_INPUT || g->p->crop.kind == LIMN_SIZE_INPUT;
    if (!input || (g->H > 0 && g->W > 0)) return LIMN_OK;
    return limn_fail(LIMN_EINPUT,
                     "%s: `input` is the size that the network wants, and there is no network here: a size is needed",
                     name);
}

limn_status preprocess_size(const preprocess_plan *g, size_t *h, size_t *w, const char *name) {
    const size_t from_h = *h, from_w = *w;
    if (g->p->resize.kind != LIMN_SIZE_NONE) {
        resized(g, h, w);
        if (*w > RESIZE_MOST_PIXELS / *h || *w > IMAGE_MOST_PIXELS / from_h) /* columns are resized first */
            return limn_fail(LIMN_EINPUT, "%s: its %zu x %zu pixels (width x height) would be resized to %zu x %zu",
                             name, from_w, from_h, *w, *h);
    }
    if (g->p->crop.kind != LIMN_SIZE_NONE) {
        named(g, &g->p->crop, h, w);
        if (*w > RESIZE_MOST_PIXELS / *h)
            return limn_fail(LIMN_EINPUT, "%s: a crop of %zu x %zu pixels (width x height) is too large", name, *w, *h);
    }
    return LIMN_OK;
}

/* ---- moving ------------------------------------------------------------------------------------------------------ */
/* The H x W pixels of `in` from (top, left), which may lie outside: those are `pad`. */
static limn_status cut(data_picture *out, const data_picture *in, ptrdiff_t top, ptrdiff_t left, size_t H, size_t W,
                       double pad) {
    limn_status status = LIMN_OK;
    size_t c = in->c, x0 = left < 0 ? (size_t)-left : 0, skip = left > 0 ? (size_t)left : 0;
    size_t n = smaller(W - x0, in->w - skip);
    *out = (data_picture){.h = H, .w = W, .c = c};
    if (in->b)
        TRY(limn_new(&out->b, H * W, c));
    else
        TRY(limn_new(&out->f, H * W, c * sizeof(float)));
    for (size_t i = 0; i < H * W * c && pad != 0; i++) {
        if (in->b)
            out->b[i] = (unsigned char)lround(pad);
        else
            out->f[i] = (float)pad;
    }
    for (size_t y = 0; y < H; y++) {
        ptrdiff_t from_y = top + (ptrdiff_t)y;
        if (from_y < 0 || (size_t)from_y >= in->h) continue;
        size_t to = (y * W + x0) * c, from = ((size_t)from_y * in->w + skip) * c;
        if (in->b)
            memcpy(out->b + to, in->b + from, n * c);
        else
            memcpy(out->f + to, in->f + from, n * c * sizeof(float));
    }
done:
    if (status != LIMN_OK) data_picture_clear(out);
    return status;
}

/* Where a crop of H begins in h. */
static ptrdiff_t centred(size_t h, size_t H) {
    return h < H ? -(ptrdiff_t)((H - h) / 2) : (ptrdiff_t)nearbyint((double)(h - H) / 2);
}

static void replace(data_picture *p, data_picture by) {
    data_picture_clear(p);
    *p = by;
}

limn_status preprocess_move(data_picture *p, const preprocess_plan *g, const char *name) {
    limn_status status = LIMN_OK;
    data_picture next = {0};
    size_t h = p->h, w = p->w, H, W;
    TRY(preprocess_size(g, &h, &w, name)); /* bounds it */
    if (g->p->resize.kind != LIMN_SIZE_NONE) {
        named(g, &g->p->resize, &H, &W);
        if (fit_of(g->p) == LIMN_FIT_CROP) {
            size_t ch = smaller(p->h, p->w * H / W), cw = smaller(p->w, p->h * W / H);
            if (ch == 0) ch = 1;
            if (cw == 0) cw = 1;
            TRY(cut(&next, p, (ptrdiff_t)((p->h - ch) / 2), (ptrdiff_t)((p->w - cw) / 2), ch, cw, 0));
            replace(p, next);
        }
        next = (data_picture){.h = p->h, .w = p->w};
        resized(g, &next.h, &next.w);
        TRY(resize_picture(&next, p, &resize_rules[g->p->rule]));
        replace(p, next);
    }
    if (g->p->crop.kind != LIMN_SIZE_NONE) {
        named(g, &g->p->crop, &H, &W);
        TRY(cut(&next, p, centred(p->h, H), centred(p->w, W), H, W, g->p->pad));
        replace(p, next);
    }
    next = (data_picture){0};
done:
    if (status != LIMN_OK) data_picture_clear(&next);
    return status;
}
