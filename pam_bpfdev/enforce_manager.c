// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "enforce_manager.h"
#include "filter.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The tables of the sessions that are open, one of each digest. */
struct live {
	struct table **tables;
	uint64_t *digests;
	size_t count, table_capacity, digest_capacity;
	struct reason *why;
};

static void live_free(struct live *live)
{
	for (size_t i = 0; i < live->count; i++)
		table_free(live->tables[i]);
	free(live->tables);
	free(live->digests);
}

/* Takes @table over. Returns 0 or -ENOMEM. */
static int live_add(struct live *live, struct table *table, uint64_t digest)
{
	struct table **tables =
		array_grow(live->tables, live->count, &live->table_capacity, sizeof(void *));
	uint64_t *digests;

	if (tables)
		live->tables = tables;
	digests = array_grow(live->digests, live->count, &live->digest_capacity, sizeof(*digests));
	if (digests)
		live->digests = digests;
	if (!tables || !digests) {
		table_free(table);
		return -ENOMEM;
	}
	tables[live->count] = table;
	digests[live->count++] = digest;
	return 0;
}

/* The last table is the caller's from now on. */
static struct table *live_take(struct live *live)
{
	return live->tables[--live->count];
}

static bool live_has(const struct live *live, uint64_t digest)
{
	for (size_t i = 0; i < live->count; i++)
		if (live->digests[i] == digest)
			return true;
	return false;
}

/* A filter of another version cannot be read; what its session may do at least, we know. */
static int add_unreadable(struct live *live)
{
	struct table *table;
	int ret = policy_baseline(&table);

	return ret < 0 ? ret : live_add(live, table, table_digest(table));
}

/* The cgroup was removed while we looked: who was in there is no session any more. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

/* A session that is closing (its processes live on) grants the manager nothing any more. */
static int add_filter(struct live *live, int prog_fd)
{
	struct bpfdev_info info;
	struct table *table;
	int ret = filter_read(prog_fd, &info, NULL, live->why);

	if (ret == -EPROTO)
		return add_unreadable(live);
	if (ret < 0 || (info.flags & BPFDEV_CLOSED) || live_has(live, info.table_digest))
		return ret < 0 ? ret : 0;
	ret = filter_read(prog_fd, &info, &table, live->why);
	return ret < 0 ? ret : live_add(live, table, info.table_digest);
}

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	struct live *live = data;
	int prog_fd = -1;
	int ret = filter_find(cgroup_fd, &prog_fd, live->why);

	(void)unit;
	if (ret > 0)
		ret = add_filter(live, prog_fd);
	close_fd(&prog_fd);
	return ret < 0 && !is_gone(ret) ? ret : 0;
}

/*
 * What the policy says of a manager without sessions. Returns 1 with the table, 0: the policy does
 * not name the user, or a negative errno with @why.
 */
static int base_table(const struct enforce_options *options, const struct policy_subject *subject,
		      struct table **table, struct reason *note, struct reason *why)
{
	struct policy_result result = { 0 };
	struct conf *conf;
	int ret = conf_load(options->conf, &conf);

	if (ret < 0) {
		reason_set(why, "the policy cannot be read: %s", strerror(-ret));
	} else {
		ret = policy_decide_manager(conf, options->devices, subject, &result, why);
		conf_free(conf);
	}
	if (ret < 0) {
		*note = *why;
		ret = policy_baseline(table);
		return ret < 0 ? ret : 1;
	}
	*table = result.table;
	return result.kind != POLICY_NONE;
}

/* Returns as base_table(); *@table must be NULL before. */
static int wanted_table(const struct enforce_options *options, const struct policy_subject *subject,
			const struct session *session, struct table **table, struct reason *note,
			struct reason *why)
{
	struct live live = { .why = why };
	int ret = session_each_scope(session, visit_scope, &live, why);

	if (ret == 0 && live.count == 1)
		*table = live_take(&live);
	else if (ret == 0 && live.count)
		ret = table_union((const struct table *const *)live.tables, live.count, table, why);
	if (ret == 0)
		ret = *table ? 1 : base_table(options, subject, table, note, why);
	live_free(&live);
	return ret;
}

void enforce_describe(struct bpfdev_info *info, enum bpfdev_role role,
		      const struct policy_subject *subject, const struct policy_session *session,
		      const char *unit, const char *policy)
{
	*info = (struct bpfdev_info) {
		.role = role,
		.uid = subject->uid,
		.opened = (__u64)time(NULL),
	};
	strncpy(info->user, subject->name, sizeof(info->user) - 1);
	strncpy(info->service, session->service, sizeof(info->service) - 1);
	strncpy(info->tty, session->tty, sizeof(info->tty) - 1);
	strncpy(info->rhost, session->rhost, sizeof(info->rhost) - 1);
	strncpy(info->unit, unit, sizeof(info->unit) - 1);
	strncpy(info->policy, policy, sizeof(info->policy) - 1);
}

/* Puts @table on the manager, in the place of our filter @old_fd (-1: there is none). */
static int put(const struct enforce_options *options, const struct policy_subject *subject,
	       int manager_fd, int old_fd, const struct table *table, struct reason *why)
{
	static const struct policy_session session = { POLICY_MANAGER_SERVICE, "", "", "" };
	struct bpfdev_info info, old;
	int new_fd;

	if (old_fd >= 0 && filter_read(old_fd, &old, NULL, why) == 0 &&
	    old.table_digest == table_digest(table))
		return 0;
	enforce_describe(&info, BPFDEV_MANAGER, subject, &session, "", options->conf->main);
	snprintf(info.unit, sizeof(info.unit), "user@%u.service", subject->uid);
	new_fd = filter_attach(manager_fd, &info, table, old_fd, why);
	close_fd(&new_fd);
	return new_fd < 0 ? new_fd : 0;
}

static int reconcile(const struct enforce_options *options, const struct policy_subject *subject,
		     const struct session *session, int manager_fd, struct reason *note,
		     struct reason *why)
{
	struct table *table = NULL;
	int old_fd = -1;
	int ret = filter_find(manager_fd, &old_fd, why);

	if (ret >= 0)
		ret = wanted_table(options, subject, session, &table, note, why);
	if (ret > 0)
		ret = put(options, subject, manager_fd, old_fd, table, why);
	else if (ret == 0 && old_fd >= 0)
		ret = filter_detach(manager_fd, old_fd, why);
	close_fd(&old_fd);
	table_free(table);
	return ret;
}

int enforce_manager(const struct enforce_options *options, const struct policy_subject *subject,
		    const struct session *session, struct reason *note, struct reason *why)
{
	int manager_fd = session_open_manager(session, why), ret;

	if (manager_fd < 0)
		return is_gone(manager_fd) ? 0 : manager_fd;
	ret = reconcile(options, subject, session, manager_fd, note, why);
	close_fd(&manager_fd);
	return ret < 0 && !is_gone(ret) ? ret : 0;
}
