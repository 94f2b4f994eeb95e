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
    struct payment request, response; /* too large for a stack that is used this often */
};

struct host *host_create(const struct host_setup *setup)
{
    struct host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return NULL;
    }
    host->setup = *setup;
    host->tdes = tdes_create();
    if (host->tdes == NULL) {
        free(host);
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

/* A MAC field holds 8 raw bytes, or their 16 hex characters where the dialect writes bytes so. */
static bool mac_is_right(struct host *host, const struct message *message)
{
    unsigned field = message_has(message, 128) ? 128 : 64;
    if (!message_has(message, field)) {
        return false;
    }
    struct byte_view found = message_raw(message, field);
    uint8_t mac[MAC_BYTES];
    char hex[2 * MAC_BYTES + 1];
    tdes_mac(host->tdes, host->setup.mac, &host->setup.mac_key, message_mac_scope(message), mac);
    bytes_to_hex(hex, mac, MAC_BYTES);
    return (found.length == MAC_BYTES && memcmp(found.bytes, mac, MAC_BYTES) == 0) ||
           (found.length == 2 * MAC_BYTES && memcmp(found.bytes, hex, found.length) == 0);
}

/* What moves money must be sealed; a network message need not be, but if it is, then rightly. */
static bool mac_is_wanted(const struct host *host, const struct message *message)
{
    const struct payment *request = &host->request;
    if (host->setup.mac == TDES_MAC_NONE || !dialect_has_mac(host->setup.dialect, request)) {
        return false;
    }
    return request->network_code[0] == '\0' || message_has(message, 64) ||
           message_has(message, 128);
}

static void request_fill(struct ledger_request *request, const struct payment *payment,
                         const struct message *message)
{
    *request = (struct ledger_request){.stan = payment->stan,
                                       .amount = payment->amount.minor,
                                       .currency = payment->amount.currency,
                                       .is_repeat = payment->is_repeat != 0,
                                       .original_stan = payment->original.stan,
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
    char found[TDES_PIN_DIGITS_MAX + 1], wanted[CARD_PIN_SIZE];
    if (payment->pin.length != TDES_BLOCK_BYTES || payment->pan.digit_count < 13) {
        return false;
    }
    card_pin(payment->pan.digits, wanted);
    return tdes_pin_open(host->tdes, &host->setup.pin_key, payment->pin.bytes, payment->pan.digits,
                         found) == STATUS_OK &&
           strcmp(found, wanted) == 0;
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
    return verdict->is_declined ? host->setup.decline_code : "00";
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
    case PAYMENT_PURCHASE:
    case PAYMENT_REVERSAL:
        if (!is_signed_on) {
            host->counts.not_signed_on++;
            code_set(decision, "91");
            return STATUS_OK;
        }
        return books_decide(host, request, answer, decision);
    default:
        code_set(decision, "40");
        return STATUS_OK;
    }
}

static enum status answer_build(struct host *host, const struct ledger_answer *decision,
                                struct host_answer *answer, char fault[HOST_FAULT_SIZE])
{
    struct payment *response = &host->response;
    payment_copy(response, &host->request);
    response->leg = PAYMENT_RESPONSE;
    memcpy(response->response_code, decision->response_code, sizeof response->response_code);
    memcpy(response->auth_code, decision->auth_code, sizeof response->auth_code);
    struct dialect_build_how how = {.with_mac = host->setup.mac != TDES_MAC_NONE &&
                                                dialect_has_mac(host->setup.dialect, response)};
    struct byte_writer writer;
    struct byte_view scope = {0};
    struct dialect_fault why;
    byte_writer_init(&writer, answer->bytes, sizeof answer->bytes);
    enum status status = dialect_build(host->setup.dialect, response, &how, &writer, &scope, &why);
    if (status != STATUS_OK) {
        snprintf(fault, HOST_FAULT_SIZE, "no answer can be built: field %u: %s", why.field,
                 why.reason);
        return STATUS_UNSUPPORTED;
    }
    if (how.with_mac) {
        uint8_t mac[MAC_BYTES];
        tdes_mac(host->tdes, host->setup.mac, &host->setup.mac_key, scope, mac);
        message_put_mac(dialect_spec(host->setup.dialect), &writer, mac);
    }
    answer->length = writer.position;
    return STATUS_OK;
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
    payment_clear(&host->request);
    status = dialect_read(host->setup.dialect, message, &host->request, &meaning);
    if (status != STATUS_OK) {
        snprintf(fault, HOST_FAULT_SIZE, "mti %s field %u: %s", message->mti, meaning.field,
                 meaning.reason);
        return STATUS_MALFORMED;
    }
    if (host->request.leg != PAYMENT_REQUEST) {
        snprintf(fault, HOST_FAULT_SIZE, "mti %s is an answer, and a bank sent no request",
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
    request_fill(&request, &host->request, &message);
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
