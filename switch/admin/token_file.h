/* Operators' bearer tokens. A token is `twy_NAME_SECRET` with 32 random bytes of secret; the file
 * keeps only NAME, role, scope (scope.h) and a scrypt hash (RFC 7914), one line each:
 *
 *   NAME:ROLE:N:r:p:SALT:HASH[:SCOPE]        (salt and hash in hex)
 *
 * The file must be its owner's alone (0600). A hash costs 16 MiB and some 50 ms, so a token that
 * was right once is remembered by its SHA-256 until the file changes, and the caller says whether
 * a new one may be tried now.
 *
 * Life:  token_file_open -> token_check ... -> token_file_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/admin/role.h"
#include "switch/admin/scope.h"

#define TOKEN_NAME_SIZE 32
#define TOKEN_TEXT_SIZE 128 /* of a whole token */
#define TOKEN_COUNT_MAX 64
#define TOKEN_REASON_SIZE 512

struct token_file;

struct token_holder {
    char name[TOKEN_NAME_SIZE];
    enum role role;
    struct scope scope; /* of after-sales and risk; else nothing is given */
};

/* NULL: `reason` says what is wrong with which line. An empty path or an absent file holds no
 * token: every call that needs one is denied. */
struct token_file *token_file_open(const char *path, char reason[TOKEN_REASON_SIZE]);
void token_file_close(struct token_file *file);

enum token_answer {
    TOKEN_RIGHT,
    TOKEN_WRONG,
    TOKEN_UNTRIED /* not remembered, and `may_derive` forbade to find out */
};

/* Whose token it is; any thread. Reads the file again when it has changed; a faulty one then
 * holds no token. */
enum token_answer token_check(struct token_file *file, const char *token, bool may_derive,
                              struct token_holder *holder);

/* Adds a line, made if the file is absent, and gives the token, this once.
 * STATUS_BAD_VALUE: a name of other characters than a-z 0-9 -, or too long; a scope of a role
 * that follows up no cases. STATUS_DUPLICATE: the
 * name has a token. STATUS_BROKEN: the file; `reason` says. */
MUST_CHECK enum status token_add(const char *path, const struct token_holder *holder,
                                 char token[TOKEN_TEXT_SIZE], char reason[TOKEN_REASON_SIZE]);
/* STATUS_NOT_FOUND, STATUS_BROKEN. */
MUST_CHECK enum status token_remove(const char *path, const char *name,
                                    char reason[TOKEN_REASON_SIZE]);
