/* Checks of our own reasoning, on in production too.
 *
 * A failed REQUIRE means this program is wrong and must stop before it harms money. Never REQUIRE
 * anything about bytes from outside: those get a status.
 */
#pragma once

#define REQUIRE(condition) ((condition) ? (void)0 : require_failed(#condition, __FILE__, __LINE__))

/* Writes one line to stderr and aborts. Unit tests link their own, which CMocka can catch. */
_Noreturn void require_failed(const char *condition, const char *file, int line);
