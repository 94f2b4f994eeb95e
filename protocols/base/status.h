/* What a function answers when it could not do its work.
 *
 * The sign says whom to blame: negative is us, positive is the peer or the file being read.
 * Positive answers feed the terminal watch; negative ones wake an operator.
 */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))

#define STATUS_MAP(X)                                                                              \
    X(OK, 0, "ok")                                                                                 \
    X(NO_ROOM, -1, "a table, pool or buffer of fixed size is full")                                \
    X(CLOSED, -2, "the link or object is closed")                                                  \
    X(EXPIRED, -3, "the time allowed has passed")                                                  \
    X(NO_MEMORY, -4, "the operating system gave no memory")                                        \
    X(BROKEN, -5, "a call to the operating system or a library failed")                            \
    X(NOT_READY, -6, "not in a state to do this yet")                                              \
    X(MALFORMED, 1, "the bytes do not follow the format")                                          \
    X(BAD_VALUE, 2, "well-formed, but a value is outside its range")                               \
    X(DUPLICATE, 3, "the same thing was given twice")                                              \
    X(TRUNCATED, 4, "the bytes end before the item does")                                          \
    X(NOT_FOUND, 5, "no such item")                                                                \
    X(MISSING, 6, "a required item is absent")                                                     \
    X(UNKNOWN, 7, "an item that the format does not define")                                       \
    X(DENIED, 8, "not permitted")                                                                  \
    X(UNSUPPORTED, 9, "a known form that is not served here")

enum status {
#define X(name, value, text) STATUS_##name = (value),
    STATUS_MAP(X)
#undef X
};

/* The text of the map, for logs and for the admin port. Never NULL. */
const char *status_text(enum status status);
