/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() of a replay program: each file named on the command line is one input. For a fuzzer built without libFuzzer.
 */
#ifndef PVSCSI_TESTS_REPLAY_H
#define PVSCSI_TESTS_REPLAY_H

#ifndef PVSCSI_LIBFUZZER
#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        static uint8_t data[1 << 17];
        FILE *f = fopen(argv[i], "rb");
        size_t size;

        if (!f) {
            perror(argv[i]);
            return 1;
        }
        size = fread(data, 1, sizeof(data), f);
        fclose(f);
        LLVMFuzzerTestOneInput(data, size);
    }
    return argc > 1 ? 0 : 2;
}
#endif

#endif
