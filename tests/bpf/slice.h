/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Root's sessions and manager in cgroups below the scratch cgroup, and a policy and drivers of
 * their own: root is the one user that every machine has.
 */
#ifndef SLICE_H
#define SLICE_H

#include "denials.h"
#include "sessions.h"

#include "enforce/enforce.h"
#include "enforce/change.h"
#include "session/session.h"

#define SLICE_MAJOR 510 /* of the char devices that are tried: no driver has it */
#define SLICE_MANAGER "user@0.service"
#define ONE "session-1.scope"
#define TWO "session-2.scope"
#define THREE "session-c3.scope"

struct slice {
	struct scratch *scratch;
	struct session user;
	struct conf_paths conf;
	struct device_source devices;
	struct enforce_options options;
	struct policy_subject subject;
	char path[400];
	char policy[100], proc_devices[100], locks[100];
	struct sessions sessions;
	int descriptors; /* that the test had open before */
	struct enforce_change_report reports[24];
	size_t told;
};

/* No policy, no sessions, no manager. */
void slice_make(struct slice *slice, struct scratch *scratch);

/* Ends the sessions, and sees that no descriptor was left open. */
void slice_free(struct slice *slice);

/* Writes the policy; NULL: there is no such file. */
void slice_policy(const struct slice *slice, const char *text);

/* Another file below the test's folder. @path: 128 bytes, set to where it is. */
void slice_write(const struct slice *slice, const char *name, const char *text, char *path);

/* A session with a process and without a filter. Its cgroup's descriptor is to be closed. */
int slice_begin(struct slice *slice, const char *unit);

/* The same, filtered as a login by @service is. */
void slice_open_as(struct slice *slice, const char *unit, const char *service);
void slice_open(struct slice *slice, const char *unit);

/* The same, under way: scratch_wait() says 0 if it has gone well. */
pid_t slice_start_open(struct slice *slice, const char *unit);

/* Has @job run in a process of the session, and returns its result. */
int slice_run(const struct slice *slice, const char *unit, scratch_job *job, void *data);

/* The last session that was begun: its processes end, and the cgroup goes. */
void slice_kill_last(struct slice *slice, const char *unit);

/* A manager without a filter. */
void slice_add_manager(const struct slice *slice);

/*
 * Puts a filter on a unit, in the place of what it has, with which everything about it is said by
 * @info, and which allows reading of minor @minor only.
 */
void slice_give(const struct slice *slice, const char *unit, struct bpfdev_info info,
		uint32_t minor);

/* The same, made by another version of this program. */
void slice_give_other_version(const struct slice *slice, const char *unit);

/* What the one filter of a unit says of itself. */
struct bpfdev_info slice_info(const struct slice *slice, const char *unit);

/* What the filter of a unit has denied; denials_free(). */
void slice_read_denials(const struct slice *slice, const char *unit, struct denials *denials);

/* How many filters of ours a unit has. */
int slice_filters(const struct slice *slice, const char *unit);

/* Which of the minors 1 to 7 can be read in a unit: "125". @text: 8 bytes. Returns @text. */
char *slice_reads(const struct slice *slice, const char *unit, char *text);

#define assert_reads(slice, unit, minors)                                                          \
	do {                                                                                       \
		char reads_[8];                                                                    \
                                                                                                   \
		assert_string_equal(slice_reads((slice), (unit), reads_), (minors));               \
	} while (0)

/* enforce_change(), which must not fail; the reports are in slice->reports. */
void slice_change(struct slice *slice, const struct enforce_change *change);
void slice_reload(struct slice *slice);

/* Allows reading of @device for @seconds from now on: less than 1 is over. */
void slice_lend(struct slice *slice, const char *device, int seconds);

/* Ends the exception for @device; NULL: all. */
void slice_reclaim(struct slice *slice, const char *device);

/* What was told of a unit; there must be one report. */
const struct enforce_change_report *slice_report(const struct slice *slice, const char *unit);

/* Checks the outcome for a unit. Returns the report. */
#define assert_outcome(slice, unit, expected)                                                      \
	check_outcome((slice), (unit), (expected), __FILE__, __LINE__)
const struct enforce_change_report *check_outcome(const struct slice *slice, const char *unit,
						  enum enforce_changed expected, const char *file,
						  int line);

/*
 * Reloads. It must fail for the unit, which keeps its one filter: it reads minors @reads. Returns
 * the report.
 */
const struct enforce_change_report *slice_fails(struct slice *slice, const char *unit, int error,
						const char *reads);

#endif
