/* An address is a row. Each acts within the book, whose lock also guards the faults. */
#include "loadtest/wallet/control.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "loadtest/wallet/params.h"
#include "loadtest/wallet/wechat_v3.h"

#define BODY_BYTES_MAX 16384U

struct control {
    struct control_setup setup;
    struct MHD_Daemon *daemon;
};

/* One request; the body gathers here. */
struct wish {
    uint32_t length;
    bool is_too_long;
    uint8_t body[BODY_BYTES_MAX];
};

/* A request being answered. */
struct talk {
    struct gateway *gateway;
    json_t *asked;  /* borrower */
    json_t *answer; /* owner */
    unsigned status;
};

static void talk_fail(struct talk *talk, unsigned status, const char *what)
{
    talk->status = status;
    (void)json_object_set_new(talk->answer, "expected", json_string(what));
}

static bool wallet_read(const json_t *asked, enum wallet *wallet)
{
    const char *word = json_text(asked, "wallet");
    for (unsigned i = 0; i < WALLET_COUNT; i++) {
        if (strcmp(word, wallet_word((enum wallet)i)) == 0) {
            *wallet = (enum wallet)i;
            return true;
        }
    }
    return false;
}

static struct order *order_wanted(struct talk *talk)
{
    enum wallet wallet = WALLET_COUNT;
    if (!wallet_read(talk->asked, &wallet)) {
        talk_fail(talk, 400, "wallet: alipay or wechat");
        return NULL;
    }
    struct order *order =
        book_find(talk->gateway->book, wallet, json_text(talk->asked, "out_trade_no"));
    if (order == NULL) {
        talk_fail(talk, 404, "out_trade_no of an order");
    }
    return order;
}

static void order_put(struct talk *talk, const struct order *order)
{
    json_t *refunds = json_array();
    for (const struct refund *refund = order->refunds; refund != NULL; refund = refund->next) {
        (void)json_array_append_new(refunds, json_pack("{s:s, s:I}", "refund_no", refund->number,
                                                       "amount", (json_int_t)refund->amount));
    }
    (void)json_object_update_new(
        talk->answer,
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:o}", "out_trade_no", order->number, "state",
                  order_state_word(order->state), "amount", (json_int_t)order->amount, "refunded",
                  (json_int_t)order->refunded, "trade_no", order->trade_number, "terminal_id",
                  order->terminal_id, "refunds", refunds));
}

static void on_order(struct talk *talk)
{
    const struct order *order = order_wanted(talk);
    if (order != NULL) {
        order_put(talk, order);
    }
}

static void on_counts(struct talk *talk)
{
    struct book_counts counts;
    book_count(talk->gateway->book, &counts);
    (void)json_object_update_new(
        talk->answer,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "orders", (json_int_t)counts.orders,
                  "paid", (json_int_t)counts.paid, "refused", (json_int_t)counts.refused, "refunds",
                  (json_int_t)counts.refunds, "undone", (json_int_t)counts.undone, "repeats",
                  (json_int_t)counts.repeats, "notices", (json_int_t)counts.notices,
                  "notices_delivered", (json_int_t)counts.notices_delivered));
}

/* Absent: `fallback`; false: no whole number within 0 .. max. */
static bool number_read(const json_t *asked, const char *name, uint32_t fallback, uint32_t max,
                        uint32_t *number)
{
    const json_t *value = json_object_get(asked, name);
    json_int_t read = json_integer_value(value);
    *number = value == NULL ? fallback : (uint32_t)read;
    return value == NULL || (json_is_integer(value) && read >= 0 && read <= max);
}

static bool faults_read(const json_t *list, struct script *script)
{
    script->fate = FATE_COUNT;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum fate fate = name == NULL ? FATE_COUNT : fate_from_name(name);
        enum mood mood = name == NULL ? MOOD_COUNT : mood_from_name(name);
        if (fate == FATE_COUNT && mood == MOOD_COUNT) {
            return false;
        }
        script->fate = fate < FATE_COUNT ? fate : script->fate;
        if (mood < MOOD_COUNT) {
            script->moods[mood] = true;
        }
    }
    return json_array_size(list) > 0;
}

static void on_script(struct talk *talk)
{
    const json_t *asked = talk->asked, *operation = json_object_get(asked, "operation");
    struct script script = {.wallet = WALLET_COUNT, .operation = OPERATION_COUNT};
    if (json_object_get(asked, "wallet") != NULL && !wallet_read(asked, &script.wallet)) {
        talk_fail(talk, 400, "wallet: alipay or wechat");
        return;
    }
    if (operation != NULL) {
        script.operation = operation_from_word(json_text(asked, "operation"));
        if (script.operation == OPERATION_COUNT) {
            talk_fail(talk, 400,
                      "operation: pay, query, undo, refund, refund_query, bill, "
                      "certificates or notify");
            return;
        }
    }
    const char *refusal = json_text(asked, "refusal");
    script.refusal = refusal[0] == '\0' ? REFUSAL_BALANCE : refusal_from_word(refusal);
    script.is_acted = !json_is_false(json_object_get(asked, "acted"));
    script.has_ms = json_object_get(asked, "ms") != NULL;
    if (!faults_read(json_object_get(asked, "faults"), &script) ||
        script.refusal == REFUSAL_COUNT) {
        talk_fail(talk, 400,
                  "faults: a list of names as the options have; refusal: one of "
                  "balance, code, expired, limit, risk, blocked, buyer");
    } else if (!number_read(asked, "skip", 0, 1000000, &script.skip) ||
               !number_read(asked, "count", 1, 1000000, &script.count) || script.count == 0 ||
               !number_read(asked, "ms", 0, 86400000, &script.ms)) {
        talk_fail(talk, 400, "skip, count and ms: whole numbers, count from 1");
    } else if (mischief_script(talk->gateway->mischief, &script) != STATUS_OK) {
        talk_fail(talk, 400, "fewer scripts at once");
    }
}

static void on_rates(struct talk *talk)
{
    struct mischief changed = *talk->gateway->mischief;
    const char *name = NULL;
    json_t *value = NULL;
    changed.is_healed = false;
    json_object_foreach(talk->asked, name, value)
    {
        enum fate fate = fate_from_name(name);
        enum mood mood = mood_from_name(name);
        double percent = json_number_value(value);
        bool is_sound = json_is_number(value) && percent >= 0 && percent <= 100;
        if (!is_sound || (fate == FATE_COUNT && mood == MOOD_COUNT)) {
            talk_fail(talk, 400, "names of faults with per cents from 0 to 100");
            return;
        }
        *(fate < FATE_COUNT ? &changed.fate_percent[fate] : &changed.mood_percent[mood]) = percent;
    }
    if (mischief_check(&changed) != STATUS_OK) {
        talk_fail(talk, 400, "shares of calls that add up to 100 per cent at most");
        return;
    }
    *talk->gateway->mischief = changed;
}

static void on_heal(struct talk *talk)
{
    talk->gateway->mischief->is_healed = true;
    talk->gateway->mischief->script_count = 0;
}

static void on_decide(struct talk *talk)
{
    const char *word = json_text(talk->asked, "state");
    struct order *order = order_wanted(talk);
    enum order_state state = strcmp(word, "paid") == 0     ? ORDER_PAID
                             : strcmp(word, "failed") == 0 ? ORDER_FAILED
                             : strcmp(word, "closed") == 0 ? ORDER_CLOSED
                                                           : ORDER_STATE_COUNT;
    if (order == NULL) {
        return;
    }
    if (state == ORDER_STATE_COUNT || !book_decide(talk->gateway->book, order, state)) {
        talk_fail(talk, 400, "state: paid, failed or closed, of an order that waits");
        return;
    }
    order_put(talk, order);
}

static void on_notify(struct talk *talk)
{
    const struct order *order = order_wanted(talk);
    if (order != NULL) {
        book_notice_add(talk->gateway->book, order);
    }
}

static void on_rotate(struct talk *talk)
{
    atomic_fetch_add(&talk->gateway->platform, 1);
    (void)json_object_set_new(talk->answer, "serial_no",
                              json_string(wechat_v3_platform(talk->gateway)->serial));
}

static void on_code(struct talk *talk)
{
    enum wallet wallet = WALLET_COUNT;
    uint32_t life_ms = 0;
    char code[19];
    if (!wallet_read(talk->asked, &wallet) ||
        !number_read(talk->asked, "life_ms", 60000, 86400000, &life_ms)) {
        talk_fail(talk, 400, "wallet: alipay or wechat; life_ms: a whole number");
        return;
    }
    book_issue_code(talk->gateway->book, wallet, INT64_C(1000) * life_ms, code);
    (void)json_object_set_new(talk->answer, "code", json_string(code));
}

static const struct {
    const char *method, *path;
    void (*answer)(struct talk *talk);
} ADDRESSES[] = {
    {"POST", "/script", on_script}, {"POST", "/rates", on_rates},   {"POST", "/heal", on_heal},
    {"POST", "/decide", on_decide}, {"POST", "/notify", on_notify}, {"POST", "/rotate", on_rotate},
    {"POST", "/code", on_code},     {"GET", "/order", on_order},    {"GET", "/counts", on_counts},
};

/* ---- HTTP ---- */

static enum MHD_Result query_take(void *argument, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    (void)json_object_set_new(argument, name, json_string(value == NULL ? "" : value));
    return MHD_YES;
}

static bool address_answer(struct control *control, struct talk *talk, const char *method,
                           const char *url)
{
    for (unsigned i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++) {
        if (strcmp(ADDRESSES[i].path, url) == 0 && strcmp(ADDRESSES[i].method, method) == 0) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            book_begin(talk->gateway->book,
                       (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + talk->gateway->skew_us);
            ADDRESSES[i].answer(talk);
            if (book_end(talk->gateway->book) != STATUS_OK) {
                control->setup.on_broken(control->setup.argument);
                return false;
            }
            return true;
        }
    }
    talk_fail(talk, 404,
              "POST /script, /rates, /heal, /decide, /notify, /rotate, /code; GET "
              "/order, /counts");
    return true;
}

static enum MHD_Result talk_send(const struct talk *talk, struct MHD_Connection *connection)
{
    char *text = json_dumps(talk->answer, JSON_COMPACT);
    struct MHD_Response *response =
        text == NULL ? NULL
                     : MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    enum MHD_Result result = MHD_queue_response(connection, talk->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_call(void *argument, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *bytes,
                               size_t *count, void **memory)
{
    struct control *control = argument;
    struct wish *wish = *memory;
    (void)version;
    if (wish == NULL) {
        *memory = calloc(1, sizeof *wish);
        return *memory == NULL ? MHD_NO : MHD_YES;
    }
    if (*count > 0) {
        size_t room = BODY_BYTES_MAX - wish->length, taken = *count < room ? *count : room;
        memcpy(wish->body + wish->length, bytes, taken);
        wish->length += (uint32_t)taken;
        wish->is_too_long |= taken < *count;
        *count = 0;
        return MHD_YES;
    }
    struct talk talk = {control->setup.gateway, NULL, json_object(), 200};
    bool has_body = wish->length > 0;
    json_t *asked =
        has_body ? json_object_read((struct byte_view){wish->body, wish->length}) : json_object();
    talk.asked = asked;
    if (!has_body) {
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, query_take, asked);
    }
    bool is_answered = true;
    if (asked == NULL || wish->is_too_long) {
        talk_fail(&talk, 400, "a JSON object of 16384 bytes at most");
    } else {
        is_answered = address_answer(control, &talk, method, url);
    }
    enum MHD_Result result = is_answered ? talk_send(&talk, connection) : MHD_NO;
    json_decref(asked);
    json_decref(talk.answer);
    return result;
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **memory,
                         enum MHD_RequestTerminationCode reason)
{
    (void)argument, (void)connection, (void)reason;
    free(*memory);
    *memory = NULL;
}

struct control *control_start(const struct control_setup *setup)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(setup->port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return NULL;
    }
    control->setup = *setup;
    control->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_call, control,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (control->daemon == NULL) {
        free(control);
        return NULL;
    }
    return control;
}

void control_stop(struct control *control)
{
    if (control != NULL) {
        MHD_stop_daemon(control->daemon);
        free(control);
    }
}
