/* A wallet channel against tillway-wallet: each fault ends in the state that the wallets' rules
 * demand, in the wallet's book as with the engine. Each story is told of each wallet that can.
 */
#include "tests/unit/switch/channel/wallet_peer.h"

#include "switch/net/log.h"
#include "switch/net/trace.h"

/* --- stages ------------------------------------------------------------------------------- */

/* One process of wallets, with keys that take seconds to make, serves all stories. */
static struct stage wallets;

static int begin_wallets(void **state)
{
    (void)state;
    struct stage *stage = &wallets;
    log_set_level(LOG_ERROR);
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/tillway-test-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    snprintf(stage->binary, sizeof(stage->binary), TILLWAY_WALLET);
    stage->port = free_port();
    stage->control = free_port();
    for (uint32_t i = 0; i < COUNT_OF(stage->notify_ports); i++) {
        stage->notify_ports[i] = free_port(); /* what one wallet still owes is none of another's */
    }
    stage->loop = loop_create(0, 64);
    make_keys(stage);
    start_wallets(stage);
    return 0;
}

static int set_up_kind(void **state, enum wallet_kind kind)
{
    struct stage *stage = &wallets;
    stage->pace = *(const enum pace *)*state;
    *state = stage;
    stage->kind = kind;
    stage->notify_port = stage->notify_ports[kind];
    stage->response_count = 0;
    stage->last_stan_before = stage->next_stan;
    snprintf(stage->ca, sizeof(stage->ca), "%.60s/keys/tls_ca.crt", stage->folder);
    tell(stage, "/heal", "{}");
    start_channel(stage, &(struct wallet_setup){.name = NULL});
    return 0;
}

static int set_up_alipay(void **state)
{
    return set_up_kind(state, WALLET_ALIPAY);
}

static int set_up_v3(void **state)
{
    return set_up_kind(state, WALLET_WECHAT_V3);
}

static int set_up_v2(void **state)
{
    return set_up_kind(state, WALLET_WECHAT_V2);
}

static void remove_folder(const char *folder)
{
    static const char *const files[] = {"keys/alipay_app.key",
                                        "keys/alipay_app.pub",
                                        "keys/alipay.key",
                                        "keys/alipay.pub",
                                        "keys/wechat_merchant.key",
                                        "keys/wechat_merchant.crt",
                                        "keys/wechat_api_v3.key",
                                        "keys/wechat_v2.key",
                                        "keys/tls_ca.crt",
                                        "keys/tls_ca.key",
                                        "keys/tls_server.crt",
                                        "keys/tls_server.key",
                                        "keys/wechat_client.crt",
                                        "keys/wechat_client.key",
                                        "keys/notify_server.crt",
                                        "keys/notify_server.key",
                                        "keys/wechat_platform_1.crt",
                                        "keys/wechat_platform_1.key",
                                        "keys/wechat_platform_2.crt",
                                        "keys/wechat_platform_2.key",
                                        "keys/wechat_platform_3.crt",
                                        "keys/wechat_platform_3.key",
                                        "keys/wechat_platform_4.crt",
                                        "keys/wechat_platform_4.key",
                                        "wallet.db",
                                        "wallet.db-wal",
                                        "wallet.db-shm",
                                        "wallet.log"};
    char path[192];
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    snprintf(path, sizeof(path), "%s/keys", folder);
    rmdir(path);
    rmdir(folder);
}

static int tear_down(void **state)
{
    stop_channel(*state);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    end_wallets(&wallets);
    loop_destroy(wallets.loop);
    remove_folder(wallets.folder);
    return 0;
}

static uint64_t forged_count(struct stage *stage)
{
    struct channel_counts counts;
    channel_count(stage->channel, &counts);
    return counts.macs_failed;
}

static uint32_t waiting_count(struct stage *stage)
{
    struct channel_counts counts;
    channel_count(stage->channel, &counts);
    return counts.waiting;
}

/* --- payments ----------------------------------------------------------------------------- */

static void test_a_payment_is_paid(void **state)
{
    struct stage *stage = *state;
    struct payment payment = paid_purchase(stage);
    assert_book(stage, &payment, "paid", 0);
    expect_silence(stage, 400); /* its notify changes nothing */
    assert_int_equal(waiting_count(stage), 0);
}

static void test_a_refused_payment_is_declined_with_its_code(void **state)
{
    struct stage *stage = *state;
    static const struct {
        const char *refusal, *alipay, *wechat;
    } refusals[] = {{"balance", "51", "51"}, {"code", "14", "14"},    {"limit", "61", "61"},
                    {"risk", "57", "57"},    {"blocked", "03", "96"}, {"buyer", "57", "57"}};
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        char script[160];
        snprintf(script, sizeof(script),
                 "{\"operation\":\"pay\",\"faults\":[\"decline\"],\"refusal\":\"%s\"}",
                 refusals[i].refusal);
        tell(stage, "/script", script);
        struct payment payment = purchase(stage);
        forward(stage, &payment);
        expect_answer(stage, &payment,
                      stage->kind == WALLET_ALIPAY ? refusals[i].alipay : refusals[i].wechat);
    }
}

/* The buyer enters a password: paid when a query, or the notify, says so. */
static void test_userpaying_is_asked_for_until_it_is_paid(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"userpaying\"]}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "00");
    assert_book(stage, &payment, "paid", 0);
    expect_silence(stage, 300);
}

static void test_a_buyer_who_cannot_pay_is_declined(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"payerror\"]}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "57");
}

/* MICROPAY_PAYERROR: it failed, and the answer that says so comes too late or not at all. */
static void test_a_failure_told_too_late_is_declined_by_the_query(void **state)
{
    struct stage *stage = *state;
    static const char *const faults[] = {"late", "silent"};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char script[160];
        snprintf(script, sizeof(script), "{\"operation\":\"pay\",\"faults\":[\"payerror\",\"%s\"]}",
                 faults[i]);
        tell(stage, "/script", script);
        struct payment payment = purchase(stage);
        forward(stage, &payment);
        expect_answer(stage, &payment, "57");
        json_t *order = order_of(stage, &payment);
        assert_string_not_equal(json_string_value(json_object_get(order, "state")), "paid");
        json_decref(order);
    }
}

/* Whatever spoils the answer of a payment that came about: silence, and the query tells. */
static void test_a_spoilt_answer_is_silence_and_the_query_tells(void **state)
{
    struct stage *stage = *state;
    static const char *const faults[] = {"late", "silent",       "drop",
                                         "cut",  "server-error", "error-body"};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char script[160];
        snprintf(script, sizeof(script), "{\"operation\":\"pay\",\"faults\":[\"%s\"]}", faults[i]);
        tell(stage, "/script", script);
        struct payment payment = purchase(stage);
        forward(stage, &payment);
        expect_answer(stage, &payment, "00");
        assert_book(stage, &payment, "paid", 0);
    }
    expect_silence(stage, 1200); /* the late answer changes nothing */
}

static void test_a_wrong_signature_is_silence_and_an_alert(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"bad-signature\"]}");
    tell(stage, "/script", "{\"operation\":\"query\",\"faults\":[\"bad-signature\"]}");
    struct payment payment = purchase(stage);
    uint64_t before = forged_count(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "00");
    assert_true(forged_count(stage) >= before + 1);
    assert_book(stage, &payment, "paid", 0);
}

static void test_an_answer_of_another_time_is_none(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"skew\"]}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "00");
    assert_int_equal(forged_count(stage), 1);
}

static void test_notifies_before_and_twice_change_nothing(void **state)
{
    struct stage *stage = *state;
    static const char *const faults[] = {"notify-first", "notify-twice"};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char script[160], again[160], number[WALLET_ORDER_SIZE];
        snprintf(script, sizeof(script), "{\"operation\":\"pay\",\"faults\":[\"%s\"]}", faults[i]);
        tell(stage, "/script", script);
        struct payment payment = paid_purchase(stage);
        expect_silence(stage, 400);
        order_number(number, &payment);
        snprintf(again, sizeof(again), "{\"wallet\":\"%s\",\"out_trade_no\":\"%s\"}",
                 wallet_name(stage), number);
        tell(stage, "/notify", again);
        expect_silence(stage, 300);
        assert_book(stage, &payment, "paid", 0);
    }
}

/* One that does not verify is refused, so that it comes again; the next one is believed. */
static void test_a_forged_notify_is_refused_and_comes_again(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"silent\",\"query-fails\"]}");
    tell(stage, "/script", "{\"operation\":\"notify\",\"faults\":[\"bad-signature\"]}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "00");
    assert_int_equal(forged_count(stage), 1);
}

/* --- reversals ---------------------------------------------------------------------------- */

static void test_a_payment_nobody_makes_is_cancelled(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"never-paid\"]}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_silence(stage, 900);
    struct payment undo = reversal(stage, &payment, false);
    expect_undone(stage, &undo);
    assert_book(stage, &payment, "closed", 0);
    assert_int_equal(waiting_count(stage), 0);
}

/* The answer is lost and so are the queries: nobody knows, the engine reverses. */
static void test_what_cannot_be_found_out_is_undone(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"silent\"]}");
    tell(stage, "/script",
         "{\"operation\":\"query\",\"faults\":[\"query-fails\",\"server-error\"],"
         "\"count\":1000}");
    tell(stage, "/script", "{\"operation\":\"notify\",\"faults\":[\"silent\"],\"count\":1000}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_silence(stage, 1000);
    struct payment undo = reversal(stage, &payment, false);
    expect_undone(stage, &undo);
    json_t *order = order_of(stage, &payment);
    const char *end = json_string_value(json_object_get(order, "state"));
    int64_t refunded = json_integer_value(json_object_get(order, "refunded"));
    assert_true(strcmp(end, "reversed") == 0 || strcmp(end, "closed") == 0 ||
                refunded == payment.amount.minor);
    json_decref(order);
}

static void test_a_cancel_that_must_be_repeated_is(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"never-paid\",\"undo-again\"]}");
    tell(stage, "/script", "{\"operation\":\"undo\",\"faults\":[\"silent\"],\"skip\":2}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_silence(stage, 800);
    struct payment undo = reversal(stage, &payment, false);
    expect_undone(stage, &undo);
    assert_book(stage, &payment, "closed", 0);
}

static void test_a_payment_that_never_arrived_is_not_found(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"silent-before\"]}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_silence(stage, 900);
    struct payment undo = reversal(stage, &payment, false);
    forward(stage, &undo);
    expect_answer(stage, &undo, "25");
}

static void test_a_paid_order_is_refunded_in_full(void **state)
{
    struct stage *stage = *state;
    struct payment payment = paid_purchase(stage);
    struct payment undo = reversal(stage, &payment, true);
    expect_undone(stage, &undo);
    assert_book(stage, &payment, "paid", payment.amount.minor);
    expect_undone(stage, &undo); /* asked again, it is the same refund */
    assert_book(stage, &payment, "paid", payment.amount.minor);
    expect_silence(stage, 300);
}

static void test_a_refund_of_a_reversal_that_is_lost_is_made_once(void **state)
{
    struct stage *stage = *state;
    struct payment payment = paid_purchase(stage);
    tell(stage, "/script", "{\"operation\":\"refund\",\"faults\":[\"silent\"]}");
    struct payment undo = reversal(stage, &payment, true);
    expect_undone(stage, &undo);
    assert_book(stage, &payment, "paid", payment.amount.minor);
}

/* The payment is held at the wallet until the engine has given up; then it comes about. */
static void test_paid_after_the_engine_gave_up_is_told_and_undone(void **state)
{
    struct stage *stage = *state;
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"stall\"],\"ms\":1500}");
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    run_for(stage, 700);
    struct payment undo = reversal(stage, &payment, false);
    /* 25 as long as it is not there, then 00; it may not come about at all, since we hung up. */
    if (stage->response_count == 0 && !undo_until_done(stage, &undo)) {
        assert_false(wallet_knows(stage, &payment));
        return;
    }
    json_t *order = order_of(stage, &payment);
    const char *end = json_string_value(json_object_get(order, "state"));
    int64_t refunded = json_integer_value(json_object_get(order, "refunded"));
    assert_true(strcmp(end, "reversed") == 0 || strcmp(end, "closed") == 0 ||
                (strcmp(end, "paid") == 0 && refunded == payment.amount.minor));
    json_decref(order);
}

/* Nobody here knows the order any more: the notify alone says what the engine matches by. */
static void test_a_notify_after_a_restart_is_told(void **state)
{
    struct stage *stage = *state;
    char again[160], number[WALLET_ORDER_SIZE];
    struct payment payment = paid_purchase(stage);
    run_for(stage, 300);
    stop_channel(stage);
    start_channel(stage, &(struct wallet_setup){.name = NULL});
    order_number(number, &payment);
    snprintf(again, sizeof(again), "{\"wallet\":\"%s\",\"out_trade_no\":\"%s\"}",
             wallet_name(stage), number);
    tell(stage, "/notify", again);
    expect_answer(stage, &payment, "00");
    expect_silence(stage, 600); /* the wallet says so once more, and is believed to have said it */
}

/* --- refunds ------------------------------------------------------------------------------ */

static void test_refunds_are_made_once_whatever_is_lost(void **state)
{
    struct stage *stage = *state;
    static const char *const faults[] = {"silent", "server-error", "bad-signature", "drop"};
    struct payment payment = paid_purchase(stage);
    int64_t refunded = 0;
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char script[160];
        snprintf(script, sizeof(script), "{\"operation\":\"refund\",\"faults\":[\"%s\"]}",
                 faults[i]);
        tell(stage, "/script", script);
        struct payment refund = base_payment(stage, PAYMENT_REFUND);
        quote(&refund, &payment);
        refund.amount.minor = 1000 + (int64_t)i;
        forward(stage, &refund);
        expect_answer(stage, &refund, "00");
        refunded += refund.amount.minor;
        assert_book(stage, &payment, "paid", refunded);
        refund.is_repeat = 1;
        forward(stage, &refund); /* delivered again by the engine */
        expect_answer(stage, &refund, "00");
        assert_book(stage, &payment, "paid", refunded);
    }
}

static void test_a_void_pays_back_all(void **state)
{
    struct stage *stage = *state;
    struct payment payment = paid_purchase(stage);
    struct payment cancel = base_payment(stage, PAYMENT_VOID);
    quote(&cancel, &payment);
    forward(stage, &cancel);
    expect_answer(stage, &cancel, "00");
    assert_book(stage, &payment, "paid", payment.amount.minor);
}

static void test_more_than_was_paid_is_not_refunded(void **state)
{
    struct stage *stage = *state;
    struct payment payment = paid_purchase(stage);
    struct payment refund = base_payment(stage, PAYMENT_REFUND);
    quote(&refund, &payment);
    refund.amount.minor = payment.amount.minor + 1;
    forward(stage, &refund);
    const struct payment *answer = next_answer(stage);
    assert_string_not_equal(answer->response_code, "00");
    assert_book(stage, &payment, "paid", 0);
}

/* --- what an operator sees ---------------------------------------------------------------- */

static const struct trace_subject WATCHED = {TRACE_CHANNEL, "wallet"};

/* All that was kept of the watch, one text behind the other, each with "> " or "< " before it. */
static const char *traced(void)
{
    static char all[TRACE_KEPT_COUNT * 1024];
    struct trace_entry entry;
    struct trace_state now;
    bool has_entry = true;
    size_t length = 0;
    for (uint64_t after = 0; has_entry; after = entry.number) {
        assert_true(trace_read(&WATCHED, after, loop_now_ns(), &entry, &has_entry, &now));
        if (has_entry) {
            length += (size_t)snprintf(all + length, sizeof(all) - length, "%s %s\n%s",
                                       entry.is_sent ? ">" : "<", entry.note, entry.text);
            assert_true(length < sizeof(all));
        }
    }
    return all;
}

static void assert_told(const char *all, const char *part)
{
    if (strstr(all, part) == NULL) {
        fail_msg("\"%s\" does not stand in:\n%s", part, all);
    }
}

static bool is_notify_taken(struct stage *stage)
{
    (void)stage;
    return strstr(traced(), "> \nanswer to the notify: taken\n") != NULL;
}

static bool is_paid(struct stage *stage)
{
    return stage->response_count > 0;
}

static void test_a_watch_shows_questions_answers_and_notifies_and_no_code(void **state)
{
    struct stage *stage = *state;
    char number[WALLET_ORDER_SIZE], line[96];
    assert_int_equal(trace_begin(&WATCHED, 60, loop_now_ns()), STATUS_OK);
    struct payment payment = paid_purchase(stage);
    run_until(stage, stage->kind == WALLET_WECHAT_V2 ? is_paid : is_notify_taken);
    const char *all = traced();
    order_number(number, &payment);
    snprintf(line, sizeof(line), "out_trade_no         %s\n", number);
    assert_told(all, stage->kind == WALLET_ALIPAY ? line : number);
    assert_told(all, "> \nPOST ");
    assert_told(all, "auth_code");
    assert_told(all, "< \nHTTP status 200\n");
    if (stage->kind != WALLET_WECHAT_V2) {
        assert_told(all, "< \nnotify\n");
        assert_told(all, "> \nanswer to the notify: taken\n");
    }
    assert_null(strstr(all, payment.pay_code));
    trace_close();
}

/* What is wrong with an answer stands beside it. */
static void test_a_watch_says_what_is_wrong_with_an_answer(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(trace_begin(&WATCHED, 60, loop_now_ns()), STATUS_OK);
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"bad-signature\"]}");
    tell(stage, "/script", "{\"operation\":\"query\",\"faults\":[\"server-error\"]}");
    (void)paid_purchase(stage);
    run_for(stage, 300);
    const char *all = traced();
    assert_told(all, stage->kind == WALLET_ALIPAY ? "< the signature does not verify"
                     : stage->kind == WALLET_WECHAT_V3
                         ? "< the signature under certificate "
                         : "< the signature is missing or does not verify");
    assert_told(all, "HTTP status 200\n");
    trace_close();
}

/* --- keys, limits, outages ---------------------------------------------------------------- */

static uint64_t fetched_count(struct stage *stage)
{
    struct channel_counts counts;
    channel_count(stage->channel, &counts);
    return counts.signons;
}

static bool is_fetched(struct stage *stage)
{
    return fetched_count(stage) > 0;
}

static void test_certificates_are_fetched_at_start_and_change(void **state)
{
    struct stage *stage = *state;
    stop_channel(stage);
    start_channel(stage, &(struct wallet_setup){.platform_certificates_file = ""});
    run_until(stage, is_fetched);
    assert_int_equal(fetched_count(stage), 1);
    (void)paid_purchase(stage);
    tell(stage, "/rotate", "{}");
    (void)paid_purchase(stage);
}

static void test_an_unknown_certificate_is_fetched(void **state)
{
    struct stage *stage = *state;
    stop_channel(stage);
    tell(stage, "/script", "{\"operation\":\"certificates\",\"faults\":[\"server-error\"]}");
    tell(stage, "/script", "{\"operation\":\"notify\",\"faults\":[\"silent\"],\"count\":1000}");
    start_channel(stage, &(struct wallet_setup){.platform_certificates_file = ""});
    uint64_t before = forged_count(stage);
    (void)paid_purchase(stage); /* a query tells, when the certificate is there */
    assert_true(forged_count(stage) > before);
    assert_int_equal(fetched_count(stage), 1);
}

static void test_a_wallet_that_is_not_there_is_declined_at_once(void **state)
{
    struct stage *stage = *state;
    end_wallets(stage);
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "96");
    struct payment undo = reversal(stage, &payment, false);
    forward(stage, &undo);
    expect_silence(stage, 500); /* nobody can say */
    start_wallets(stage);
    payment = purchase(stage); /* and the undoing, asked again, may be answered before it */
    forward(stage, &payment);
    assert_string_equal(answer_to(stage, &payment)->response_code, "00");
}

static void test_a_host_that_others_vouch_for_is_none(void **state)
{
    struct stage *stage = *state;
    stop_channel(stage);
    snprintf(stage->ca, sizeof(stage->ca), "%.60s/keys/wechat_client.crt", stage->folder);
    start_channel(stage, &(struct wallet_setup){.name = NULL});
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "96");
}

/* Notifies are faster than the answers, and these free the connections. */
static void forward_when_there_is_room(struct stage *stage, const struct payment *payment)
{
    enum channel_answer answer = channel_forward(stage->channel, payment);
    for (uint32_t i = 0; i < 2000 && answer == CHANNEL_FULL; i++) {
        run_for(stage, 20);
        answer = channel_forward(stage->channel, payment);
    }
    assert_int_equal(answer, CHANNEL_QUEUED);
}

static void test_no_more_is_sent_than_connections_carry(void **state)
{
    struct stage *stage = *state;
    stop_channel(stage);
    start_channel(stage, &(struct wallet_setup){.connection_max = 2});
    tell(stage, "/script", "{\"operation\":\"pay\",\"faults\":[\"late\"],\"ms\":300,\"count\":2}");
    struct payment first = purchase(stage), second = purchase(stage), third = purchase(stage);
    forward(stage, &first);
    forward(stage, &second);
    assert_int_equal(channel_forward(stage->channel, &third), CHANNEL_FULL);
    stage->wanted = stage->response_count + 2;
    run_until(stage, is_answered);
    assert_string_equal(stage->responses[0].response_code, "00");
    assert_string_equal(stage->responses[1].response_code, "00");
    forward_when_there_is_room(stage, &third);
    expect_answer(stage, &third, "00");
}

static void test_what_no_wallet_can_do_is_not_sent(void **state)
{
    struct stage *stage = *state;
    struct payment payment = purchase(stage);
    payment.pay_code[0] = '\0';
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    payment = purchase(stage);
    payment.amount.currency = 840;
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    payment = base_payment(stage, PAYMENT_PREAUTH);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    payment = base_payment(stage, PAYMENT_REFUND); /* of nothing */
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
}

static void expect_fault(struct stage *stage, const struct wallet_setup *changes,
                         const char *expected)
{
    char reason[CHANNEL_REASON_SIZE];
    const struct channel_calls calls = {.argument = stage};
    const struct wallet_setup setup = stage_setup(stage, changes);
    assert_null(wallet_channel_create(stage->loop, &setup, &calls, reason));
    if (strstr(reason, expected) == NULL) {
        fail_msg("expected \"%s\", got \"%s\"", expected, reason);
    }
}

static void test_what_is_wrong_with_its_files_is_told_at_start(void **state)
{
    struct stage *stage = *state;
    char other[160];
    snprintf(other, sizeof(other), "%.60s/keys/wechat_client.key", stage->folder);
    expect_fault(stage, &(struct wallet_setup){.url = "https://localhost/path"},
                 "expected scheme and host alone");
    expect_fault(stage, &(struct wallet_setup){.url = "http://localhost"}, "wallet.url");
    expect_fault(stage, &(struct wallet_setup){.app_key_file = "/nowhere"},
                 "wallet.app_key: /nowhere");
    expect_fault(stage, &(struct wallet_setup){.app_key_file = other}, "RSA key of 2048 bits");
    expect_fault(stage, &(struct wallet_setup){.api_v3_key_file = other},
                 "expected 32 characters and nothing else");
    expect_fault(stage, &(struct wallet_setup){.ca_file = other}, "expected certificates in PEM");
    snprintf(other, sizeof(other), "%.60s/keys/alipay_app.key", stage->folder);
    expect_fault(stage, &(struct wallet_setup){.app_key_file = other},
                 "not the certificate of wallet.app_key");
}

#define TOLD_AT(pace, name, story)                                                                 \
    {                                                                                              \
#name ": " #story, story, set_up_##name, tear_down, &pace                                  \
    }
#define TOLD_OF_ALL_AT(pace, story)                                                                \
    TOLD_AT(pace, alipay, story), TOLD_AT(pace, v3, story), TOLD_AT(pace, v2, story)
#define TOLD_OF_NOTIFIERS_AT(pace, story) TOLD_AT(pace, alipay, story), TOLD_AT(pace, v3, story)
#define TOLD(name, story) TOLD_AT(patient, name, story)
#define TOLD_OF_ALL(story) TOLD_OF_ALL_AT(patient, story)
#define TOLD_OF_NOTIFIERS(story) TOLD_OF_NOTIFIERS_AT(patient, story)

/* A minute of stories is told where it is asked for (tests/system/wallet_faults.py); a few of them
 * with every other unit test. */
int main(int argc, char **argv)
{
    static enum pace patient = PACE_PATIENT, short_calls = PACE_SHORT_CALLS, hasty = PACE_SHORT;
    const struct CMUnitTest few[] = {
        TOLD_OF_ALL(test_a_payment_is_paid),
        TOLD_AT(short_calls, alipay, test_a_spoilt_answer_is_silence_and_the_query_tells),
        TOLD(v2, test_a_payment_nobody_makes_is_cancelled),
        TOLD(v3, test_a_paid_order_is_refunded_in_full),
        TOLD(v3, test_an_unknown_certificate_is_fetched),
        TOLD_OF_ALL(test_a_watch_shows_questions_answers_and_notifies_and_no_code),
        TOLD(alipay, test_a_wallet_that_is_not_there_is_declined_at_once),
    };
    const struct CMUnitTest tests[] = {
        TOLD_OF_ALL(test_a_payment_is_paid),
        TOLD_OF_ALL(test_a_refused_payment_is_declined_with_its_code),
        TOLD_OF_ALL_AT(hasty, test_userpaying_is_asked_for_until_it_is_paid),
        TOLD_OF_ALL_AT(hasty, test_a_buyer_who_cannot_pay_is_declined),
        TOLD_OF_ALL_AT(hasty, test_a_failure_told_too_late_is_declined_by_the_query),
        TOLD_OF_ALL_AT(short_calls, test_a_spoilt_answer_is_silence_and_the_query_tells),
        TOLD_OF_ALL(test_a_wrong_signature_is_silence_and_an_alert),
        TOLD(v3, test_an_answer_of_another_time_is_none),
        TOLD_OF_NOTIFIERS(test_notifies_before_and_twice_change_nothing),
        TOLD_OF_NOTIFIERS_AT(hasty, test_a_forged_notify_is_refused_and_comes_again),
        TOLD_OF_ALL(test_a_payment_nobody_makes_is_cancelled),
        TOLD_OF_ALL_AT(hasty, test_what_cannot_be_found_out_is_undone),
        TOLD_OF_ALL_AT(hasty, test_a_cancel_that_must_be_repeated_is),
        TOLD_OF_ALL_AT(hasty, test_a_payment_that_never_arrived_is_not_found),
        TOLD_OF_ALL(test_a_paid_order_is_refunded_in_full),
        TOLD_OF_ALL_AT(hasty, test_a_refund_of_a_reversal_that_is_lost_is_made_once),
        TOLD_OF_ALL_AT(hasty, test_paid_after_the_engine_gave_up_is_told_and_undone),
        TOLD_OF_NOTIFIERS(test_a_notify_after_a_restart_is_told),
        TOLD_OF_ALL_AT(hasty, test_refunds_are_made_once_whatever_is_lost),
        TOLD_OF_ALL(test_a_void_pays_back_all),
        TOLD_OF_ALL(test_more_than_was_paid_is_not_refunded),
        TOLD_OF_ALL(test_a_watch_shows_questions_answers_and_notifies_and_no_code),
        TOLD_OF_ALL(test_a_watch_says_what_is_wrong_with_an_answer),
        TOLD(v3, test_certificates_are_fetched_at_start_and_change),
        TOLD(v3, test_an_unknown_certificate_is_fetched),
        TOLD_OF_ALL(test_a_wallet_that_is_not_there_is_declined_at_once),
        TOLD(alipay, test_a_host_that_others_vouch_for_is_none),
        TOLD(alipay, test_no_more_is_sent_than_connections_carry),
        TOLD(v3, test_what_no_wallet_can_do_is_not_sent),
        TOLD(v3, test_what_is_wrong_with_its_files_is_told_at_start),
    };
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "--all") == 0) {
        return cmocka_run_group_tests(tests, begin_wallets, end_all);
    }
    return cmocka_run_group_tests(few, begin_wallets, end_all);
}
