/* Bugs planted on purpose, to prove that the simulator finds them (invariants, I1 to I12).
 *
 * A normal build plants none: the condition is constant false and vanishes. -DTILLWAY_BUG=K plants
 * number K alone.
 *
 *    1  a request is forwarded before its intent is durable
 *    2  an answer is told before its result is durable
 *    3  a retransmission is forwarded again
 *    4  a late response is delivered as an approval
 *    5  a reversal is sent once and never repeated
 *    6  a restart forgets what was in doubt
 *    7  "original not found" is taken as final while the original may be in flight
 *    8  a failed sync of the log is ignored
 *    9  a response is matched on its STAN alone
 *   10  a reversal of an unknown original leaves no tombstone
 *   11  a reversal is acknowledged to the terminal before it is durable
 */
#pragma once

#ifndef TILLWAY_BUG
#define TILLWAY_BUG 0
#endif

#define PLANTED_BUG(number) ((TILLWAY_BUG) == (number))
