/* A file written whole or not at all: to a temporary name beside it, to the disk, then renamed into its place. */
#ifndef LIMN_REPLACE_H
#define LIMN_REPLACE_H

#include <stdio.h>

#include "base/status.h"

/* Writes the content; returns non-zero where it cannot (errno says why). */
typedef int (*limn_content_fn)(FILE *f, const void *ctx);

/* LIMN_EFAIL with the system's words where the file cannot be written; then what was there before is untouched. */
limn_status limn_replace_file(const char *path, limn_content_fn content, const void *ctx) LIMN_CHECK;

#endif
