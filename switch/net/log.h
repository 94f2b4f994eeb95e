/* The structured log: one line an event, as JSON or plain text, never a wait in the writer's path.
 *
 * A writer formats its line straight into a slot of a bounded ring and goes on; a thread of the log
 * writes the slots out in bursts. When the ring is full the line is dropped and counted. Values of
 * card data have no field kind here but the masked one (I32).
 *
 *   LOG(LOG_WARN, "conn_closed", LOG_TEXT("reason", "half_message"), LOG_NUMBER("bytes", 17));
 *
 * Life:  log_open -> LOG ... -> log_close     (before log_open, LOG goes to stderr at once)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/pan.h"
#include "protocols/base/status.h"

/* X(name, word) */
#define LOG_WORD_MAP(X)                                                                            \
    X(DEBUG, "debug") X(INFO, "info") X(NOTICE, "notice") X(WARN, "warn") X(ERROR, "error")

enum log_level {
#define X(name, word) LOG_##name,
    LOG_WORD_MAP(X)
#undef X
};

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_PAN };

struct log_field {
    const char *name; /* lower case, without quotes */
    enum log_field_kind kind;
    union {
        const char *text; /* NULL: the field is left out */
        int64_t number;
        const struct pan *pan; /* written masked; left out when empty */
    };
};

#define LOG_TEXT(key, value) ((struct log_field){(key), LOG_FIELD_TEXT, {.text = (value)}})
#define LOG_NUMBER(key, value)                                                                     \
    ((struct log_field){(key), LOG_FIELD_NUMBER, {.number = (int64_t)(value)}})
#define LOG_PAN(key, value) ((struct log_field){(key), LOG_FIELD_PAN, {.pan = (value)}})
#define LOG(level, event, ...)                                                                     \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write((level), (event), log_fields_,                                               \
                      (uint32_t)(sizeof(log_fields_) / sizeof(log_fields_[0])));                   \
        }                                                                                          \
    } while (0)

struct log_setup {
    int descriptor; /* stays the caller's */
    bool is_plain;  /* else JSON lines */
    enum log_level level_min;
};

/* Starts the thread. STATUS_NO_MEMORY, STATUS_BROKEN. */
MUST_CHECK enum status log_open(const struct log_setup *setup);
/* Writes out what waits, ends the thread. */
void log_close(void);

void log_set_level(enum log_level level_min);
void log_set_form(bool is_plain);
bool log_is_on(enum log_level level);
/* Any thread. `event` names the line: lower case words joined by `_`. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               uint32_t field_count);
/* Waits until all lines so far are written, one second at most: before an abort. */
void log_drain(void);
uint64_t log_dropped_count(void);
