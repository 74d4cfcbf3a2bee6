// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "slice.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "filter/filter.h"
#include "rules/rules.h"
#include "tables.h"

#define NAME "user.slice/user-0.slice"

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void slice_policy(const struct slice *slice, const char *text)
{
	if (text)
		write_text(slice->policy, text);
	else
		unlink(slice->policy);
}

void slice_write(const struct slice *slice, const char *name, const char *text, char *path)
{
	snprintf(path, 128, "%s/%s", slice->scratch->nodes, name);
	write_text(path, text);
}

void slice_make(struct slice *slice, struct scratch *scratch)
{
	static gid_t groups[] = { 0 };

	*slice = (struct slice) { .scratch = scratch,
				  .sessions = { .scratch = scratch },
				  .descriptors = count_descriptors() };
	scratch_mkdir(scratch, NAME, slice->path, sizeof(slice->path));
	snprintf(slice->policy, sizeof(slice->policy), "%s/policy", scratch->nodes);
	snprintf(slice->proc_devices, sizeof(slice->proc_devices), "%s/devices", scratch->nodes);
	snprintf(slice->locks, sizeof(slice->locks), "%s", scratch->nodes);
	write_text(slice->proc_devices, "Character devices:\n510 zork\n\nBlock devices:\n");
	slice->user = (struct session) { .uid = 0, .slice = slice->path };
	slice->conf = (struct conf_paths) { .main = slice->policy };
	slice->devices = (struct device_source) {
		.proc_devices = slice->proc_devices,
		.dev = slice->locks,
	};
	slice->options = (struct enforce_options) { .conf = &slice->conf,
						    .devices = &slice->devices,
						    .lock_folder = slice->locks };
	slice->subject =
		(struct policy_subject) { (char *)"root", 0, 0, groups, 1, 1000, NULL, 0, true };
}

void slice_free(struct slice *slice)
{
	end_sessions(&slice->sessions);
	assert_int_equal(count_descriptors(), slice->descriptors);
}

static const char *path_of(const struct slice *slice, const char *unit, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", slice->path, unit);
	return path;
}

static int open_unit(const struct slice *slice, const char *unit)
{
	char path[512];
	int fd = open(path_of(slice, unit, path, sizeof(path)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

int slice_begin(struct slice *slice, const char *unit)
{
	char name[200];

	snprintf(name, sizeof(name), "%s/%s", NAME, unit);
	return begin_session(&slice->sessions, name);
}

struct opening {
	const struct slice *slice;
	const char *service;
};

static int open_session(void *data)
{
	const struct opening *opening = data;
	const struct slice *slice = opening->slice;
	const struct policy_session session = { opening->service, "tty9", "", "root",
						POLICY_LOGIN };
	const struct enforce_systemd nothing = { NULL, NULL };
	struct enforce_report report;
	struct reason why = { "" };

	if (enforce_open(&slice->options, &slice->subject, &session, &nothing, &report, &why) == 0)
		return 0;
	fprintf(stderr, "%s\n", why.text);
	return 1;
}

int slice_run(const struct slice *slice, const char *unit, scratch_job *job, void *data)
{
	char path[512];

	return scratch_run(slice->scratch, path_of(slice, unit, path, sizeof(path)), job, data);
}

static pid_t start_open(struct slice *slice, const char *unit, const char *service)
{
	struct opening opening = { slice, service };
	char path[512];

	close(slice_begin(slice, unit));
	return scratch_start(slice->scratch, path_of(slice, unit, path, sizeof(path)), open_session,
			     &opening);
}

void slice_open_as(struct slice *slice, const char *unit, const char *service)
{
	assert_int_equal(scratch_wait(start_open(slice, unit, service)), 0);
}

pid_t slice_start_open(struct slice *slice, const char *unit)
{
	return start_open(slice, unit, "login");
}

void slice_open(struct slice *slice, const char *unit)
{
	slice_open_as(slice, unit, "login");
}

void slice_kill_last(struct slice *slice, const char *unit)
{
	struct sessions *sessions = &slice->sessions;
	char path[512];

	/* The later processes have the earlier ones' pipes open. */
	sessions->count--;
	close(sessions->ends[sessions->count]);
	assert_int_equal(scratch_wait(sessions->pids[sessions->count]), 0);
	path_of(slice, unit, path, sizeof(path));
	for (int i = 0; i < 500 && rmdir(path) < 0; i++)
		usleep(2000);
	assert_int_equal(access(path, F_OK), -1);
}

void slice_add_manager(const struct slice *slice)
{
	char path[512];

	scratch_mkdir(slice->scratch, NAME "/" SLICE_MANAGER, path, sizeof(path));
}

void slice_give(const struct slice *slice, const char *unit, struct bpfdev_info info,
		uint32_t minor)
{
	const struct rules_line line = {
		.device = { .kind = DEVICE_NUMBERS,
			    .character = true,
			    .major = { false, SLICE_MAJOR, SLICE_MAJOR },
			    .minor = { false, minor, minor } },
		.access = BPFDEV_READ,
		.rank = TABLE_USER,
		.allow = true,
	};
	struct rules rules = { 0 };
	struct table *table;
	int fd = open_unit(slice, unit), old_fd = -1;

	assert_int_equal(rules_add(&rules, &line), 0);
	assert_int_equal(rules_resolve(&rules, &device_source_system, NULL, NULL), 0);
	assert_int_equal(rules_fold(&rules, info.exceptions, &table, NULL), 0);
	rules_free(&rules);
	assert_true(filter_find(fd, &old_fd, NULL) >= 0);
	strcpy(info.unit, unit);
	assert_int_equal(attached(filter_attach(fd, &info, table, old_fd, NULL)), 0);
	table_free(table);
	if (old_fd >= 0)
		close(old_fd);
	close(fd);
}

void slice_read_denials(const struct slice *slice, const char *unit, struct denials *denials)
{
	int fd = open_unit(slice, unit);

	denials_read_at(fd, denials);
	close(fd);
}

void slice_give_other_version(const struct slice *slice, const char *unit)
{
	attach_other_version(open_unit(slice, unit));
}

int slice_filters(const struct slice *slice, const char *unit)
{
	struct filter_program programs[64];
	int fd = open_unit(slice, unit), count, ours = 0;

	count = filter_list(fd, false, programs, ARRAY_SIZE(programs), NULL);
	assert_true(count >= 0);
	for (int i = 0; i < count; i++)
		ours += programs[i].ours;
	close(fd);
	return ours;
}

struct bpfdev_info slice_info(const struct slice *slice, const char *unit)
{
	int fd = open_unit(slice, unit), prog_fd = find_filter(fd);
	struct bpfdev_info info;

	assert_int_equal(filter_read(prog_fd, &info, NULL, NULL), 0);
	assert_int_equal(slice_filters(slice, unit), 1);
	close(prog_fd);
	close(fd);
	return info;
}

/* One bit for each of the minors 1 to 7 that can be read; 255: it cannot be told. */
static int read_minors(void *data)
{
	const char(*nodes)[128] = data;
	int can = 0;

	for (int i = 0; i < 7; i++) {
		int fd = open(nodes[i], O_RDONLY | O_NONBLOCK);

		if (fd >= 0 || (errno != EPERM && errno != ENXIO))
			return 255;
		can |= (errno == ENXIO) << i;
	}
	return can;
}

char *slice_reads(const struct slice *slice, const char *unit, char *text)
{
	char nodes[7][128], *end = text;
	int can;

	for (unsigned int i = 0; i < 7; i++)
		scratch_node(slice->scratch, BPFDEV_CHAR, SLICE_MAJOR, i + 1, nodes[i],
			     sizeof(nodes[i]));
	can = slice_run(slice, unit, read_minors, nodes);
	assert_int_not_equal(can, 255);
	for (int i = 0; i < 7; i++)
		if (can & 1 << i)
			*end++ = (char)('1' + i);
	*end = '\0';
	return text;
}

static void keep(const struct enforce_change_report *report, void *data)
{
	struct slice *slice = data;

	assert_true(slice->told < ARRAY_SIZE(slice->reports));
	slice->reports[slice->told++] = *report;
}

void slice_change(struct slice *slice, const struct enforce_change *change)
{
	struct reason why = { "" };

	slice->told = 0;
	if (enforce_change(&slice->options, &slice->user, change, keep, slice, &why) < 0)
		fail_msg("%s", why.text);
}

void slice_reload(struct slice *slice)
{
	slice_change(slice, &(struct enforce_change) { .kind = ENFORCE_RELOAD });
}

void slice_lend(struct slice *slice, const char *device, int seconds)
{
	struct bpfdev_exception exception = {
		.until = enforce_boottime() + (uint64_t)seconds,
		.access = BPFDEV_READ,
		.asked_by = 4242,
	};

	strcpy(exception.device, device);
	slice_change(slice,
		     &(struct enforce_change) { .kind = ENFORCE_LEND, .exception = &exception });
}

void slice_reclaim(struct slice *slice, const char *device)
{
	slice_change(slice, &(struct enforce_change) { .kind = ENFORCE_RECLAIM, .device = device });
}

const struct enforce_change_report *slice_report(const struct slice *slice, const char *unit)
{
	const struct enforce_change_report *found = NULL;

	for (size_t i = 0; i < slice->told; i++) {
		if (strcmp(slice->reports[i].unit, unit) != 0)
			continue;
		if (found)
			fail_msg("%s was told of twice", unit);
		found = &slice->reports[i];
	}
	if (!found)
		fail_msg("%s was not told of", unit);
	return found;
}

const struct enforce_change_report *check_outcome(const struct slice *slice, const char *unit,
						  enum enforce_changed expected, const char *file,
						  int line)
{
	const struct enforce_change_report *report = slice_report(slice, unit);

	if (report->outcome == expected)
		return report;
	print_error("%s: outcome %d, error %d: %s\n", unit, report->outcome, report->error,
		    report->why.text);
	_fail(file, line);
	return report;
}

const struct enforce_change_report *slice_fails(struct slice *slice, const char *unit, int error,
						const char *reads)
{
	const struct enforce_change_report *report;

	slice_reload(slice);
	report = assert_outcome(slice, unit, ENFORCE_FAILED);
	assert_int_equal(report->error, error);
	assert_reads(slice, unit, reads);
	assert_int_equal(slice_filters(slice, unit), 1);
	return report;
}
