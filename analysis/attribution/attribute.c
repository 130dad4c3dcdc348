/* Methods by name, and one method against a model: what is the same for every attribution method. See attribute.h.
 * Threading: no state. */
#include "attribution/attribute.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "attribution/lrp.h"
#include "attribution/methods.h"
#include "base/nearest.h"
#include "base/try.h"

/* ---- methods ------------------------------------------------------------------------------------------- */

const limn_method *limn_method_find(const char *name, const char *flavour) {
    if (!flavour) flavour = "limn";
    for (const limn_method *m = limn_methods_table; m->name; m++)
        if (strcmp(m->name, name) == 0 && strcmp(m->flavour, flavour) == 0) return m;
    return NULL;
}

void attribution_add_word(char *buf, size_t size, const char *word) {
    size_t n = strlen(buf);
    snprintf(buf + n, size - n, "%s`%s`", n > 0 ? ", " : "", word);
}

limn_status limn_method_get(const limn_method **out, const char *name, const char *flavour) {
    char hint[96], flavours[256] = "";
    *out = limn_method_find(name, flavour);
    if (*out) return LIMN_OK;
    for (const limn_method *m = limn_methods_table; m->name; m++)
        if (strcmp(m->name, name) == 0) attribution_add_word(flavours, sizeof flavours, m->flavour);
    if (flavours[0])
        return limn_fail(LIMN_EINPUT, "method `%s` has no flavour `%s`; it has %s", name, flavour, flavours);
    return limn_fail(
        LIMN_EINPUT, "unknown method `%s`%s; `limn methods` lists them", name,
        limn_did_you_mean(hint, sizeof hint, limn_nearest_in(name, limn_methods_table, sizeof limn_methods_table[0])));
}

/* ---- against a model ----------------------------------------------------------------------------------- */

/* Layer number l->n of the choice, checked. */
static limn_status add_layer(const limn_method *m, const limn_diff *d, const limn_attribute_options *o,
                             limn_layer_choice *l, int index) {
    limn_status status = LIMN_OK;
    const limn_diff_layer *layer = &d->layer[index];
    if (l->n == LIMN_MOST_LAYERS) FAIL(LIMN_EINPUT, "`layer` takes at most %d layers", LIMN_MOST_LAYERS);
    if (layer->out.rank != 3)
        FAIL(LIMN_EINPUT, "method `%s` needs a layer of channels, rows and columns; the output of `%s` is a vector",
             m->name, layer->name);
    if (index >= o->output.index)
        FAIL(LIMN_EINPUT, "method `%s` needs a layer before its output `%s`; `%s` is not", m->name, o->output.name,
             layer->name);
    l->each[l->n] = index;
    l->names[l->n++] = layer->name;
done:
    return status;
}

static limn_status resolve_layer(const limn_method *m, const limn_diff *d, limn_attribute_options *o) {
    limn_status status = LIMN_OK;
    limn_layer_choice *l = &o->layer;
    char name[256];
    int index;
    l->n = 0;
    if (strcmp(l->name, "auto") == 0) {
        index = m->choose_layer(d, o->output.index);
        if (index < 0)
            FAIL(LIMN_EINPUT, "method `%s` of flavour `%s` finds no %s before `%s` to look at; name one with `layer`",
                 m->name, m->flavour, m->lacks ? m->lacks : "convolutional layer", o->output.name);
        TRY(add_layer(m, d, o, l, index));
    } else if (!strchr(l->name, '\n')) {
        TRY(limn_diff_find(&index, d, l->name));
        TRY(add_layer(m, d, o, l, index));
    } else {
        for (const char *p = l->name; *p; p += strspn(p, "\n")) {
            size_t n = strcspn(p, "\n");
            snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : 0, p);
            TRY(limn_diff_find(&index, d, name));
            TRY(add_layer(m, d, o, l, index));
            p += n;
        }
    }
    l->index = l->each[0];
    if (l->n == 1) l->name = l->names[0];
    if (l->n > 1 && o->layer_size)
        FAIL(LIMN_EINPUT, "`size: layer` keeps one layer's own grid; %d layers have none in common", l->n);
done:
    return status;
}

limn_status limn_attribute_resolve(const limn_method *m, const limn_diff *d, limn_attribute_options *o) {
    limn_status status = LIMN_OK;
    if (limn_shape_picture(&d->input).rank == 0)
        FAIL(LIMN_EINPUT, "maps need an input of at most three dimensions; the model's has %d", d->input.rank);
    TRY(attribution_can_walk(m, d));
    if (strcmp(o->output.name, "last") == 0)
        o->output.index = d->n_layers - 1;
    else
        TRY(limn_diff_find(&o->output.index, d, o->output.name));
    o->output.name = d->layer[o->output.index].name;
    if (m->choose_layer) TRY(resolve_layer(m, d, o));
done:
    return status;
}

limn_shape limn_attribute_shape(const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    limn_shape s = limn_shape_picture(m->choose_layer && o->layer_size ? &d->layer[o->layer.index].out : &d->input);
    if (!o->keep_channels) s.dim[0] = 1;
    return s;
}

size_t limn_attribute_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o,
                              size_t n_seeds) {
    size_t plain = m->scratch(m, d, o, m->many ? n_seeds : 1);
    return o->noise.kind == LIMN_NOISE_NONE ? plain : noise_scratch(m, d, o, n_seeds) + plain;
}

int limn_attribute_forwards(const limn_method *m, const limn_attribute_options *o) {
    return m->forwards || o->noise.kind != LIMN_NOISE_NONE;
}

limn_status attribution_run_plain(const limn_method *m, const limn_attribute_options *o,
                                  const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    limn_shape shape = limn_attribute_shape(m, d, o);
    size_t size = limn_shape_size(&shape), outputs = limn_shape_size(&d->layer[o->output.index].out);
    if (m->many) return m->run(m, o, job);
    for (size_t s = 0; s < job->n_seeds; s++) {
        limn_attribute_job one = *job;
        one.n_seeds = 1;
        one.seed += s * d->B * outputs;
        one.map += s * d->B * size;
        if (one.residual) one.residual += s * d->B;
        if (s > 0 && m->forwards) TRY(d->forward(d->ctx, job->x));
        TRY(m->run(m, o, &one));
    }
done:
    return status;
}

limn_status limn_attribute_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    return o->noise.kind == LIMN_NOISE_NONE ? attribution_run_plain(m, o, job) : noise_run(m, o, job);
}

/* ---- what is said and stored --------------------------------------------------------------------------- */

limn_status limn_attribute_note(char **out, const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    *out = NULL;
    if (!m->choose_layer) return LIMN_OK;
    const limn_diff_layer *l = &d->layer[o->layer.index];
    if (o->layer.n > 1)
        return limn_format(out, "%s (%s) explains `%s` by %d layers, `%s` to `%s`", m->name, m->flavour, o->output.name,
                           o->layer.n, o->layer.names[0], o->layer.names[o->layer.n - 1]);
    const char *warning = l->out.dim[1] * l->out.dim[2] > 1
                              ? ""
                              : ". Warning: a layer of 1 x 1 has no places to tell apart, each of its maps is constant";
    return limn_format(out, "%s (%s) explains `%s` by layer `%s` (%zu x %zu x %zu)%s", m->name, m->flavour,
                       o->output.name, l->name, l->out.dim[0], l->out.dim[1], l->out.dim[2], warning);
}

size_t limn_attribute_zeros(const float *map, size_t n, size_t size) {
    size_t zeros = 0;
    for (size_t i = 0; i < n; i++, map += size) {
        size_t k = 0;
        while (k < size && map[k] == 0) k++;
        zeros += k == size;
    }
    return zeros;
}
