/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes of pvscsid: places in the program that tracers such as bpftrace find by name (USDT). docs/tracing.md says
 * what each of them reports; tests/test-the-probes-are-documented.sh compares it with the program. This is the only
 * file that includes <sys/sdt.h>. Without it, or with configure --disable-usdt, the probes are empty.
 *
 * A probe is one nop, and a note in the file that says where its arguments are. They should be variables or members:
 * what has to be computed first costs, whether somebody traces or not. There are six at most: bpftrace can read no more
 * on amd64. So a request is one argument, a pointer; Xen's vscsiif.h says what it points to.
 */
#ifndef PVSCSI_TRACE_H
#define PVSCSI_TRACE_H

#include <stdint.h>

#ifdef HAVE_USDT
#define SDT_USE_VARIADIC
#if defined(__clang__) && defined(__x86_64__)
/* The usual "nor" makes clang store every argument on the stack first. */
#define STAP_SDT_ARG_CONSTRAINT nr
#endif
#include <sys/sdt.h>
#define TRACE_PROBE(name, ...) STAP_PROBEV(pvscsid, name, __VA_ARGS__)
#else
#define TRACE_PROBE(name, ...) ((void)0)
#endif
#define TRACE_FUNCTION static inline __attribute__((always_inline)) void

/* Where a command goes. */
enum trace_where {
    TRACE_DEVICE,
    TRACE_HELPER, /* the PR helper */
    TRACE_FILE    /* the emulated disk of standalone mode */
};

/* --- the worker: a request, from the ring to its answer. r is our copy of it --- */
struct vscsiif_request;

TRACE_FUNCTION trace_taken(uint16_t domid, uint32_t vhost, const struct vscsiif_request *r)
{
    TRACE_PROBE(taken, domid, vhost, r);
}

/* length: bytes. timeout_ms: of this command or piece; 0: none. */
TRACE_FUNCTION trace_submitted(uint16_t domid, uint32_t vhost, const struct vscsiif_request *r, uint32_t length,
                               enum trace_where where, uint32_t timeout_ms)
{
    TRACE_PROBE(submitted, domid, vhost, r, length, where, timeout_ms);
}

/* status, host: what sg or the PR helper said. us: since the command, or its first piece, was submitted. */
TRACE_FUNCTION trace_completed(uint16_t domid, uint32_t vhost, const struct vscsiif_request *r, uint8_t status,
                               uint16_t host, uint64_t us)
{
    TRACE_PROBE(completed, domid, vhost, r, status, host, us);
}

/* sense: key << 16 | ASC << 8 | ASCQ; 0: none. */
TRACE_FUNCTION trace_failed(uint16_t domid, uint32_t vhost, const struct vscsiif_request *r, uint8_t status,
                            uint8_t host, uint32_t sense)
{
    TRACE_PROBE(failed, domid, vhost, r, status, host, sense);
}

/* length: bytes that the guest asked for. rslt: as in vscsiif.h. us: since the request was taken. */
TRACE_FUNCTION trace_answered(uint16_t domid, uint32_t vhost, const struct vscsiif_request *r, uint32_t length,
                              uint32_t rslt, uint64_t us)
{
    TRACE_PROBE(answered, domid, vhost, r, length, rslt, us);
}

/* --- the worker: its LUNs --- */
/* device: "sg3 (2:0:0:1)". */
TRACE_FUNCTION trace_lun_added(uint16_t domid, uint32_t vhost, uint16_t channel, uint16_t target, uint16_t lun,
                               const char *device)
{
    TRACE_PROBE(lun_added, domid, vhost, channel, target, lun, device);
}

TRACE_FUNCTION trace_lun_removed(uint16_t domid, uint32_t vhost, uint16_t channel, uint16_t target, uint16_t lun)
{
    TRACE_PROBE(lun_removed, domid, vhost, channel, target, lun);
}

/* --- the control process --- */
/* device: "sg3"; "": a file. */
TRACE_FUNCTION trace_attached(uint16_t domid, uint32_t vhost, uint32_t channel, uint32_t target, uint64_t lun,
                              const char *device)
{
    TRACE_PROBE(attached, domid, vhost, channel, target, lun, device);
}

TRACE_FUNCTION trace_detached(uint16_t domid, uint32_t vhost, uint32_t channel, uint32_t target, uint64_t lun,
                              const char *device)
{
    TRACE_PROBE(detached, domid, vhost, channel, target, lun, device);
}

TRACE_FUNCTION trace_worker_started(uint16_t domid, uint32_t vhost, int pid)
{
    TRACE_PROBE(worker_started, domid, vhost, pid);
}

/* how: "signal 9 (Killed)", "exit status 1". */
TRACE_FUNCTION trace_worker_died(uint16_t domid, uint32_t vhost, int pid, const char *how)
{
    TRACE_PROBE(worker_died, domid, vhost, pid, how);
}

#endif
