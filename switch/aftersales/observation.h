/* What the switch has seen, in the order of the log: all that the watcher judges by.
 *
 * Each row of the log makes one observation at most, so the log read again gives the same ones.
 * TIME stands between them: the driver of the watcher puts one in at each hour that strikes, always
 * in order with the rows (watcher_time_due), so that what depends on silence is as repeatable as
 * what depends on rows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/pan.h"
#include "protocols/device_note.h"
#include "protocols/payment.h"

/* X(name, sentence) */
#define OBSERVATION_MAP(X)                                                                         \
    X(TIME, "time has passed; nothing was seen")                                                   \
    X(ASKED, "a request is about to be forwarded")                                                 \
    X(ENDED, "a request has its outcome: approved, declined, or unknown")                          \
    X(REFUSED, "the switch refused a request")                                                     \
    X(REVERSED, "something must be reversed")                                                      \
    X(UNDONE, "a reversal was acknowledged")                                                       \
    X(SIGNED_ON, "a terminal signed on")                                                           \
    X(SIGNED_OFF, "a terminal signed off")                                                         \
    X(SETTLED, "a terminal's totals were compared with ours")                                      \
    X(BATCH_ENDED, "a batch is closed")                                                            \
    X(STATUS, "a terminal told its state and parameters")                                          \
    X(SIGHTING, "the rim saw something that never became a request")                               \
    X(ODD, "something odd was seen and recorded: money, keys, clock")

enum observation_kind {
#define X(name, text) OBSERVATION_##name,
    OBSERVATION_MAP(X)
#undef X
        OBSERVATION_KIND_COUNT
};

/* X(name, sentence): finer than the kind; of ENDED, REFUSED, REVERSED, SIGHTING and ODD. */
#define OBSERVATION_DETAIL_MAP(X)                                                                  \
    X(NONE, "nothing more to say")                                                                 \
    X(APPROVED, "approved by the channel")                                                         \
    X(DECLINED, "declined by the channel")                                                         \
    X(UNKNOWN, "no answer from the channel in time")                                               \
    X(UNSENT, "no channel could take it")                                                          \
    X(BY_TERMINAL, "reversed by the terminal")                                                     \
    X(BY_SWITCH, "reversed by the switch: silence, mismatch, restart")                             \
    X(NOT_SIGNED_ON, "the terminal is not signed on")                                              \
    X(MERCHANT_MISMATCH, "the message names another merchant than the registry")                   \
    X(TERMINAL_STOPPED, "the terminal is stopped, or on the black list")                           \
    X(MERCHANT_STOPPED, "the merchant is stopped")                                                 \
    X(LISTED, "the card, or the code that was shown, is on the black list")                        \
    X(LIMITED, "above a limit")                                                                    \
    X(OTHER, "refused for another reason")                                                         \
    X(MAC_FAILED, "a message whose MAC is wrong")                                                  \
    X(MALFORMED, "bytes that are no message")                                                      \
    X(TLS_FAILED, "a TLS handshake that failed")                                                   \
    X(STRANGER, "a terminal that is not registered")                                               \
    X(TOTALS_EQUAL, "the totals are equal")                                                        \
    X(TOTALS_DIFFER, "the totals differ")                                                          \
    X(LATE_APPROVAL, "approved after the time-out")                                                \
    X(MISMATCH, "the answer does not fit its request")                                             \
    X(REVERSAL_UNFOUND, "a reversal was ended by code 25")                                         \
    X(OTHER_CONTENT, "the same key came with other content")                                       \
    X(UNDELIVERED, "a reversal or advice outlived its life")                                       \
    X(CLOCK_OFF, "the terminal's clock is off")                                                    \
    X(KEYS_LOST, "the terminal says that its keys are gone")                                       \
    X(OTHER_CARD, "it follows what was paid with another card")                                    \
    X(MERCHANT_LISTED, "the merchant is on the black list")                                        \
    X(CERTIFICATE_30, "the terminal's certificate ends within 30 days")                            \
    X(CERTIFICATE_14, "the terminal's certificate ends within 14 days")                            \
    X(CERTIFICATE_7, "the terminal's certificate ends within 7 days")

enum observation_detail {
#define X(name, text) OBSERVED_##name,
    OBSERVATION_DETAIL_MAP(X)
#undef X
        OBSERVED_COUNT
};

struct observation {
    enum observation_kind kind;
    enum observation_detail detail;
    uint64_t position; /* of the log's row; 0: TIME */
    int64_t wall_us;   /* event time */
    uint32_t count;    /* SIGHTING: how many it stands for; else 1 */
    enum payment_kind payment_kind;
    char terminal_id[9], merchant_id[16];
    char channel[16];
    uint32_t batch, stan;
    int64_t amount_minor;
    uint16_t currency;
    struct pan_hash pan_hash;
    char pan_masked[PAN_MASKED_SIZE];
    char entry_mode[4], response_code[3], mcc[5];
    char rrn[13];
    uint8_t card_credit; /* 1: credit, 2: debit, 0: not known */
    /* what the device told */
    uint32_t device_flags; /* enum device_note_flag */
    char serial[DEVICE_NOTE_SERIAL_SIZE], firmware[DEVICE_NOTE_FIRMWARE_SIZE];
    int32_t latitude_e3, longitude_e3; /* thousandths of a degree, some 100 m: finer is not kept */
    uint32_t cell;                     /* hash of the radio cell; 0: not told */
    uint8_t faulty;                    /* STATUS: bits as in switch/engine/upload.h */
    int32_t clock_ahead_s;             /* ODD, CLOCK_OFF */
};

const char *observation_kind_name(enum observation_kind kind); /* "SIGNED_ON" */
const char *observation_detail_name(enum observation_detail detail);
/* OBSERVATION_KIND_COUNT, OBSERVED_COUNT: no such name. */
enum observation_kind observation_kind_from_name(const char *name);
enum observation_detail observation_detail_from_name(const char *name);
