/* What wallets answer in JSON, read by jansson; and the raw text of one value, which Alipay signs.
 *
 * A tree loses the bytes it came from, and writing it out changes them; so the top object is walked
 * value by value, and jansson says how many bytes each took.
 */
#pragma once

#include <jansson.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define WALLET_JSON_BYTES_MAX 65536

/* One object and nothing behind it, no name twice. NULL: it is none. The caller's: json_decref. */
json_t *wallet_json_read(struct byte_view bytes);
/* The text of a member; "" when it is absent or no text. The object's. */
const char *wallet_json_find(const json_t *object, const char *name);
/* A whole number; `fallback` when the member is absent or none. A real is none. */
int64_t wallet_json_integer(const json_t *object, const char *name, int64_t fallback);

/* The object written anew without blanks, in its order; NULL: it is none, or no memory. The
 * caller's: free. What was signed so and does not verify as it came was written anew on its way. */
char *wallet_json_compact(struct byte_view bytes);

/* Two members of the top object, found without a tree: the raw bytes of the value called `node`, as
 * they stand, and the text of `sign`. STATUS_MALFORMED: no object, or bytes behind it.
 * STATUS_DUPLICATE: either twice. STATUS_MISSING: no such node. STATUS_NO_ROOM: a longer sign than
 * any. */
#define WALLET_JSON_SIGN_SIZE 1024
struct wallet_json_signed {
    struct byte_view node;            /* of the body */
    char sign[WALLET_JSON_SIGN_SIZE]; /* "": there is none */
};
MUST_CHECK enum status wallet_json_walk(struct wallet_json_signed *found, struct byte_view body,
                                        const char *node);
