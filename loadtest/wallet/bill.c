/* What counts is when the money moved: a payment on its day of payment, a refund or a reversal on
 * its own. */
#include "loadtest/wallet/bill.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "loadtest/wallet/gateway.h"
#include "loadtest/wallet/wechat_word.h"

#define DAY_US INT64_C(86400000000)

struct bill {
    FILE *file;
    enum wallet wallet;
    int64_t begin_us;
    int64_t paid, refunded;
    uint32_t paid_count, refund_count;
};

/* A line of the bill: what moved. */
struct movement {
    const struct order *order;
    const char *refund_number, *refund_id; /* "": the payment itself */
    int64_t amount, at_us;
};

static void line_write(struct bill *bill, const struct movement *movement)
{
    char at[24], amount[24], total[24];
    const struct order *order = movement->order;
    bool is_refund = movement->refund_number[0] != '\0';
    time_write(movement->at_us, "%Y-%m-%d %H:%M:%S", at, sizeof at);
    yuan_write(movement->amount, amount);
    yuan_write(order->amount, total);
    if (bill->wallet == WALLET_WECHAT) {
        fprintf(bill->file, "`%s,`%s,`%s,`%s,`MICROPAY,`%s,`CNY,`%s,`%s,`%s,`%s,`%s\n", at,
                order->terminal_id, order->trade_number, order->number,
                is_refund ? "REFUND" : "SUCCESS", total, movement->refund_id,
                movement->refund_number, is_refund ? amount : "0.00", is_refund ? "SUCCESS" : "");
    } else {
        fprintf(bill->file, "%s,%s,%s,%s,%s,%s,%s%s,%s\n", order->trade_number, order->number,
                is_refund ? "refund" : "payment", at, order->terminal_id, total,
                is_refund ? "-" : "", amount, movement->refund_number);
    }
    *(is_refund ? &bill->refunded : &bill->paid) += movement->amount;
    (*(is_refund ? &bill->refund_count : &bill->paid_count))++;
}

static bool is_of_day(const struct bill *bill, int64_t at_us)
{
    return at_us >= bill->begin_us && at_us < bill->begin_us + DAY_US;
}

static void order_write(struct bill *bill, const struct order *order)
{
    struct movement movement = {order, "", "", order->amount, order->paid_us};
    if (is_of_day(bill, order->paid_us)) {
        line_write(bill, &movement);
    }
    for (const struct refund *refund = order->refunds; refund != NULL; refund = refund->next) {
        movement =
            (struct movement){order, refund->number, refund->id, refund->amount, refund->made_us};
        if (is_of_day(bill, refund->made_us)) {
            line_write(bill, &movement);
        }
    }
    if (order->state == ORDER_REVERSED && is_of_day(bill, order->ended_us)) {
        movement = (struct movement){order, "reversal", order->trade_number,
                                     order->amount - order->refunded, order->ended_us};
        line_write(bill, &movement);
    }
}

static void heading_write(const struct bill *bill)
{
    char day[16];
    time_write(bill->begin_us, "%Y-%m-%d", day, sizeof day);
    if (bill->wallet == WALLET_WECHAT) {
        fputs("time,device,transaction_id,out_trade_no,trade_type,trade_state,currency,total,"
              "refund_id,out_refund_no,refund,refund_state\n",
              bill->file);
    } else {
        fprintf(bill->file,
                "#trade bill of %s\n#----begin----\ntrade_no,out_trade_no,kind,time,terminal_id,"
                "total_amount,amount,out_request_no\n",
                day);
    }
}

static void sums_write(const struct bill *bill)
{
    char paid[24], refunded[24];
    yuan_write(bill->paid, paid);
    yuan_write(bill->refunded, refunded);
    if (bill->wallet == WALLET_WECHAT) {
        fprintf(bill->file, "payments,paid,refunds,refunded\n`%" PRIu32 ",`%s,`%" PRIu32 ",`%s\n",
                bill->paid_count, paid, bill->refund_count, refunded);
    } else {
        fprintf(bill->file,
                "#----end----\n#payments %" PRIu32 " of %s, refunds %" PRIu32 " of %s\n",
                bill->paid_count, paid, bill->refund_count, refunded);
    }
}

char *bill_write(struct book *book, enum wallet wallet, int64_t begin_us)
{
    char *text = NULL;
    size_t length = 0;
    struct bill bill = {
        .file = open_memstream(&text, &length), .wallet = wallet, .begin_us = begin_us};
    if (bill.file == NULL) {
        return NULL;
    }
    heading_write(&bill);
    for (struct order *order = NULL; (order = book_next(book, wallet, order)) != NULL;) {
        order_write(&bill, order);
    }
    sums_write(&bill);
    return fclose(bill.file) == 0 ? text : NULL;
}
