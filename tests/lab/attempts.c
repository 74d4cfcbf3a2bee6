// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * attempt HOW PATH [HOW PATH]...: tries to open devices, and says of each what came of it: "ok" or
 * the name of the error. Statically linked, so that it runs in machines of any age.
 *
 * HOW: r, w, rw; path (O_PATH, then again through /proc); handle (open_by_handle_at, takes root);
 * uring (by an io_uring); TYPE:MAJOR:MINOR (mknod of PATH, which is removed again);
 * join (clone3 into the cgroup PATH); handover (waits for the FIFO PATH in a second thread, the
 * first having exited, and goes on with what follows).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char **left; /* arguments that are still to be tried */

static int by_path(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	char name[32];

	if (fd < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int by_handle(const char *path)
{
	struct {
		struct file_handle head;
		unsigned char room[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount, folder = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount, 0) < 0)
		return -1;
	return open_by_handle_at(folder, &handle.head, O_RDWR | O_NONBLOCK);
}

static void *map(int ring, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
}

/* IOSQE_ASYNC: a worker thread of the kernel's opens it, not this one. */
static int by_uring(const char *path)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;
	char *submit, *complete;

	if (ring < 0)
		return -1;
	submit = map(ring, params.sq_off.array + sizeof(uint32_t), IORING_OFF_SQ_RING);
	complete = map(ring, params.cq_off.cqes + 2 * sizeof(*done), IORING_OFF_CQ_RING);
	entry = map(ring, sizeof(*entry), IORING_OFF_SQES);
	*entry = (struct io_uring_sqe) { .opcode = IORING_OP_OPENAT,
					 .flags = IOSQE_ASYNC,
					 .fd = AT_FDCWD,
					 .addr = (uintptr_t)path,
					 .open_flags = O_RDWR };
	__atomic_store_n((uint32_t *)(submit + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	done = (struct io_uring_cqe *)(complete + params.cq_off.cqes);
	errno = -done->res;
	return done->res < 0 ? -1 : done->res;
}

static int by_mknod(const char *how, const char *path)
{
	unsigned int major, minor;
	char type;

	if (sscanf(how, "%c:%u:%u", &type, &major, &minor) != 3)
		exit(2);
	if (mknod(path, (type == 'b' ? S_IFBLK : S_IFCHR) | 0600, makedev(major, minor)) < 0)
		return -1;
	return unlink(path);
}

static int join(const char *path)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int pid, fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	args.cgroup = (uint64_t)fd;
	pid = (int)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

static int attempt(const char *how, const char *path)
{
	static const struct {
		const char *name;
		int flags;
	} modes[] = { { "r", O_RDONLY }, { "w", O_WRONLY }, { "rw", O_RDWR } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(how, modes[i].name) == 0)
			return open(path, modes[i].flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (strcmp(how, "path") == 0)
		return by_path(path);
	if (strcmp(how, "handle") == 0)
		return by_handle(path);
	if (strcmp(how, "uring") == 0)
		return by_uring(path);
	return strcmp(how, "join") == 0 ? join(path) : by_mknod(how, path);
}

static void *try_all(void *fifo)
{
	char said[512] = "";

	if (fifo)
		close(open(fifo, O_RDONLY));
	for (; left[0] && left[1]; left += 2) {
		strcat(said, *said ? " " : "");
		strcat(said, attempt(left[0], left[1]) < 0 ? strerrorname_np(errno) : "ok");
	}
	puts(said);
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	left = argv + 1;
	if (argc < 3 || strcmp(argv[1], "handover") != 0)
		try_all(NULL);
	left += 2;
	if (pthread_create(&thread, NULL, try_all, argv[2]) != 0)
		return 2;
	syscall(SYS_exit, 0); /* this thread alone */
}
