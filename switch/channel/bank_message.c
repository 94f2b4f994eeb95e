/* See bank_message.h. */
#include "switch/channel/bank_message.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/frame_hint.h"
#include "switch/engine/wall_text.h"
#include "switch/net/loop.h"
#include "switch/net/trace.h"

static void trace(const struct bank_dialect *bank, bool is_sent, struct byte_view bytes,
                  const char *note)
{
    struct trace_message message = {.subject = {.side = TRACE_CHANNEL},
                                    .is_sent = is_sent,
                                    .spec = dialect_spec(bank->dialect),
                                    .bytes = bytes,
                                    .note = note,
                                    .wall_us = loop_wall_us(),
                                    .now_ns = loop_now_ns()};
    snprintf(message.subject.name, sizeof(message.subject.name), "%s", bank->channel);
    trace_put(&message);
}

/* The message in a frame that is not yet ended. */
static struct byte_view message_of(const struct bank_dialect *bank,
                                   const struct byte_writer *writer, const struct frame_mark *mark)
{
    uint32_t at = mark->body_at + (bank->framing.has_tpdu ? FRAME_TPDU_BYTES : 0);
    return (struct byte_view){writer->bytes + at, writer->position - at};
}

void bank_message_fill_years(struct payment *payment, int64_t wall_us)
{
    struct wall_text now;
    wall_text_set(&now, wall_us);
    wall_text_year(&now, payment->local_date, payment->local_year);
    wall_text_year(&now, payment->settlement_date, payment->settlement_year);
    wall_text_year(&now, payment->original.sent_at, payment->original.sent_year);
}

enum status bank_message_write(const struct bank_dialect *bank, const struct payment *payment,
                               struct byte_writer *writer, char reason[BANK_MESSAGE_REASON_SIZE])
{
    struct dialect_fault fault;
    struct byte_view scope = {NULL, 0};
    const struct dialect_build_how how = {
        .with_mac = bank->has_mac && dialect_has_mac(bank->dialect, payment),
        .header = {payment->leg == PAYMENT_RESPONSE ? bank->header.swapped : bank->header.bytes,
                   bank->header.length}};
    struct frame_mark mark = frame_begin_request(writer, &bank->framing, bank->tpdu);
    enum status status = dialect_build(bank->dialect, payment, &how, writer, &scope, &fault);
    if (status != STATUS_OK) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", fault.reason);
        return status;
    }
    if (how.with_mac && scope.length > 0) {
        uint8_t mac[SECURITY_MAC_BYTES], room[MESSAGE_MAC_BYTES_MAX];
        const struct byte_view input = message_mac_input_built(
            dialect_spec(bank->dialect), message_of(bank, writer, &mark), scope, room);
        enum hsm_answer answer = security_link_mac(bank->unit, bank->mac, input, mac);
        secret_wipe(room, input.bytes == room ? input.length : 0);
        if (answer != HSM_DONE) {
            snprintf(reason, BANK_MESSAGE_REASON_SIZE, "no MAC: %s", hsm_answer_text(answer));
            return STATUS_DENIED;
        }
        message_put_mac(dialect_spec(bank->dialect), writer, mac);
    }
    if (trace_is_on()) {
        trace(bank, true, message_of(bank, writer, &mark), NULL);
    }
    frame_end(writer, &bank->framing, &mark);
    return writer->status;
}

/* A message without a MAC is judged later, when it is known whether its kind carries one. */
static bool mac_holds(const struct bank_dialect *bank, const struct message *message,
                      char reason[BANK_MESSAGE_REASON_SIZE])
{
    char mac[SECURITY_MAC_BYTES + 1];
    uint8_t room[MESSAGE_MAC_BYTES_MAX];
    unsigned field = message_mac_field(message);
    if (!bank->has_mac || field == 0 || !message_has(message, field)) {
        return true;
    }
    uint32_t length = message_text(message, field, mac, sizeof(mac));
    const struct byte_view found = {(const uint8_t *)mac, length};
    const struct byte_view input = message_mac_input(message, room);
    enum hsm_answer answer = security_link_verify(bank->unit, bank->mac, input, found);
    if (answer != HSM_DONE) {
        const char *hint = security_link_hint(bank->unit, bank->mac, input, found);
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "field %u: %s%s%s", field,
                 hsm_answer_text(answer), hint == NULL ? "" : ": ", hint == NULL ? "" : hint);
    }
    secret_wipe(room, input.bytes == room ? input.length : 0);
    return answer == HSM_DONE;
}

/* Says beside what is wrong with a message how `framing` would have to be for it to be right. */
static void add_hint(const struct bank_dialect *bank, struct byte_view bytes,
                     char reason[BANK_MESSAGE_REASON_SIZE])
{
    struct byte_view body = bytes;
    char hint[FRAME_HINT_SIZE];
    if (bank->framing.has_tpdu) { /* it stands before the message, in the same frame */
        body = (struct byte_view){bytes.bytes - FRAME_TPDU_BYTES, bytes.length + FRAME_TPDU_BYTES};
    }
    if (frame_hint_of_body(hint, &bank->framing, dialect_spec(bank->dialect), body)) {
        size_t length = strlen(reason);
        snprintf(reason + length, BANK_MESSAGE_REASON_SIZE - length, "; %s", hint);
    }
}

static enum bank_verdict read_message(const struct bank_dialect *bank, struct byte_view bytes,
                                      struct payment *payment,
                                      char reason[BANK_MESSAGE_REASON_SIZE])
{
    struct message message;
    struct message_fault message_fault;
    struct dialect_fault fault;
    if (message_parse(&message, dialect_spec(bank->dialect), bytes, &message_fault) != STATUS_OK) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", message_fault.reason);
        add_hint(bank, bytes, reason);
        return BANK_UNREADABLE;
    }
    if (!mac_holds(bank, &message, reason)) {
        return BANK_BAD_MAC;
    }
    if (dialect_read(bank->dialect, &message, payment, &fault) != STATUS_OK) {
        bool is_network = message.mti[1] == '8' && payment->leg == PAYMENT_REQUEST;
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", fault.reason);
        return fault.is_unknown_kind && is_network ? BANK_UNKNOWN_NETWORK : BANK_UNREADABLE;
    }
    unsigned field = message_mac_field(&message);
    if (bank->has_mac && field != 0 && !message_has(&message, field) &&
        dialect_has_mac(bank->dialect, payment)) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "field %u, the MAC, is missing", field);
        return BANK_BAD_MAC;
    }
    return BANK_READ;
}

enum bank_verdict bank_message_read(const struct bank_dialect *bank, struct byte_view bytes,
                                    struct payment *payment, char reason[BANK_MESSAGE_REASON_SIZE])
{
    enum bank_verdict verdict = read_message(bank, bytes, payment, reason);
    if (trace_is_on()) {
        trace(bank, false, bytes, verdict == BANK_READ ? NULL : reason);
    }
    return verdict;
}

enum status bank_message_refuse(const struct bank_dialect *bank, struct byte_view bytes,
                                const char response_code[3], struct byte_writer *writer,
                                char code[BANK_NETWORK_CODE_SIZE],
                                char reason[BANK_MESSAGE_REASON_SIZE])
{
    struct message message;
    struct message_fault fault;
    struct dialect_fault why;
    enum status status = message_parse(&message, dialect_spec(bank->dialect), bytes, &fault);
    REQUIRE(status == STATUS_OK); /* it has been read before */
    const unsigned field = dialect_network_field(bank->dialect);
    code[0] = '\0';
    if (field != 0 && message_has(&message, field) &&
        message.fields[field].count < BANK_NETWORK_CODE_SIZE) {
        (void)message_text(&message, field, code, BANK_NETWORK_CODE_SIZE);
    }
    struct frame_mark mark = frame_begin_request(writer, &bank->framing, bank->tpdu);
    const struct byte_view header = {bank->header.swapped, bank->header.length};
    status = dialect_build_refusal(bank->dialect, &message, response_code, header, writer, &why);
    if (status != STATUS_OK) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", why.reason);
        return status;
    }
    if (trace_is_on()) {
        trace(bank, true, message_of(bank, writer, &mark), NULL);
    }
    frame_end(writer, &bank->framing, &mark);
    return writer->status;
}

void bank_message_mti(const struct bank_dialect *bank, struct byte_view framed, char mti[5])
{
    struct frame frame;
    struct frame_fault frame_fault;
    struct message message;
    struct message_fault fault;
    uint32_t consumed;
    struct framing framing = bank->framing;
    framing.may_be_http =
        framing.http_post_path != NULL; /* what we posted, as its server reads it */
    framing.http_post_path = NULL;
    enum status status = frame_parse(&frame, &consumed, &framing, framed, &frame_fault);
    REQUIRE(status == STATUS_OK); /* we wrote it */
    status = message_parse(&message, dialect_spec(bank->dialect), frame.message, &fault);
    REQUIRE(status == STATUS_OK);
    memcpy(mti, message.mti, sizeof(message.mti));
}
