/* One line of the log as text: JSON or plain, always whole, always ending with a line feed.
 */
#pragma once

#include "switch/net/log.h"

#define LOG_LINE_SIZE 1016u /* a slot of the ring with its head fills 1 KiB */

struct log_line_source {
    enum log_level level;
    const char *event;
    int64_t wall_us;
    bool is_plain;
};

/* Answers the length, final line feed included; no final 0. What does not fit is left out field by
 * field, and "cut" says so. Quotes, control characters and bytes above 127 in texts are escaped, so
 * that nothing a peer sends can forge a line. */
uint32_t log_line_format(char line[LOG_LINE_SIZE], const struct log_line_source *source,
                         const struct log_field *fields, uint32_t field_count);
