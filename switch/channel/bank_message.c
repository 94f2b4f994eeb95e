/* See bank_message.h. */
#include "switch/channel/bank_message.h"

#include <stdio.h>

#include "protocols/base/require.h"

enum status bank_message_write(const struct bank_dialect *bank, const struct payment *payment,
                               struct byte_writer *writer, char reason[BANK_MESSAGE_REASON_SIZE])
{
    struct dialect_fault fault;
    struct byte_view scope = {NULL, 0};
    const struct dialect_build_how how = {.with_mac = bank->has_mac &&
                                                      dialect_has_mac(bank->dialect, payment)};
    struct frame_mark mark = frame_begin_request(writer, &bank->framing, bank->tpdu);
    enum status status = dialect_build(bank->dialect, payment, &how, writer, &scope, &fault);
    if (status != STATUS_OK) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", fault.reason);
        return status;
    }
    if (how.with_mac && scope.length > 0) {
        uint8_t mac[SECURITY_MAC_BYTES];
        enum hsm_answer answer = security_link_mac(bank->unit, bank->mac, scope, mac);
        if (answer != HSM_DONE) {
            snprintf(reason, BANK_MESSAGE_REASON_SIZE, "no MAC: %s", hsm_answer_text(answer));
            return STATUS_DENIED;
        }
        message_put_mac(dialect_spec(bank->dialect), writer, mac);
    }
    frame_end(writer, &bank->framing, &mark);
    return writer->status;
}

/* A message without a MAC is judged later, when it is known whether its kind carries one. */
static bool mac_holds(const struct bank_dialect *bank, const struct message *message,
                      char reason[BANK_MESSAGE_REASON_SIZE])
{
    char mac[SECURITY_MAC_BYTES + 1];
    unsigned field = message_mac_field(message);
    if (!bank->has_mac || field == 0 || !message_has(message, field)) {
        return true;
    }
    uint32_t length = message_text(message, field, mac, sizeof(mac));
    enum hsm_answer answer = security_link_verify(bank->unit, bank->mac, message_mac_scope(message),
                                                  (struct byte_view){(const uint8_t *)mac, length});
    if (answer != HSM_DONE) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "field %u: %s", field, hsm_answer_text(answer));
    }
    return answer == HSM_DONE;
}

enum bank_verdict bank_message_read(const struct bank_dialect *bank, struct byte_view bytes,
                                    struct payment *payment, char reason[BANK_MESSAGE_REASON_SIZE])
{
    struct message message;
    struct message_fault message_fault;
    struct dialect_fault fault;
    if (message_parse(&message, dialect_spec(bank->dialect), bytes, &message_fault) != STATUS_OK) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", message_fault.reason);
        return BANK_UNREADABLE;
    }
    if (!mac_holds(bank, &message, reason)) {
        return BANK_BAD_MAC;
    }
    if (dialect_read(bank->dialect, &message, payment, &fault) != STATUS_OK) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s", fault.reason);
        return BANK_UNREADABLE;
    }
    unsigned field = message_mac_field(&message);
    if (bank->has_mac && field != 0 && !message_has(&message, field) &&
        dialect_has_mac(bank->dialect, payment)) {
        snprintf(reason, BANK_MESSAGE_REASON_SIZE, "field %u, the MAC, is missing", field);
        return BANK_BAD_MAC;
    }
    return BANK_READ;
}
