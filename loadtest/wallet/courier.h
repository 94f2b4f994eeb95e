/* Carries notifies to the switch's notify port over TLS, until it says that it has them: Alipay by
 * the text "success", WeChat Pay by 200 or 204. What is not taken comes again after the next gap of
 * the ladder (book.h).
 *
 * One thread of its own; it also lets time pass for orders that wait. A notify may be befallen as a
 * call may (OPERATION_NOTIFY): a wrong signature, a skewed time, or none is sent.
 *
 * Life:  courier_start -> ... -> courier_stop
 */
#pragma once

#include "loadtest/wallet/gateway.h"

struct courier_setup {
    struct gateway *gateway;           /* borrowed */
    const char *ca;                    /* PEM file: who may vouch for the notify port */
    void (*on_broken)(void *argument); /* the books cannot be kept; from the courier's thread */
    void *argument;
};

struct courier;

struct courier *courier_start(const struct courier_setup *setup); /* NULL: no memory, no thread */
void courier_stop(struct courier *courier); /* what is under way is abandoned; NULL is nothing */
