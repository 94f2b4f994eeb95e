/* What a fuzz target gives: bytes in, no crash, no leak, no undefined behaviour. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Answers 0 always; a finding is a crash. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
