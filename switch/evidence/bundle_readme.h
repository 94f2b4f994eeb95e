/* The text that a bundle carries about itself, in English and Chinese. */
#pragma once

/* The caller's, by free(); NULL: no memory. */
char *bundle_readme(void);
