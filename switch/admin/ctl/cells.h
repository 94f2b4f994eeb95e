/* COLUMN=VALUE words of a command line: parameters of a path, or the cells of a body. */
#pragma once

#include "switch/admin/ctl/command.h"

#define CELLS_PATH_SIZE 1800

/* Adds the words from `first` on as parameters. False: a sentence is on stderr. */
bool cells_add_parameters(const struct command *command, int first, char path[CELLS_PATH_SIZE]);
/* {"cells": {...}} of the words from `first` on; NULL: a sentence is on stderr. */
json_t *cells_body(const struct command *command, int first);
/* Adds an option's value as a parameter where it was given. False: it does not fit. */
bool cells_add_option(const struct command *command, const char *const option_and_name[2],
                      char path[CELLS_PATH_SIZE]);
