/* oneDNN 2.x and 3.x behind one set of small functions.
 *
 * Version 2 describes an operation in an op descriptor and makes a primitive descriptor of it; version 3 dropped the op
 * descriptors and has one create function an operation, and its memory descriptors are opaque. Here both look the same:
 * a dc_md is a pointer to a memory descriptor that is owned (dc_md_free), a dc_md_ref is a borrowed one, NULL means
 * none, and dc_*_pd makes a primitive descriptor. Dilations are the library's: 0 means dense. All return the library's
 * status. */
#ifndef LIMN_DNNL_COMPAT_H
#define LIMN_DNNL_COMPAT_H

#include <dnnl.h>
#include <stdlib.h>

/* Geometry of a window in the library's form, (h, w). */
typedef struct {
    dnnl_dims_t kernel, stride, dilation, pad_l, pad_r;
} dc_window;

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t dc_md;
typedef const_dnnl_memory_desc_t dc_md_ref;

static inline dnnl_status_t dc_md_new(dc_md *out, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(out, rank, dims, dnnl_f32, tag);
}

static inline dnnl_status_t dc_md_clone(dc_md *out, dc_md_ref md) {
    return dnnl_memory_desc_clone(out, md);
}

static inline void dc_md_free(dc_md md) {
    if (md) dnnl_memory_desc_destroy(md);
}

static inline dnnl_status_t dc_conv_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dc_md_ref x, dc_md_ref w,
                                       dc_md_ref bias, dc_md_ref y, const dc_window *g, dnnl_primitive_attr_t attr) {
    return dnnl_convolution_forward_primitive_desc_create(pd, e, dnnl_forward_inference, dnnl_convolution_direct, x, w,
                                                          bias, y, g->stride, g->dilation, g->pad_l, g->pad_r, attr);
}

static inline dnnl_status_t dc_conv_backward_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dc_md_ref gx, dc_md_ref w,
                                                dc_md_ref gy, const dc_window *g, dnnl_primitive_attr_t attr,
                                                dnnl_primitive_desc_t forward) {
    return dnnl_convolution_backward_data_primitive_desc_create(pd, e, dnnl_convolution_direct, gx, w, gy, g->stride,
                                                                g->dilation, g->pad_l, g->pad_r, forward, attr);
}

static inline dnnl_status_t dc_pool_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dnnl_alg_kind_t alg, dc_md_ref x,
                                       dc_md_ref y, const dc_window *g, dnnl_primitive_attr_t attr) {
    return dnnl_pooling_forward_primitive_desc_create(pd, e, dnnl_forward_training, alg, x, y, g->stride, g->kernel,
                                                      g->dilation, g->pad_l, g->pad_r, attr);
}

static inline dnnl_status_t dc_pool_backward_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dnnl_alg_kind_t alg,
                                                dc_md_ref gx, dc_md_ref gy, const dc_window *g,
                                                dnnl_primitive_attr_t attr, dnnl_primitive_desc_t forward) {
    return dnnl_pooling_backward_primitive_desc_create(pd, e, alg, gx, gy, g->stride, g->kernel, g->dilation, g->pad_l,
                                                       g->pad_r, forward, attr);
}

#else

typedef dnnl_memory_desc_t *dc_md;
typedef const dnnl_memory_desc_t *dc_md_ref;

static inline dnnl_status_t dc_md_new(dc_md *out, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    dc_md md = malloc(sizeof *md);
    *out = NULL;
    if (!md) return dnnl_out_of_memory;
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(md, rank, dims, dnnl_f32, tag);
    if (s == dnnl_success)
        *out = md;
    else
        free(md);
    return s;
}

static inline dnnl_status_t dc_md_clone(dc_md *out, dc_md_ref md) {
    *out = malloc(sizeof **out);
    if (!*out) return dnnl_out_of_memory;
    **out = *md;
    return dnnl_success;
}

static inline void dc_md_free(dc_md md) {
    free(md);
}

static inline dnnl_status_t dc_conv_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dc_md_ref x, dc_md_ref w,
                                       dc_md_ref bias, dc_md_ref y, const dc_window *g, dnnl_primitive_attr_t attr) {
    dnnl_convolution_desc_t d;
    dnnl_status_t s = dnnl_dilated_convolution_forward_desc_init(
        &d, dnnl_forward_inference, dnnl_convolution_direct, x, w, bias, y, g->stride, g->dilation, g->pad_l, g->pad_r);
    return s == dnnl_success ? dnnl_primitive_desc_create(pd, &d, attr, e, NULL) : s;
}

static inline dnnl_status_t dc_conv_backward_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dc_md_ref gx, dc_md_ref w,
                                                dc_md_ref gy, const dc_window *g, dnnl_primitive_attr_t attr,
                                                dnnl_primitive_desc_t forward) {
    dnnl_convolution_desc_t d;
    dnnl_status_t s = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, gx, w, gy,
                                                                       g->stride, g->dilation, g->pad_l, g->pad_r);
    return s == dnnl_success ? dnnl_primitive_desc_create(pd, &d, attr, e, forward) : s;
}

static inline dnnl_status_t dc_pool_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dnnl_alg_kind_t alg, dc_md_ref x,
                                       dc_md_ref y, const dc_window *g, dnnl_primitive_attr_t attr) {
    dnnl_pooling_v2_desc_t d;
    dnnl_status_t s = dnnl_pooling_v2_forward_desc_init(&d, dnnl_forward_training, alg, x, y, g->stride, g->kernel,
                                                        g->dilation, g->pad_l, g->pad_r);
    return s == dnnl_success ? dnnl_primitive_desc_create(pd, &d, attr, e, NULL) : s;
}

static inline dnnl_status_t dc_pool_backward_pd(dnnl_primitive_desc_t *pd, dnnl_engine_t e, dnnl_alg_kind_t alg,
                                                dc_md_ref gx, dc_md_ref gy, const dc_window *g,
                                                dnnl_primitive_attr_t attr, dnnl_primitive_desc_t forward) {
    dnnl_pooling_v2_desc_t d;
    dnnl_status_t s =
        dnnl_pooling_v2_backward_desc_init(&d, alg, gx, gy, g->stride, g->kernel, g->dilation, g->pad_l, g->pad_r);
    return s == dnnl_success ? dnnl_primitive_desc_create(pd, &d, attr, e, forward) : s;
}

#endif

/* The descriptor that a primitive descriptor chose for one of its arguments; borrowed from it. */
static inline dc_md_ref dc_query(dnnl_primitive_desc_t pd, dnnl_query_t what) {
    return dnnl_primitive_desc_query_md(pd, what, 0);
}

/* The implementation's name: "jit:avx512_core"; borrowed from the primitive descriptor. */
static inline const char *dc_impl(dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    dnnl_status_t s = dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name);
    return s == dnnl_success && name ? name : "unnamed";
}

#endif
