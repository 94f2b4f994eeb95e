/* See payment.h. */
#include "protocols/payment.h"

#include <stddef.h>
#include <string.h>

#include "protocols/base/require.h"

_Static_assert(PAYMENT_CARGO_BYTES_MAX <= UINT16_MAX, "cargo offsets fit their type");
_Static_assert(offsetof(struct payment, cargo_bytes) + PAYMENT_CARGO_BYTES_MAX <=
                   sizeof(struct payment),
               "the cargo ends the struct, so that a copy may stop early");

/* Names as they stand in files; a test holds them against the enumerators. */
static const char *const KIND_NAMES[PAYMENT_KIND_COUNT] = {
    [PAYMENT_UNKNOWN] = "unknown",
    [PAYMENT_SIGNON] = "signon",
    [PAYMENT_SIGNOFF] = "signoff",
    [PAYMENT_ECHO] = "echo",
    [PAYMENT_MASTER_KEY] = "master_key",
    [PAYMENT_PARAMETER] = "parameter",
    [PAYMENT_STATUS_UPLOAD] = "status_upload",
    [PAYMENT_CA_KEY_LIST] = "ca_key_list",
    [PAYMENT_CA_KEY] = "ca_key",
    [PAYMENT_AID_LIST] = "aid_list",
    [PAYMENT_AID] = "aid",
    [PAYMENT_DOWNLOAD_END] = "download_end",
    [PAYMENT_BIN_LIST] = "bin_list",
    [PAYMENT_BALANCE] = "balance",
    [PAYMENT_PURCHASE] = "purchase",
    [PAYMENT_VOID] = "void",
    [PAYMENT_REFUND] = "refund",
    [PAYMENT_PREAUTH] = "preauth",
    [PAYMENT_PREAUTH_INCREMENT] = "preauth_increment",
    [PAYMENT_PREAUTH_VOID] = "preauth_void",
    [PAYMENT_CAPTURE] = "capture",
    [PAYMENT_CAPTURE_VOID] = "capture_void",
    [PAYMENT_CAPTURE_ADVICE] = "capture_advice",
    [PAYMENT_OFFLINE_ADVICE] = "offline_advice",
    [PAYMENT_OFFLINE_SALE] = "offline_sale",
    [PAYMENT_CASH_LOAD] = "cash_load",
    [PAYMENT_OTHER_SALE] = "other_sale",
    [PAYMENT_OTHER_VOID] = "other_void",
    [PAYMENT_OTHER_QUERY] = "other_query",
    [PAYMENT_REVERSAL] = "reversal",
    [PAYMENT_SCRIPT_RESULT] = "script_result",
    [PAYMENT_SIGNATURE] = "signature",
    [PAYMENT_SETTLEMENT] = "settlement",
    [PAYMENT_BATCH_UPLOAD] = "batch_upload",
    [PAYMENT_KEY_CHANGE] = "key_change",
    [PAYMENT_CUT_OVER] = "cut_over",
};

static const char *const KIND_TEXTS[PAYMENT_KIND_COUNT] = {
#define X(name, is_reversible, text) [PAYMENT_##name] = (text),
    PAYMENT_KIND_MAP(X)
#undef X
};

static const bool KIND_REVERSIBLE[PAYMENT_KIND_COUNT] = {
#define X(name, is_reversible, text) [PAYMENT_##name] = (is_reversible),
    PAYMENT_KIND_MAP(X)
#undef X
};

const char *payment_kind_name(enum payment_kind kind)
{
    REQUIRE((unsigned)kind < PAYMENT_KIND_COUNT);
    return KIND_NAMES[kind];
}

const char *payment_kind_text(enum payment_kind kind)
{
    REQUIRE((unsigned)kind < PAYMENT_KIND_COUNT);
    return KIND_TEXTS[kind];
}

bool payment_kind_is_reversible(enum payment_kind kind)
{
    REQUIRE((unsigned)kind < PAYMENT_KIND_COUNT);
    return KIND_REVERSIBLE[kind];
}

enum payment_kind payment_kind_from_name(const char *name)
{
    REQUIRE(name != NULL);
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        if (strcmp(KIND_NAMES[kind], name) == 0) {
            return (enum payment_kind)kind;
        }
    }
    return PAYMENT_UNKNOWN;
}

void payment_clear(struct payment *payment)
{
    memset(payment, 0, offsetof(struct payment, cargo_bytes));
}

void payment_copy(struct payment *to, const struct payment *from)
{
    REQUIRE(from->cargo_length <= PAYMENT_CARGO_BYTES_MAX);
    memcpy(to, from, offsetof(struct payment, cargo_bytes) + from->cargo_length);
}

void payment_wipe(struct payment *payment)
{
    secret_wipe(payment, sizeof(*payment));
}

enum status payment_set_cargo(struct payment *payment, enum payment_cargo which,
                              struct byte_view value)
{
    REQUIRE((unsigned)which < PAYMENT_CARGO_COUNT);
    REQUIRE(payment->cargo_length <= PAYMENT_CARGO_BYTES_MAX);
    if (payment->cargo[which].length != 0) {
        return STATUS_DUPLICATE;
    }
    if (value.length > (uint32_t)PAYMENT_CARGO_BYTES_MAX - payment->cargo_length) {
        return STATUS_NO_ROOM;
    }
    if (value.length == 0) {
        return STATUS_OK;
    }
    payment->cargo[which].offset = payment->cargo_length;
    payment->cargo[which].length = (uint16_t)value.length;
    memcpy(payment->cargo_bytes + payment->cargo_length, value.bytes, value.length);
    payment->cargo_length = (uint16_t)(payment->cargo_length + value.length);
    return STATUS_OK;
}

struct byte_view payment_cargo(const struct payment *payment, enum payment_cargo which)
{
    REQUIRE((unsigned)which < PAYMENT_CARGO_COUNT);
    if (payment->cargo[which].length == 0) {
        return (struct byte_view){NULL, 0};
    }
    return (struct byte_view){payment->cargo_bytes + payment->cargo[which].offset,
                              payment->cargo[which].length};
}

/* One question for each of the seven codes; "1x", "0x" and "Ax" share their first character. */
bool payment_is_approval(const char response_code[3])
{
    const char second = response_code[0] == '\0' ? '\0' : response_code[1];
    switch (response_code[0]) {
    case '0':
        return second == '0';
    case '1':
        return second == '0' || second == '1';
    case 'A':
        return second == '2' || second == '4' || second == '5' || second == '6';
    default:
        return false;
    }
}
