/* The versions of limn and of what it stands on. */
#ifndef LIMN_VERSIONS_H
#define LIMN_VERSIONS_H

#include "base/status.h"

/* *out = JSON object {"limn": "0.1.0", "oneDNN": "2.6.3", …}; the caller frees. */
limn_status versions_json(char **out) LIMN_CHECK;
/* The i-th library's name and version; 0 where there are no more. */
int versions_get(int i, const char **name, const char **version);

#endif
