/* Experiment files as text, for tests: what is good, what is refused, what was resolved. */
#ifndef LIMN_PARSED_H
#define LIMN_PARSED_H

#include <cjson/cJSON.h>

#include "config/experiment.h"

#define HEAD "model: m.h5\ndata: {images: i.gz}\n" /* two lines */

limn_experiment *good(const char *text);
void bad(const char *text, const char *sentence);
cJSON *resolved(const limn_experiment *e);
const cJSON *follow(const cJSON *o, const char *path);
char *repeated(const char *head, const char *piece, size_t n, const char *tail);

#endif
