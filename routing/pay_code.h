/* Payment codes: the digits that a customer's phone shows and the merchant scans. Their prefix and
 * length name who pays (Alipay 25 to 30 and 16 to 24 digits, WeChat Pay 10 to 15 and 18 digits,
 * UnionPay 62 and 19 digits).
 */
#pragma once

#include <stdbool.h>

#include "routing/bin_table.h"

/* False: a code of nobody known here. `code` ends with 0. */
bool pay_code_scheme(const char *code, enum card_scheme *scheme);
#define PAY_CODE_SIZE 25
/* Some code that is of that scheme, for a payment whose own code is not kept. False: customers of
 * that scheme show none. */
bool pay_code_sample(enum card_scheme scheme, char code[PAY_CODE_SIZE]);
/* Some code that begins with those two digits. False: nobody's do. */
bool pay_code_begin(const char *prefix, char code[PAY_CODE_SIZE]);
