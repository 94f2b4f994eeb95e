/* Order of judgement: form, MAC, fate, sign-on, PIN, books. A fate that forgets the message comes
 * before the books, one that only hurts the answer after them. */
#include "loadtest/bank/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loadtest/card.h"
#include "protocols/base/require.h"

#define MAC_BYTES TDES_BLOCK_BYTES

struct host {
    struct host_setup setup;
    struct tdes *tdes; /* owner */
    struct host_counts counts;
    uint32_t settlement_day;                     /* YYYYMMDD */
    uint32_t trace;                              /* of our own requests */
    char key_field[KEY_RING_FIELD_SIZE];         /* field 48 of the offer at hand */
    struct dialect_header header;                /* of what comes, as setup and spec have it */
    uint8_t asked_header[SPEC_HEADER_BYTES_MAX]; /* of the request at hand */
    uint8_t asked_header_bytes;
    struct payment request, response; /* too large for a stack that is used this often */
};

struct host *host_create(const struct host_setup *setup, char fault[HOST_FAULT_SIZE])
{
    _Static_assert(DIALECT_HEADER_REASON_SIZE <= HOST_FAULT_SIZE, "a reason fits");
    struct host *host = calloc(1, sizeof *host);
    snprintf(fault, HOST_FAULT_SIZE, "no memory");
    if (host == NULL) {
        return NULL;
    }
    host->setup = *setup;
    host->settlement_day = setup->settlement_day;
    host->tdes = tdes_create();
    const struct dialect_header_ids ids = {setup->header_source, setup->header_destination};
    if (host->tdes == NULL || !dialect_header(setup->dialect, &ids, &host->header, fault)) {
        host_destroy(host);
        return NULL;
    }
    return host;
}

void host_destroy(struct host *host)
{
    if (host != NULL) {
        tdes_destroy(host->tdes);
        free(host);
    }
}

void host_count(const struct host *host, struct host_counts *counts)
{
    *counts = host->counts;
}

static int64_t wall_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void keys_confirm(struct host *host)
{
    host->counts.key_changes++;
    if (key_ring_confirm(host->setup.keys) != STATUS_OK) {
        fprintf(stderr, "new keys cannot be written down; a restart will not know them\n");
    }
}

/* A MAC field holds 8 raw bytes, or their 16 hex characters where the dialect writes bytes so. */
static bool mac_fits(struct host *host, const struct message *message, const struct tdes_key *key)
{
    struct byte_view found = message_raw(message, message_mac_field(message));
    uint8_t mac[MAC_BYTES], room[MESSAGE_MAC_BYTES_MAX];
    char hex[2 * MAC_BYTES + 1];
    tdes_mac(host->tdes, host->setup.mac, key, message_mac_input(message, room), mac);
    bytes_to_hex(hex, mac, MAC_BYTES);
    return (found.length == MAC_BYTES && memcmp(found.bytes, mac, MAC_BYTES) == 0) ||
           (found.length == 2 * MAC_BYTES && memcmp(found.bytes, hex, found.length) == 0);
}

/* A message under the keys that were offered says that the other side has them. */
static bool mac_is_right(struct host *host, const struct message *message)
{
    struct key_ring *keys = host->setup.keys;
    unsigned field = message_mac_field(message);
    if (field == 0 || !message_has(message, field)) {
        return false;
    }
    for (int age = 0; age < KEY_AGE_COUNT; age++) {
        if (keys->mac[age].length > 0 && mac_fits(host, message, &keys->mac[age])) {
            if (age == KEY_OFFERED) {
                keys_confirm(host);
            }
            return true;
        }
    }
    return false;
}

/* What moves money must be sealed; a network message need not be, but if it is, then rightly. */
static bool mac_is_wanted(const struct host *host, const struct message *message)
{
    const struct payment *request = &host->request;
    if (host->setup.mac == TDES_MAC_NONE || !dialect_has_mac(host->setup.dialect, request)) {
        return false;
    }
    unsigned field = message_mac_field(message);
    return request->network_code[0] == '\0' || (field != 0 && message_has(message, field));
}

/* An offline advice is an adjustment when it names an original. */
static enum account_follow follow_of(const struct payment *payment)
{
    static const enum account_follow follows[PAYMENT_KIND_COUNT] = {
        [PAYMENT_VOID] = ACCOUNT_VOID,
        [PAYMENT_OTHER_VOID] = ACCOUNT_VOID,
        [PAYMENT_CAPTURE_VOID] = ACCOUNT_VOID,
        [PAYMENT_PREAUTH_VOID] = ACCOUNT_RELEASE,
        [PAYMENT_REFUND] = ACCOUNT_REFUND,
        [PAYMENT_PREAUTH_INCREMENT] = ACCOUNT_INCREMENT,
        [PAYMENT_CAPTURE] = ACCOUNT_CAPTURE,
        [PAYMENT_CAPTURE_ADVICE] = ACCOUNT_CAPTURE,
        [PAYMENT_OFFLINE_ADVICE] = ACCOUNT_CHANGE,
    };
    bool is_new = payment->kind == PAYMENT_OFFLINE_ADVICE && payment->original.stan == 0;
    return is_new ? ACCOUNT_NOTHING : follows[payment->kind];
}

static void request_fill(const struct host *host, struct ledger_request *request,
                         const struct message *message)
{
    const struct payment *payment = &host->request;
    *request = (struct ledger_request){.stan = payment->stan,
                                       .amount = payment->amount.minor,
                                       .currency = payment->amount.currency,
                                       .is_repeat = payment->is_repeat != 0,
                                       .original_stan = payment->original.stan,
                                       .kind = payment_kind_name(payment->kind),
                                       .follow = follow_of(payment),
                                       .settlement_day = host->settlement_day,
                                       .arrived_us = wall_now_us()};
    memcpy(request->mti, message->mti, sizeof request->mti);
    memcpy(request->terminal_id, payment->terminal_id, sizeof request->terminal_id);
    memcpy(request->merchant_id, payment->merchant_id, sizeof request->merchant_id);
    memcpy(request->sent_at, payment->sent_at, sizeof request->sent_at);
    memcpy(request->rrn, payment->rrn, sizeof request->rrn);
    memcpy(request->acquirer_id, payment->acquirer_id, sizeof request->acquirer_id);
    memcpy(request->original_sent_at, payment->original.sent_at, sizeof request->original_sent_at);
    memcpy(request->network_code, payment->network_code, sizeof request->network_code);
    pan_mask(request->pan_masked, &payment->pan);
}

static bool pin_is_right(struct host *host, const struct payment *payment)
{
    const struct key_ring *keys = host->setup.keys;
    char found[TDES_PIN_DIGITS_MAX + 1], wanted[CARD_PIN_SIZE];
    if (payment->pin.length != TDES_BLOCK_BYTES || payment->pan.digit_count < 13) {
        return false;
    }
    card_pin(payment->pan.digits, wanted);
    for (int age = 0; age < KEY_AGE_COUNT; age++) {
        if (keys->pin[age].length > 0 &&
            tdes_pin_open(host->tdes, &keys->pin[age], payment->pin.bytes, payment->pan.digits,
                          found) == STATUS_OK &&
            strcmp(found, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* What a new request for money is told. */
static const char *code_wanted(struct host *host, const struct payment *payment,
                               const struct fault_verdict *verdict)
{
    if (payment->amount.minor <= 0) {
        return "13";
    }
    if (payment->pin.length > 0 && !pin_is_right(host, payment)) {
        host->counts.bad_pin++;
        return "55";
    }
    /* What has happened already, or pays back, is not a question of the card's funds. */
    bool is_advice = payment->kind == PAYMENT_REFUND || payment->kind == PAYMENT_CAPTURE_ADVICE ||
                     payment->kind == PAYMENT_OFFLINE_ADVICE ||
                     payment->kind == PAYMENT_OFFLINE_SALE;
    return verdict->is_declined && !is_advice ? host->setup.decline_code : "00";
}

static enum status books_decide(struct host *host, const struct ledger_request *request,
                                const struct host_answer *answer, struct ledger_answer *decision)
{
    const struct payment *payment = &host->request;
    if (payment->kind == PAYMENT_REVERSAL) {
        host->counts.reversals++;
        return ledger_reverse(host->setup.ledger, request, decision);
    }
    const char *wanted = code_wanted(host, payment, &answer->verdict);
    enum status status = ledger_post(host->setup.ledger, request, wanted, decision);
    bool is_approved = strcmp(decision->response_code, "00") == 0;
    host->counts.approved += is_approved;
    host->counts.declined += !is_approved;
    return status;
}

static void code_set(struct ledger_answer *decision, const char *code)
{
    *decision = (struct ledger_answer){.is_known = false};
    memcpy(decision->response_code, code, 2);
}

/* What moves nothing: the journal has it, the books do not. */
static bool kind_is_enquiry(enum payment_kind kind)
{
    return kind == PAYMENT_BALANCE || kind == PAYMENT_OTHER_QUERY || kind == PAYMENT_SCRIPT_RESULT;
}

static void enquiry_decide(struct host *host, const struct host_answer *answer,
                           struct ledger_answer *decision)
{
    const struct payment *payment = &host->request;
    bool is_pin_wrong = payment->pin.length > 0 && !pin_is_right(host, payment);
    bool is_declined = payment->kind != PAYMENT_SCRIPT_RESULT && answer->verdict.is_declined;
    host->counts.bad_pin += is_pin_wrong;
    code_set(decision, is_pin_wrong ? "55" : is_declined ? host->setup.decline_code : "00");
}

/* What is asked for new keys is told; they go with the answer. */
static const char *keys_answer(struct host *host)
{
    switch ((int)key_ring_offer(host->setup.keys, host->tdes, host->key_field)) {
    case STATUS_OK:
        host->counts.key_offers++;
        return "00";
    case STATUS_UNSUPPORTED:
        return "40";
    default:
        return "96";
    }
}

/* Decides the response code; writes to the books where the message asks for money. */
static enum status host_decide(struct host *host, const struct ledger_request *request,
                               bool is_signed_on, struct host_answer *answer,
                               struct ledger_answer *decision)
{
    switch ((int)host->request.kind) { /* the other kinds are answered below */
    case PAYMENT_SIGNON:
    case PAYMENT_SIGNOFF:
    case PAYMENT_ECHO:
        host->counts.network++;
        answer->is_sign_on = host->request.kind == PAYMENT_SIGNON;
        answer->is_sign_off = host->request.kind == PAYMENT_SIGNOFF;
        code_set(decision, "00");
        return STATUS_OK;
    case PAYMENT_KEY_CHANGE:
        host->counts.network++;
        code_set(decision, keys_answer(host));
        return STATUS_OK;
    case PAYMENT_UNKNOWN:
    case PAYMENT_CUT_OVER:
        code_set(decision, "40");
        return STATUS_OK;
    default:
        break;
    }
    if (!is_signed_on) {
        host->counts.not_signed_on++;
        code_set(decision, "91");
        return STATUS_OK;
    }
    if (kind_is_enquiry(host->request.kind)) {
        enquiry_decide(host, answer, decision);
        return STATUS_OK;
    }
    return books_decide(host, request, answer, decision);
}

/* Builds and seals one message. */
static enum status message_make(struct host *host, const struct payment *payment,
                                struct host_answer *answer, char fault[HOST_FAULT_SIZE])
{
    struct dialect_build_how how = {.with_mac = host->setup.mac != TDES_MAC_NONE &&
                                                dialect_has_mac(host->setup.dialect, payment),
                                    .header = {host->header.swapped, host->header.length}};
    if (payment->leg == PAYMENT_RESPONSE) { /* as it was asked, the other way round */
        how.header = (struct byte_view){host->asked_header, host->asked_header_bytes};
    }
    struct byte_writer writer;
    struct byte_view scope = {0};
    struct dialect_fault why;
    byte_writer_init(&writer, answer->bytes, sizeof answer->bytes);
    enum status status = dialect_build(host->setup.dialect, payment, &how, &writer, &scope, &why);
    if (status != STATUS_OK) {
        snprintf(fault, HOST_FAULT_SIZE, "no message can be built: field %u: %s", why.field,
                 why.reason);
        return STATUS_UNSUPPORTED;
    }
    if (how.with_mac) {
        uint8_t mac[MAC_BYTES], room[MESSAGE_MAC_BYTES_MAX];
        struct byte_view whole = {answer->bytes, writer.position};
        scope = message_mac_input_built(dialect_spec(host->setup.dialect), whole, scope, room);
        tdes_mac(host->tdes, host->setup.mac, &host->setup.keys->mac[KEY_IN_FORCE], scope, mac);
        message_put_mac(dialect_spec(host->setup.dialect), &writer, mac);
    }
    answer->length = writer.position;
    return STATUS_OK;
}

/* MMDD of the day in force. */
static void day_put(const struct host *host, char settlement_date[5])
{
    char text[16];
    snprintf(text, sizeof text, "%04u", (unsigned)(host->settlement_day % 10000));
    memcpy(settlement_date, text, 5);
}

static void key_field_put(struct host *host, struct payment *payment)
{
    struct byte_view field = {(const uint8_t *)host->key_field, (uint32_t)strlen(host->key_field)};
    REQUIRE(payment_set_cargo(payment, PAYMENT_CARGO_ADDITIONAL, field) == STATUS_OK);
}

static enum status answer_build(struct host *host, const struct ledger_answer *decision,
                                struct host_answer *answer, char fault[HOST_FAULT_SIZE])
{
    struct payment *response = &host->response;
    payment_copy(response, &host->request);
    response->leg = PAYMENT_RESPONSE;
    if (response->kind == PAYMENT_BALANCE && strcmp(decision->response_code, "00") == 0) {
        /* Account type 01, available, yuan, credit, 1,234.56: field 54. */
        static const char balance[] = "0102156C000000123456";
        struct byte_view view = {(const uint8_t *)balance, sizeof balance - 1};
        REQUIRE(payment_set_cargo(response, PAYMENT_CARGO_BALANCE, view) == STATUS_OK);
    }
    if (response->kind == PAYMENT_KEY_CHANGE && strcmp(decision->response_code, "00") == 0) {
        key_field_put(host, response);
    }
    memcpy(response->response_code, decision->response_code, sizeof response->response_code);
    memcpy(response->auth_code, decision->auth_code, sizeof response->auth_code);
    day_put(host, response->settlement_date);
    return message_make(host, response, answer, fault);
}

/* ---- cut-over ---- */

static uint32_t day_after(uint32_t day)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = day / 10000, month = day / 100 % 100, date = day % 100 + 1;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    REQUIRE(month >= 1 && month <= 12);
    if (date > lengths[month - 1] + (month == 2 && is_leap ? 1U : 0U)) {
        date = 1;
        month++;
    }
    if (month > 12) {
        month = 1;
        year++;
    }
    return year * 10000 + month * 100 + date;
}

void host_cut_over(struct host *host)
{
    host->settlement_day = day_after(host->settlement_day);
    host->counts.cut_overs++;
}

bool host_has_cut_over(const struct host *host)
{
    return host->counts.cut_overs > 0;
}

/* A network message of our own, not yet built. */
static struct payment *notice_begin(struct host *host, enum payment_kind kind, const char *code)
{
    struct payment *request = &host->response;
    struct tm now;
    time_t seconds = time(NULL) + 8 * 3600; /* field 7 is China's time */
    char sent_at[32];
    gmtime_r(&seconds, &now);
    strftime(sent_at, sizeof sent_at, "%m%d%H%M%S", &now);
    payment_clear(request);
    request->kind = kind;
    request->leg = PAYMENT_REQUEST;
    request->stan = host->trace = host->trace % 999999 + 1;
    memcpy(request->sent_at, sent_at, sizeof request->sent_at);
    memcpy(request->network_code, code, 4);
    return request;
}

enum status host_tell_day(struct host *host, struct host_answer *answer,
                          char fault[HOST_FAULT_SIZE])
{
    struct payment *request = notice_begin(host, PAYMENT_CUT_OVER, "201");
    day_put(host, request->settlement_date);
    *answer = (struct host_answer){.verdict = {.is_posted = true, .is_answered = true}};
    return message_make(host, request, answer, fault);
}

enum status host_offer_keys(struct host *host, struct host_answer *answer,
                            char fault[HOST_FAULT_SIZE])
{
    *answer = (struct host_answer){.verdict = {.is_posted = true, .is_answered = true}};
    enum status status = key_ring_offer(host->setup.keys, host->tdes, host->key_field);
    if (status != STATUS_OK) {
        snprintf(fault, HOST_FAULT_SIZE, "%s",
                 status == STATUS_UNSUPPORTED ? "the key file has no line \"zmk HEX\""
                                              : "they cannot be written down");
        return status;
    }
    host->counts.key_offers++;
    struct payment *request = notice_begin(host, PAYMENT_KEY_CHANGE, "101");
    key_field_put(host, request);
    return message_make(host, request, answer, fault);
}

static const char *note_of(const struct fault_verdict *verdict, bool is_known)
{
    return !verdict->is_posted     ? "forgotten"
           : verdict->is_dropped   ? "dropped"
           : !verdict->is_answered ? "silent"
           : verdict->is_late      ? "late"
           : verdict->is_twice     ? "twice"
           : is_known              ? "known before"
                                   : "";
}

static void verdict_count(struct host_counts *counts, const struct fault_verdict *verdict)
{
    counts->dropped += verdict->is_dropped;
    counts->silenced += !verdict->is_answered && !verdict->is_dropped;
    counts->late += verdict->is_late;
    counts->twice += verdict->is_twice;
}

/* Whether the header names the institution that is expected there. */
static bool names(struct host *host, const struct message *message, enum spec_header_role role,
                  char fault[HOST_FAULT_SIZE])
{
    const bool is_source = role == SPEC_HEADER_SOURCE;
    const char *id = is_source ? host->setup.header_source : host->setup.header_destination;
    if (id[0] == '\0') {
        return true;
    }
    const struct spec_header_item *item = spec_header_find(dialect_spec(host->setup.dialect), role);
    struct byte_view header = message_header(message);
    REQUIRE(item != NULL && (uint32_t)item->offset + item->length <= header.length);
    const uint8_t *wanted = host->header.bytes + item->offset;
    const uint8_t *found = header.bytes + item->offset;
    if (memcmp(found, wanted, item->length) == 0) {
        return true;
    }
    char hex[2 * SPEC_HEADER_BYTES_MAX + 1], wanted_hex[2 * SPEC_HEADER_BYTES_MAX + 1];
    bytes_to_hex(hex, found, item->length);
    bytes_to_hex(wanted_hex, wanted, item->length);
    snprintf(fault, HOST_FAULT_SIZE,
             "the header's %.31s at byte %u is %.64s (hex), expected %.64s (--header-%s)",
             item->name, item->offset, hex, wanted_hex, is_source ? "source" : "destination");
    return false;
}

static enum status message_understand(struct host *host, struct byte_view bytes,
                                      struct message *message, char fault[HOST_FAULT_SIZE])
{
    struct message_fault form;
    struct dialect_fault meaning;
    enum status status = message_parse(message, dialect_spec(host->setup.dialect), bytes, &form);
    if (status != STATUS_OK) {
        snprintf(fault, HOST_FAULT_SIZE, "field %u at byte %u: %s", form.field, form.offset,
                 form.reason);
        return STATUS_MALFORMED;
    }
    if (!names(host, message, SPEC_HEADER_SOURCE, fault) ||
        !names(host, message, SPEC_HEADER_DESTINATION, fault)) {
        return STATUS_MALFORMED;
    }
    payment_clear(&host->request);
    status = dialect_read(host->setup.dialect, message, &host->request, &meaning);
    if (status != STATUS_OK) {
        snprintf(fault, HOST_FAULT_SIZE, "mti %s field %u: %s", message->mti, meaning.field,
                 meaning.reason);
        return STATUS_MALFORMED;
    }
    bool is_awaited = host->request.leg == PAYMENT_REQUEST ||
                      host->request.kind == PAYMENT_CUT_OVER ||
                      host->request.kind == PAYMENT_KEY_CHANGE;
    if (!is_awaited) {
        snprintf(fault, HOST_FAULT_SIZE, "mti %s is an answer to nothing that a bank asked",
                 message->mti);
        return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

static enum status host_journal(struct host *host, const struct ledger_request *request,
                                const char *direction, const struct ledger_entry *what)
{
    struct ledger_entry entry = *what;
    entry.direction = direction;
    entry.at_us = wall_now_us();
    return ledger_journal(host->setup.ledger, request, &entry);
}

static void keep_header(struct host *host, const struct message *message)
{
    struct byte_view header = message_header(message);
    REQUIRE(header.length <= sizeof host->asked_header);
    memcpy(host->asked_header, header.bytes, header.length);
    host->asked_header_bytes = (uint8_t)header.length;
}

enum status host_on_message(struct host *host, struct byte_view bytes, bool is_signed_on,
                            struct host_answer *answer, char fault[HOST_FAULT_SIZE])
{
    struct message message;
    struct ledger_request request;
    struct ledger_answer decision = {.is_known = false};
    host->counts.requests++;
    *answer = (struct host_answer){.length = 0};
    enum status status = message_understand(host, bytes, &message, fault);
    if (status != STATUS_OK) {
        host->counts.malformed++;
        return status;
    }
    request_fill(host, &request, &message);
    keep_header(host, &message);
    if (host->request.leg == PAYMENT_RESPONSE) { /* to what we asked by ourselves */
        bool is_key_change = host->request.kind == PAYMENT_KEY_CHANGE;
        if (is_key_change && strcmp(host->request.response_code, "00") == 0 &&
            host->setup.keys->mac[KEY_OFFERED].length > 0) {
            keys_confirm(host);
        }
        struct ledger_entry told = {.note = is_key_change ? "key change" : "cut-over",
                                    .response_code = host->request.response_code};
        return host_journal(host, &request, "in", &told);
    }
    faults_draw(host->setup.faults, &answer->verdict);
    verdict_count(&host->counts, &answer->verdict);
    bool is_bad = mac_is_wanted(host, &message) && !mac_is_right(host, &message);
    struct ledger_entry came = {.note = is_bad ? "bad mac" : note_of(&answer->verdict, false),
                                .response_code = ""};
    status = host_journal(host, &request, "in", &came);
    if (status != STATUS_OK || !answer->verdict.is_posted) {
        return status;
    }
    if (is_bad) {
        host->counts.bad_mac++;
        code_set(&decision, "A0");
    } else {
        status = host_decide(host, &request, is_signed_on, answer, &decision);
    }
    struct ledger_entry left = {.note = note_of(&answer->verdict, decision.is_known),
                                .response_code = decision.response_code};
    if (status == STATUS_OK) {
        status = host_journal(host, &request, "out", &left);
    }
    if (status != STATUS_OK || !answer->verdict.is_answered) {
        return status;
    }
    return answer_build(host, &decision, answer, fault);
}
