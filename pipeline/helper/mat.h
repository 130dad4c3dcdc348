/* The parts of limn-mat. */
#ifndef LIMN_HELPER_MAT_H
#define LIMN_HELPER_MAT_H

#include "helper/process.h"

/* Variables that are objects of MATLAB's own (networks, tables, categoricals, strings …), which libmatio cannot read. */
typedef struct {
    char name[128], why[256];
} mat_object;

typedef struct {
    mat_object *object;
    size_t n, room;
} mat_objects;

/* What a variable of this class needs a person to do. */
void mat_object_tell(mat_object *m, const char *name, const char *class);
/* Looks through the file of version 4 to 7 on descriptor 3, and refuses what is cut short; compressed variables of these
 * names (ends with NULL) are inflated as a whole, so that their checksums are checked. */
limn_status mat_objects_find(mat_objects *out, const answer *a, char **names) LIMN_CHECK;
int mat_objects_has(const mat_objects *o, const char *name);
void mat_objects_clear(mat_objects *o);

/* n characters of UTF-16's first plane, `step` apart, as UTF-8 without the blanks at the end, and a NUL; returns how many
 * bytes. `to` has room for 3 n + 1. */
size_t mat_text16(char *to, const uint16_t *from, size_t n, size_t step);

/* A file of version 7.3, which is HDF5: without names a list, else the variables of these names. */
limn_status mat73_read(answer *a, char **names) LIMN_CHECK;

#endif
