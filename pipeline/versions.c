/* The versions of limn and of what it stands on: see versions.h. */
#include "versions.h"

#include <cJSON.h>
#include <gsl/gsl_version.h>
#include <openssl/crypto.h>
#include <png.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>
#include <zip.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "limn.h"
#include "nn/net.h"

static const char *limn_version(void) {
    return LIMN_VERSION;
}
static const char *png_version(void) {
    return png_get_libpng_ver(NULL);
}
static const char *gsl_version_text(void) {
    return gsl_version;
}
static const char *crypto_version(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const struct {
    const char *name;
    const char *(*version)(void);
} library[] = {
    {"limn", limn_version},         {"oneDNN", limn_engine_version},
    {"SQLite", sqlite3_libversion}, {"GSL", gsl_version_text},
    {"zlib", zlibVersion},          {"libzip", zip_libzip_version},
    {"cJSON", cJSON_Version},       {"libyaml", yaml_get_version_string},
    {"libpng", png_version},        {"OpenSSL", crypto_version},
};

int versions_get(int i, const char **name, const char **version) {
    if (i < 0 || (size_t)i >= COUNT_OF(library)) return 0;
    *name = library[i].name;
    *version = library[i].version();
    return 1;
}

limn_status versions_json(char **out) {
    cJSON *o = cJSON_CreateObject();
    const char *name, *version;
    *out = NULL;
    for (int i = 0; o && versions_get(i, &name, &version); i++) cJSON_AddStringToObject(o, name, version);
    char *text = o ? cJSON_PrintUnformatted(o) : NULL;
    cJSON_Delete(o);
    if (!text) return limn_fail(LIMN_ENOMEM, "no memory for the list of versions");
    limn_status s = limn_strdup(out, text);
    cJSON_free(text);
    return s;
}
