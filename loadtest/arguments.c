/* Options are few and read once: a linear search is all it takes. */
#include "loadtest/arguments.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"

static const struct argument *argument_find(const struct arguments *arguments, const char *name,
                                            size_t length)
{
    for (uint32_t i = 0; i < arguments->count; i++) {
        const struct argument *argument = &arguments->items[i];
        if (strlen(argument->name) == length && strncmp(argument->name, name, length) == 0) {
            return argument;
        }
    }
    return NULL;
}

static enum status number_read(const struct argument *argument, const char *text, FILE *faults)
{
    struct number_range range = {argument->min, argument->max};
    size_t length = strlen(text);
    if (length == 0 || length > 19 ||
        digits_parse(argument->place, text, (uint32_t)length, range) != STATUS_OK) {
        fprintf(faults, "--%s: a whole number from %llu to %llu is expected, not \"%s\"\n",
                argument->name, (unsigned long long)range.min, (unsigned long long)range.max, text);
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
}

static enum status decimal_read(const struct argument *argument, const char *text, FILE *faults)
{
    char *end = NULL;
    double value = strtod(text, &end);
    bool is_number = end != text && *end == '\0';
    if (!is_number || !(value >= (double)argument->min && value <= (double)argument->max)) {
        fprintf(faults, "--%s: a number from %llu to %llu is expected, not \"%s\"\n",
                argument->name, (unsigned long long)argument->min,
                (unsigned long long)argument->max, text);
        return STATUS_BAD_VALUE;
    }
    memcpy(argument->place, &value, sizeof value);
    return STATUS_OK;
}

static enum status list_add(const struct argument *argument, const char *text, FILE *faults)
{
    struct argument_list *list = argument->place;
    if (list->count == ARGUMENT_LIST_COUNT_MAX) {
        fprintf(faults, "--%s is given more than %d times\n", argument->name,
                ARGUMENT_LIST_COUNT_MAX);
        return STATUS_BAD_VALUE;
    }
    list->items[list->count++] = text;
    return STATUS_OK;
}

static enum status value_read(const struct argument *argument, const char *text, FILE *faults)
{
    switch (argument->kind) {
    case ARGUMENT_NUMBER:
        return number_read(argument, text, faults);
    case ARGUMENT_DECIMAL:
        return decimal_read(argument, text, faults);
    case ARGUMENT_TEXT:
        memcpy(argument->place, &text, sizeof text);
        return STATUS_OK;
    case ARGUMENT_FLAG:
        fprintf(faults, "--%s takes no value, but \"%s\" was given\n", argument->name, text);
        return STATUS_BAD_VALUE;
    case ARGUMENT_LIST:
        return list_add(argument, text, faults);
    }
    return STATUS_UNKNOWN;
}

enum status arguments_read(const struct arguments *arguments, int argc, char *const *argv,
                           FILE *faults)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
        const struct argument *argument = argument_find(arguments, word + 2, length);
        if (length == 0 || argument == NULL) {
            fprintf(faults, "\"%s\" is no option; --help lists them\n", word);
            return STATUS_UNKNOWN;
        }
        const char *value = word[2 + length] == '=' ? word + 3 + length : NULL;
        if (argument->kind == ARGUMENT_FLAG && value == NULL) {
            *(bool *)argument->place = true;
            continue;
        }
        if (value == NULL && ++i == argc) {
            fprintf(faults, "--%s: a value is expected, but the line ends\n", argument->name);
            return STATUS_MISSING;
        }
        enum status status = value_read(argument, value != NULL ? value : argv[i], faults);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

void arguments_describe(const struct arguments *arguments, FILE *file)
{
    static const char *const kinds[] = {"TEXT", "N", "X", "", "TEXT"};
    for (uint32_t i = 0; i < arguments->count; i++) {
        const struct argument *argument = &arguments->items[i];
        fprintf(file, "  --%-18s %-5s %s\n", argument->name, kinds[argument->kind], argument->text);
    }
}
