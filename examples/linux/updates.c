// SPDX-License-Identifier: BSD-3-Clause
//
// The first process of a Linux that is to migrate: a thread per CPU updates a table, at random. Its
// size is 16 MiB, or as many as the kernel's command line says: --append "console=ttyS0 -- 32".

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work_begins.h"

static uint64_t *table;
static uint64_t words;

static void *
update(void *seed)
{
    uint64_t random = (uint64_t)(uintptr_t)seed * 0x9E3779B97F4A7C15;
    for (;;) {
        random ^= random << 13; // xorshift64
        random ^= random >> 7;
        random ^= random << 17;
        table[random % words] += random;
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    const uint64_t bytes = (uint64_t)(argc > 1 ? atoi(argv[1]) : 16) << 20;
    sleep(1); // a kernel that has just booted still does much in the background
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    words = bytes / sizeof(*table);
    table = malloc(bytes);
    if (table == NULL || words == 0) {
        puts("no memory for the table");
        return 1;
    }
    memset(table, 1, bytes); // Linux gives a page only to who touches it
    for (long cpu = 1; cpu < cpus; ++cpu) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, update, (void *)(uintptr_t)(cpu + 1)) != 0) {
            return 1;
        }
    }
    printf("%ld CPUs update %llu MiB\n", cpus, (unsigned long long)(bytes >> 20));
    fflush(stdout);
    work_begins();
    update((void *)1);
}
