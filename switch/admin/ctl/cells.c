/* See cells.h. */
#include "switch/admin/ctl/cells.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 48

/* The name before the equals sign. False: there is none. */
static bool cut(const char *word, char name[NAME_SIZE], const char **value)
{
    const char *equals = strchr(word, '=');
    size_t length = equals == NULL ? 0 : (size_t)(equals - word);
    if (length == 0 || length >= NAME_SIZE) {
        fprintf(stderr, "tillwayctl: %.60s: expected COLUMN=VALUE\n", word);
        return false;
    }
    memcpy(name, word, length);
    name[length] = '\0';
    *value = equals + 1;
    /* A name goes into a path as it is. */
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != length) {
        fprintf(stderr, "tillwayctl: %.60s: expected the name of a column before =\n", word);
        return false;
    }
    return true;
}

static bool add(const struct command *command, char path[CELLS_PATH_SIZE],
                const char *const pair[2])
{
    if (api_add_parameter(command->api, path, CELLS_PATH_SIZE, pair)) {
        return true;
    }
    fprintf(stderr, "tillwayctl: %.40s: too long\n", pair[0]);
    return false;
}

bool cells_add_parameters(const struct command *command, int first, char path[CELLS_PATH_SIZE])
{
    for (int i = first; i < command->word_count; i++) {
        char name[NAME_SIZE];
        const char *value = NULL;
        if (!cut(command->words[i], name, &value) ||
            !add(command, path, (const char *const[2]){name, value})) {
            return false;
        }
    }
    return true;
}

json_t *cells_body(const struct command *command, int first)
{
    json_t *cells = json_object();
    for (int i = first; i < command->word_count; i++) {
        char name[NAME_SIZE];
        const char *value = NULL;
        if (!cut(command->words[i], name, &value)) {
            json_decref(cells);
            return NULL;
        }
        if (json_object_set_new(cells, name, json_string(value)) != 0) {
            fprintf(stderr, "tillwayctl: %s: expected text in UTF-8\n", name);
            json_decref(cells);
            return NULL;
        }
    }
    return json_pack("{s:o}", "cells", cells);
}

bool cells_add_option(const struct command *command, const char *const option_and_name[2],
                      char path[CELLS_PATH_SIZE])
{
    const char *value = command_option(command, option_and_name[0]);
    return value == NULL || add(command, path, (const char *const[2]){option_and_name[1], value});
}
