/* `tillway-load fleet-month`: writes a month of a fleet, and what goes wrong in it, into a folder
 * (loadtest/fleet_month.h). */
#pragma once

/* argv[0] is the word "fleet-month". Answers the exit code: 0, 1 failed, 2 usage. */
int month_command(int argc, char **argv);
