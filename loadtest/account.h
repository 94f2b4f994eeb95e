/* What has become of one posting through those that follow it, and whether another may follow:
 * a bank's rules (the scheme's, not the switch's). Pure.
 *
 *   void        the whole amount in force, once, nothing else having followed
 *   refund      in parts, never more than is in force
 *   increment   adds to what a pre-authorisation holds
 *   capture     once, no more than 115 per cent of what is held; gives way when it is voided
 *   release     a pre-authorisation's void: all that is held, not after a completion
 *   change      an adjustment: a new amount in force
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ACCOUNT_CAPTURE_PERCENT 115

/* X(NAME) */
#define ACCOUNT_FOLLOW_MAP(X)                                                                      \
    X(NOTHING) X(VOID) X(REFUND) X(INCREMENT) X(CAPTURE) X(RELEASE) X(CHANGE)
enum account_follow {
#define X(name) ACCOUNT_##name,
    ACCOUNT_FOLLOW_MAP(X)
#undef X
};

struct account {
    int64_t in_force; /* amount, increments and adjustments in */
    int64_t refunded;
    uint32_t void_count, capture_count; /* 0 or 1 */
};

/* The response code for a follow-up of `amount`: 00; 22 its state forbids it; 64 the amount does.
 */
const char *account_check(const struct account *account, enum account_follow follow,
                          int64_t amount);
/* `sign` 1: it was posted; -1: it was reversed again. A change cannot be reversed. */
void account_apply(struct account *account, enum account_follow follow, int64_t amount, int sign);
