/* Orders: what people, or the switch itself, tell the running switch about one terminal or merchant
 * (aftersales 3, anomalies).
 *
 * Standing orders are in force until their time is out, the terminal has done what it is asked, was
 * told, or another order lifts them. Of each kind a subject has one of people and one of cases at
 * most, the latest of either, and both count: what a case asks for neither replaces nor lifts what
 * people have ordered. All of it is in the log: an order is carried out, and answered, once its row
 * is durable.
 *
 * Life:  given (event ORDER) -> in force -> done, over, or lifted
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/money.h"
#include "protocols/base/status.h"
#include "protocols/device_note.h"

#define ORDER_TEXT_BYTES_MAX 60 /* of field 63's text for the terminal: 30 Chinese characters */
#define ORDER_ACTOR_SIZE 33
#define ORDER_CASE_ACTOR "after-sales" /* who gives those of cases */
/* How long something is asked or told where no time is said: what a terminal cannot do must not be
 * asked of it for ever, before all that is due by itself. */
#define ORDER_LIFE_DAYS 7
#define ORDER_LIFE_US (ORDER_LIFE_DAYS * INT64_C(86400000000))
/* Terminals and merchants that have orders at once. Each was given by somebody for a reason; so
 * many that nobody can keep them in mind are a fault of who gives them. */
#define ORDER_SUBJECT_COUNT_MAX 4096
/* The last of these places are kept free for what protects money, LIMIT, HOLD and STOP: a fleet
 * that is asked or told something must not keep the one terminal from being stopped. */
#define ORDER_SUBJECT_KEPT_COUNT 256
#define ORDER_TIMES_MAX 9 /* a cashier who was told nine times knows */

/* X(NAME, word, subject, sentence). The standing ones first, as ORDER_STANDING_COUNT says. RELEASE
 * lifts HOLD, RESUME lifts STOP and LIMIT, WITHDRAW lifts what is asked and told: of people all, or
 * where it names a case what names one, too; of a case only what cases gave. */
#define ORDER_KIND_MAP(X)                                                                          \
    X(ASK_SIGNON, "ask_signon", TERMINAL, "ordered: the terminal is asked to sign on again")       \
    X(ASK_DOWNLOAD, "ask_download", TERMINAL,                                                      \
      "ordered: the terminal is asked to download its parameters")                                 \
    X(ASK_STATUS, "ask_status", TERMINAL, "ordered: the terminal is asked to upload its status")   \
    X(ASK_UPDATE, "ask_update", TERMINAL, "ordered: the terminal is asked to update its software") \
    X(TELL, "tell", TERMINAL, "ordered: the cashier is told a text")                               \
    X(LIMIT, "limit", EITHER, "ordered: single payments above an amount are refused")              \
    X(HOLD, "hold", MERCHANT, "ordered: the merchant's money is held back; payments go on")        \
    X(STOP, "stop", EITHER, "ordered: payments are refused; what undoes and settles is served")    \
    X(RELEASE, "release", MERCHANT, "ordered: the merchant's money is held back no longer")        \
    X(RESUME, "resume", EITHER, "ordered: neither stopped nor limited any longer")                 \
    X(WITHDRAW, "withdraw", TERMINAL, "ordered: the terminal is asked and told nothing any longer")

enum order_kind {
#define X(name, word, subject, text) ORDER_##name,
    ORDER_KIND_MAP(X)
#undef X
        ORDER_KIND_COUNT
};
#define ORDER_STANDING_COUNT ORDER_RELEASE

enum order_subject { ORDER_SUBJECT_TERMINAL, ORDER_SUBJECT_MERCHANT, ORDER_SUBJECT_EITHER };

enum order_origin { ORDER_OF_PERSON, ORDER_OF_CASE, ORDER_ORIGIN_COUNT };

struct order {
    enum order_kind kind;
    enum order_origin origin;
    char terminal_id[9];  /* whose; empty: a merchant's */
    char merchant_id[16]; /* of a merchant's; of a terminal's it is looked up */
    int64_t until_us;     /* wall clock; 0: until it is lifted; of what is asked and
                             told: ORDER_LIFE_US */
    uint64_t case_id;     /* of after-sales; 0: none. Of a case: that one; people
                             may name one, too */
    struct money limit;   /* LIMIT: the highest single amount */
    char firmware[DEVICE_NOTE_FIRMWARE_SIZE]; /* ASK_UPDATE: the version that is wanted, or a newer
                                                one; empty: another than it has */
    uint8_t times;                            /* TELL: so often, 1 to ORDER_TIMES_MAX; 0 is 1 */
    uint8_t local_length, plain_length;       /* TELL: at least one of them */
    uint8_t local[ORDER_TEXT_BYTES_MAX];      /* in GBK */
    uint8_t plain[ORDER_TEXT_BYTES_MAX]; /* in printable ASCII, for who cannot show the other */
    char actor[ORDER_ACTOR_SIZE];        /* who gave it: printable, no blanks. Of a case:
                                            ORDER_CASE_ACTOR */
};

/* X(NAME, sentence): what became of one that was given. */
#define ORDER_ANSWER_MAP(X)                                                                        \
    X(TAKEN, "it is in force")                                                                     \
    X(MALFORMED, "it names no subject of its kind, or lacks what its kind needs")                  \
    X(SUBJECT_UNKNOWN, "no such terminal or merchant is registered")                               \
    X(PAST, "its time is over already")                                                            \
    X(NOTHING_TO_LIFT, "nothing of the kind is in force")                                          \
    X(NO_ROOM, "as many terminals and merchants have orders as may: lift some")

enum order_answer {
#define X(name, text) ORDER_ANSWER_##name,
    ORDER_ANSWER_MAP(X)
#undef X
        ORDER_ANSWER_COUNT
};

const char *order_kind_name(enum order_kind kind); /* "ask_signon" */
/* ORDER_KIND_COUNT: no kind is called so. */
enum order_kind order_kind_find(const char *name);
const char *order_kind_text(enum order_kind kind);
enum order_subject order_kind_subject(enum order_kind kind);
const char *order_answer_text(enum order_answer answer);
/* Whether it names a subject of its kind and says what its kind needs; time and registers aside. */
bool order_is_whole(const struct order *order);

/* --- in records --------------------------------------------------------------------------- */

/* An order in force. */
struct order_standing {
    struct order order;
    int64_t since_us;
    uint32_t software; /* ASK_UPDATE: hash of the version that it is to leave; 0: not yet known */
};
/* By origin: the one of a case needs no name. */
#define ORDER_NOTE_BYTES_MAX(origin) ((origin) == ORDER_OF_CASE ? 28 : 28 + ORDER_ACTOR_SIZE - 1)
/* Beside: of a LIMIT, an ASK_UPDATE and a TELL. */
#define ORDER_NOTE_LIMIT_BYTES 10
#define ORDER_NOTE_UPDATE_BYTES (5 + DEVICE_NOTE_FIRMWARE_SIZE - 1)
#define ORDER_NOTE_TEXT_BYTES_MAX (3 + 2 * ORDER_TEXT_BYTES_MAX)
/* The longest of all. What one subject may have in force fits the `answer` of a record
 * (order_book.c asserts it). */
#define ORDER_NOTE_SIZE_MAX (ORDER_NOTE_BYTES_MAX(ORDER_OF_PERSON) + ORDER_NOTE_TEXT_BYTES_MAX)

/* Appends an order to what a record keeps (README of store/); the subject stands in the record. */
void order_note_write(struct byte_writer *writer, const struct order_standing *standing);
/* Reads the next one, also of the version before, which knew no origin. STATUS_MALFORMED: it is
 * none that order_note_write() wrote. */
MUST_CHECK enum status order_note_read(struct byte_reader *reader, struct order_standing *standing);
