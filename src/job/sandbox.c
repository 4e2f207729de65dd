/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits by setrlimit(2), and a filter of system calls. Plugins bring arbitrary libraries, so the
 * filter forbids what reaches out of the job, and allows the rest: no sockets unless needed, no
 * other processes (threads are fine), no signals to others, nothing that looks into others or
 * changes the machine, and none of the calls by which a filter can be got around (io_uring). What
 * is forbidden fails with EPERM, so that libraries which only try go on.
 */
#include "config.h"

#include "job/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/** Descriptors that a job may have: libraries open a few. */
#define FILES_MAX 256u
/** Between the signal and the kill when a job has used up its CPU time. */
#define CPU_GRACE_S 2
/** Jobs are to be slower than those who answer people. */
#define NICENESS 5
/** When the kernel has to kill somebody, it shall be a job. */
#define OOM_SCORE "500"
/** Memory has run out when not even so much can be had. */
#define PROBE_DIVISOR 8u

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef HAS_ADDRESS_SANITIZER
#define HAS_ADDRESS_SANITIZER 0 /* its shadow is terabytes of address space */
#endif

/** Which argument of clone(2) has the flags. */
#ifdef __s390__
#define CLONE_FLAGS 1u
#else
#define CLONE_FLAGS 0u
#endif

/** Where the kernel looks at 32 bits of a register. */
#define LOW_BITS 0xffffffffu

static int limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard)
{
    const struct rlimit value = {soft, hard};
    return setrlimit(resource, &value) < 0 ? -errno : 0;
}

static int set_limits(const struct kt_job_limits *limits)
{
    rlim_t seconds = (rlim_t)((limits->cpu_ms + 999) / 1000);
    int result = limit(RLIMIT_CORE, 0, 0);
    if (result == 0)
        result = limit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX);
    if (result == 0)
        result = limit(RLIMIT_FSIZE, limits->output_bytes, limits->output_bytes);
    if (result == 0)
        result = limit(RLIMIT_CPU, seconds, seconds + CPU_GRACE_S);
    if (result == 0 && !HAS_ADDRESS_SANITIZER)
        result = limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes);
    return result;
}

/** So that the machine stays well: neither is needed for anything else, so no failure matters. */
static void step_back(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
            fprintf(stderr, "oom_score_adj: %s\n", strerror(errno));
        close(fd);
    }
    setpriority(PRIO_PROCESS, 0, NICENESS);
}

/* ---------------------------------------------------------------- the filter */

/** Forbidden without a look at arguments. Names that a machine does not have are left out. */
/* clang-format off */
static const char *const forbidden[] = {
    /* other processes */
    "execve", "execveat", "fork", "vfork", "setpgid", "setsid", "unshare", "setns",
    /* looking into others, and signals other than to oneself */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "migrate_pages", "move_pages", "setpriority", "ioprio_set",
    /* the machine */
    "mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "pivot_root", "chroot", "swapon", "swapoff", "reboot", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "acct",
    "quotactl", "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "stime", "sethostname", "setdomainname", "iopl", "ioperm", "syslog", "vhangup", "nfsservctl",
    "mknod", "mknodat", "open_by_handle_at", "name_to_handle_at", "fanotify_init",
    "lookup_dcookie", "perf_event_open", "bpf", "userfaultfd", "modify_ldt",
    /* keys, and what others share */
    "add_key", "request_key", "keyctl", "msgget", "msgsnd", "msgrcv", "msgctl", "shmget", "shmat",
    "shmctl", "semget", "semop", "semtimedop", "semctl", "mq_open", "mq_unlink",
    /* memory that no limit counts */
    "memfd_create", "memfd_secret",
    /* who one is */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset", "personality",
    /* ways around this filter */
    "io_uring_setup", "io_uring_enter", "io_uring_register",
};
/* clang-format on */

/** TIOCSTI types for others at their terminal; the rest lets a descriptor send them signals. */
static const unsigned ioctls[] = {TIOCSTI, FIOSETOWN, SIOCSPGRP};
static const unsigned fcntls[] = {F_SETOWN, F_SETOWN_EX};

static int forbid(scmp_filter_ctx filter, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    return result == -EDOM || result == -EINVAL ? 0 : result; /* not on this machine */
}

/** Forbid a call with such an argument. For SCMP_CMP_MASKED_EQ, value is the mask and other what is
 * forbidden below it. Registers are compared with all 64 bits, also where the kernel takes 32. */
static int forbid_when(scmp_filter_ctx filter, int error, int number, unsigned argument,
                       enum scmp_compare operator, uint64_t value, uint64_t other)
{
    const struct scmp_arg_cmp comparison = {
        .arg = argument, .op = operator, .datum_a = value, .datum_b = other};
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)error), number, 1, &comparison);
}

/** Forbid calls that name a process in their first argument, unless it is this one. */
static int forbid_others(scmp_filter_ctx filter)
{
    const uint64_t self = (uint64_t)getpid();
    const struct {
        int number;
        uint64_t pid;
    } calls[] = {
        {SCMP_SYS(kill), self},
        {SCMP_SYS(tgkill), self},
        {SCMP_SYS(prlimit64), 0},
        {SCMP_SYS(sched_setaffinity), 0},
        {SCMP_SYS(sched_setscheduler), 0},
        {SCMP_SYS(sched_setparam), 0},
        {SCMP_SYS(sched_setattr), 0},
    };
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof calls / sizeof *calls; i++)
        result = forbid_when(filter, EPERM, calls[i].number, 0, SCMP_CMP_NE, calls[i].pid, 0);
    return result;
}

/** Sockets: those that are needed, and no other family whatever the kernel has. */
static int filter_sockets(scmp_filter_ctx filter, const struct kt_job_limits *limits)
{
    int result =
        forbid_when(filter, EACCES, SCMP_SYS(socket), 0, SCMP_CMP_GT, (uint64_t)AF_NETLINK, 0);
    for (int family = AF_UNSPEC; result == 0 && family <= AF_NETLINK; family++) {
        bool is_network = family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
        if ((family == AF_UNIX && limits->needs_local_sockets) ||
            (is_network && limits->needs_network))
            continue;
        result = forbid_when(filter, EACCES, SCMP_SYS(socket), 0, SCMP_CMP_EQ, (uint64_t)family, 0);
    }
    return result;
}

static int fill_filter(scmp_filter_ctx filter, const struct kt_job_limits *limits)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof forbidden / sizeof *forbidden; i++)
        result = forbid(filter, forbidden[i]);
    /* threads, but no processes; what clone3 is to do can't be seen, so it "does not exist" */
    if (result == 0)
        result = forbid_when(filter, EPERM, SCMP_SYS(clone), CLONE_FLAGS, SCMP_CMP_MASKED_EQ,
                             CLONE_THREAD, 0);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (result == 0)
        result = forbid_others(filter);
    /* not to outlive the worker */
    if (result == 0)
        result = forbid_when(filter, EPERM, SCMP_SYS(prctl), 0, SCMP_CMP_MASKED_EQ, LOW_BITS,
                             PR_SET_PDEATHSIG);
    for (size_t i = 0; result == 0 && i < sizeof ioctls / sizeof *ioctls; i++)
        result =
            forbid_when(filter, EPERM, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ, LOW_BITS, ioctls[i]);
    for (size_t i = 0; result == 0 && i < sizeof fcntls / sizeof *fcntls; i++)
        result =
            forbid_when(filter, EPERM, SCMP_SYS(fcntl), 1, SCMP_CMP_MASKED_EQ, LOW_BITS, fcntls[i]);
    return result == 0 ? filter_sockets(filter, limits) : result;
}

static int enter_filter(const struct kt_job_limits *limits)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return -ENOMEM;
    int result = fill_filter(filter, limits);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}

int kt_sandbox_enter(const struct kt_job_order *order, struct kt_error *error)
{
    /* whoever was to hear of the job is dead: then so are we */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != order->worker)
        return kt_error_set(error, -ESRCH, "its worker has ended");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return kt_error_set(error, -errno, "no_new_privs: %s", strerror(errno));
    step_back();
    int result = set_limits(&order->limits);
    if (result < 0)
        return kt_error_set(error, result, "its limits can't be set: %s", strerror(-result));
    result = enter_filter(&order->limits);
    if (result < 0)
        return kt_error_set(error, result, "no filter of system calls: %s", strerror(-result));
    return 0;
}

/* ---------------------------------------------------------------- crashes */

static size_t probe_bytes;

/** Ends as it would have without us, after a word about memory. Async-signal-safe. */
static void on_crash(int number)
{
    static const struct kt_report report = {.kind = KT_REPORT_NO_MEMORY};
    void *probe = mmap(NULL, probe_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED)
        send(KT_RUNNER_REPORT_FD, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT);
    raise(number); /* blocked until we return, and by then handled by default */
}

void kt_sandbox_watch_memory(const struct kt_job_order *order)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT};
    static char stack[16384] __attribute__((aligned(16)));
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash,
                               .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};
    if (HAS_ADDRESS_SANITIZER || sigaltstack(&alternate, NULL) < 0)
        return;
    probe_bytes = (size_t)(order->limits.memory_bytes / PROBE_DIVISOR);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}
