/* A day's bill, as the wallets hand it out the next day: one line a payment and one a refund, then
 * their sums.
 *
 * WeChat Pay: a heading, lines with a back-quote before each value, a heading, one line of sums (v2
 * downloadbill, v3 tradebill). Alipay: lines of '#' around a table (trade bill). Both are UTF-8;
 * the real Alipay packs GBK into a zip.
 */
#pragma once

#include "loadtest/wallet/book.h"

/* Within the book. `begin_us`: the day's first microsecond. The caller's; NULL: no memory. */
char *bill_write(struct book *book, enum wallet wallet, int64_t begin_us);
