/* Bugs planted on purpose, to prove that the simulator finds them (invariants, I1 to I12).
 *
 * A normal build plants none: the condition is constant false and vanishes. -DTILLWAY_BUG=K plants
 * number K alone. The simulator holds each against the invariant named behind it.
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
 *   12  a batch keeps counting an approval that was reversed (I15: totals)
 *   13  what was voided or completed may be voided or completed again (I3, I13)
 *   14  the sum of earlier refunds is not looked at (I13)
 *   15  an advice that was not answered is taken for delivered (I7)
 *   16  a follow-up goes where today's rules say, not where its original went (I15)
 *   17  a completion may be above its ceiling (I13)
 *   18  an original that comes back from the log forgets what followed it (I13)
 *   19  a void that was reversed keeps its original ended (the next void is refused 22)
 *   20  a trace number that was seen is not looked up in the log (I3, I4)
 *   21  a reversal of an earlier settlement day is carried out (I18)
 *   22  an advice that the channel declined is taken for delivered (I31: no case)
 *   23  an advice is answered before it is durable (I5)
 *   24  a repeated advice carries another trace number (I8: posted twice)
 *   25  what is unknown gives its original back at once (I13)
 *   26  another terminal, or a later batch, may void (I18)
 *   27  the amount of a void is not compared (I13)
 *   28  a settlement is answered "equal" whatever its totals (I15)
 *   29  a restart takes the batch that had ended for the open one (I21)
 *   30  a refusal for want of a search is forgotten, and a copy is taken for new (I1)
 *   31  a fee that agents have no part in is booked to them (I16)
 *   32  an open breaker is not looked at (ROUTE)
 *   33  a probe that tells nothing never lets go of its place (BREAKER)
 *   34  a breaker counts what a bank declines as faults (BREAKER)
 *   35  a follow-up waits until the breaker of its original's channel lets it through (ROUTE)
 *   36  what was in doubt at a restart counts against its channel (BREAKER)
 *   37  what a channel answered 91 is sent to the next one (I4)
 *   38  a fault of one group of cards counts for all others (BREAKER)
 *   39  once the pause is over everybody goes, and nobody as a probe (ROUTE)
 *   40  what was reversed still counts against limits (I15: usage)
 *   41  a restart forgets what was taken today (I21)
 *   42  a repeat of a request is counted against limits again (I25)
 *   43  a void gives nothing back to limits (I25)
 *   44  what is in doubt does not count against limits (I25)
 *   45  payments of a terminal or merchant that is stopped by order go on (ORDER)
 *   46  a restart forgets the orders in force (ORDER)
 *   47  an order is said to be in force before its row is durable (I5)
 */
#pragma once

#ifndef TILLWAY_BUG
#define TILLWAY_BUG 0
#endif

#define PLANTED_BUG(number) ((TILLWAY_BUG) == (number))
