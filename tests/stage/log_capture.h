/* What is logged meanwhile, for tests that look at the words: standard error goes into a file that
 * has no name, and comes back.
 *
 * Life:  log_capture_begin -> ... -> log_capture_end
 */
#pragma once

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_CAPTURE_SIZE 65536

struct log_capture {
    FILE *file;
    int standard_error;
    char text[LOG_CAPTURE_SIZE];
};

static inline void log_capture_begin(struct log_capture *capture)
{
    fflush(stderr);
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->standard_error = dup(STDERR_FILENO);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

/* The text is what was logged since; it is shown, too. */
static inline void log_capture_end(struct log_capture *capture)
{
    fflush(stderr);
    dup2(capture->standard_error, STDERR_FILENO);
    close(capture->standard_error);
    rewind(capture->file);
    size_t length = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
    capture->text[length] = '\0';
    fclose(capture->file);
    fputs(capture->text, stderr);
}

static inline void log_capture_expect(const struct log_capture *capture, const char *words)
{
    if (strstr(capture->text, words) == NULL) {
        fail_msg("the log does not say \"%s\":\n%s", words, capture->text);
    }
}
