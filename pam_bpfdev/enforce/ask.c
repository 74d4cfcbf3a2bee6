// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What the rules say of a device that a service is about to open on behalf of a process. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/ask.h"
#include "enforce/internal.h"

/* A question on its way. */
struct asking {
	const struct enforce_question *question;
	struct enforce_answer *answer;
	const struct device_source *source;
	struct decider decider;
	struct session_process process;
	uid_t uid;
	struct device_patterns devices;
	struct reason unknown; /* the device is none that is there; "": it is */
	struct reason *why;
};

/* Tables that answer, and whose they are. */
struct judge {
	const struct table *table;
	const struct bpfdev_info *info;
	int prog_fd; /* of the filter, that counts; -1: there is none */
};

static void deny(struct asking *asking, const char *line)
{
	asking->answer->verdict = ENFORCE_DENY;
	snprintf(asking->answer->line, sizeof(asking->answer->line), "%s", line);
}

/* What was denied of one device, as a filter counts it. */
static struct filter_denial denial_of(const struct asking *asking, const struct judge *judge,
				      const struct device_pattern *device, uint32_t access)
{
	const struct bpfdev_entry *entry =
		table_find(judge->table, device->type, device->major, device->minor);
	struct filter_denial denial = {
		.type = device->type,
		.major = device->major,
		.minor = device->minor,
		.access = access,
		.refused = table_refused(judge->table, device->type, device->major, device->minor,
					 access),
		.audited = access & entry->audit,
		.digest = judge->info->policy_digest,
		.uid = asking->process.uids[0],
		.pid = (uint32_t)asking->process.pid,
	};
	uint32_t bits = denial.refused ? denial.refused : denial.audited;

	if (bits)
		denial.source = entry->source[__builtin_ctz(bits)];
	memcpy(denial.comm, asking->question->by, sizeof(denial.comm) - 1);
	return denial;
}

/* Where no filter counts it, the log has to say it. */
static void keep(struct asking *asking, const struct judge *judge,
		 const struct filter_denial *denial)
{
	struct enforce_answer *answer = asking->answer;
	struct reason why = { "its process is in no filtered session" };

	if (judge->prog_fd >= 0 && filter_count_door(judge->prog_fd, denial, &why) == 0)
		return;
	reason_set(&answer->note, "uid %u %s denied %s through %s by %s; this is not counted: %s",
		   asking->uid, denial->refused ? "was" : "would have been", answer->numbers,
		   asking->question->by, answer->line, why.text);
}

/* The verdict on one device. Returns whether it is refused. */
static bool judge_device(struct asking *asking, const struct judge *judge,
			 const struct device_pattern *device)
{
	struct enforce_answer *answer = asking->answer;
	uint32_t access = asking->question->access;
	struct filter_denial denial;

	if (asking->question->mount && device_is_read_only(asking->source, device))
		access &= ~BPFDEV_WRITE;
	denial = denial_of(asking, judge, device, access);
	if (!(denial.refused | denial.audited))
		return false;
	answer->audit = !denial.refused;
	snprintf(answer->numbers, sizeof(answer->numbers), "%c %u:%u",
		 device->type == BPFDEV_CHAR ? 'c' : 'b', device->major, device->minor);
	enforce_line(&asking->decider, judge->info, denial.digest, denial.source, answer->line,
		     sizeof(answer->line));
	keep(asking, judge, &denial);
	return denial.refused;
}

/*
 * The kernel asks all filters, each of which counts what it denies; the first that does is the one that
 * is told of. A device that is not there is nothing that rules could allow.
 */
static void judge(struct asking *asking, const struct judge *judge)
{
	const struct enforce_answer before = *asking->answer;
	bool refused = false;

	asking->answer->verdict = ENFORCE_ALLOW;
	if (*asking->unknown.text && !(judge->info->flags & BPFDEV_UNRESTRICTED))
		deny(asking, asking->unknown.text);
	for (size_t i = 0; i < asking->devices.count && !refused; i++)
		refused = judge_device(asking, judge, &asking->devices.items[i]);
	if (refused)
		asking->answer->verdict = ENFORCE_DENY;
	if (before.verdict == ENFORCE_DENY)
		*asking->answer = before;
}

/* Returns 0 or a negative errno with why. */
static int ask_filter(struct asking *asking, int prog_fd)
{
	struct bpfdev_info info;
	struct table *table = NULL;
	int ret = filter_read(prog_fd, &info, &table, asking->why);

	if (ret > 0)
		deny(asking, "the filter was made by another version of this program");
	if (ret == 0)
		judge(asking, &(struct judge) { table, &info, prog_fd });
	table_free(table);
	return ret < 0 ? ret : 0;
}

/* Returns how many filters the kernel asks for the process, or a negative errno with why. */
static int ask_filters(struct asking *asking)
{
	int fds[FILTER_ALL_MAX], count, cgroup_fd, ret = 0;

	if (!asking->process.session.unit)
		return 0;
	cgroup_fd = session_open_cgroup(asking->process.session.unit, asking->why);
	if (cgroup_fd < 0)
		return cgroup_fd;
	count = filter_find_all(cgroup_fd, fds, FILTER_ALL_MAX, asking->why);
	for (int i = 0; i < count; i++) {
		if (ret == 0)
			ret = ask_filter(asking, fds[i]);
		close(fds[i]);
	}
	close(cgroup_fd);
	return ret < 0 ? ret : count;
}

/*
 * What the user's manager would get. Returns 1 with *@table; 0: no rules stand for the user;
 * or a negative errno with why. A policy with mistakes denies.
 */
static int ask_policy(struct asking *asking, struct bpfdev_info *info, struct table **table)
{
	const struct passwd *entry = getpwuid(asking->uid);
	struct policy_subject subject;
	int ret;

	*table = NULL;
	if (!entry) {
		reason_set(asking->why, "no user has the uid %u", asking->uid);
		return -ESRCH;
	}
	ret = policy_subject_load(entry->pw_name, &subject, asking->why);
	if (ret)
		return ret > 0 ? -ESRCH : ret;
	ret = decide(&asking->decider, NULL, &subject, &policy_manager_session, info, table,
		     asking->why);
	policy_subject_free(&subject);
	if (ret == DECIDED_MISTAKES) {
		deny(asking, asking->why->text);
		return 0;
	}
	return ret < 0 ? ret : *table != NULL;
}

bool enforce_is_asker(const struct session_process *process,
		      const struct enforce_question *question)
{
	bool found = question->uid == (uid_t)-1;

	for (int i = 0; i < 4; i++)
		found |= process->uids[i] == question->uid;
	return found && (!question->start || question->start == process->start);
}

/* Its process has gone, so that nobody knows what it might do. */
static int answer_nobody(struct asking *asking)
{
	struct bpfdev_info info = { 0 };
	struct table *table;
	int ret;

	if (asking->question->uid == (uid_t)-1) {
		reason_set(asking->why, "there is no process %d that asks", asking->question->pid);
		return -ESRCH;
	}
	ret = ask_policy(asking, &info, &table);
	if (ret > 0)
		deny(asking, "the process that asked has gone");
	table_free(table);
	return ret < 0 ? ret : 0;
}

static int answer_process(struct asking *asking)
{
	struct bpfdev_info info = { 0 };
	struct table *table;
	int ret = device_find_asked(asking->source, asking->question->device,
				    asking->question->drive, &asking->devices, asking->why);

	if (ret < 0)
		return ret;
	if (ret > 0)
		asking->unknown = *asking->why;
	ret = ask_filters(asking);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = ask_policy(asking, &info, &table);
	if (ret > 0)
		judge(asking, &(struct judge) { table, &info, -1 });
	table_free(table);
	return ret < 0 ? ret : 0;
}

int enforce_ask(const struct enforce_options *options, const struct enforce_question *question,
		struct enforce_answer *answer, struct reason *why)
{
	struct asking asking = {
		.question = question,
		.answer = answer,
		.source = options->devices,
		.decider = decider_new(options),
		.uid = question->uid,
		.why = why,
	};
	int ret = session_look_at(question->pid, &asking.process, why);
	bool there = ret > 0 && enforce_is_asker(&asking.process, question);

	*answer = (struct enforce_answer) { .verdict = ENFORCE_NO_OPINION };
	if (there && question->uid == (uid_t)-1)
		asking.uid = asking.process.uids[0];
	if (ret >= 0 && asking.uid == 0)
		ret = 0;
	else if (ret >= 0)
		ret = there ? answer_process(&asking) : answer_nobody(&asking);
	session_free(&asking.process.session);
	device_patterns_free(&asking.devices);
	decider_free(&asking.decider);
	return ret;
}
