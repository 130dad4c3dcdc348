/* Values out of a Keras configuration: typed, ranged, and with a sentence where they are of another kind.
 * Threading: pure functions. Strings stay the JSON's. */
#include <math.h>
#include <string.h>

#include "base/try.h"
#include "base/utf8.h"
#include "model/keras.h"

enum { MAX_VALUES = 1 << 19 };
enum { MAX_INT = 1 << 30 }; /* no size in a network comes near; sums of a few cannot overflow an int64 */

/* cJSON takes 64 bytes for a value of two, `0,`: half a million values are eight times those of the largest network. */
limn_status keras_parse(cJSON **out, const char *json, size_t n) {
    size_t values = 0;
    *out = NULL;
    for (size_t i = 0; i < n; i++) values += json[i] == ',' || json[i] == '[' || json[i] == '{';
    if (values > MAX_VALUES) return limn_fail(LIMN_EINPUT, "its configuration has more than %d values", MAX_VALUES);
    *out = cJSON_ParseWithLength(json, n);
    return *out ? LIMN_OK : limn_fail(LIMN_EINPUT, "its configuration is not JSON");
}

const cJSON *keras_given(const cJSON *o, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return v && !cJSON_IsNull(v) ? v : NULL;
}

static limn_status as_int(const cJSON *v, const char *key, int *out) {
    if (!cJSON_IsNumber(v) || !(fabs(v->valuedouble) <= MAX_INT) || v->valuedouble != floor(v->valuedouble))
        return limn_fail(LIMN_EINPUT, "`%s` must be a whole number", key);
    *out = (int)v->valuedouble;
    return LIMN_OK;
}

limn_status keras_int(const cJSON *o, const char *key, int fallback, int *out) {
    const cJSON *v = keras_given(o, key);
    *out = fallback;
    return v ? as_int(v, key, out) : LIMN_OK;
}

limn_status keras_required_int(const cJSON *o, const char *key, int *out) {
    const cJSON *v = keras_given(o, key);
    return v ? as_int(v, key, out) : limn_fail(LIMN_EINPUT, "`%s` is missing in its configuration", key);
}

limn_status keras_pair(const cJSON *o, const char *key, int fallback, int out[2]) {
    const cJSON *v = keras_given(o, key);
    limn_status s = LIMN_OK;
    out[0] = out[1] = fallback;
    if (!v) return LIMN_OK;
    if (!cJSON_IsArray(v)) {
        s = as_int(v, key, &out[0]);
        out[1] = out[0];
        return s;
    }
    if (cJSON_GetArraySize(v) != 2) return limn_fail(LIMN_EINPUT, "`%s` must be one or two whole numbers", key);
    s = as_int(v->child, key, &out[0]);
    return s == LIMN_OK ? as_int(v->child->next, key, &out[1]) : s;
}

limn_status keras_ints(const cJSON *o, const char *key, int max, int *out, int *n) {
    const cJSON *v = keras_given(o, key), *each;
    limn_status s = LIMN_OK;
    *n = 0;
    if (!v) return LIMN_OK;
    if (!cJSON_IsArray(v)) {
        *n = 1;
        return as_int(v, key, out);
    }
    if (cJSON_GetArraySize(v) > max) return limn_fail(LIMN_EINPUT, "`%s` has more than %d numbers", key, max);
    cJSON_ArrayForEach(each, v) if (s == LIMN_OK) s = as_int(each, key, &out[(*n)++]);
    return s;
}

limn_status keras_bool(const cJSON *o, const char *key, int fallback, int *out) {
    const cJSON *v = keras_given(o, key);
    *out = v ? cJSON_IsTrue(v) : fallback;
    return !v || cJSON_IsBool(v) ? LIMN_OK : limn_fail(LIMN_EINPUT, "`%s` must be true or false", key);
}

limn_status keras_number(const cJSON *o, const char *key, double fallback, double *out) {
    const cJSON *v = keras_given(o, key);
    *out = v ? v->valuedouble : fallback;
    return !v || cJSON_IsNumber(v) ? LIMN_OK : limn_fail(LIMN_EINPUT, "`%s` must be a number", key);
}

limn_status keras_string(const cJSON *o, const char *key, const char *fallback, const char **out) {
    const cJSON *v = keras_given(o, key);
    *out = v ? v->valuestring : fallback;
    return !v || cJSON_IsString(v) ? LIMN_OK : limn_fail(LIMN_EINPUT, "`%s` must be a string", key);
}

limn_status keras_input_shape(const cJSON *list, int channels_first, limn_shape *out) {
    limn_status status = LIMN_OK;
    int dim[LIMN_MAX_RANK + 1], n = 0;
    const cJSON *v;
    if (!cJSON_IsArray(list)) FAIL(LIMN_EINPUT, "the shape of its input is not a list");
    cJSON_ArrayForEach(v, list) {
        if (n > LIMN_MAX_RANK) FAIL(LIMN_EINPUT, "its input has more than %d dimensions", (int)LIMN_MAX_RANK);
        if (n > 0 && cJSON_IsNull(v))
            FAIL(LIMN_EINPUT, "the size of its input is open: limn needs a network with a fixed one");
        dim[n] = 0;
        if (n > 0) TRY(as_int(v, "input shape", &dim[n]));
        if (n > 0 && dim[n] < 1) FAIL(LIMN_EINPUT, "its input has a dimension of %d", dim[n]);
        n++;
    }
    if (n == 4 && !channels_first)
        *out = (limn_shape){3, {(size_t)dim[3], (size_t)dim[1], (size_t)dim[2]}};
    else if (n >= 2 && n <= 4) {
        *out = (limn_shape){n - 1, {0}};
        for (int i = 1; i < n; i++) out->dim[i - 1] = (size_t)dim[i];
    } else
        FAIL(LIMN_EINPUT, "its input has %d dimensions, and not those of a picture, a sequence or a vector",
             n ? n - 1 : 0);
done:
    return status;
}

int keras_is_name(const char *s) {
    size_t left = strlen(s), n;
    if (left == 0 || left > KERAS_MAX_NAME) return 0;
    for (; left > 0; s += n, left -= n) {
        uint32_t c;
        n = limn_utf8(s, left, &c);
        if (n == 0 || c < 0x20 || c == 0x7f) return 0;
    }
    return 1;
}
