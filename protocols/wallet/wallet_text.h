/* The texts that wallets are asked with: parameters in order, forms, JSON, yuan, times in China.
 *
 * Requests are written here rather than by a JSON or XML library: they are small and flat, and a
 * library would leave the customer's payment code behind in its heap. What wallets answer is read
 * by libraries.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define WALLET_PARAMETER_COUNT_MAX 64
#define WALLET_YUAN_SIZE 32
#define WALLET_TIME_SIZE 20 /* "2026-01-15 09:30:15" */

struct wallet_parameter {
    const char *name, *value; /* borrowed */
};

struct wallet_parameters {
    struct wallet_parameter items[WALLET_PARAMETER_COUNT_MAX];
    uint32_t count;
};

/* An empty value is left out, as wallets do not sign it. False: there is no room. */
MUST_CHECK bool wallet_parameters_add(struct wallet_parameters *parameters, const char *name,
                                      const char *value);
/* The value of the first parameter of that name; NULL: there is none. */
const char *wallet_parameters_find(const struct wallet_parameters *parameters, const char *name);
/* By ASCII name. */
void wallet_parameters_sort(struct wallet_parameters *parameters);
/* "a=1&b=2": values as they are. Those called `left_out` or `left_out_too` (either may be NULL) do
 * not appear. */
void wallet_parameters_join(const struct wallet_parameters *parameters, struct byte_writer *writer,
                            const char *left_out, const char *left_out_too);

/* application/x-www-form-urlencoded, UTF-8. */
void wallet_form_write(const struct wallet_parameters *parameters, struct byte_writer *writer);
/* Names and values are decoded into `arena` and end with 0. STATUS_MALFORMED: a broken escape, a
 * byte that cannot stand there, or a 0. STATUS_DUPLICATE: a name twice. STATUS_NO_ROOM. */
MUST_CHECK enum status wallet_form_read(struct wallet_parameters *parameters,
                                        struct byte_writer *arena, struct byte_view form);

/* Members of a JSON object that is being written; the comma before is found by what stands there.
 */
void wallet_json_text(struct byte_writer *writer, const char *name, const char *value);
void wallet_json_number(struct byte_writer *writer, const char *name, int64_t value);
/* "name":{ — the caller closes it. */
void wallet_json_open(struct byte_writer *writer, const char *name);

/* "8.88" for 888 fen; not negative. */
void wallet_yuan_write(char text[WALLET_YUAN_SIZE], int64_t minor);
/* "8.88", "8.8", "8" yuan. STATUS_MALFORMED: anything else; never rounded. */
MUST_CHECK enum status wallet_yuan_read(int64_t *minor, const char *text);

/* Time in China (UTC+8, no summer time) of seconds since 1970. */
void wallet_time_write(char text[WALLET_TIME_SIZE], int64_t wall_s);
