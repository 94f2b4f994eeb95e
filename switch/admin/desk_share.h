/* The database of after-sales for the threads of the admin port: one connection, one request at a
 * time.
 *
 * It is opened when the first request asks for it, and again after it failed, so that this process
 * may stand before the folder is there.
 *
 * Life:  desk_share_create -> (take -> calls of the desk -> give) ... -> desk_share_destroy
 */
#pragma once

#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

#define DESK_SHARE_REASON_SIZE (DESK_REASON_SIZE + 64)

struct desk_share;

/* `folder` as aftersales.folder says; empty: there is no after-sales. NULL: no memory. */
struct desk_share *desk_share_create(const char *folder);
/* By which cases live that are stepped through it from now on; copied. A connection that somebody
 * has opened for his own keeps what it was opened with. Any thread. */
void desk_share_set_rules(struct desk_share *share, const struct case_rules *rules);
/* NULL does nothing. */
void desk_share_destroy(struct desk_share *share);
/* Waits for its turn. NULL: `reason` says why it cannot be had, and nothing is to be given back. */
struct desk *desk_share_take(struct desk_share *share, char reason[DESK_SHARE_REASON_SIZE]);
void desk_share_give(struct desk_share *share);
/* A connection of the caller's own, for what takes long or reads much; ended by desk_close(). NULL:
 * `reason` says why. */
struct desk *desk_share_open(struct desk_share *share, char reason[DESK_SHARE_REASON_SIZE]);
