/* HdrHistogram's layout: 2,048 sub-buckets hold the small values one by one; each further bucket
 * doubles the width and adds the upper half of 1,024. The index is two shifts and a subtraction. */
#include "loadtest/histogram.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <zlib.h>

#include "protocols/base/bytes.h"
#include "protocols/base/require.h"

#define SUB_BUCKET_COUNT 2048U /* smallest power of two that keeps 3 digits */
#define SUB_BUCKET_HALF 1024U
#define SUB_BUCKET_HALF_BITS 10
#define BUCKET_COUNT 22 /* 2048 << 21 is more than an hour of microseconds */
#define CELL_COUNT ((size_t)(BUCKET_COUNT + 1) * SUB_BUCKET_HALF)
#define PAYLOAD_HEAD_BYTES 40
#define ZIGZAG_BYTES_MAX 9
#define COOKIE_PAYLOAD UINT32_C(0x1c849313)
#define COOKIE_DEFLATED UINT32_C(0x1c849314)

_Static_assert(((uint64_t)SUB_BUCKET_COUNT << (BUCKET_COUNT - 1)) > HISTOGRAM_US_MAX,
               "the buckets reach the largest value");

struct histogram {
    uint64_t total, min, max;
    double sum;
    uint64_t cells[CELL_COUNT];
};

struct histogram *histogram_create(void)
{
    struct histogram *histogram = calloc(1, sizeof *histogram);
    if (histogram != NULL) {
        histogram->min = UINT64_MAX;
    }
    return histogram;
}

void histogram_destroy(struct histogram *histogram)
{
    free(histogram);
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->min = UINT64_MAX;
}

static uint32_t cell_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | (SUB_BUCKET_COUNT - 1));
    unsigned bucket = bits - (SUB_BUCKET_HALF_BITS + 1);
    uint64_t sub = value >> bucket;
    uint64_t cell = ((uint64_t)(bucket + 1) << SUB_BUCKET_HALF_BITS) + sub - SUB_BUCKET_HALF;
    REQUIRE(cell < CELL_COUNT);
    return (uint32_t)cell;
}

/* The largest value that falls into the cell. */
static uint64_t cell_top(uint32_t cell)
{
    if (cell < SUB_BUCKET_COUNT) {
        return cell;
    }
    unsigned bucket = (cell >> SUB_BUCKET_HALF_BITS) - 1;
    uint64_t sub = (cell & (SUB_BUCKET_HALF - 1)) + SUB_BUCKET_HALF;
    return ((sub + 1) << bucket) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value_us)
{
    uint64_t value = value_us < HISTOGRAM_US_MAX ? value_us : HISTOGRAM_US_MAX;
    histogram->cells[cell_of(value)]++;
    histogram->total++;
    histogram->sum += (double)value;
    histogram->min = value < histogram->min ? value : histogram->min;
    histogram->max = value > histogram->max ? value : histogram->max;
}

void histogram_add(struct histogram *histogram, const struct histogram *from)
{
    for (uint32_t i = 0; i < CELL_COUNT; i++) {
        histogram->cells[i] += from->cells[i];
    }
    histogram->total += from->total;
    histogram->sum += from->sum;
    histogram->min = from->min < histogram->min ? from->min : histogram->min;
    histogram->max = from->max > histogram->max ? from->max : histogram->max;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    return histogram->total;
}

uint64_t histogram_max(const struct histogram *histogram)
{
    return histogram->max;
}

uint64_t histogram_min(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0 : histogram->min;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0.0 : histogram->sum / (double)histogram->total;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    REQUIRE(percent >= 0.0 && percent <= 100.0);
    if (histogram->total == 0) {
        return 0;
    }
    /* A hair less, so that 99.9 % of 2,000 is 1,998 and not one more by a rounding error. */
    double share = percent / 100.0 * (double)histogram->total * (1.0 - 1e-12);
    uint64_t wanted = (uint64_t)share;
    wanted += (double)wanted < share; /* round up: the value at or below which the share lies */
    wanted = wanted == 0 ? 1 : wanted;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < CELL_COUNT; i++) {
        seen += histogram->cells[i];
        if (seen >= wanted) {
            uint64_t top = cell_top(i);
            return top < histogram->max ? top : histogram->max;
        }
    }
    return histogram->max;
}

void histogram_log_begin(FILE *file, double start_s)
{
    fprintf(file, "#[Histogram log format version 1.3]\n#[StartTime: %.3f (seconds since epoch)]\n",
            start_s);
    fprintf(file, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_"
                  "Histogram\"\n");
}

/* ZigZag LEB128 of at most nine bytes: the ninth carries eight bits. */
static void put_zigzag(struct byte_writer *writer, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    for (int i = 0; i < ZIGZAG_BYTES_MAX - 1; i++) {
        if (rest < 0x80) {
            byte_writer_u8(writer, (uint8_t)rest);
            return;
        }
        byte_writer_u8(writer, (uint8_t)(rest | 0x80));
        rest >>= 7;
    }
    byte_writer_u8(writer, (uint8_t)rest);
}

/* Counts in order, runs of zeros as one negative number, nothing behind the last value. */
static void put_counts(struct byte_writer *writer, const struct histogram *histogram)
{
    uint32_t end = histogram->total == 0 ? 0 : cell_of(histogram->max) + 1;
    for (uint32_t i = 0; i < end;) {
        if (histogram->cells[i] != 0) {
            put_zigzag(writer, (int64_t)histogram->cells[i++]);
            continue;
        }
        uint32_t zeros = 0;
        while (i < end && histogram->cells[i] == 0) {
            zeros++;
            i++;
        }
        put_zigzag(writer, -(int64_t)zeros);
    }
}

static void put_payload(struct byte_writer *writer, const struct histogram *histogram)
{
    byte_writer_u32(writer, COOKIE_PAYLOAD);
    uint32_t length_at = writer->position;
    byte_writer_u32(writer, 0); /* patched below */
    byte_writer_u32(writer, 0); /* normalizing offset */
    byte_writer_u32(writer, HISTOGRAM_DIGITS);
    byte_writer_u64(writer, 1);
    byte_writer_u64(writer, HISTOGRAM_US_MAX);
    byte_writer_u64(writer, UINT64_C(0x3ff0000000000000)); /* ratio 1.0 as a double */
    put_counts(writer, histogram);
    struct byte_writer patch;
    byte_writer_init(&patch, writer->bytes + length_at, 4);
    byte_writer_u32(&patch, writer->position - PAYLOAD_HEAD_BYTES);
}

static enum status write_deflated(FILE *file, const struct byte_writer *payload)
{
    enum status status = STATUS_NO_MEMORY;
    uLongf deflated_length = compressBound(payload->position);
    uint8_t *deflated = malloc(deflated_length + 8);
    unsigned char *text = malloc(2 * (deflated_length + 8) + 8);
    if (deflated == NULL || text == NULL) {
        goto out;
    }
    status = STATUS_BROKEN;
    if (compress(deflated + 8, &deflated_length, payload->bytes, payload->position) != Z_OK) {
        goto out;
    }
    struct byte_writer head;
    byte_writer_init(&head, deflated, 8);
    byte_writer_u32(&head, COOKIE_DEFLATED);
    byte_writer_u32(&head, (uint32_t)deflated_length);
    EVP_EncodeBlock(text, deflated, (int)deflated_length + 8);
    fprintf(file, "%s\n", (const char *)text);
    status = STATUS_OK;
out:
    free(deflated);
    free(text);
    return status;
}

enum status histogram_log_interval(FILE *file, const struct histogram *histogram,
                                   const struct histogram_interval *interval)
{
    uint32_t room = PAYLOAD_HEAD_BYTES + CELL_COUNT * ZIGZAG_BYTES_MAX;
    uint8_t *bytes = malloc(room);
    if (bytes == NULL) {
        return STATUS_NO_MEMORY;
    }
    struct byte_writer payload;
    byte_writer_init(&payload, bytes, room);
    put_payload(&payload, histogram);
    REQUIRE(payload.status == STATUS_OK);
    if (interval->tag != NULL) {
        fprintf(file, "Tag=%s,", interval->tag);
    }
    /* The third column is in milliseconds, the unit that the format's readers expect. */
    fprintf(file, "%.3f,%.3f,%.3f,", interval->start_s, interval->length_s,
            (double)histogram->max / 1000.0);
    enum status status = write_deflated(file, &payload);
    free(bytes);
    return status;
}
