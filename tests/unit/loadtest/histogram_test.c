/* The histogram: percentiles against values known beforehand, and the bytes of its file. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <zlib.h>

#include "loadtest/histogram.h"

static void test_an_empty_one_answers_zero(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_create();
    assert_int_equal(histogram_percentile(histogram, 99.0), 0);
    assert_int_equal(histogram_max(histogram), 0);
    assert_int_equal(histogram_min(histogram), 0);
    histogram_destroy(histogram);
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_create();
    for (uint64_t value = 1; value <= 2000; value++) {
        histogram_record(histogram, value);
    }
    assert_int_equal(histogram_count(histogram), 2000);
    assert_int_equal(histogram_percentile(histogram, 50.0), 1000);
    assert_int_equal(histogram_percentile(histogram, 99.0), 1980);
    assert_int_equal(histogram_percentile(histogram, 99.9), 1998);
    assert_int_equal(histogram_percentile(histogram, 100.0), 2000);
    assert_true(histogram_mean(histogram) == 1000.5);
    histogram_destroy(histogram);
}

static void test_large_values_keep_three_digits(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < HISTOGRAM_US_MAX; value = value * 7 / 3 + 1) {
        struct histogram *histogram = histogram_create();
        histogram_record(histogram, value);
        histogram_record(histogram, HISTOGRAM_US_MAX);
        uint64_t found = histogram_percentile(histogram, 50.0);
        assert_true(found >= value && found - value <= value / 1000);
        histogram_destroy(histogram);
    }
}

static void test_longer_than_an_hour_counts_as_an_hour(void **state)
{
    (void)state;
    struct histogram *histogram = histogram_create();
    histogram_record(histogram, UINT64_MAX);
    assert_int_equal(histogram_max(histogram), HISTOGRAM_US_MAX);
    assert_int_equal(histogram_percentile(histogram, 50.0), HISTOGRAM_US_MAX);
    histogram_destroy(histogram);
}

static void test_adding_two_is_recording_all(void **state)
{
    (void)state;
    struct histogram *left = histogram_create();
    struct histogram *right = histogram_create();
    struct histogram *all = histogram_create();
    for (uint64_t i = 1; i < 5000; i++) {
        histogram_record(i % 3 == 0 ? left : right, i * i);
        histogram_record(all, i * i);
    }
    histogram_add(left, right);
    for (double percent = 0; percent <= 100.0; percent += 2.5) {
        assert_int_equal(histogram_percentile(left, percent), histogram_percentile(all, percent));
    }
    assert_int_equal(histogram_count(left), histogram_count(all));
    histogram_destroy(left);
    histogram_destroy(right);
    histogram_destroy(all);
}

/* The line's last column, decoded and inflated. */
static uLongf inflate_line(const char *line, uint8_t *payload, uLongf payload_size)
{
    const char *base64 = strrchr(line, ',') + 1;
    uint8_t bytes[4096];
    int length = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)strlen(base64));
    assert_true(length > 8);
    assert_memory_equal(bytes, "\x1c\x84\x93\x14", 4);
    uLongf deflated =
        (uLongf)bytes[4] << 24 | (uLongf)bytes[5] << 16 | (uLongf)bytes[6] << 8 | (uLongf)bytes[7];
    assert_int_equal(uncompress(payload, &payload_size, bytes + 8, deflated), Z_OK);
    return payload_size;
}

static void test_the_file_is_hdrhistogram_version_two(void **state)
{
    (void)state;
    char *text = NULL;
    size_t text_length = 0;
    FILE *file = open_memstream(&text, &text_length);
    struct histogram *histogram = histogram_create();
    histogram_record(histogram, 2);
    histogram_record(histogram, 2);
    histogram_record(histogram, 300);
    struct histogram_interval interval = {1.0, 0.5, "purchase"};
    assert_int_equal(histogram_log_interval(file, histogram, &interval), STATUS_OK);
    fclose(file);
    text[text_length - 1] = '\0'; /* the line end */
    assert_memory_equal(text, "Tag=purchase,1.000,0.500,0.300,", 31);
    uint8_t payload[512];
    uLongf length = inflate_line(text, payload, sizeof payload);
    /* Two zeros, count 2, 297 zeros, count 1, each in ZigZag LEB128. */
    static const uint8_t counts[] = {0x03, 0x04, 0xD1, 0x04, 0x02};
    assert_int_equal(length, 40 + sizeof counts);
    assert_memory_equal(payload, "\x1c\x84\x93\x13\0\0\0\x05\0\0\0\0\0\0\0\x03", 16);
    assert_memory_equal(payload + 40, counts, sizeof counts);
    free(text);
    histogram_destroy(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_one_answers_zero),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_large_values_keep_three_digits),
        cmocka_unit_test(test_longer_than_an_hour_counts_as_an_hour),
        cmocka_unit_test(test_adding_two_is_recording_all),
        cmocka_unit_test(test_the_file_is_hdrhistogram_version_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
