/* Rule files held against a log of a few payments: what moves, what is refused, what cannot be
 * judged, what each would have cost, and which line of a faulty file is wrong. */
#include <inttypes.h>
#include <sqlite3.h>
#include <unistd.h>

#include "switch/admin/dry_run.h"
#include "switch/admin/tally.h"
#include "switch/engine/engine.h"
#include "switch/versions/version_folder.h"
#include "tests/stage/log_stage.h"

#define NOON_US INT64_C(1789992000000000) /* 2026-09-21 12:00 UTC */
#define HOUR_US INT64_C(3600000000)

static struct log_stage stage;
static char folder[64];
static struct options_source source;
static char faults[DRY_RUN_FAULTS_SIZE];
static int64_t begin_us = NOON_US, end_us = NOON_US + HOUR_US; /* of a run */

static const struct {
    const char *name, *text;
} FILES[] = {
    {"tillway.yaml",
     "node: 0\nacquirer_id: 48021000\n"
     "listeners: [{name: plain, address: 127.0.0.1, port: 7001, dialect: unionpay-pos, framing: "
     "{length: binary_2, tpdu: true}}]\n"
     "channels:\n"
     "  - {name: bank_a, address: 127.0.0.1, port: 7101, dialect: iso8583-1987-ascii, kinds: "
     "[purchase, refund, void]}\n"
     "  - {name: bank_b, address: 127.0.0.1, port: 7102, dialect: iso8583-1987-ascii, kinds: "
     "[purchase, refund, void]}\n"
     "store: {folder: log}\n"
     "hsm: {module: soft, master_key: test, pin_policy: lab}\n"
     "tables: {bins: bins.csv, merchants: merchants.csv, terminals: terminals.csv, keys: "
     "keys.csv}\n"
     "routes: routes.yaml\nfees: fees.yaml\nspecs: specs\ncontrol: {socket: control.sock}\n"},
    {"bins.csv", "prefix,pan_digits,scheme,card_type,issuer\n"
                 "622202,19,unionpay,credit,1\n622202785,19,unionpay,debit,2\n"
                 "621094,16,unionpay,debit,3\n"},
    {"merchants.csv", "merchant_id,name,mcc,class,plan,amount_max,status\n"
                      "898290054110000,Noodles,5411,standard,SP1,,active\n"
                      "898290054110001,Books,5942,standard,SP1,,active\n"},
    {"terminals.csv", "terminal_id,merchant_id,status\n"
                      "10000001,898290054110000,active\n10000002,898290054110001,active\n"},
    {"routes.yaml", "routes:\n  - {when: {kind: purchase, amount_min: 10.00}, channels: [bank_a, "
                    "bank_b]}\n"},
    {"fees.yaml", "plans: {SP1: {rules: [{rate: 0.60%}]}}\n"
                  "cost: [{issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0%}}]\n"},
};

static void write_files(void)
{
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, FILES[i].name);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fputs(FILES[i].text, out) >= 0, 1);
        assert_int_equal(fclose(out), 0);
    }
}

/* A purchase at 0.60 %, 0.45 % of it the issuer's, as the files would have priced it. */
static struct record purchase(uint32_t seq, int64_t amount, const char *pan)
{
    struct record record = {.kind = RECORD_INTENT,
                            .wall_us = NOON_US + seq,
                            .txn = {1, seq},
                            .attempt = 1,
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "10000001",
                            .merchant_id = "898290054110000",
                            .batch = 1,
                            .stan = seq,
                            .amount = {amount, MONEY_CNY},
                            .entry_mode = "051",
                            .channel = "bank_a",
                            .mcc = "5411",
                            .merchant_fee = amount * 6 / 1000,
                            .issuer_fee = amount * 45 / 10000,
                            .fee_rule = 1,
                            .cost_rule = 2,
                            .fee_basis = "SP1 proportional unionpay credit standard ic 0"};
    snprintf(record.pan_masked, sizeof(record.pan_masked), "%s", pan);
    snprintf(record.rrn, sizeof(record.rrn), "00001%07" PRIu32, seq);
    return record;
}

static void add(struct record record, const char *code)
{
    log_stage_add(&stage, &record);
    if (code != NULL) {
        record.kind = RECORD_RESULT;
        record.reason = TXN_REASON_CHANNEL_ANSWERED;
        snprintf(record.response_code, sizeof(record.response_code), "%s", code);
        log_stage_add(&stage, &record);
    }
}

static void add_of_books(uint32_t seq, int64_t amount)
{
    struct record record = purchase(seq, amount, "621094******0060");
    memcpy(record.terminal_id, "10000002", 9);
    memcpy(record.merchant_id, "898290054110001", 16);
    add(record, "00");
}

/* Purchases 11 and 13 of another hour, voided and adjusted by 12 and 14 two hours later. */
static void add_changed_later(void)
{
    struct record bought = purchase(11, 50000, "621094******0060");
    bought.wall_us += 10 * HOUR_US;
    add(bought, "00");
    struct record cancel = bought;
    cancel.txn.seq = 12;
    cancel.wall_us += 2 * HOUR_US;
    cancel.payment_kind = PAYMENT_VOID;
    cancel.original = bought.txn;
    cancel.merchant_fee = cancel.issuer_fee = 0;
    cancel.fee_basis[0] = '\0';
    add(cancel, "00");
    bought.txn.seq = 13;
    add(bought, "00");
    struct record tipped = purchase(14, 60000, "621094******0060");
    tipped.wall_us += 12 * HOUR_US;
    tipped.payment_kind = PAYMENT_OFFLINE_ADVICE;
    tipped.original = bought.txn;
    add(tipped, "00");
}

/* 1 and 2 are approved purchases, 3 declined, 4 reversed, 5 refused for want of a route, 6 refused
 * for its MAC, 7 a refund of 1, 8 of a card that the BINs divide, 9 went to bank_b, 10 is too late.
 */
static int stage_set(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/tillway-dry-run-XXXXXX", sizeof("/tmp/tillway-dry-run-XXXXXX"));
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    write_files();
    static char path[128];
    snprintf(path, sizeof(path), "%s/tillway.yaml", folder);
    source = (struct options_source){.path = path};
    log_stage_set(&stage);
    add(purchase(1, 100000, "621094******0060"), "00");
    add_of_books(2, 200000);
    add(purchase(3, 300000, "621094******0060"), "51");
    add(purchase(4, 400000, "621094******0060"), "00");
    struct record reversal = purchase(4, 400000, "621094******0060");
    reversal.kind = RECORD_REVERSAL;
    reversal.original = reversal.txn;
    reversal.txn.seq = 40;
    log_stage_add(&stage, &reversal);
    log_stage_cut(&stage);
    struct record refused = purchase(5, 500, "621094******0060");
    refused.kind = RECORD_REFUSED;
    refused.reason = TXN_REASON_NO_ROUTE;
    refused.channel[0] = '\0';
    refused.fee_basis[0] = '\0';
    log_stage_add(&stage, &refused);
    refused.txn.seq = 6;
    refused.reason = TXN_REASON_NOT_SIGNED_ON;
    log_stage_add(&stage, &refused);
    struct record refund = purchase(7, 100000, "621094******0060");
    refund.payment_kind = PAYMENT_REFUND;
    refund.original = (struct txn_reference){1, 1};
    refund.fee_basis[0] = '\0';
    refund.merchant_fee = refund.issuer_fee = 0;
    add(refund, "00");
    add(purchase(8, 80000, "622202*********1234"), "00");
    struct record other = purchase(9, 90000, "621094******0060");
    memcpy(other.channel, "bank_b", 7);
    add(other, "00");
    struct record late = purchase(10, 100000, "621094******0060");
    late.wall_us += HOUR_US;
    add(late, "00");
    add_changed_later();
    return 0;
}

static int stage_strike(void **state)
{
    (void)state;
    log_stage_close(&stage);
    log_stage_strike(&stage);
    log_folder_strike(folder);
    return 0;
}

typedef enum status run_function(const struct dry_run *run, json_t **result,
                                 struct byte_writer *faults);

static enum status try_out(run_function *function, const char *name, const char *text,
                           json_t **result)
{
    static atomic_ullong rows;
    struct byte_writer writer;
    struct dry_run run = {.text = text,
                          .length = (uint32_t)strlen(text),
                          .from_us = begin_us,
                          .to_us = end_us,
                          .log = stage.folder,
                          .options = &source,
                          .rows = &rows};
    snprintf(run.name, sizeof(run.name), "%s", name);
    memset(faults, 0, sizeof(faults));
    byte_writer_init(&writer, faults, sizeof(faults) - 1);
    rows = 0;
    return function(&run, result, &writer);
}

static json_t *good(run_function *function, const char *text)
{
    json_t *result = NULL;
    enum status status = try_out(function, "tried.yaml", text, &result);
    assert_string_equal(faults, "");
    assert_int_equal(status, STATUS_OK);
    return result;
}

static int64_t total_of(const json_t *result, const char *verdict, const char *member)
{
    return tally_get(json_object_get(json_object_get(result, "totals"), verdict), member);
}

static bool says(const json_t *result, const char *words)
{
    const json_t *lines = json_object_get(result, "lines");
    for (size_t i = 0; i < json_array_size(lines); i++) {
        if (strstr(json_string_value(json_array_get(lines, i)), words) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_the_same_routes_move_nothing_but_what_went_around(void **state)
{
    (void)state;
    json_t *result = good(route_dry_run, FILES[4].text);
    assert_int_equal(total_of(result, "same", "count"), 5); /* 1 to 5 */
    assert_int_equal(total_of(result, "same", "amount"), 1000500);
    assert_int_equal(total_of(result, "following", "count"), 1);
    assert_int_equal(total_of(result, "untouched", "count"), 1);
    assert_int_equal(total_of(result, "doubtful", "count"), 1);
    assert_int_equal(total_of(result, "moved", "count"), 1); /* 9: bank_a must have been down */
    const json_t *move = json_array_get(json_object_get(result, "moves"), 0);
    assert_int_equal(tally_get(move, "as_present"), 1);
    assert_true(says(result, "bank_b -> bank_a: 1 (900.00 CNY), such as 000010000009"));
    assert_true(says(result, "by the configuration's own file, too"));
    assert_true(says(result, "not judged: cards that begin with the known digits lie in more than "
                             "one BIN range: 1 (800.00 CNY), such as 000010000008"));
    json_decref(result);
}

static void test_other_routes_tell_what_moves_and_what_is_refused_or_taken(void **state)
{
    (void)state;
    json_t *result = good(route_dry_run,
                          "routes:\n"
                          "  - {when: {merchant: 898290054110001, amount_max: 1000.00}, channels: "
                          "[bank_b]}\n"
                          "  - {when: {merchant: 898290054110000}, channels: [bank_b]}\n");
    assert_int_equal(total_of(result, "moved", "count"), 3); /* 1, 3, 4 */
    assert_int_equal(total_of(result, "moved", "amount"), 800000);
    assert_int_equal(total_of(result, "same", "count"), 1); /* 9 */
    assert_int_equal(total_of(result, "refused", "count"), 1);
    assert_int_equal(total_of(result, "taken", "count"), 1); /* 5 */
    assert_true(says(result, "bank_a -> bank_b: 3 (8000.00 CNY), such as 000010000001"));
    assert_true(says(result, "bank_a -> refused: no route rule fits this payment: 1"));
    assert_true(says(result, "refused -> bank_b: 1 (5.00 CNY)"));
    const json_t *merchants = json_object_get(result, "merchants");
    assert_int_equal(json_array_size(merchants), 2);
    const json_t *noodles = json_array_get(merchants, 0);
    assert_string_equal(json_string_value(json_object_get(noodles, "merchant_id")),
                        "898290054110000");
    assert_int_equal(tally_get(noodles, "count"), 8);
    assert_int_equal(tally_get(noodles, "moved"), 3);
    json_decref(result);
}

static void test_a_rule_on_more_digits_than_the_log_keeps_is_no_guess(void **state)
{
    (void)state;
    json_t *result =
        good(route_dry_run, "routes:\n  - {when: {bin: 62109477}, channels: [bank_b]}\n"
                            "  - {channels: [bank_a]}\n");
    assert_int_equal(total_of(result, "doubtful", "count"), 7); /* of all that could be judged */
    assert_true(says(result, "a route rule looks at digits of the card number"));
    json_decref(result);
}

static void test_faults_of_the_file_are_told_with_its_name_and_line(void **state)
{
    (void)state;
    json_t *result = NULL;
    assert_int_equal(
        try_out(route_dry_run, "mine.yaml", "routes:\n  - {channels: [bank_x]}\n", &result),
        STATUS_BAD_VALUE);
    assert_null(result);
    assert_memory_equal(faults, "mine.yaml:2:", strlen("mine.yaml:2:"));
    assert_non_null(strstr(faults, "bank_x"));
    assert_int_equal(try_out(route_dry_run, "mine.yaml",
                             "routes:\n  - {when: {merchant: nobody}, channels: [bank_a]}\n",
                             &result),
                     STATUS_BAD_VALUE);
    assert_memory_equal(faults, "mine.yaml:2: merchant", strlen("mine.yaml:2: merchant"));
    assert_int_equal(
        try_out(fee_dry_run, "fees2.yaml", "plans: {SP1: {rules: [{rate: 0.60}]}}\n", &result),
        STATUS_BAD_VALUE);
    assert_memory_equal(faults, "fees2.yaml:1:", strlen("fees2.yaml:1:"));
}

static void test_the_same_fees_make_no_difference(void **state)
{
    (void)state;
    json_t *result = good(fee_dry_run, FILES[5].text);
    const json_t *totals = json_object_get(result, "totals");
    assert_int_equal(tally_get(totals, "count"), 4); /* 1, 2, 8, 9 */
    assert_int_equal(tally_get(totals, "amount"), 470000);
    assert_int_equal(tally_get(totals, "charged_fee"), 2820);
    assert_int_equal(tally_get(totals, "tried_fee"), 2820);
    assert_int_equal(tally_get(totals, "changed"), 0);
    assert_true(says(result, "1 refunds give back"));
    json_decref(result);
}

static void test_other_fees_are_told_by_merchant_with_their_losses(void **state)
{
    (void)state;
    json_t *result =
        good(fee_dry_run, "plans: {SP1: {rules: [{rate: 0.40%}, {mcc: 5942, rate: 0.70%}]}}\n"
                          "cost: [{issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0%}}]\n");
    const json_t *merchants = json_object_get(result, "merchants");
    assert_int_equal(json_array_size(merchants), 1 + 1);
    const json_t *noodles = json_array_get(merchants, 0); /* the larger difference */
    assert_string_equal(json_string_value(json_object_get(noodles, "merchant_id")),
                        "898290054110000");
    assert_int_equal(tally_get(noodles, "count"), 3);
    assert_int_equal(tally_get(noodles, "charged_fee"), 1620);
    assert_int_equal(tally_get(noodles, "tried_fee"), 1080);
    assert_int_equal(tally_get(noodles, "difference"), -540);
    assert_int_equal(tally_get(noodles, "tried_losses"), 3);
    assert_int_equal(tally_get(noodles, "tried_loss"), 135); /* 0.05 % of 2,700.00 */
    const json_t *plan = json_array_get(json_object_get(result, "plans"), 0);
    assert_string_equal(json_string_value(json_object_get(plan, "plan")), "SP1");
    assert_int_equal(tally_get(plan, "difference"),
                     tally_get(json_object_get(result, "totals"), "difference"));
    assert_true(says(result, "merchants paid 28.20 CNY"));
    json_decref(result);
}

/* Totals of fees over hours after noon. */
static json_t *fees_of_hours(int64_t from, int64_t to)
{
    begin_us = NOON_US + from * HOUR_US;
    end_us = NOON_US + to * HOUR_US;
    json_t *result = good(fee_dry_run, FILES[5].text);
    begin_us = NOON_US;
    end_us = NOON_US + HOUR_US;
    json_t *totals = json_incref(json_object_get(result, "totals"));
    json_decref(result);
    return totals;
}

static void test_what_was_changed_after_the_end_costs_what_it_costs_now(void **state)
{
    (void)state;
    json_t *bought = fees_of_hours(10, 11), *changed = fees_of_hours(12, 13),
           *both = fees_of_hours(10, 13);
    assert_int_equal(tally_get(bought, "count"), 0); /* one voided, one adjusted */
    assert_int_equal(tally_get(changed, "count"), 1);
    assert_int_equal(tally_get(changed, "charged_fee"), 360);
    static const char *const MEMBERS[] = {"count", "amount", "charged_fee", "tried_fee"};
    for (size_t i = 0; i < COUNT_OF(MEMBERS); i++) {
        assert_int_equal(tally_get(bought, MEMBERS[i]) + tally_get(changed, MEMBERS[i]),
                         tally_get(both, MEMBERS[i]));
    }
    json_decref(bought);
    json_decref(changed);
    json_decref(both);
}

static void test_a_plan_that_is_gone_leaves_its_transactions_unpriced(void **state)
{
    (void)state;
    json_t *result =
        good(fee_dry_run, "plans: {SP2: {rules: [{rate: 0.40%}]}}\n"
                          "cost: [{issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0%}}]\n");
    assert_int_equal(tally_get(json_object_get(result, "totals"), "count"), 0);
    assert_true(says(result, "not priced: the plan that it was charged by is not in the file"));
    json_decref(result);
}

/* The file of the configuration does not count once a version's copy is in force. */
static void test_routes_are_held_against_the_version_in_force(void **state)
{
    static const char ROUTES[] = "routes:\n  - {channels: [bank_b]}\n";
    char reason[RULE_VERSION_REASON_SIZE], command[256];
    bool is_taken;
    struct rule_version version = {.number = 1, .turn = 1};
    (void)state;
    struct version_folder *versions = version_folder_open(stage.folder, &is_taken, reason);
    assert_non_null(versions);
    assert_int_equal(version_folder_stage(versions, reason), STATUS_OK);
    assert_int_equal(version_folder_stage_file(versions, RULE_FILE_ROUTES, ROUTES,
                                               sizeof(ROUTES) - 1, &version, reason),
                     STATUS_OK);
    assert_int_equal(version_folder_keep(versions, &version, reason), STATUS_OK);
    version_folder_close(versions);
    json_t *result = good(route_dry_run, FILES[4].text);
    const json_t *move = json_array_get(json_object_get(result, "moves"), 0);
    assert_int_equal(tally_get(move, "count"), 1);
    assert_int_equal(tally_get(move, "as_present"), 0);
    json_decref(result);
    snprintf(command, sizeof(command), "rm -rf '%.200s/versions'", stage.folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_routes_move_nothing_but_what_went_around),
        cmocka_unit_test(test_other_routes_tell_what_moves_and_what_is_refused_or_taken),
        cmocka_unit_test(test_a_rule_on_more_digits_than_the_log_keeps_is_no_guess),
        cmocka_unit_test(test_faults_of_the_file_are_told_with_its_name_and_line),
        cmocka_unit_test(test_the_same_fees_make_no_difference),
        cmocka_unit_test(test_other_fees_are_told_by_merchant_with_their_losses),
        cmocka_unit_test(test_what_was_changed_after_the_end_costs_what_it_costs_now),
        cmocka_unit_test(test_a_plan_that_is_gone_leaves_its_transactions_unpriced),
        cmocka_unit_test(test_routes_are_held_against_the_version_in_force),
    };
    return cmocka_run_group_tests(tests, stage_set, stage_strike);
}
