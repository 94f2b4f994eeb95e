/* A text for a cashier, as people and files have it (UTF-8), put into an order as terminals show
 * it: GBK, by the C library's iconv.
 */
#pragma once

#include <stdbool.h>

#include "switch/engine/order.h"

#define ORDER_TEXT_REASON_SIZE 160

/* `local` (UTF-8) and `plain` (printable ASCII) into the order; either may be NULL or empty, not
 * both. False: `reason` says which is too long or holds what cannot be shown. */
MUST_CHECK bool order_text_put(struct order *order, const char *local, const char *plain,
                               char reason[ORDER_TEXT_REASON_SIZE]);
/* The text of an order back in UTF-8, for people: `text` has 3 bytes for each of GBK, at least. */
#define ORDER_TEXT_SIZE (3 * ORDER_TEXT_BYTES_MAX + 1)
void order_text_get(const struct order *order, char text[ORDER_TEXT_SIZE]);
