/* The control socket, asked over a real Unix socket by a thread that plays the admin process. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/yaml_file.h"
#include "protocols/control.pb-c.h"
#include "routing/limit_rule.h"
#include "switch/control/control.h"
#include "tests/unit/unit_test.h"

#define ANSWER_BYTES_MAX 1048576

struct scene {
    uv_loop_t loop;
    struct control *control;
    char path[64];
    struct control_call reload; /* waits for control_done when its id is not 0 */
    uv_async_t ended;
    pthread_t client;
    void (*ask)(struct scene *scene);
    struct limit_rules *limits; /* borrowed; of the test that asks for usage */
};

static void on_status(void *argument, struct control_status *status)
{
    (void)argument;
    status->version = "0.1.0";
    status->revision = "abc";
    status->node = 7;
    status->state = CONTROL_RUNNING;
    status->now_ns = 9000000000;
    status->engine.saf_oldest_ns = 4000000000;
    status->engine.reversals_pending = 3;
    status->store.rows = 30;
    status->store.commit_cells[0] = 2;
    status->store.commit_cells[STORE_TIME_CELLS - 1] = 1;
    status->listener_count = 1;
    snprintf(status->listeners[0].name, CONTROL_NAME_SIZE, "pos");
    status->channel_count = CONTROL_CHANNEL_COUNT_MAX;
    status->reload_ready_ns = 250000000;
    status->reload_swap_ns = 500000000;
    for (uint32_t i = 0; i < CONTROL_CHANNEL_COUNT_MAX; i++) {
        struct control_channel *channel = &status->channels[i];
        snprintf(channel->name, CONTROL_NAME_SIZE, "bank-%u", i);
        channel->link_count = CONTROL_LINK_COUNT_MAX;
    }
}

static bool on_terminal(void *argument, const char *terminal_id, struct control_terminal *terminal)
{
    (void)argument;
    if (strcmp(terminal_id, "10000001") != 0) {
        return false;
    }
    snprintf(terminal->view.terminal_id, sizeof(terminal->view.terminal_id), "%s", terminal_id);
    terminal->is_registered = true;
    terminal->view.approved = 12;
    terminal->view.totals.domestic_debit = (struct batch_sum){12345, 2};
    terminal->view.settled_as = BATCH_EQUAL;
    terminal->view.faulty = 1 << 4 | 1 << 5;
    terminal->view.terminal_request = 4;
    terminal->key_count = 1;
    terminal->keys[0] = (struct control_key){"term:10000001:mak", "A1B2C3"};
    return true;
}

static void on_metrics(void *argument, struct metric_sink *sink)
{
    static struct histogram histogram;
    (void)argument;
    histogram_record(&histogram, 3000000);
    histogram_record(&histogram, 100000000000);
    metric_put(sink, METRIC_TXN, (struct metric_labels){{"purchase", "approved"}}, 5);
    metric_put_histogram(sink, METRIC_TXN_DURATION, (struct metric_labels){{"purchase"}},
                         &histogram);
}

static void on_reload(void *argument, struct control_call call, const char *operator_name)
{
    struct scene *scene = argument;
    assert_string_equal(operator_name, "ann");
    scene->reload = call;
}

static void on_drain(void *argument, struct control_call call, const char *operator_name)
{
    struct scene *scene = argument;
    (void)operator_name;
    control_done(scene->control, call, true, NULL);
}

static void on_purge(void *argument, struct control_call call, uint32_t days)
{
    struct scene *scene = argument;
    control_done(scene->control, call, days == 30, "thirty days are expected");
}

/* It goes to the second channel where the card begins with 621094, else nowhere. */
static void on_explain(void *argument, const struct route_question *question, int64_t wall_us,
                       struct control_explanation *explanation)
{
    static struct channel_table *channels;
    struct engine_explanation *told = &explanation->engine;
    (void)argument;
    if (channels == NULL) {
        channels = channel_table_create();
        assert_int_equal(channel_table_add(channels, &(struct channel_row){.name = "bank_a"}), 0);
        assert_int_equal(channel_table_add(channels, &(struct channel_row){.name = "bank_b"}), 0);
    }
    assert_int_equal(question->kind, PAYMENT_PURCHASE);
    assert_int_equal(question->amount.minor, 1234);
    assert_int_equal(question->amount.currency, 156);
    assert_string_equal(question->terminal_id, "10000001");
    assert_int_equal(wall_us, 99);
    explanation->channels = channels;
    told->decision.version = 7;
    told->decision.answer = ROUTE_NO_ISSUER;
    snprintf(told->text, sizeof(told->text), "one\ntwo");
    if (strncmp(question->card_first, "621094", 6) == 0) {
        told->decision.answer = ROUTE_FOUND;
        told->decision.rule = 12;
        told->decision.channel_count = 1;
        told->decision.channels[0] = 1;
        told->decision.fee.merchant_rule = 4;
        told->decision.fee.merchant_fee.minor = 62;
        told->doubt = ROUTE_DOUBT_LISTED;
        snprintf(told->divider, sizeof(told->divider), "black list line 4");
        told->may_be_listed = true;
    } else if (strncmp(question->card_first, "622201", 6) == 0) {
        static const struct limit_rule rule = {.response_code = "A1"};
        told->decision.answer = ROUTE_LIMIT_DAY_COUNT;
        told->decision.breach =
            (struct limit_breach){.rule = &rule, .bound = LIMIT_BOUND_DAY_COUNT};
    } else if (strncmp(question->card_first, "622202", 6) == 0) {
        static const struct limit_rule rule = {.line = 3};
        told->decision.answer = ROUTE_LIMIT_DAY_COUNT;
        told->decision.breach =
            (struct limit_breach){.rule = &rule, .bound = LIMIT_BOUND_DAY_COUNT};
    } else if (strncmp(question->card_first, "622203", 6) == 0) {
        static const struct black_list_row row = {.kind = BLACK_LIST_CARD_HASH,
                                                  .response_code = "41"};
        told->decision.answer = ROUTE_CARD_LISTED;
        told->decision.listed = &row;
    }
}

static const char LIMITS[] = "limits:\n"
                             "  - {name: shops, per: merchant, day_amount_max: 500.00, "
                             "day_count_max: 9, amount_max: 300.00}\n"
                             "  - {name: devices, per: terminal, month_amount_max: 100.00}\n"
                             "  - {name: each, per: transaction, amount_max: 50.00}\n";

static struct limit_rules *limits_make(void)
{
    struct bin_table *bins = bin_table_create(1);
    struct document *document = yaml_file_parse("limits.yaml", LIMITS, sizeof(LIMITS) - 1);
    assert_non_null(document);
    struct limit_rules *rules = limit_rules_compile(document, bins, MONEY_CNY);
    if (rules == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    bin_table_destroy(bins);
    return rules;
}

static void on_usage(void *argument, const struct control_usage_question *question,
                     struct control_usage *usage)
{
    struct scene *scene = argument;
    bool is_card = question->scope == LIMIT_CARD;
    usage->currency = MONEY_CNY;
    usage->rules = is_card ? NULL : scene->limits;
    usage->engine = (struct engine_usage_view){!is_card, 20260921, {7, 45000, 120000}};
    if (is_card) {
        assert_int_equal(question->pan_hash.bytes[0], 0x0A);
        assert_int_equal(question->pan_hash.bytes[PAN_HASH_BYTES - 1], 0xFF);
    } else if (question->scope == LIMIT_MERCHANT) {
        assert_string_equal(question->merchant_id, "898290054110000");
    } else {
        assert_string_equal(question->terminal_id, "10000001");
    }
}

/* Takes two files of the operator ann, whose bytes come whole. */
static void on_version(void *argument, struct control_call call,
                       const struct control_version *version)
{
    struct scene *scene = argument;
    bool is_good = version->act == CONTROL_VERSION_PROPOSE && version->file_count == 2 &&
                   strcmp(version->operator_name, "ann") == 0 &&
                   strcmp(version->reason, "dearer") == 0 &&
                   strcmp(version->files[1].name, "fees.yaml") == 0;
    for (uint32_t i = 0; is_good && i < version->files[1].bytes.length; i++) {
        is_good = version->files[1].bytes.bytes[i] == (uint8_t)i;
    }
    control_conclude(scene->control, call,
                     &(struct control_outcome){.is_done = is_good,
                                               .text = "kept",
                                               .version = version->files[1].bytes.length});
}

static struct control *open_at(struct scene *scene, char reason[CONTROL_REASON_SIZE])
{
    struct control_rim rim = {on_status,  on_terminal, on_metrics, on_reload, on_drain, on_purge,
                              on_explain, on_version,  on_usage,   NULL,      NULL,     scene};
    return control_open(&scene->loop, scene->path, &rim, reason);
}

static int scene_set(void **state)
{
    char reason[CONTROL_REASON_SIZE] = "";
    struct scene *scene = calloc(1, sizeof(*scene));
    snprintf(scene->path, sizeof(scene->path), "/tmp/tillway-control-%d.sock", (int)getpid());
    uv_loop_init(&scene->loop);
    scene->control = open_at(scene, reason);
    *state = scene;
    return scene->control == NULL;
}

static int scene_strike(void **state)
{
    struct scene *scene = *state;
    control_close(scene->control);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    int open = uv_loop_close(&scene->loop);
    int left = access(scene->path, F_OK) == 0;
    free(scene);
    return open != 0 || left;
}

static void *client_run(void *argument)
{
    struct scene *scene = argument;
    scene->ask(scene);
    uv_async_send(&scene->ended);
    return NULL;
}

static void on_ended(uv_async_t *ended)
{
    uv_close((uv_handle_t *)ended, NULL);
    uv_stop(ended->loop);
}

/* Lets the client ask in a thread of its own while the loop serves. */
static void serve(struct scene *scene, void (*ask)(struct scene *scene))
{
    scene->ask = ask;
    uv_async_init(&scene->loop, &scene->ended, on_ended);
    assert_int_equal(pthread_create(&scene->client, NULL, client_run, scene), 0);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    pthread_join(scene->client, NULL);
}

static int client_connect(const struct scene *scene)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
        abort();
    }
    return descriptor;
}

static void write_all(int descriptor, const uint8_t *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = write(descriptor, bytes + done, length - done);
        assert_true(count > 0);
        done += (size_t)count;
    }
}

static void send_request(int descriptor, const Control__Request *request)
{
    static uint8_t bytes[2097152];
    uint32_t length = (uint32_t)control__request__pack(request, bytes + 4);
    uint32_t header = htonl(length);
    memcpy(bytes, &header, 4);
    /* In two pieces: a frame may come in any. */
    assert_int_equal(write(descriptor, bytes, 3), 3);
    write_all(descriptor, bytes + 3, length + 1);
}

/* NULL: the server closed. */
static Control__Answer *read_answer(int descriptor)
{
    static uint8_t bytes[ANSWER_BYTES_MAX];
    uint32_t header;
    if (recv(descriptor, &header, 4, MSG_WAITALL) != 4) {
        return NULL;
    }
    uint32_t length = ntohl(header);
    assert_true(length <= sizeof(bytes));
    assert_int_equal(recv(descriptor, bytes, length, MSG_WAITALL), (ssize_t)length);
    return control__answer__unpack(NULL, length, bytes);
}

static Control__Answer *ask(int descriptor, Control__Request__CallCase call, const char *terminal)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__StatusCall status = CONTROL__STATUS_CALL__INIT;
    Control__MetricsCall metrics = CONTROL__METRICS_CALL__INIT;
    Control__TerminalCall terminal_call = CONTROL__TERMINAL_CALL__INIT;
    Control__ReloadCall reload = CONTROL__RELOAD_CALL__INIT;
    Control__PurgeCall purge = CONTROL__PURGE_CALL__INIT;
    request.id = 42;
    request.operator_ = (char *)(uintptr_t) "ann";
    request.call_case = call;
    terminal_call.terminal_id = (char *)(uintptr_t)terminal;
    if (call == CONTROL__REQUEST__CALL_STATUS) {
        request.status = &status;
    } else if (call == CONTROL__REQUEST__CALL_METRICS) {
        request.metrics = &metrics;
    } else if (call == CONTROL__REQUEST__CALL_TERMINAL) {
        request.terminal = &terminal_call;
    } else if (call == CONTROL__REQUEST__CALL_PURGE) {
        purge.days = 30;
        request.purge = &purge;
    } else {
        request.reload = &reload;
    }
    send_request(descriptor, &request);
    return read_answer(descriptor);
}

static void ask_status(struct scene *scene)
{
    int descriptor = client_connect(scene);
    for (int i = 0; i < 3; i++) {
        Control__Answer *answer = ask(descriptor, CONTROL__REQUEST__CALL_STATUS, NULL);
        assert_int_equal(answer->id, 42);
        assert_null(answer->fault);
        assert_string_equal(answer->status->state, "running");
        assert_int_equal(answer->status->node, 7);
        assert_int_equal(answer->status->engine->saf_oldest_age_ns, 5000000000);
        assert_int_equal(answer->status->n_channels, CONTROL_CHANNEL_COUNT_MAX);
        assert_string_equal(answer->status->channels[63]->name, "bank-63");
        assert_int_equal(answer->status->channels[63]->n_links, CONTROL_LINK_COUNT_MAX);
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_status_comes_whole_and_again(void **state)
{
    serve(*state, ask_status);
}

static const Control__Sample *find_sample(const Control__Metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->n_samples; i++) {
        if (strcmp(metrics->samples[i]->name, name) == 0) {
            return metrics->samples[i];
        }
    }
    return NULL;
}

static size_t index_of(const Control__Metrics *metrics, const Control__Sample *sample)
{
    size_t index = 0;
    while (metrics->samples[index] != sample) {
        index++;
    }
    return index;
}

static void ask_metrics(struct scene *scene)
{
    int descriptor = client_connect(scene);
    Control__Answer *answer = ask(descriptor, CONTROL__REQUEST__CALL_METRICS, NULL);
    const Control__Sample *txn = find_sample(answer->metrics, "txn_total");
    assert_int_equal(txn->n_labels, 2);
    assert_string_equal(txn->labels[0], "purchase");
    assert_true(txn->value == 5);
    const Control__Sample *duration = find_sample(answer->metrics, "txn_duration_seconds");
    assert_int_equal(duration->cells->n_counts, duration->cells->n_bounds + 1);
    assert_int_equal(duration->cells->counts[2], 1);  /* up to 5 ms */
    assert_int_equal(duration->cells->counts[14], 1); /* above 60 s */
    const Control__Sample *commit = find_sample(answer->metrics, "store_commit_seconds");
    assert_int_equal(commit->cells->counts[0], 2);
    assert_int_equal(commit->cells->counts[STORE_TIME_CELLS - 1], 1);
    const Control__Sample *oldest = find_sample(answer->metrics, "saf_oldest_seconds");
    assert_true(oldest->value == 5);
    const Control__Sample *ready = find_sample(answer->metrics, "reload_swap_seconds");
    const Control__Sample *swap = answer->metrics->samples[index_of(answer->metrics, ready) + 1];
    assert_string_equal(ready->labels[0], "ready");
    assert_true(ready->value == 0.25);
    assert_string_equal(swap->labels[0], "swap");
    assert_true(swap->value == 0.5);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_metrics_carry_numbers_and_cells(void **state)
{
    serve(*state, ask_metrics);
}

static void ask_terminals(struct scene *scene)
{
    int descriptor = client_connect(scene);
    Control__Answer *answer = ask(descriptor, CONTROL__REQUEST__CALL_TERMINAL, "10000001");
    assert_int_equal(answer->terminal->approved, 12);
    assert_int_equal(answer->terminal->day->domestic_debit->minor, 12345);
    assert_int_equal(answer->terminal->day->domestic_debit->count, 2);
    assert_string_equal(answer->terminal->day->settled, "equal");
    assert_string_equal(answer->terminal->day->faulty, "printer, display");
    assert_string_equal(answer->terminal->day->wanted, "download CA public keys");
    assert_string_equal(answer->terminal->keys[0]->name, "term:10000001:mak");
    assert_string_equal(answer->terminal->keys[0]->kcv, "A1B2C3");
    control__answer__free_unpacked(answer, NULL);
    answer = ask(descriptor, CONTROL__REQUEST__CALL_TERMINAL, "99999999");
    assert_string_equal(answer->fault, "no such terminal");
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_an_unknown_terminal_is_a_fault_and_the_connection_stays(void **state)
{
    serve(*state, ask_terminals);
}

static Control__Answer *ask_explain(int descriptor, const char *kind, const char *card)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__ExplainCall call = CONTROL__EXPLAIN_CALL__INIT;
    request.id = 43;
    request.call_case = CONTROL__REQUEST__CALL_EXPLAIN;
    request.explain = &call;
    call.terminal_id = (char *)(uintptr_t) "10000001";
    call.kind = (char *)(uintptr_t)kind;
    call.amount_minor = 1234;
    call.currency = 156;
    call.card_first = (char *)(uintptr_t)card;
    call.entry_mode = (char *)(uintptr_t) "051";
    call.has_wall_us = true;
    call.wall_us = 99;
    send_request(descriptor, &request);
    return read_answer(descriptor);
}

static void ask_explanations(struct scene *scene)
{
    int descriptor = client_connect(scene);
    Control__Answer *answer = ask_explain(descriptor, "purchase", "621094");
    const Control__Explanation *told = answer->explanation;
    assert_int_equal(answer->id, 43);
    assert_true(told->is_routed);
    assert_int_equal(told->ruleset_version, 7);
    assert_int_equal(told->route_rule, 12);
    assert_int_equal(told->n_channels, 1);
    assert_string_equal(told->channels[0], "bank_b");
    assert_int_equal(told->n_notes, 4);
    assert_string_equal(told->notes[0], route_doubt_text(ROUTE_DOUBT_LISTED));
    assert_string_equal(told->notes[2], "more digits would decide: black list line 4");
    assert_non_null(strstr(told->notes[3], "by their hash"));
    assert_int_equal(told->fee->merchant_fee, 62);
    assert_string_equal(told->text, "one\ntwo");
    control__answer__free_unpacked(answer, NULL);
    answer = ask_explain(descriptor, "purchase", "411111");
    assert_false(answer->explanation->is_routed);
    assert_string_equal(answer->explanation->response_code, "15");
    assert_int_equal(answer->explanation->n_channels, 0);
    assert_null(answer->explanation->fee);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_where_a_payment_would_go_is_told(void **state)
{
    serve(*state, ask_explanations);
}

/* What the terminal would be told: the rule's or the row's own code stands before the answer's. */
static void ask_response_codes(struct scene *scene)
{
    static const struct {
        const char *card, *code;
    } cases[] = {
        {"621094", "00"}, /* routed */
        {"411111", "15"}, /* the answer's */
        {"622201", "A1"}, /* a limit rule's own */
        {"622202", "65"}, /* of a bound whose rule has none */
        {"622203", "41"}, /* a row of the black list's own */
    };
    int descriptor = client_connect(scene);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        Control__Answer *answer = ask_explain(descriptor, "purchase", cases[i].card);
        assert_string_equal(answer->explanation->response_code, cases[i].code);
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_the_response_code_is_that_of_what_refused(void **state)
{
    serve(*state, ask_response_codes);
}

static Control__Answer *ask_usage(int descriptor, const char *scope, const char *key)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__UsageCall call = CONTROL__USAGE_CALL__INIT;
    request.id = 44;
    request.call_case = CONTROL__REQUEST__CALL_USAGE;
    request.usage = &call;
    call.scope = (char *)(uintptr_t)scope;
    call.key = (char *)(uintptr_t)key;
    send_request(descriptor, &request);
    return read_answer(descriptor);
}

static void ask_usages(struct scene *scene)
{
    scene->limits = limits_make();
    int descriptor = client_connect(scene);
    Control__Answer *answer = ask_usage(descriptor, "merchant", "898290054110000");
    const Control__Usage *told = answer->usage;
    assert_non_null(told);
    assert_true(told->is_counted);
    assert_int_equal(told->day, 20260921);
    assert_int_equal(told->day_count, 7);
    assert_int_equal(told->day_minor, 45000);
    assert_int_equal(told->month_minor, 120000);
    assert_int_equal(told->n_limits, 2); /* of a day; the bound of one payment is none of usage */
    assert_string_equal(told->limits[0]->name, "shops");
    assert_string_equal(told->limits[0]->bound, "day_amount_max");
    assert_int_equal(told->limits[0]->max, 50000);
    assert_int_equal(told->limits[0]->used, 45000);
    assert_string_equal(told->limits[1]->bound, "day_count_max");
    assert_int_equal(told->limits[1]->used, 7);
    control__answer__free_unpacked(answer, NULL);
    answer = ask_usage(descriptor, "terminal", "10000001");
    assert_int_equal(answer->usage->n_limits, 1);
    assert_string_equal(answer->usage->limits[0]->bound, "month_amount_max");
    assert_int_equal(answer->usage->limits[0]->used, 120000);
    control__answer__free_unpacked(answer, NULL);
    answer = ask_usage(descriptor, "card", "0A0102030405060708090a0b0c0d0eff");
    assert_false(answer->usage->is_counted);
    assert_int_equal(answer->usage->n_limits, 0);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
    limit_rules_destroy(scene->limits);
}

static void test_what_was_used_of_limits_is_told(void **state)
{
    serve(*state, ask_usages);
}

static void ask_wrong_usages(struct scene *scene)
{
    static const struct {
        const char *scope, *key, *expected;
    } cases[] = {
        {"merchant", "", "merchant:"},
        {"merchant", "8982900541100001", "merchant:"},
        {"terminal", "100000001", "terminal:"},
        {"card", "0A01", "expected merchant, terminal or card"},
        {"card", "6210947850000000060", "expected merchant, terminal or card"}, /* no number */
        {"card", "0A0102030405060708090a0b0c0d0exx", "expected merchant, terminal or card"},
        {"agent", "A17", "expected merchant, terminal or card"},
    };
    int descriptor = client_connect(scene);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        Control__Answer *answer = ask_usage(descriptor, cases[i].scope, cases[i].key);
        assert_null(answer->usage);
        assert_memory_equal(answer->fault, cases[i].expected, strlen(cases[i].expected));
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_usage_of_what_cannot_be_is_refused(void **state)
{
    serve(*state, ask_wrong_usages);
}

static void ask_wrong_questions(struct scene *scene)
{
    static const struct {
        const char *kind, *card, *expected;
    } cases[] = {
        {"purchase", "6210940000", "card:"}, /* more than 9 digits do not pass */
        {"purchase", "6210940000000000", "card:"},
        {"purchase", "62109", "card:"},
        {"purchase", "62109x", "card:"},
        {"gift", "621094", "type:"},
        {"unknown", "621094", "type:"},
    };
    int descriptor = client_connect(scene);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        Control__Answer *answer = ask_explain(descriptor, cases[i].kind, cases[i].card);
        assert_null(answer->explanation);
        assert_memory_equal(answer->fault, cases[i].expected, strlen(cases[i].expected));
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_a_question_with_too_much_of_a_card_is_refused(void **state)
{
    serve(*state, ask_wrong_questions);
}

static void on_later(uv_timer_t *timer)
{
    struct scene *scene = timer->data;
    if (scene->reload.id != 0) {
        uv_close((uv_handle_t *)timer, NULL);
        control_done(scene->control, scene->reload, false, "routes.yaml:3: no such channel");
    }
}

static void ask_reload(struct scene *scene)
{
    int descriptor = client_connect(scene);
    Control__Answer *answer = ask(descriptor, CONTROL__REQUEST__CALL_RELOAD, NULL);
    assert_false(answer->done->is_done);
    assert_string_equal(answer->done->text, "routes.yaml:3: no such channel");
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_a_reload_may_be_answered_later(void **state)
{
    struct scene *scene = *state;
    uv_timer_t timer;
    uv_timer_init(&scene->loop, &timer);
    timer.data = scene;
    uv_timer_start(&timer, on_later, 20, 20);
    serve(scene, ask_reload);
}

static void ask_purge(struct scene *scene)
{
    int descriptor = client_connect(scene);
    Control__Answer *answer = ask(descriptor, CONTROL__REQUEST__CALL_PURGE, NULL);
    assert_true(answer->done->is_done);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_a_purge_tells_the_days_that_are_kept(void **state)
{
    serve(*state, ask_purge);
}

/* As long as a request may be, then a short one on the same connection. */
static void ask_version(struct scene *scene)
{
    static uint8_t content[1048576];
    int descriptor = client_connect(scene);
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__VersionCall version = CONTROL__VERSION_CALL__INIT;
    Control__RuleFile files[2] = {CONTROL__RULE_FILE__INIT, CONTROL__RULE_FILE__INIT};
    Control__RuleFile *places[2] = {&files[0], &files[1]};
    for (size_t i = 0; i < sizeof(content); i++) {
        content[i] = (uint8_t)i;
    }
    files[0].name = (char *)(uintptr_t) "routes.yaml";
    files[1].name = (char *)(uintptr_t) "fees.yaml";
    files[1].content = (ProtobufCBinaryData){sizeof(content), content};
    version.act = CONTROL__VERSION_CALL__ACT__PROPOSE;
    version.reason = (char *)(uintptr_t) "dearer";
    version.files = places;
    version.n_files = 2;
    request.id = 42;
    request.operator_ = (char *)(uintptr_t) "ann";
    request.call_case = CONTROL__REQUEST__CALL_VERSION;
    request.version = &version;
    send_request(descriptor, &request);
    Control__Answer *answer = read_answer(descriptor);
    assert_non_null(answer);
    assert_true(answer->done->is_done);
    assert_string_equal(answer->done->text, "kept");
    assert_int_equal(answer->done->version, sizeof(content));
    control__answer__free_unpacked(answer, NULL);
    answer = ask(descriptor, CONTROL__REQUEST__CALL_PURGE, NULL);
    assert_true(answer->done->is_done);
    assert_false(answer->done->has_version);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_a_version_brings_its_files_whole(void **state)
{
    serve(*state, ask_version);
}

static void ask_nonsense(struct scene *scene)
{
    static const char *const frames[] = {
        "\xFF\xFF\xFF\xFF",             /* a length of 4 GiB */
        "\0\0\0\0",                     /* of nothing */
        "\0\x10\x10\x01",               /* one above the limit */
        "\0\0\0\4\xFF\xFF\xFF\xFF\xFF", /* no message */
        "GET / HTTP/1.1\r\n\r\n",
    };
    static const size_t lengths[] = {4, 4, 4, 8, 18};
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        int descriptor = client_connect(scene);
        assert_int_equal(write(descriptor, frames[i], lengths[i]), (ssize_t)lengths[i]);
        assert_null(read_answer(descriptor));
        close(descriptor);
    }
    /* Half a frame and gone: the next one is served. */
    int descriptor = client_connect(scene);
    assert_int_equal(write(descriptor, "\0\0\0\6\x08", 5), 5);
    close(descriptor);
    ask_status(scene);
}

static void test_nonsense_closes_its_own_connection_only(void **state)
{
    serve(*state, ask_nonsense);
}

static void ask_crowd(struct scene *scene)
{
    int descriptors[12];
    for (size_t i = 0; i < COUNT_OF(descriptors); i++) {
        descriptors[i] = client_connect(scene);
    }
    for (size_t i = 0; i < COUNT_OF(descriptors); i++) {
        Control__Answer *answer = ask(descriptors[i], CONTROL__REQUEST__CALL_STATUS, NULL);
        assert_non_null(answer);
        control__answer__free_unpacked(answer, NULL);
        close(descriptors[i]);
    }
}

static void test_more_connections_than_slots_wait_their_turn(void **state)
{
    serve(*state, ask_crowd);
}

static void test_only_user_and_group_may_open_it(void **state)
{
    struct scene *scene = *state;
    struct stat file;
    assert_int_equal(stat(scene->path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
}

static void test_a_served_socket_is_not_taken_and_a_dead_one_is(void **state)
{
    struct scene *scene = *state;
    char reason[CONTROL_REASON_SIZE] = "";
    assert_null(open_at(scene, reason));
    assert_non_null(strstr(reason, "another process serves it"));

    struct scene dead = {0};
    uv_loop_init(&dead.loop);
    snprintf(dead.path, sizeof(dead.path), "/tmp/tillway-control-dead-%d.sock", (int)getpid());
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", dead.path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    close(descriptor);
    dead.control = open_at(&dead, reason);
    assert_non_null(dead.control);
    control_close(dead.control);
    uv_run(&dead.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&dead.loop), 0);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_status_comes_whole_and_again),
        SCENE(test_metrics_carry_numbers_and_cells),
        SCENE(test_an_unknown_terminal_is_a_fault_and_the_connection_stays),
        SCENE(test_where_a_payment_would_go_is_told),
        SCENE(test_the_response_code_is_that_of_what_refused),
        SCENE(test_what_was_used_of_limits_is_told),
        SCENE(test_usage_of_what_cannot_be_is_refused),
        SCENE(test_a_question_with_too_much_of_a_card_is_refused),
        SCENE(test_a_reload_may_be_answered_later),
        SCENE(test_a_purge_tells_the_days_that_are_kept),
        SCENE(test_a_version_brings_its_files_whole),
        SCENE(test_nonsense_closes_its_own_connection_only),
        SCENE(test_more_connections_than_slots_wait_their_turn),
        SCENE(test_only_user_and_group_may_open_it),
        SCENE(test_a_served_socket_is_not_taken_and_a_dead_one_is),
    };
    return cmocka_run_group_tests_name("switch/control/control", tests, NULL, NULL);
}
