// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * with-posix-lock FILE COMMAND [ARGUMENT...]: waits for the lock of FILE as xl does (fcntl()), then becomes COMMAND,
 * which has the lock until it ends or closes descriptor 9. A played xl needs it: flock(1) takes locks of another kind.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (argc < 3)
        return 2;
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);

    /* Closing any descriptor of the file would end the lock: first 9, then the lock. */
    if (fd < 0 || (fd != 9 && (dup2(fd, 9) < 0 || close(fd) < 0)) || fcntl(9, F_SETLKW, &lock) < 0) {
        perror(argv[1]);
        return 2;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}
