/* Which build this is. The build sets both; a bare compiler run does not. */
#pragma once

#ifndef TILLWAY_VERSION
#define TILLWAY_VERSION "0.0.0"
#endif
#ifndef TILLWAY_REVISION
#define TILLWAY_REVISION "unknown"
#endif
