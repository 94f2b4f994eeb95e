/* The transactions that a terminal begins at its keyboard, as unionpay-pos section 5 tells them
 * apart: message type, processing code, condition and type. Written from the scheme's table, not
 * from the switch's spec files.
 */
#pragma once

#include <stdint.h>

/* What a terminal does when no valid answer comes (unionpay-pos section 5, last column). */
enum pos_manner {
    POS_IS_REVERSED, /* 0400 until it is acknowledged */
    POS_IS_REPEATED, /* the same message again, before anything new */
    POS_IS_ENQUIRY   /* nothing was moved: nothing to be done */
};

/* Where it counts in a settlement (section 8). A change counts by the difference it makes. */
enum pos_side { POS_NEITHER, POS_DEBIT, POS_CREDIT, POS_CHANGE };

/* X(NAME, "name in profiles and receipts", "type in log and reconciliation", message type,
 *   processing code, condition, type, manner, side) */
#define POS_KIND_MAP(X)                                                                            \
    X(PURCHASE, "purchase", "purchase", "0200", "000000", "00", "22", IS_REVERSED, DEBIT)          \
    X(INSTALMENT, "instalment", "other_sale", "0200", "000000", "64", "22", IS_REVERSED, DEBIT)    \
    X(MAIL_ORDER, "mail_order", "other_sale", "0200", "000000", "08", "22", IS_REVERSED, DEBIT)    \
    X(VOID, "void", "void", "0200", "200000", "00", "23", IS_REVERSED, CREDIT)                     \
    X(INSTALMENT_VOID, "instalment_void", "other_void", "0200", "200000", "64", "23", IS_REVERSED, \
      CREDIT)                                                                                      \
    X(MAIL_ORDER_VOID, "mail_order_void", "other_void", "0200", "200000", "08", "23", IS_REVERSED, \
      CREDIT)                                                                                      \
    X(REFUND, "refund", "refund", "0220", "200000", "00", "25", IS_REPEATED, CREDIT)               \
    X(PREAUTH, "preauth", "preauth", "0100", "030000", "06", "10", IS_REVERSED, NEITHER)           \
    X(INCREMENT, "increment", "preauth_increment", "0100", "030000", "60", "10", IS_REVERSED,      \
      NEITHER)                                                                                     \
    X(PREAUTH_VOID, "preauth_void", "preauth_void", "0100", "200000", "06", "11", IS_REVERSED,     \
      NEITHER)                                                                                     \
    X(CAPTURE, "capture", "capture", "0200", "000000", "06", "20", IS_REVERSED, DEBIT)             \
    X(CAPTURE_VOID, "capture_void", "capture_void", "0200", "200000", "06", "21", IS_REVERSED,     \
      CREDIT)                                                                                      \
    X(CAPTURE_ADVICE, "capture_advice", "capture_advice", "0220", "000000", "06", "24",            \
      IS_REPEATED, DEBIT)                                                                          \
    X(BALANCE, "balance", "balance", "0200", "310000", "00", "01", IS_ENQUIRY, NEITHER)            \
    X(OFFLINE, "offline", "offline_advice", "0220", "000000", "00", "30", IS_REPEATED, DEBIT)      \
    X(ADJUSTMENT, "adjustment", "offline_advice", "0220", "000000", "00", "32", IS_REPEATED,       \
      CHANGE)                                                                                      \
    X(TIP, "tip", "offline_advice", "0220", "000000", "00", "34", IS_REPEATED, CHANGE)             \
    X(OFFLINE_SALE, "offline_sale", "offline_sale", "0200", "000000", "00", "36", IS_REPEATED,     \
      DEBIT)                                                                                       \
    X(SCRIPT_RESULT, "script_result", "script_result", "0620", "", "", "00", IS_REPEATED, NEITHER) \
    X(SIGNATURE, "signature", "signature", "0820", "", "", "07", IS_REPEATED, NEITHER)

enum pos_kind {
#define X(name, word, type, mti, processing, condition, code, manner, side) POS_##name,
    POS_KIND_MAP(X)
#undef X
        POS_KIND_COUNT
};

struct pos_kind_row {
    const char *name, *type, *mti;
    char answer_mti[5];
    const char *processing_code, *condition_code, *type_code;
    enum pos_manner manner;
    enum pos_side side;
};

/* REQUIREs a kind. */
const struct pos_kind_row *pos_kind_row(enum pos_kind kind);
/* POS_KIND_COUNT: none has that name. */
enum pos_kind pos_kind_from_name(const char *name);
