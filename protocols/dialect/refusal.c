/* The answer to what a dialect has no transaction for: see dialect_build_refusal in dialect.h. It
 * is made of the request's own fields, since there is no layout to make it by. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/dialect/table.h"
#include "protocols/iso8583/header.h"

#define ECHOED_BYTES_MAX 2048
#define ECHOED_CHARACTERS_MAX                                                                      \
    64 /* of one field; what is longer tells nobody which request it was */

unsigned dialect_network_field(const struct dialect *dialect)
{
    return dialect->key_fields[DIALECT_KEY_network_code];
}

/* The field of a response that has its code; 0: none. */
static unsigned code_field(const struct dialect *dialect)
{
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        const struct dialect_op *op = &dialect->ops[PAYMENT_RESPONSE][field];
        bool is_text = op->type == DIALECT_TEXT || op->type == DIALECT_CODED;
        if (is_text && op->offset == offsetof(struct payment, response_code)) {
            return field;
        }
    }
    return 0;
}

/* As the wire says it: some dialects have codes of their own (1993). NULL: not at all. */
static const char *wire_code(const struct dialect *dialect, const struct dialect_op *op,
                             const char *response_code)
{
    if (op->type != DIALECT_CODED) {
        return response_code;
    }
    for (unsigned i = op->first; i < op->first + op->count; i++) {
        if (strcmp(dialect->codes[i].part, response_code) == 0) {
            return dialect->codes[i].wire;
        }
    }
    return op->unwritten == DIALECT_CODE_NONE ? NULL : dialect->codes[op->unwritten].wire;
}

static void echo(struct message_draft *draft, const struct message *request, unsigned field,
                 struct byte_writer *texts)
{
    const uint32_t count = request->fields[field].count;
    bool is_open = request->spec->fields[field].secrecy == SPEC_OPEN;
    if (!is_open || field == message_mac_field(request) || count > ECHOED_CHARACTERS_MAX) {
        return;
    }
    char *room = (char *)byte_writer_take(texts, count + 1);
    if (room != NULL) {
        (void)message_text(request, field, room, count + 1);
        message_draft_set(draft, field, room, count);
    }
}

enum status dialect_build_refusal(const struct dialect *dialect, const struct message *request,
                                  const char response_code[3], struct byte_view header,
                                  struct byte_writer *writer, struct dialect_fault *fault)
{
    char mti[5] = {request->mti[0], request->mti[1], (char)(request->mti[2] + 1), '0', '\0'};
    uint8_t echoed[ECHOED_BYTES_MAX], ours[SPEC_HEADER_BYTES_MAX];
    const unsigned field = code_field(dialect);
    const char *code =
        field == 0 ? NULL
                   : wire_code(dialect, &dialect->ops[PAYMENT_RESPONSE][field], response_code);
    *fault = (struct dialect_fault){.field = (uint16_t)field};
    if (code == NULL || (request->mti[2] - '0') % 2 != 0) {
        snprintf(fault->reason, sizeof(fault->reason),
                 "message type %.4s cannot be answered with code %.2s in %s", request->mti,
                 response_code, dialect->spec->name);
        return STATUS_UNSUPPORTED;
    }
    struct byte_writer texts;
    struct message_draft draft;
    struct message_fault why = {.reason = ""};
    byte_writer_init(&texts, echoed, sizeof(echoed));
    message_draft_init(&draft, dialect->spec, mti);
    draft.header = header;
    if (dialect->spec->header_item_count > 0) {
        header_fill(ours, dialect->spec, header, true);
        draft.header = (struct byte_view){ours, dialect->spec->header_bytes};
    }
    for (unsigned i = 2; i <= SPEC_FIELD_MAX; i++) {
        if (i != field && message_has(request, i)) {
            echo(&draft, request, i, &texts);
        }
    }
    message_draft_set_text(&draft, field, code);
    enum status status = message_build(&draft, writer, NULL, &why);
    fault->field = why.field;
    snprintf(fault->reason, sizeof(fault->reason), "%s", why.reason);
    return status;
}
