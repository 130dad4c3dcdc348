/* One character of UTF-8. Threading: no state. */
#ifndef LIMN_UTF8_H
#define LIMN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character at p, of which n bytes may be read; 0 where there is none (no overlong forms, no
 * surrogates, nothing above U+10FFFF). *code = its code point, where code is not NULL. A NUL is a character. */
size_t limn_utf8(const void *p, size_t n, uint32_t *code);

#endif
