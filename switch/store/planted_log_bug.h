/* Bugs planted in the log on purpose, as switch/engine/planted_bug.h does in the engine, to prove
 * that the simulator's layer B finds them; numbered from 101, apart from the engine's. A normal
 * build plants none.
 *
 *   101  a commit does not wait for the disk (synchronous = NORMAL; I19)
 *   102  the folder is never synced: planted in the simulated disk, since either of two syncs, the
 *        store's and SQLite's own at a WAL's first one, makes a segment's name durable (I19)
 *   103  what is in doubt is not carried (I21)
 *   104  a segment is marked as sealed before its carried rows are there (I21)
 *   105  records count as durable before they are committed (I19, I5)
 *   106  a commit that failed is ignored (I22)
 *   107  after a restart sealed segments are not searched (FOUND)
 *   108  a sealed file is read-only before its journal is gone for good (the log cannot be opened)
 *   109  the last word on a terminal is not carried (I21)
 *   110  the last epoch is not carried (I24)
 *   111  the months of earlier segments are not kept (I21: usage)
 *   112  the days of earlier segments are not read (I21: usage)
 *   113  the orders in force are not carried (ORDER)
 */
#pragma once

#include "switch/engine/planted_bug.h"
