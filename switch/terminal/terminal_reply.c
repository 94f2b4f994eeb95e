/* See terminal_reply.h. */
#include "switch/terminal/terminal_reply.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/engine/wall_text.h"
#include "switch/net/trace.h"
#include "switch/terminal/terminal_conn.h"

#define REQUEST_SIGNON 3 /* header digit 6: sign on again (unionpay section 1) */
#define ECHO_CHARACTERS_MAX 64
#define TOO_LONG "the answer is longer than framing.length_max"

/* The header of the request, its digit 6 ours. Only the six-byte header of UnionPay terminals has
 * such a digit: the low half of its third byte. */
static struct byte_view header_of_reply(struct terminal_conn *conn, uint8_t terminal_request)
{
    REQUIRE(terminal_request <= 9);
    if (conn->header_bytes == 6) {
        conn->header[2] = (uint8_t)((conn->header[2] & 0xF0) | terminal_request);
    }
    return (struct byte_view){conn->header, conn->header_bytes};
}

static void trace_sent(const struct terminal_conn *conn, const struct byte_writer *writer,
                       const struct frame_mark *mark)
{
    uint32_t at = mark->body_at + (conn->port->setup.framing.has_tpdu ? FRAME_TPDU_BYTES : 0);
    struct trace_message message = {.subject = {.side = TRACE_TERMINAL},
                                    .is_sent = true,
                                    .spec =
                                        dialect_spec(edition_dialect(conn->port->setup.edition)),
                                    .bytes = {writer->bytes + at, writer->position - at},
                                    .wall_us = loop_wall_us(),
                                    .now_ns = loop_now_ns()};
    memcpy(message.subject.name, conn->terminal_id, sizeof(conn->terminal_id));
    trace_put(&message);
}

/* False: it is longer than a frame may be, and nothing of it has gone out. */
static bool put_out(struct terminal_conn *conn, struct byte_writer *writer,
                    const struct frame_mark *mark)
{
    if (trace_is_on()) {
        trace_sent(conn, writer, mark);
    }
    frame_end(writer, &conn->port->setup.framing, mark);
    if (writer->status != STATUS_OK) {
        return false;
    }
    stream_write(conn->stream, (struct byte_view){writer->bytes, writer->position});
    stream_flush(conn->stream);
    return true;
}

static bool put_mac(struct terminal_conn *conn, const char *terminal_id, struct byte_writer *writer,
                    struct byte_view scope, char reason[TERMINAL_REPLY_REASON_SIZE])
{
    uint8_t mac[SECURITY_MAC_BYTES];
    enum hsm_answer answer =
        security_reply_mac(conn->port->terminals->setup.unit, terminal_id, scope, mac);
    if (answer != HSM_DONE) {
        snprintf(reason, TERMINAL_REPLY_REASON_SIZE, "no MAC for the answer: %s",
                 hsm_answer_text(answer));
        return false;
    }
    message_put_mac(dialect_spec(edition_dialect(conn->port->setup.edition)), writer, mac);
    return true;
}

bool terminal_reply_send(struct terminal_conn *conn, const struct engine_effect *effect,
                         char reason[TERMINAL_REPLY_REASON_SIZE])
{
    const struct payment *payment = effect->payment;
    const struct terminal_port *port = conn->port;
    const struct dialect *dialect = edition_dialect(port->setup.edition);
    struct dialect_build_how how = {.with_mac = dialect_has_mac(dialect, payment),
                                    .header = header_of_reply(conn, effect->terminal_request)};
    struct byte_view scope;
    struct dialect_fault fault;
    struct byte_writer writer;
    byte_writer_init(&writer, port->terminals->reply_bytes, REPLY_BYTES_MAX);
    struct frame_mark mark = frame_begin_reply(&writer, &port->setup.framing, &conn->frame);
    bool is_built = false;
    if (dialect_build(dialect, payment, &how, &writer, &scope, &fault) != STATUS_OK) {
        snprintf(reason, TERMINAL_REPLY_REASON_SIZE, "field %u: %s", fault.field, fault.reason);
    } else {
        uint8_t room[MESSAGE_MAC_BYTES_MAX];
        uint32_t at = mark.body_at + (port->setup.framing.has_tpdu ? FRAME_TPDU_BYTES : 0);
        struct byte_view whole = {writer.bytes + at, writer.position - at};
        scope = how.with_mac ? message_mac_input_built(dialect_spec(dialect), whole, scope, room)
                             : scope;
        is_built = !how.with_mac || put_mac(conn, payment->terminal_id, &writer, scope, reason);
        secret_wipe(room, scope.bytes == room ? scope.length : 0);
    }
    if (is_built && !put_out(conn, &writer, &mark)) {
        snprintf(reason, TERMINAL_REPLY_REASON_SIZE, "%s", TOO_LONG);
        is_built = false;
    }
    secret_wipe(writer.bytes, writer.position);
    return is_built;
}

bool terminal_reply_may_refuse(const struct message *message)
{
    char function = message->mti[0] == 0 ? '1' : message->mti[2];
    return (function == '0' || function == '2' || function == '4') && message_has(message, 11);
}

/* Sets a field of the draft to what the message says, if it says it. */
static void echo_field(struct message_draft *draft, const struct message *message, unsigned field,
                       char text[ECHO_CHARACTERS_MAX + 1])
{
    if (message_has(message, field) && message->fields[field].count <= ECHO_CHARACTERS_MAX) {
        uint32_t count = message_text(message, field, text, ECHO_CHARACTERS_MAX + 1);
        message_draft_set(draft, field, text, count);
    }
}

void terminal_reply_refuse(struct terminal_conn *conn, const struct message *message,
                           const struct terminal_refusal *refusal)
{
    static const uint8_t ECHOED[] = {3, 4, 11, 25, 41, 42, 49, 60};
    char texts[sizeof(ECHOED)][ECHO_CHARACTERS_MAX + 1];
    const struct spec *spec = message->spec;
    struct message_draft draft;
    struct message_fault fault;
    struct wall_text wall;
    struct byte_writer writer;
    char mti[5] = {message->mti[0], message->mti[1], (char)(message->mti[2] + 1), '0', 0};
    REQUIRE(terminal_reply_may_refuse(message));
    wall_text_set(&wall, loop_wall_us());
    message_draft_init(&draft, spec, mti);
    draft.header = header_of_reply(conn, refusal->asks_signon ? REQUEST_SIGNON : 0);
    for (size_t i = 0; i < sizeof(ECHOED); i++) {
        echo_field(&draft, message, ECHOED[i], texts[i]);
    }
    message_draft_set_text(&draft, 12, wall.local_time);
    message_draft_set_text(&draft, 13, wall.local_date);
    message_draft_set_text(&draft, 39, refusal->response_code);
    byte_writer_init(&writer, conn->port->terminals->reply_bytes, REPLY_BYTES_MAX);
    struct frame_mark mark = frame_begin_reply(&writer, &conn->port->setup.framing, &conn->frame);
    if (message_build(&draft, &writer, NULL, &fault) != STATUS_OK) {
        terminal_conn_close(conn, CLOSE_MESSAGE, fault.reason);
    } else if (!put_out(conn, &writer, &mark)) {
        terminal_conn_close(conn, CLOSE_MESSAGE, TOO_LONG);
    }
}
