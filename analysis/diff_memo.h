/* A limn_diff that remembers its last vector-Jacobian products: methods and flavours that need the same gradient share
 * one backward pass without knowing of one another. See diff_memo.c. */
#ifndef LIMN_DIFF_MEMO_H
#define LIMN_DIFF_MEMO_H

#include "diff.h"

typedef struct limn_diff_memo limn_diff_memo;

/* Remembers up to `entries` products of at most `bytes` each (larger ones pass through). `inner` is borrowed and must
 * outlive the memo; while the memo is in use, forward() is called through it alone. */
limn_status limn_diff_memo_new(limn_diff_memo **out, const limn_diff *inner, int entries, size_t bytes) LIMN_CHECK;
void limn_diff_memo_free(limn_diff_memo *m);
const limn_diff *limn_diff_memo_diff(const limn_diff_memo *m); /* valid as long as the memo */

#endif
