/* Removes a log's folder with all that lies in it, after a test or a benchmark. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline void log_folder_strike(const char *folder)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        char path[1024];
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && length < (int)sizeof(path)) {
            unlink(path);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    rmdir(folder);
}
