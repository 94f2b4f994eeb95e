/* Message specs looked at without a server: is a file right, what does it say, and what does a
 * message say by it. Shown as the spec says: card numbers masked, secrets not at all.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/dialect/dialect.h"
#include "switch/admin/ctl/command.h"

#define MESSAGE_BYTES_MAX 65535
#define HEX_SIZE (2 * MESSAGE_BYTES_MAX + 2)
#define TEXT_SIZE (4 * MESSAGE_BYTES_MAX)

/* The faults of the file are on stderr; NULL: it has some. */
static struct dialect *load(const char *path)
{
    struct document *document = file_text_load_yaml(path);
    if (document == NULL) {
        fputs("tillwayctl: no memory\n", stderr);
        return NULL;
    }
    struct dialect *dialect =
        document_fault_count(document) == 0 ? dialect_compile(document) : NULL;
    const uint32_t count = document_fault_count(document);
    for (uint32_t i = 0; i < count && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        fprintf(stderr, "%s\n", document_fault_text(document, i));
    }
    if (count > DOCUMENT_FAULT_COUNT_MAX) {
        fprintf(stderr, "%s: %u faults more\n", path, count - DOCUMENT_FAULT_COUNT_MAX);
    }
    if (dialect == NULL && count == 0) {
        fputs("tillwayctl: no memory\n", stderr);
    }
    document_destroy(document);
    return dialect;
}

static unsigned field_count(const struct spec *spec)
{
    unsigned count = 0;
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        count += spec->fields[field].name[0] != '\0';
    }
    return count;
}

static int run_check(const struct command *command)
{
    int code = CTL_OK;
    for (int i = 2; i < command->word_count; i++) {
        struct dialect *dialect = load(command->words[i]);
        if (dialect == NULL) {
            code = CTL_FAILED;
            continue;
        }
        printf("%s: right; %s, %u fields\n", command->words[i], dialect_name(dialect),
               field_count(dialect_spec(dialect)));
        dialect_destroy(dialect);
    }
    return code;
}

/* --- describe ----------------------------------------------------------------------------- */

static void show_header(const struct spec *spec)
{
    static const char *const ROLES[] = {"",         ", as written", ", the length", ", destination",
                                        ", source", ", reject code"};
    printf("header        %u bytes\n", spec->header_bytes);
    for (unsigned i = 0; i < spec->header_item_count; i++) {
        const struct spec_header_item *item = &spec->header_items[i];
        printf("  %2u  %-24s %u bytes%s\n", item->offset, item->name, item->length,
               ROLES[item->role]);
    }
}

static void show_form(const char *number, const struct spec_field *field, int indent)
{
    static const char *const SHOWN[] = {"open", "masked", "hidden"};
    char format[SPEC_FORMAT_SIZE];
    spec_format(field, format);
    printf("%*s%4s  %-*s %-13s %-11s %s\n", indent, "", number, 32 - indent, field->name, format,
           spec_coding_name(field->coding), SHOWN[field->secrecy]);
}

/* A field and what stands inside it; as deep as SPEC_PARTS_DEPTH_MAX, kept on a stack of our own.
 */
static void show_parts(const struct spec *spec, uint8_t parts)
{
    struct {
        const struct spec_parts *parts;
        uint16_t next;
    } stack[SPEC_PARTS_DEPTH_MAX + 1];
    int depth = 0;
    stack[0].parts = parts == 0 ? NULL : &spec->parts[parts - 1];
    stack[0].next = 0;
    while (depth >= 0 && stack[depth].parts != NULL) {
        if (stack[depth].next == stack[depth].parts->count) {
            depth--;
            continue;
        }
        const struct spec_part *part = &spec->part[stack[depth].parts->first + stack[depth].next++];
        show_form(part->tag, &part->field, 2 * depth + 4);
        if (part->field.parts != 0 && depth < SPEC_PARTS_DEPTH_MAX) {
            depth++;
            stack[depth].parts = &spec->parts[part->field.parts - 1];
            stack[depth].next = 0;
        }
    }
}

static int run_describe(const struct command *command)
{
    struct dialect *dialect = load(command->words[2]);
    if (dialect == NULL) {
        return CTL_FAILED;
    }
    const struct spec *spec = dialect_spec(dialect);
    printf("name          %s\n", spec->name);
    show_header(spec);
    printf("message type  %s\nbitmap        %s, fields 2 to %u\n",
           spec_coding_name(spec->mti_coding), spec_coding_name(spec->bitmap_coding),
           64U * spec->word_count);
    if (spec->third_bitmap != 0) {
        printf("third bitmap  at %u\n", spec->third_bitmap);
    }
    if (spec->mac_field != 0) {
        printf("MAC           field %s\n", spec->mac_field == 128 ? "64 or 128" : "64");
    }
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        char number[8];
        if (spec->fields[field].name[0] != '\0') {
            snprintf(number, sizeof(number), "%u", field);
            show_form(number, &spec->fields[field], 0);
            show_parts(spec, spec->fields[field].parts);
        }
    }
    dialect_destroy(dialect);
    return CTL_OK;
}

/* --- decode ------------------------------------------------------------------------------- */

/* Hex of the command line, or of standard input, so that it need not stand in a shell's history;
 * blanks between are taken out. False: a sentence is on stderr. */
static bool read_hex(const char *word, struct byte_writer *writer)
{
    static char hex[HEX_SIZE];
    uint32_t count = 0;
    int next = 0;
    for (size_t i = 0; (next = word != NULL ? (unsigned char)word[i] : getchar()) != 0; i++) {
        if (next == EOF) {
            break;
        }
        if (isspace(next)) {
            continue;
        }
        if (count == HEX_SIZE - 1) {
            fprintf(stderr, "tillwayctl: a message has %d bytes at most\n", MESSAGE_BYTES_MAX);
            return false;
        }
        hex[count++] = (char)next;
    }
    enum status status = bytes_from_hex(writer, hex, count);
    secret_wipe(hex, sizeof(hex));
    if (status != STATUS_OK || count == 0) {
        fprintf(stderr,
                "tillwayctl: %u characters are no message in hex: pairs of 0 to 9 and A to "
                "F were expected, without length and TPDU\n",
                count);
        return false;
    }
    return true;
}

/* What it means, once it could be parsed whole. */
static int show_meaning(const struct dialect *dialect, const struct message *message)
{
    static struct payment payment;
    struct dialect_fault fault;
    enum status status = dialect_read(dialect, message, &payment, &fault);
    if (status == STATUS_OK) {
        printf("transaction: %s, %s\n", payment_kind_text(payment.kind),
               payment.leg == PAYMENT_REQUEST ? "request" : "response");
    } else {
        fprintf(stderr, "tillwayctl: the fields are right, the transaction is not: %s\n",
                fault.reason);
    }
    payment_wipe(&payment);
    return status == STATUS_OK ? CTL_OK : CTL_FAILED;
}

/* Of a faulty message all that could be read is shown. */
static int decode(const struct dialect *dialect, struct byte_view bytes)
{
    static struct message message;
    static char text[TEXT_SIZE];
    struct message_fault fault;
    enum status status = message_parse(&message, dialect_spec(dialect), bytes, &fault);
    if (message.mti[0] != '\0') {
        message_describe(&message, text, sizeof(text));
        fputs(text, stdout);
    }
    if (status == STATUS_OK) {
        return show_meaning(dialect, &message);
    }
    fflush(stdout);
    fprintf(stderr, "tillwayctl: at byte %u of %u: %s\n", fault.offset, bytes.length, fault.reason);
    return CTL_FAILED;
}

static int run_decode(const struct command *command)
{
    static uint8_t bytes[MESSAGE_BYTES_MAX];
    struct byte_writer writer;
    struct dialect *dialect = load(command->words[2]);
    int code = CTL_FAILED;
    if (dialect == NULL) {
        return CTL_FAILED;
    }
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (read_hex(command->word_count == 4 ? command->words[3] : NULL, &writer)) {
        code = decode(dialect, (struct byte_view){bytes, writer.position});
    }
    secret_wipe(bytes, sizeof(bytes));
    dialect_destroy(dialect);
    return code;
}

static int run_spec(const struct command *command)
{
    const char *second = command->word_count > 1 ? command->words[1] : "";
    if (command->is_json && command->word_count > 1) {
        fputs("tillwayctl: spec answers in words only, without --json\n", stderr);
        return CTL_USAGE;
    }
    if (strcmp(second, "check") == 0 && command->word_count > 2) {
        return run_check(command);
    }
    if (command_is(command, "describe", 3)) {
        return run_describe(command);
    }
    if (command_is(command, "decode", 3) || command_is(command, "decode", 4)) {
        return run_decode(command);
    }
    return COMMAND_UNKNOWN;
}

const struct command_group SPEC_GROUP = {
    .word = "spec",
    .is_offline = true,
    .usage =
        "  spec check FILE ...        whether message specs are right; faults with file and line\n"
        "  spec describe FILE         header, bitmaps, fields and their parts\n"
        "  spec decode FILE [HEX]     a message by a spec, masked; without HEX from standard "
        "input\n",
    .expected = "spec check FILE ..., spec describe FILE, or spec decode FILE [HEX]",
    .run = run_spec,
};
