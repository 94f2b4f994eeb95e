/* Parse and build: a 300-byte ASCII message of 15 fields, the same fields by every other spec that
 * ships for hosts, and a UnionPay chip purchase of about 430 bytes; beside memcpy of the same
 * bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/iso8583/message.h"
#include "tests/bench/bench.h"

#define SPECS TILLWAY_SOURCE_DIR "/config/specs/"

struct sample {
    struct spec *spec;
    struct message_draft draft;
    uint8_t bytes[1024];
    uint32_t length;
    uint8_t out[1024];
};

struct value {
    unsigned field;
    const char *text;
};

/* Fifteen fields, 300 bytes with MTI and bitmap. */
static const struct value ASCII_VALUES[] = {
    {2, "6222021234567890128"},
    {3, "000000"},
    {4, "000000012345"},
    {7, "1125120000"},
    {11, "000123"},
    {12, "120000"},
    {13, "1125"},
    {22, "051"},
    {32, "00085500"},
    {37, "100010000123"},
    {41, "10000001"},
    {42, "102290058120001"},
    {43, "TILLWAY BENCHMARK MERCHANT SHANGHAI CHN "},
    {48,
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"},
    {49, "156"},
};

static const char CHIP_TAGS[] =
    "9F2608C2B36E7F0A1B5D439F2701809F101307010103A0A802010A010000000000AB3F23A19F37045D0F3CF49F3602"
    "0157950500000000009A032611259C01009F020600000001234"
    "55F2A02015682027C009F1A0201569F03060000000000009F3303E0E1C89F34034203009F3501229F1E08313030303"
    "03030318408A0000003330101029F0902008C9F4104000004039F"
    "631030303031303030300000000000000000";
#define PRIVATE_DATA                                                                               \
    "12201234567890123456789013081.0.3.0114142026112512000015020017022BD000.000000,000."           \
    "000000A2063010202021600002021000012345603060128040883F0012A050801000301"
static const struct value UNIONPAY_VALUES[] = {
    {2, "6222021234567890128"},
    {3, "000000"},
    {4, "000000012345"},
    {11, "000123"},
    {14, "3012"},
    {22, "051"},
    {23, "001"},
    {25, "00"},
    {26, "12"},
    {35, "6222021234567890128=30122011234567890"},
    {41, "10000001"},
    {42, "102290058120001"},
    {49, "156"},
    {53, "2600000000000000"},
    {59, PRIVATE_DATA},
    {60, "2200000100060"},
    {63, "01 "},
};

static struct spec *load_spec(const char *path)
{
    struct document *document = file_text_load_yaml(path);
    struct spec *spec =
        document != NULL && document_fault_count(document) == 0 ? spec_compile(document) : NULL;
    if (spec == NULL) {
        fprintf(stderr, "%s: %s\n", path,
                document == NULL ? "no memory" : document_fault_text(document, 0));
        exit(2);
    }
    document_destroy(document);
    return spec;
}

static void build_or_die(struct sample *sample)
{
    struct byte_writer writer;
    byte_writer_init(&writer, sample->bytes, sizeof(sample->bytes));
    struct byte_view scope;
    struct message_fault fault;
    if (message_build(&sample->draft, &writer, &scope, &fault) != STATUS_OK) {
        fprintf(stderr, "the sample cannot be built: %s\n", fault.reason);
        exit(2);
    }
    sample->length = writer.position;
}

static void make_sample(struct sample *sample, const char *spec_name, const struct value *values,
                        uint32_t value_count)
{
    char path[512];
    snprintf(path, sizeof(path), SPECS "%s.yaml", spec_name);
    sample->spec = load_spec(path);
    message_draft_init(&sample->draft, sample->spec, "0200");
    for (uint32_t i = 0; i < value_count; i++) {
        message_draft_set_text(&sample->draft, values[i].field, values[i].text);
    }
}

static uint64_t run_parse(void *argument, uint32_t count)
{
    struct sample *sample = argument;
    struct message message;
    struct message_fault fault;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (message_parse(&message, sample->spec, (struct byte_view){sample->bytes, sample->length},
                          &fault) != STATUS_OK) {
            fprintf(stderr, "the sample cannot be parsed: field %u: %s\n", fault.field,
                    fault.reason);
            exit(2);
        }
        sum += message.fields[41].offset;
    }
    return sum;
}

static uint64_t run_build(void *argument, uint32_t count)
{
    struct sample *sample = argument;
    struct message_fault fault;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct byte_writer writer;
        struct byte_view scope;
        byte_writer_init(&writer, sample->out, sizeof(sample->out));
        if (message_build(&sample->draft, &writer, &scope, &fault) != STATUS_OK) {
            exit(2);
        }
        sum += writer.position;
    }
    return sum;
}

static uint64_t run_copy(void *argument, uint32_t count)
{
    struct sample *sample = argument;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(sample->out, sample->bytes, sample->length);
        __asm__ volatile("" : : "r"(sample->out) : "memory");
        sum += sample->out[i % 64];
    }
    return sum;
}

static void run_pair(struct sample *sample, const char *name, bench_function *function)
{
    char reference[64];
    snprintf(reference, sizeof(reference), "memcpy of the same %u bytes", sample->length);
    bench_run(&(struct bench_pair){.name = name,
                                   .unit = "ns",
                                   .reference = reference,
                                   .measured = function,
                                   .reference_function = run_copy,
                                   .argument = sample,
                                   .count = 400000,
                                   .aim = 250});
}

/* The fields of the ASCII message as another spec has them; those that it has in another form are
 * left out. */
static void run_host(const char *spec_name)
{
    static struct sample sample;
    char path[512], name[64];
    snprintf(path, sizeof(path), SPECS "%s.yaml", spec_name);
    sample.spec = load_spec(path);
    message_draft_init(&sample.draft, sample.spec, "0200");
    for (size_t i = 0; i < sizeof(ASCII_VALUES) / sizeof(ASCII_VALUES[0]); i++) {
        const struct spec_field *field = &sample.spec->fields[ASCII_VALUES[i].field];
        const size_t length = strlen(ASCII_VALUES[i].text);
        if (field->content != SPEC_B && length <= field->count &&
            (field->is_variable || length == field->count)) {
            message_draft_set_text(&sample.draft, ASCII_VALUES[i].field, ASCII_VALUES[i].text);
        }
    }
    build_or_die(&sample);
    snprintf(name, sizeof(name), "parse.%s", spec_name);
    run_pair(&sample, name, run_parse);
    snprintf(name, sizeof(name), "build.%s", spec_name);
    run_pair(&sample, name, run_build);
    spec_destroy(sample.spec);
}

int main(void)
{
    static const char *const HOSTS[] = {"unionpay-host", "iso8583-1987-binary",
                                        "iso8583-1987-ebcdic", "iso8583-1993-ascii",
                                        "iso8583-1993-binary"};
    static struct sample ascii;
    static struct sample unionpay;
    make_sample(&ascii, "iso8583-1987-ascii", ASCII_VALUES,
                sizeof(ASCII_VALUES) / sizeof(ASCII_VALUES[0]));
    build_or_die(&ascii);
    make_sample(&unionpay, "unionpay-pos", UNIONPAY_VALUES,
                sizeof(UNIONPAY_VALUES) / sizeof(UNIONPAY_VALUES[0]));
    uint8_t chip[256];
    struct byte_writer writer;
    byte_writer_init(&writer, chip, sizeof(chip));
    static const uint8_t HEADER[6] = {0x60, 0x31, 0x00, 0x31, 0x10, 0x03};
    if (bytes_from_hex(&writer, CHIP_TAGS, (uint32_t)strlen(CHIP_TAGS)) != STATUS_OK) {
        fprintf(stderr, "the chip data of the sample are no hex\n");
        return 2;
    }
    unionpay.draft.header = (struct byte_view){HEADER, sizeof(HEADER)};
    message_draft_set(&unionpay.draft, 52, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    message_draft_set(&unionpay.draft, 55, chip, writer.position);
    build_or_die(&unionpay);
    run_pair(&ascii, "parse.ascii", run_parse);
    run_pair(&ascii, "build.ascii", run_build);
    run_pair(&unionpay, "parse.unionpay", run_parse);
    run_pair(&unionpay, "build.unionpay", run_build);
    for (size_t i = 0; i < sizeof(HOSTS) / sizeof(HOSTS[0]); i++) {
        run_host(HOSTS[i]);
    }
    spec_destroy(ascii.spec);
    spec_destroy(unionpay.spec);
    return 0;
}
