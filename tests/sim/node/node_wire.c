/* Every message as bytes: built and framed by the sender's dialect, cut into pieces, found again
 * and read by the receiver's. The world's payments hold what the engine looks at; what the file
 * wants beside that is put in here, as a terminal or a bank would. A MAC stands where one must, and
 * says nothing. */
#include <stdio.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/base/require.h"
#include "protocols/dialect/dialect.h"
#include "protocols/frame.h"
#include "tests/sim/node/node.h"
#include "tests/sim/sim_random.h"

#define WIRE_BYTES_MAX 4096

static struct {
    struct dialect *terminal, *bank; /* of the process, never destroyed */
    struct sim_random random;
} wire;

static struct dialect *load(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, name);
    struct document *document = file_text_load_yaml(path);
    REQUIRE(document != NULL);
    struct dialect *dialect = dialect_compile(document);
    document_destroy(document);
    REQUIRE(dialect != NULL);
    return dialect;
}

void node_wire_open(void)
{
    wire.terminal = load("unionpay-pos");
    wire.bank = load("iso8583-1987-ascii");
}

void node_wire_begin(uint64_t seed)
{
    wire.random = (struct sim_random){.state = seed};
}

/* --- what the world leaves out ------------------------------------------------------------ */

static void put_text(char *text, size_t size, const char *value)
{
    if (text[0] == '\0') {
        snprintf(text, size, "%s", value);
    }
}

static void put_cargo(struct payment *payment, enum payment_cargo which, const char *value)
{
    struct byte_view bytes = {(const uint8_t *)value, (uint32_t)strlen(value)};
    if (payment_cargo(payment, which).length == 0) {
        REQUIRE(payment_set_cargo(payment, which, bytes) == STATUS_OK);
    }
}

/* A required field that is not there. False: nothing is known to put there. */
static bool put_missing(struct payment *payment, enum sim_leg leg, uint16_t field)
{
    /* What a terminal says there is of the slip before it: who has none types something. */
    char *rrn = leg == SIM_FROM_TERMINAL ? payment->original.rrn : payment->rrn;
    char *auth_code =
        payment->leg == PAYMENT_REQUEST ? payment->original.auth_code : payment->auth_code;
    switch (field) {
    case 7:
        put_text(payment->sent_at, sizeof(payment->sent_at), "0101080000");
        return true;
    case 12:
        put_text(payment->local_time, sizeof(payment->local_time), "080000");
        return true;
    case 13:
        put_text(payment->local_date, sizeof(payment->local_date), "0101");
        return true;
    case 14:
        put_text(payment->expiry, sizeof(payment->expiry), "3012");
        return true;
    case 15:
        put_text(payment->settlement_date, sizeof(payment->settlement_date), "0101");
        return true;
    case 18:
        put_text(payment->mcc, sizeof(payment->mcc), "5999");
        return true;
    case 22:
        put_text(payment->entry_mode, sizeof(payment->entry_mode), "051");
        return true;
    case 32:
        put_text(payment->acquirer_id, sizeof(payment->acquirer_id), "00085500");
        return true;
    case 37:
        put_text(rrn, sizeof(payment->rrn), "000000000000");
        return true;
    case 38:
        put_text(auth_code, sizeof(payment->auth_code), "000000");
        return true;
    case 39:
        put_text(payment->reversal_reason, sizeof(payment->reversal_reason), "98");
        return true;
    case 48:
        put_cargo(payment, PAYMENT_CARGO_ADDITIONAL, "0000000000000000000000000000000");
        return true;
    case 49:
        payment->amount.currency = MONEY_CNY;
        return true;
    case 55:
        put_cargo(payment, PAYMENT_CARGO_ICC, "\x9F\x36\x02\x11\x11");
        return true;
    case 62:
        put_cargo(payment, PAYMENT_CARGO_CUSTOM_62, "0123456789");
        return true;
    case 63:
        put_cargo(payment, PAYMENT_CARGO_CUSTOM_63, "01 ");
        return true;
    default:
        return false;
    }
}

/* --- bytes -------------------------------------------------------------------------------- */

/* The lowest field that is missing is put there first: one that comes again was no use. */
static enum status build(const struct dialect *dialect, struct payment *payment, enum sim_leg leg,
                         const struct dialect_build_how *how, struct byte_writer *writer,
                         struct dialect_fault *fault)
{
    struct byte_view scope;
    uint16_t filled = 0;
    enum status status;
    while ((status = dialect_build(dialect, payment, how, writer, &scope, fault)) ==
               STATUS_MISSING &&
           fault->field > filled && put_missing(payment, leg, fault->field)) {
        filled = fault->field;
        node_mark(NODE_FILLED);
    }
    return status;
}

/* The frame as it comes in, in pieces: before the last byte there is none. */
static bool find_frame(const struct framing *framing, struct byte_view bytes, struct frame *frame)
{
    struct frame_fault fault;
    uint32_t consumed = 0;
    uint32_t there = 0;
    while (there < bytes.length) {
        uint32_t left = bytes.length - there;
        there += (uint32_t)sim_random_between(&wire.random, 1, left < 200 ? left : 200);
        enum status status =
            frame_parse(frame, &consumed, framing, (struct byte_view){bytes.bytes, there}, &fault);
        if (status != (there == bytes.length ? STATUS_OK : STATUS_TRUNCATED)) {
            return false;
        }
    }
    return consumed == bytes.length;
}

static bool is_same(const struct payment *said, const struct payment *read, enum sim_leg leg)
{
    bool is_answer = leg == SIM_TO_TERMINAL || leg == SIM_FROM_BANK;
    return said->stan == read->stan && strcmp(said->terminal_id, read->terminal_id) == 0 &&
           (read->amount.minor == 0 || said->amount.minor == read->amount.minor) &&
           (!is_answer || strcmp(said->response_code, read->response_code) == 0) &&
           (leg == SIM_FROM_TERMINAL || read->rrn[0] == '\0' || strcmp(said->rrn, read->rrn) == 0);
}

/* What no message carries: security makes it of the card's number, or the models know it. */
static void put_beside(const struct payment *said, struct payment *read, enum sim_leg leg)
{
    read->pan_hash = said->pan_hash;
    read->pan_sealed = said->pan_sealed;
    if (leg == SIM_TO_BANK || leg == SIM_TO_TERMINAL) {
        /* The models know what they are asked, and what they asked. */
        read->kind = said->kind;
        read->original_kind = said->original_kind;
        memcpy(read->original.rrn, said->original.rrn, sizeof(read->original.rrn));
    }
}

static void fail(struct world *world, enum sim_leg leg, const struct payment *payment,
                 const char *what)
{
    static const char *const LEGS[] = {"from a terminal", "to a terminal", "to a bank",
                                       "from a bank"};
    world_fail(world, SIM_WIRE, "%s %s %s: %s", payment_kind_name(payment->kind),
               payment->leg == PAYMENT_REQUEST ? "request" : "response", LEGS[leg], what);
}

void node_wire_carry(struct world *world, enum sim_leg leg, struct payment *payment)
{
    static const uint8_t HEADER[6] = {0x60, 0x32, 0x00, 0x31, 0x00, 0x00};
    static uint8_t bytes[WIRE_BYTES_MAX];
    static struct payment said;
    static struct payment read;
    bool is_bank = leg == SIM_TO_BANK || leg == SIM_FROM_BANK;
    const struct dialect *dialect = is_bank ? wire.bank : wire.terminal;
    const struct framing framing = {.length_kind = FRAME_BINARY_2,
                                    .has_tpdu = !is_bank,
                                    .may_be_http = !is_bank,
                                    .length_max = FRAME_LENGTH_MAX};
    struct dialect_build_how how = {.header = {HEADER, dialect_spec(dialect)->header_bytes}};
    struct byte_writer writer;
    struct frame frame = {0};
    struct message message;
    struct message_fault message_fault;
    struct dialect_fault fault;
    payment_copy(&said, payment);
    how.with_mac = !is_bank && dialect_has_mac(dialect, &said);
    byte_writer_init(&writer, bytes, sizeof(bytes));
    struct frame_mark mark = frame_begin_request(&writer, &framing, (const uint8_t[5]){0x60});
    if (build(dialect, &said, leg, &how, &writer, &fault) != STATUS_OK) {
        fail(world, leg, payment, fault.reason);
        return;
    }
    if (how.with_mac) {
        message_put_mac(dialect_spec(dialect), &writer, (const uint8_t[8]){0x4D});
    }
    frame_end(&writer, &framing, &mark);
    if (!find_frame(&framing, (struct byte_view){bytes, writer.position}, &frame)) {
        fail(world, leg, payment, "its frame is not found");
    } else if (message_parse(&message, dialect_spec(dialect), frame.message, &message_fault) !=
               STATUS_OK) {
        fail(world, leg, payment, message_fault.reason);
    } else if (dialect_read(dialect, &message, &read, &fault) != STATUS_OK) {
        fail(world, leg, payment, fault.reason);
    } else if (!is_same(&said, &read, leg)) {
        fail(world, leg, payment, "it is read otherwise than it was said");
    } else {
        node_mark(NODE_CARRIED);
        put_beside(&said, &read, leg);
        payment_copy(payment, &read);
    }
}
