/* What a terminal says apart from payments (unionpay-pos section 8): sign-on and sign-off, echo,
 * downloads, its own status, settlement and the upload of a batch. None of it carries a MAC
 * (section 4).
 */
#pragma once

#include <stdint.h>

#include "loadtest/pos_message.h"

#define POS_DETAIL_DIGITS 40   /* of one transaction in a batch upload */
#define POS_DETAIL_COUNT_MAX 8 /* in one message */

/* 0800; `management_code` 001, 003 or 004. */
struct byte_view pos_build_sign_on(struct pos_writer *writer, const struct pos_identity *identity,
                                   uint32_t stan, const char *management_code);

struct pos_management {
    const char *mti;             /* 0800, 0820 */
    const char *management_code; /* 60.3 */
    uint32_t stan;               /* 0: the message has none */
    struct byte_view custom_62;  /* length 0: none */
};
/* Sign-off, echo, downloads and their ends, status upload. */
struct byte_view pos_build_management(struct pos_writer *writer,
                                      const struct pos_identity *identity,
                                      const struct pos_management *management);

/* 0500/201: what the terminal's journal adds up to, as the 62 digits of field 48. */
struct byte_view pos_build_settlement(struct pos_writer *writer,
                                      const struct pos_identity *identity, uint32_t stan,
                                      const char *totals);
/* 0320/201 with details in `digits`; 0320/202 and 207, the end, with the count of all. */
struct byte_view pos_build_batch(struct pos_writer *writer, const struct pos_identity *identity,
                                 const struct pos_management *management, const char *digits);
/* 0320/203 to 206: one chip transaction, under the trace number it had. */
struct byte_view pos_build_batch_chip(struct pos_writer *writer,
                                      const struct pos_identity *identity,
                                      const char *management_code,
                                      const struct pos_request *request);
