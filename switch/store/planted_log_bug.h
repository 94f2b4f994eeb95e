/* Bugs planted in the log on purpose, as switch/engine/planted_bug.h does in the engine, to prove
 * that the simulator's layer B finds them. A normal build plants none.
 *
 *   40  a commit does not wait for the disk (synchronous = NORMAL; I19)
 *   41  the folder is never synced: planted in the simulated disk, since either of two syncs, the
 *       store's and SQLite's own at a WAL's first one, makes a segment's name durable (I19)
 *   42  what is in doubt is not carried (I21)
 *   43  a segment is marked as sealed before its carried rows are there (I21)
 *   44  records count as durable before they are committed (I19, I5)
 *   45  a commit that failed is ignored (I22)
 *   46  after a restart sealed segments are not searched (FOUND)
 *   47  a sealed file is read-only before its journal is gone for good (the log cannot be opened)
 *   48  the last word on a terminal is not carried (I21)
 *   49  the last epoch is not carried (I24)
 *   50  the months of earlier segments are not kept (I21: usage)
 *   51  the days of earlier segments are not read (I21: usage)
 */
#pragma once

#include "switch/engine/planted_bug.h"
