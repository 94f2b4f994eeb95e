/* Message -> payment -> message: what was read once and written is read again as the same payment,
 * and written again as the same bytes. The first byte chooses among the dialects that ship. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/dialect/dialect.h"

#define MESSAGE_BYTES_MAX 2048

/* The first two stand where the corpus expects them. */
static const char *const DIALECTS[] = {
    "unionpay-pos",       "iso8583-1987-ascii",  "iso8583-1987-binary", "iso8583-1987-ebcdic",
    "iso8583-1993-ascii", "iso8583-1993-binary", "unionpay-host"};
enum { DIALECT_COUNT = sizeof(DIALECTS) / sizeof(DIALECTS[0]) };

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static struct dialect *load(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, name);
    struct document *document = file_text_load_yaml(path);
    must(document != NULL);
    struct dialect *dialect = dialect_compile(document);
    must(dialect != NULL);
    document_destroy(document);
    return dialect;
}

/* Parses and reads; STATUS_OK when both went well. */
static enum status read_payment(const struct dialect *dialect, struct byte_view bytes,
                                struct payment *payment)
{
    static struct message message;
    struct message_fault message_fault;
    struct dialect_fault fault;
    enum status status = message_parse(&message, dialect_spec(dialect), bytes, &message_fault);
    if (status != STATUS_OK) {
        return status;
    }
    static uint8_t mac_room[MESSAGE_MAC_BYTES_MAX];
    must(message_mac_input(&message, mac_room).length <= sizeof(mac_room));
    status = dialect_read(dialect, &message, payment, &fault);
    must(status >= STATUS_OK);
    must((status == STATUS_OK) == (fault.reason[0] == '\0'));
    return status;
}

static enum status write_payment(const struct dialect *dialect, const struct payment *payment,
                                 struct byte_writer *writer)
{
    static const uint8_t header[6] = {0x60, 0x31};
    struct dialect_fault fault;
    struct byte_view scope;
    struct dialect_build_how how = {.with_mac = dialect_has_mac(dialect, payment)};
    if (dialect_spec(dialect)->header_item_count == 0) { /* else as the spec has it */
        must(dialect_spec(dialect)->header_bytes <= sizeof(header));
        how.header = (struct byte_view){header, dialect_spec(dialect)->header_bytes};
    }
    enum status status = dialect_build(dialect, payment, &how, writer, &scope, &fault);
    if (status == STATUS_OK && how.with_mac) {
        static uint8_t mac_rooms[2][MESSAGE_MAC_BYTES_MAX];
        static struct message message;
        struct message_fault form;
        const struct spec *spec = dialect_spec(dialect);
        struct byte_view whole = {writer->bytes, writer->position};
        struct byte_view made = message_mac_input_built(spec, whole, scope, mac_rooms[0]);
        if (message_parse(&message, spec, whole, &form) == STATUS_OK) { /* else the MAC is hex */
            struct byte_view read = message_mac_input(&message, mac_rooms[1]);
            must(read.length == made.length && memcmp(read.bytes, made.bytes, made.length) == 0);
        }
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct dialect *dialects[DIALECT_COUNT];
    static struct payment first, second;
    static uint8_t room[2][MESSAGE_BYTES_MAX];
    if (dialects[0] == NULL) {
        for (int i = 0; i < DIALECT_COUNT; i++) {
            dialects[i] = load(DIALECTS[i]);
        }
    }
    if (length < 1 || length > MESSAGE_BYTES_MAX) {
        return 0;
    }
    const struct dialect *dialect = dialects[bytes[0] % DIALECT_COUNT];
    struct byte_writer writers[2];
    byte_writer_init(&writers[0], room[0], sizeof(room[0]));
    byte_writer_init(&writers[1], room[1], sizeof(room[1]));
    struct byte_view rest = {bytes + 1, (uint32_t)length - 1};
    if (read_payment(dialect, rest, &first) != STATUS_OK ||
        write_payment(dialect, &first, &writers[0]) != STATUS_OK) {
        return 0;
    }
    struct byte_view written = {room[0], writers[0].position};
    must(read_payment(dialect, written, &second) == STATUS_OK);
    must(second.kind == first.kind && second.original_kind == first.original_kind);
    must(write_payment(dialect, &second, &writers[1]) == STATUS_OK);
    must(writers[1].position == writers[0].position);
    must(memcmp(room[0], room[1], writers[0].position) == 0);
    return 0;
}
