/* `tillway-load fleet`: writes a fleet's tables and keys into a folder.
 *
 *   merchants.csv  terminals.csv  keys.csv   for the switch (config option `tables`)
 *   <bank>.keys                              for tillway-bank, one file a bank
 *   fleet.json                               for tillway-load run
 */
#pragma once

/* argv[0] is the word "fleet". Answers the exit code: 0, 1 failed, 2 usage. */
int fleet_command(int argc, char **argv);
