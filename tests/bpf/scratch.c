// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter/filter.h"
#include "session/internal.h"

static bool find_hierarchy(struct scratch *scratch)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct session_mount_seen seen;
	struct session_mount mount;
	int found = file ? session_mount_find(file, "/", &seen, &mount) : 0;

	if (file)
		fclose(file);
	if (found != 1)
		return false;
	snprintf(scratch->mount, sizeof(scratch->mount), "%s", mount.point);
	session_mount_free(&mount);
	return true;
}

/* /tmp may forbid device nodes, or not exist: a tmpfs that only this process sees does not. */
static bool make_node_folder(struct scratch *scratch)
{
	static const char *const places[] = { "/tmp", "/run", "" };

	if (unshare(CLONE_NEWNS) < 0)
		return false;
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(scratch->nodes, sizeof(scratch->nodes), "%s/pam_bpfdev_test.XXXXXX",
			 places[i]);
		if (mkdtemp(scratch->nodes))
			return mount("tmpfs", scratch->nodes, "tmpfs", 0, "mode=755") == 0;
	}
	scratch->nodes[0] = '\0';
	return false;
}

static bool make_cgroup(struct scratch *scratch)
{
	snprintf(scratch->cgroup, sizeof(scratch->cgroup), "%s/pam_bpfdev_test.%d", scratch->mount,
		 getpid());
	if (mkdir(scratch->cgroup, 0755) < 0)
		return false;
	scratch->fd = open(scratch->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch->fd >= 0;
}

static const char *set_up(struct scratch *scratch)
{
	static struct reason why;

	if (geteuid() != 0)
		return "this needs root";
	if (!find_hierarchy(scratch))
		return "no cgroup2 hierarchy is mounted whole";
	if (!make_node_folder(scratch))
		return "no tmpfs can be mounted for device nodes";
	if (!make_cgroup(scratch))
		return "no cgroup can be made";
	if (filter_probe(scratch->fd, &why) < 0)
		return why.text;
	return NULL;
}

int scratch_setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return -1;
	scratch->fd = -1;
	scratch->unable = set_up(scratch);
	*state = scratch;
	return 0;
}

/* What a failed test left in a cgroup of ours was started by it. */
static void kill_all(const char *cgroup)
{
	char path[512];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fscanf(file, "%d", &pid) == 1)
		if (pid > 0 && pid != getpid())
			kill(pid, SIGKILL);
	fclose(file);
}

static int remove_cgroup(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type != FTW_DP)
		return 0;
	/* What was killed needs a moment to be gone. */
	for (int i = 0; i < 100 && rmdir(path) < 0 && errno == EBUSY; i++) {
		kill_all(path);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		usleep(10000);
	}
	return 0;
}

int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;

	if (scratch->fd >= 0)
		close(scratch->fd);
	if (scratch->cgroup[0])
		nftw(scratch->cgroup, remove_cgroup, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (scratch->nodes[0]) {
		umount2(scratch->nodes, MNT_DETACH);
		rmdir(scratch->nodes);
	}
	free(scratch);
	return 0;
}

struct scratch *scratch_get(void **state)
{
	struct scratch *scratch = *state;

	if (scratch->unable)
		cannot_run(scratch->unable);
	return scratch;
}

static bool enter(const char *cgroup)
{
	char path[512];
	int fd;
	bool entered;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	entered = fd >= 0 && write(fd, "0", 1) == 1;
	if (fd >= 0)
		close(fd);
	return entered;
}

pid_t scratch_start(const struct scratch *scratch, const char *path, scratch_job *job, void *data)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(enter(path ? path : scratch->cgroup) ? job(data) : 255);
	return pid;
}

int scratch_wait(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int scratch_run(const struct scratch *scratch, const char *path, scratch_job *job, void *data)
{
	return scratch_wait(scratch_start(scratch, path, job, data));
}

void scratch_mkdir(const struct scratch *scratch, const char *name, char *path, size_t size)
{
	char *slash;

	snprintf(path, size, "%s/%s", scratch->cgroup, name);
	for (slash = path + strlen(scratch->cgroup); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static mode_t node_mode(enum bpfdev_type type)
{
	return (type == BPFDEV_BLOCK ? S_IFBLK : S_IFCHR) | 0666;
}

const char *scratch_node(const struct scratch *scratch, enum bpfdev_type type, unsigned int major,
			 unsigned int minor, char *path, size_t size)
{
	snprintf(path, size, "%s/%c-%u-%u", scratch->nodes, type == BPFDEV_BLOCK ? 'b' : 'c', major,
		 minor);
	assert_true(mknod(path, node_mode(type), makedev(major, minor)) == 0 || errno == EEXIST);
	return path;
}

struct attempt {
	char path[128];
	int flags;
	enum bpfdev_type type;
	dev_t device;
};

static int open_node(void *data)
{
	const struct attempt *attempt = data;

	return open(attempt->path, attempt->flags | O_NONBLOCK | O_NOCTTY) < 0 ? errno : 0;
}

int scratch_open(const struct scratch *scratch, enum bpfdev_type type, unsigned int major,
		 unsigned int minor, int flags)
{
	struct attempt attempt = { .flags = flags };

	scratch_node(scratch, type, major, minor, attempt.path, sizeof(attempt.path));
	return scratch_run(scratch, NULL, open_node, &attempt);
}

static int make_node(void *data)
{
	const struct attempt *attempt = data;

	return mknod(attempt->path, node_mode(attempt->type), attempt->device) < 0 ? errno : 0;
}

int scratch_mknod(const struct scratch *scratch, enum bpfdev_type type, unsigned int major,
		  unsigned int minor)
{
	struct attempt attempt = { .type = type, .device = makedev(major, minor) };
	int err;

	snprintf(attempt.path, sizeof(attempt.path), "%s/new", scratch->nodes);
	err = scratch_run(scratch, NULL, make_node, &attempt);
	unlink(attempt.path);
	return err;
}

int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}
