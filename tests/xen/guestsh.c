// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shell commands over a guest's console. "serve" runs in the guest, as its
 * init, on hvc0; "run" runs in dom0 on the console's pty. It finds the pty
 * itself, because a start of xenstore-read costs more than all the rest.
 *
 * Both sides speak in lines that begin with '~'; all else on the console (the
 * kernel's messages, echoes) is passed over. Data is base64, so that a stray
 * message can spoil no more than one line, and an id tells the answers of one
 * command from a late answer of another.
 *
 *   ~run ID | ~d BASE64 | ~go ID | ~kill ID          to the guest
 *   ~o ID BASE64 | ~e ID BASE64 | ~x ID STATUS        from it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define CHUNK 900 /* bytes of data in a line: with base64 under 1.3 KB */
#define LINE_MAX_LEN 4096

enum {
    EXIT_TIMEOUT = 124,
    EXIT_GONE = 125
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const unsigned char *in, size_t length, char *out)
{
    for (size_t i = 0; i < length; i += 3) {
        unsigned int word = (unsigned int)in[i] << 16;

        if (i + 1 < length)
            word |= (unsigned int)in[i + 1] << 8;
        if (i + 2 < length)
            word |= in[i + 2];
        *out++ = digits[word >> 18];
        *out++ = digits[(word >> 12) & 63];
        *out++ = i + 1 < length ? digits[(word >> 6) & 63] : '=';
        *out++ = i + 2 < length ? digits[word & 63] : '=';
    }
    *out = '\0';
}

/* Returns the number of bytes, or -1 when it is not base64. */
static ssize_t decode(const char *in, unsigned char *out)
{
    unsigned int word = 0, bits = 0;
    ssize_t length = 0;

    for (; *in && *in != '='; in++) {
        const char *digit = strchr(digits, *in);

        if (!digit)
            return -1;
        word = word << 6 | (unsigned int)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[length++] = (unsigned char)(word >> bits);
        }
    }
    return length;
}

static int write_all(int fd, const void *data, size_t length)
{
    const char *from = data;

    while (length) {
        ssize_t n = write(fd, from, length);

        if (n < 0 && (errno == EINTR))
            continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = { .fd = fd, .events = POLLOUT };

            poll(&p, 1, 100);
            continue;
        }
        if (n <= 0)
            return -1;
        from += n;
        length -= (size_t)n;
    }
    return 0;
}

__attribute__((format(printf, 2, 3))) static int send_line(int fd, const char *format, ...)
{
    char line[LINE_MAX_LEN];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    return write_all(fd, line, (size_t)length);
}

static void set_raw(int fd)
{
    struct termios mode;

    if (tcgetattr(fd, &mode))
        return;
    cfmakeraw(&mode);
    mode.c_cflag |= CLOCAL;
    tcsetattr(fd, TCSANOW, &mode);
}

struct lines {
    char text[LINE_MAX_LEN];
    size_t used;
    bool overlong;
};

/* Calls with_line for every whole line in what was read. */
static void feed(struct lines *lines, const char *data, size_t length, void (*with_line)(char *line, void *context),
                 void *context)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\r')
            continue;
        if (data[i] != '\n') {
            if (lines->used < sizeof(lines->text) - 1)
                lines->text[lines->used++] = data[i];
            else
                lines->overlong = true;
            continue;
        }
        lines->text[lines->used] = '\0';
        /* A kernel message without its newline may stand before it. */
        char *mark = strchr(lines->text, '~');

        if (mark && !lines->overlong)
            with_line(mark, context);
        lines->used = 0;
        lines->overlong = false;
    }
}

/* --- in the guest --- */

struct server {
    int tty;
    char id[64]; /* of the command that runs or is being received */
    FILE *script;
    pid_t child;
    int out[2]; /* our ends of its stdout and stderr, or -1 */
};

static const char script_path[] = "/tmp/.guestsh";

static void forward(struct server *server, int which)
{
    unsigned char data[CHUNK];
    char text[CHUNK * 4 / 3 + 8];
    ssize_t n;

    while ((n = read(server->out[which], data, sizeof(data))) > 0) {
        encode(data, (size_t)n, text);
        send_line(server->tty, "\n~%c %s %s\n", which ? 'e' : 'o', server->id, text);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(server->out[which]);
        server->out[which] = -1;
    }
}

static void drop_outputs(struct server *server)
{
    for (int i = 0; i < 2; i++) {
        if (server->out[i] >= 0)
            close(server->out[i]);
        server->out[i] = -1;
    }
}

static void start(struct server *server)
{
    int out[2], err[2];

    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
        send_line(server->tty, "\n~x %s 126\n", server->id);
        return;
    }
    server->child = fork();
    if (server->child == 0) {
        int null = open("/dev/null", O_RDONLY);
        sigset_t none;

        setsid();
        /* The server blocks SIGCHLD; a shell that inherits this waits in `wait` for good. */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        signal(SIGPIPE, SIG_DFL);
        execl("/bin/sh", "sh", script_path, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    server->out[0] = out[0];
    server->out[1] = err[0];
    for (int i = 0; i < 2; i++)
        fcntl(server->out[i], F_SETFL, O_NONBLOCK);
}

static void stop(struct server *server)
{
    if (server->child > 0)
        kill(-server->child, SIGKILL);
    server->child = 0;
    drop_outputs(server);
}

static void server_line(char *line, void *context)
{
    struct server *server = context;
    char id[64];

    if (sscanf(line, "~run %63s", id) == 1) {
        stop(server);
        memcpy(server->id, id, sizeof(id));
        if (server->script)
            fclose(server->script);
        server->script = fopen(script_path, "we");
    } else if (strncmp(line, "~d ", 3) == 0 && server->script) {
        unsigned char data[LINE_MAX_LEN];
        ssize_t n = decode(line + 3, data);

        if (n > 0)
            fwrite(data, 1, (size_t)n, server->script);
    } else if (sscanf(line, "~go %63s", id) == 1 && server->script && !strcmp(id, server->id)) {
        fclose(server->script);
        server->script = NULL;
        start(server);
    } else if (sscanf(line, "~kill %63s", id) == 1 && !strcmp(id, server->id)) {
        stop(server);
    }
}

static volatile sig_atomic_t power_action;

static void on_signal(int signal_number)
{
    if (signal_number == SIGTERM)
        power_action = RB_AUTOBOOT;
    else if (signal_number == SIGUSR1 || signal_number == SIGUSR2)
        power_action = RB_POWER_OFF;
}

static void reap(struct server *server)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != server->child)
            continue;
        /* A background process may keep the pipes open: take what is there. */
        for (int i = 0; i < 2; i++)
            if (server->out[i] >= 0)
                forward(server, i);
        drop_outputs(server);
        server->child = 0;
        send_line(server->tty, "\n~x %s %d\n", server->id,
                  WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

static int serve(const char *path)
{
    static struct lines lines;
    struct server server = { .out = { -1, -1 } };
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t blocked, before;

    server.tty = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (server.tty < 0) {
        perror(path);
        return 1;
    }
    set_raw(server.tty);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    for (const int *s = (const int[]){ SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2, 0 }; *s; s++) {
        sigaction(*s, &action, NULL);
        sigaddset(&blocked, *s);
    }
    sigprocmask(SIG_BLOCK, &blocked, &before);
    for (;;) {
        struct pollfd fds[] = {
            { .fd = server.tty, .events = POLLIN },
            { .fd = server.out[0], .events = POLLIN },
            { .fd = server.out[1], .events = POLLIN },
        };
        char data[1024];

        reap(&server);
        if (power_action) {
            sync();
            reboot(power_action);
        }
        if (server.out[0] < 0)
            fds[1].fd = -1;
        if (server.out[1] < 0)
            fds[2].fd = -1;
        if (ppoll(fds, 3, NULL, &before) < 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (server.out[i] >= 0 && fds[i + 1].revents)
                forward(&server, i);
        if (fds[0].revents) {
            ssize_t n = read(server.tty, data, sizeof(data));

            if (n > 0)
                feed(&lines, data, (size_t)n, server_line, &server);
            else
                usleep(50000); /* hung up: the console comes back */
        }
    }
}

/* --- in dom0 --- */

struct client {
    char id[64];
    int status; /* -1 until the command is done */
};

static void client_line(char *line, void *context)
{
    struct client *client = context;
    unsigned char data[LINE_MAX_LEN];
    char id[64], kind;
    int at = 0;

    if (sscanf(line, "~%c %63s %n", &kind, id, &at) != 2 || strcmp(id, client->id) || !at)
        return;
    if (kind == 'x') {
        client->status = atoi(line + at);
    } else if (kind == 'o' || kind == 'e') {
        ssize_t n = decode(line + at, data);

        if (n > 0)
            write_all(kind == 'o' ? 1 : 2, data, (size_t)n);
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* value: the node's value or NULL; the caller frees it. */
static char *value(struct xs_handle *xs, const char *id, const char *node)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%s/%s", id, node);
    return xs_read(xs, XBT_NULL, path, NULL);
}

static bool is_named(struct xs_handle *xs, const char *id, const char *name)
{
    char *found = value(xs, id, "name");
    bool same = found && !strcmp(found, name);

    free(found);
    return same;
}

/*
 * find_domain: the id of the domain with this name, as decimal digits. The file is tried first, and has it afterwards.
 */
static bool find_domain(struct xs_handle *xs, const char *name, const char *file, char id[16])
{
    FILE *f = fopen(file, "re");
    unsigned int n = 0;
    bool found = f && fscanf(f, "%15[0-9]", id) == 1 && is_named(xs, id, name);
    char **domains;

    if (f)
        fclose(f);
    if (found)
        return true;
    domains = xs_directory(xs, XBT_NULL, "/local/domain", &n);
    for (unsigned int i = 0; i < n && domains && !found; i++) {
        if (strlen(domains[i]) < 16 && is_named(xs, domains[i], name)) {
            strcpy(id, domains[i]);
            found = true;
        }
    }
    free(domains);
    f = found ? fopen(file, "we") : NULL;
    if (f) {
        fprintf(f, "%s\n", id);
        fclose(f);
    }
    return found;
}

/*
 * open_console: the pty of the guest with the name that `base` ends in, after a lock for its console: one command at a
 * time. base.id and base.lock are files. Returns the descriptor, or -1 after a message.
 */
static int open_console(const char *base)
{
    const char *slash = strrchr(base, '/'), *name = slash ? slash + 1 : base;
    char path[512], id[16], *tty = NULL;
    struct xs_handle *xs = xs_open(0);
    int fd = -1;

    snprintf(path, sizeof(path), "%s.id", base);
    if (!xs)
        perror("guestsh: xenstore");
    else if (!find_domain(xs, name, path, id))
        fprintf(stderr, "guest %s: no such domain\n", name);
    else if (!(tty = value(xs, id, "console/tty")))
        fprintf(stderr, "guest %s: domain %s has no console yet\n", name, id);
    if (xs)
        xs_close(xs);
    if (!tty)
        return -1;
    snprintf(path, sizeof(path), "%s.lock", base);
    /* The lock is held until the program ends. */
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && !flock(fd, LOCK_EX))
        fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        fprintf(stderr, "guestsh: %s: %s\n", tty, strerror(errno));
    free(tty);
    return fd;
}

/*
 * All in one write. Each write wakes xenconsoled, and so do each 16 bytes that the guest takes, which is why the id
 * is short.
 */
static int send_commands(int tty, const char *id, const char *commands)
{
    size_t length = strlen(commands);
    /* Each line of data has 4 characters around it. */
    char *lines = malloc(2 * strlen(id) + 16 + (length / CHUNK + 1) * (CHUNK * 4 / 3 + 8));
    int at, result;

    if (!lines)
        return -1;
    at = sprintf(lines, "\n~run %s\n", id);
    for (size_t done = 0, part; done < length; done += part) {
        part = length - done < CHUNK ? length - done : CHUNK;
        at += sprintf(lines + at, "~d ");
        encode((const unsigned char *)commands + done, part, lines + at);
        at += (int)strlen(lines + at);
        lines[at++] = '\n';
    }
    at += sprintf(lines + at, "~go %s\n", id);
    result = write_all(tty, lines, (size_t)at);
    free(lines);
    return result;
}

static int run(const char *base, double seconds, const char *commands)
{
    static struct lines lines;
    static char data[65536];
    struct client client = { .status = -1 };
    int tty = open_console(base);
    double end = now() + seconds;
    ssize_t n;

    if (tty < 0)
        return EXIT_GONE;
    set_raw(tty);
    while (read(tty, data, sizeof(data)) > 0)
        ;
    snprintf(client.id, sizeof(client.id), "%x.%x", (unsigned int)getpid(), (unsigned int)(now() * 1000) & 0xffff);
    if (send_commands(tty, client.id, commands))
        return EXIT_GONE;
    while (client.status < 0) {
        struct pollfd p = { .fd = tty, .events = POLLIN };
        double left = end - now();

        if (left <= 0) {
            send_line(tty, "\n~kill %s\n", client.id);
            fprintf(stderr, "guestsh: no end after %g s\n", seconds);
            return EXIT_TIMEOUT;
        }
        if (poll(&p, 1, (int)(left * 1000) + 1) < 0 && errno != EINTR)
            return EXIT_GONE;
        n = read(tty, data, sizeof(data));
        if (n > 0) {
            feed(&lines, data, (size_t)n, client_line, &client);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            fprintf(stderr, "guestsh: the guest's console is gone\n");
            return EXIT_GONE;
        }
    }
    return client.status;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 5 && strcmp(argv[1], "run") == 0)
        return run(argv[2], atof(argv[3]), argv[4]);
    fprintf(stderr, "usage: guestsh serve TTY | guestsh run DIRECTORY/GUEST SECONDS COMMANDS\n");
    return 2;
}
