/* Picture files as a data set: one or several, in the order given, decoded when they are asked for; and what every source
 * of pictures begins with. */
#include <stdio.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/image.h"
#include "data/reader.h"

limn_status reader_read_picture(const data_source *s, size_t i, limn_image *m) {
    return limn_image_read(m, s->path[i]);
}

limn_status reader_begin_pictures(data_source *s, const limn_data_options *o, const char *format) {
    limn_status status = LIMN_OK;
    limn_image m = {0};
    TRY(s->reader->picture(s, 0, &m));
    if (o->pre.exif) TRY(limn_image_orient(&m));
    s->W = m.w;
    s->H = m.h;
    s->bytes = 1;
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        FAIL(LIMN_EINPUT, "%s: a picture becomes gray (1 channel) or RGB (3), but %d are wanted", s->path[0],
             o->channels);
    s->C = o->channels ? (size_t)o->channels : (size_t)m.channels;
    snprintf(s->format, sizeof s->format, "%s%s", format, m.format);
done:
    limn_image_clear(&m);
    return status;
}

limn_status reader_open_pictures(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    TRY(limn_new(&s->path, o->n_images, sizeof *s->path));
    s->count = o->n_images;
    for (size_t i = 0; i < s->count; i++) TRY(limn_strdup(&s->path[i], o->images[i]));
    TRY(reader_begin_pictures(s, o, ""));
done:
    return status;
}
