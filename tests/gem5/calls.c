// SPDX-License-Identifier: BSD-3-Clause
//
// Reads numbers from a file, each by many system calls in a loop that fits into what a CPU has
// fetched at once: it goes on in it when it gets nothing more. Only the last call reads the number,
// the others read nothing, behind the end of the file.
//
//     calls FILE NUMBERS CALLS

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile long read_to __attribute__((aligned(4096)));
static char others[4096]; // nothing else is in that page

int
main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    const int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    const long numbers = atol(argv[2]), calls = atol(argv[3]);
    for (long i = 0; i < numbers; ++i) {
        const long number = 1000 + i;
        if (write(file, &number, sizeof(number)) != sizeof(number)) {
            return 3;
        }
    }
    const long end = numbers * (long)sizeof(long);
    long right = others[0];
    for (long i = 0; i < numbers; ++i) {
        long left = calls;
        const long at = i * (long)sizeof(long);
        register long a0 __asm__("a0") = file;
        register long a1 __asm__("a1") = (long)&read_to;
        register long a2 __asm__("a2") = sizeof(long);
        register long a3 __asm__("a3") = end;
        register long a7 __asm__("a7") = 67; // pread64
        __asm__ volatile(".balign 64\n"
                         "1: mv a0, %5\n addi %1, %1, -1\n bnez %1, 2f\n mv a3, %6\n"
                         "2: ecall\n bnez %1, 1b\n"
                         : "+&r"(a0), "+&r"(left), "+&r"(a3)
                         : "r"(a1), "r"(a2), "r"((long)file), "r"(at), "r"(a7)
                         : "memory");
        right += read_to == 1000 + i;
    }
    printf("%ld of %ld were right\n", right, numbers);
    return right != numbers;
}
