/* See gate.h. */
#include "switch/terminal/gate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void
refuse(struct gate_verdict *verdict, enum reject reject, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->text, sizeof(verdict->text), format, arguments);
    va_end(arguments);
    verdict->is_passed = false;
    verdict->reject = reject;
    verdict->response_code = reject_code(reject);
}

/* A terminal without keys: it must sign on, unless it may not act at all. */
static void refuse_keyless(const struct terminals *terminals, const struct payment *payment,
                           struct gate_verdict *verdict)
{
    const struct terminal_row *row = NULL;
    enum route_answer answer = ruleset_admit(terminals->ruleset, payment, &row);
    switch (answer) {
    case ROUTE_FOUND:
        refuse(verdict, REJECT_KEY_MISSING, "terminal %s has no MAC key here",
               payment->terminal_id);
        return;
    case ROUTE_TERMINAL_UNKNOWN:
    case ROUTE_TERMINAL_STOPPED:
        refuse(verdict, REJECT_TERMINAL, "%s", route_answer_text(answer));
        break;
    case ROUTE_MERCHANT_UNKNOWN:
    case ROUTE_MERCHANT_STOPPED:
    case ROUTE_MERCHANT_MISMATCH:
        refuse(verdict, REJECT_MERCHANT, "%s", route_answer_text(answer));
        break;
    case ROUTE_AMOUNT_INVALID:
    case ROUTE_CARD_INVALID:
    case ROUTE_NO_ISSUER:
    case ROUTE_NO_ROUTE:
    case ROUTE_NOT_SUPPORTED:
    case ROUTE_NO_FEE:
    case ROUTE_LIMIT_AMOUNT:
    case ROUTE_CODE_UNKNOWN:
    case ROUTE_CHANNEL_TRIPPED:
    case ROUTE_LIMIT_AMOUNT_LOW:
    case ROUTE_LIMIT_DAY_AMOUNT:
    case ROUTE_LIMIT_DAY_COUNT:
    case ROUTE_LIMIT_MONTH_AMOUNT:
    case ROUTE_CARD_LISTED:
    case ROUTE_MERCHANT_LISTED:
    case ROUTE_TERMINAL_LISTED:
    case ROUTE_CODE_LISTED:
    case ROUTE_ANSWER_COUNT:
        refuse(verdict, REJECT_TERMINAL, "%s", route_answer_text(answer));
        break;
    }
    verdict->response_code = route_answer_code(answer);
}

static void refuse_mac(struct terminals *terminals, const struct payment *payment,
                       struct gate_verdict *verdict, enum reject reject)
{
    count_add(&terminals->counts.mac_failures, 1);
    refuse(verdict, reject, "%s (terminal %s)", reject_text(reject), payment->terminal_id);
}

/* Some begin at the header instead of the message type. */
static bool holds_over_header(struct terminals *terminals, const struct message *message,
                              const struct payment *payment)
{
    const struct byte_view scope = message_mac_scope(message);
    const struct byte_view wider = {message->bytes.bytes,
                                    scope.length + message->spec->header_bytes};
    return message->spec->header_bytes > 0 &&
           security_gate_would_hold(terminals->setup.unit, payment->terminal_id, wider,
                                    message_raw(message, message_mac_field(message)));
}

static void refuse_wrong_mac(struct terminals *terminals, const struct message *message,
                             struct byte_view input, const struct payment *payment,
                             struct gate_verdict *verdict)
{
    const char *hint = security_gate_hint(terminals->setup.unit, payment->terminal_id, input,
                                          message_raw(message, message_mac_field(message)));
    if (holds_over_header(terminals, message, payment)) {
        hint = "it would hold over header and message: the terminal's MAC begins at the header, "
               "ours at the message type";
    }
    refuse_mac(terminals, payment, verdict, REJECT_MAC_WRONG);
    if (hint != NULL) {
        refuse(verdict, REJECT_MAC_WRONG, "%s (terminal %s): %s", reject_text(REJECT_MAC_WRONG),
               payment->terminal_id, hint);
    }
}

static void check_mac(struct terminals *terminals, const struct message *message,
                      const struct payment *payment, struct gate_verdict *verdict)
{
    uint8_t mac_field = message->spec->mac_field;
    if (mac_field == 0 || !message_has(message, mac_field)) {
        refuse_mac(terminals, payment, verdict, REJECT_MAC_MISSING);
        return;
    }
    uint8_t room[MESSAGE_MAC_BYTES_MAX];
    const struct byte_view input = message_mac_input(message, room);
    struct security_verdict security = security_gate_verify(
        terminals->setup.unit, payment->terminal_id, input, message_raw(message, mac_field));
    switch (security.gate) {
    case SECURITY_PASS:
        break;
    case SECURITY_BAD_MAC:
        refuse_wrong_mac(terminals, message, input, payment, verdict);
        break;
    case SECURITY_NO_KEY:
        refuse_keyless(terminals, payment, verdict);
        break;
    case SECURITY_FAULT:
        refuse(verdict, REJECT_SECURITY, "MAC: %s", hsm_answer_text(security.answer));
        break;
    }
    verdict->asks_signon = security.gate != SECURITY_PASS && security.asks_signon;
    secret_wipe(room, input.bytes == room ? input.length : 0);
}

static void check_identity(const struct terminal_conn *conn, const struct payment *payment,
                           struct gate_verdict *verdict)
{
    char name[STREAM_PEER_NAME_SIZE];
    stream_peer_name(conn->stream, name);
    if (strcmp(name, payment->terminal_id) != 0) {
        refuse(verdict, REJECT_IDENTITY, "the certificate names \"%s\", field 41 terminal %s", name,
               payment->terminal_id);
    }
}

static enum hsm_answer protect_pan(struct security_unit *unit, struct payment *payment)
{
    enum hsm_answer answer = security_hash_pan(unit, &payment->pan, &payment->pan_hash);
    return answer != HSM_DONE ? answer
                              : security_seal_pan(unit, &payment->pan, &payment->pan_sealed);
}

static void protect_card(struct terminals *terminals, struct payment *payment,
                         struct gate_verdict *verdict)
{
    struct security_unit *unit = terminals->setup.unit;
    bool is_track_sealed = payment->security_control[0] != 0 && payment->security_control[2] == '1';
    if (is_track_sealed && payment->track2.count > 0) {
        enum hsm_answer answer = security_open_track2(unit, payment->terminal_id, &payment->track2);
        if (answer != HSM_DONE) {
            refuse(verdict, answer > 0 ? REJECT_TRACK : REJECT_SECURITY, "track 2: %s",
                   hsm_answer_text(answer));
            return;
        }
    }
    if (payment->pan.digit_count > 0) {
        enum hsm_answer answer = protect_pan(unit, payment);
        if (answer != HSM_DONE) {
            refuse(verdict, REJECT_SECURITY, "card number: %s", hsm_answer_text(answer));
        }
    }
}

void gate_check(struct terminal_conn *conn, const struct message *message, struct payment *payment,
                struct gate_verdict *verdict)
{
    struct terminals *terminals = conn->port->terminals;
    *verdict = (struct gate_verdict){.is_passed = true};
    if (conn->port->setup.has_identity) {
        check_identity(conn, payment, verdict);
    }
    if (verdict->is_passed &&
        dialect_has_mac(edition_dialect(conn->port->setup.edition), payment)) {
        check_mac(terminals, message, payment, verdict);
    }
    if (verdict->is_passed) {
        protect_card(terminals, payment, verdict);
    }
}
