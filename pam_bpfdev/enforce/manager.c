// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "enforce/manager.h"
#include "filter/filter.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The tables of the sessions that are open, one of each digest. */
struct live {
	struct live_table {
		struct table *table;
		uint64_t digest;
	} * items;
	size_t count, capacity;
	bool seen;	 /* any session whose filter can be read */
	uint64_t policy; /* the digest of the policy that all of those have; 0: they differ */
	struct reason *why;
};

/* What a manager should have. */
struct wanted {
	struct table *table;
	uint64_t policy; /* digest of the policy that its lines are of; 0: of several, or none */
};

static void live_free(struct live *live)
{
	for (size_t i = 0; i < live->count; i++)
		table_free(live->items[i].table);
	free(live->items);
}

/* Takes @table over. Returns 0 or -ENOMEM. */
static int live_add(struct live *live, struct table *table, uint64_t digest)
{
	struct live_table *grown =
		array_grow(live->items, live->count, &live->capacity, sizeof(*grown));

	if (!grown) {
		reason_set(live->why, "out of memory");
		table_free(table);
		return -ENOMEM;
	}
	live->items = grown;
	grown[live->count++] = (struct live_table) { table, digest };
	return 0;
}

static bool live_has(const struct live *live, uint64_t digest)
{
	for (size_t i = 0; i < live->count; i++)
		if (live->items[i].digest == digest)
			return true;
	return false;
}

static int compare_digests(const void *a, const void *b)
{
	uint64_t left = ((const struct live_table *)a)->digest;
	uint64_t right = ((const struct live_table *)b)->digest;

	return (left > right) - (left < right);
}

/*
 * Where several tables allow the same, the first one's line is kept: so that it does not matter in
 * which order the sessions came and went, the tables have an order of their own.
 */
static int live_unite(struct live *live, struct table **table)
{
	const struct table **tables = calloc(live->count, sizeof(void *));
	int ret;

	if (!tables) {
		reason_set(live->why, "out of memory");
		return -ENOMEM;
	}
	qsort(live->items, live->count, sizeof(*live->items), compare_digests);
	for (size_t i = 0; i < live->count; i++)
		tables[i] = live->items[i].table;
	ret = table_union(tables, live->count, table, live->why);
	free(tables);
	return ret;
}

/* A filter of another version cannot be read; what its session may do at least, we know. */
static int add_unreadable(struct live *live)
{
	struct table *table;
	int ret = policy_baseline(&table);

	if (ret == 0 && live_has(live, table_digest(table)))
		table_free(table);
	else if (ret == 0)
		ret = live_add(live, table, table_digest(table));
	return ret;
}

/* The cgroup was removed while we looked: who was in there is no session any more. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

static void note_policy(struct live *live, uint64_t digest)
{
	live->policy = !live->seen || live->policy == digest ? digest : 0;
	live->seen = true;
}

/* A session that is closing (its processes live on) grants the manager nothing any more. */
static int add_filter(struct live *live, int prog_fd)
{
	struct bpfdev_info info;
	struct table *table;
	int ret = filter_read(prog_fd, &info, NULL, live->why);

	if (ret == -EPROTO)
		return add_unreadable(live);
	if (ret < 0 || (info.flags & BPFDEV_CLOSED))
		return ret < 0 ? ret : 0;
	note_policy(live, info.policy_digest);
	if (live_has(live, info.table_digest))
		return 0;
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
 * What the policy says of a manager without sessions. Returns 1 with @wanted, 0: the policy does
 * not name the user, or a negative errno with @why.
 */
static int base_table(const struct enforce_options *options, const struct policy_subject *subject,
		      struct wanted *wanted, struct reason *note, struct reason *why)
{
	struct policy_result result = { 0 };
	struct conf *conf;
	int ret = conf_load(options->conf, &conf);

	if (ret < 0) {
		reason_set(why, "the policy cannot be read: %s", strerror(-ret));
	} else {
		ret = policy_decide(conf, options->devices, subject, &policy_manager_session,
				    &result, why);
		wanted->policy = ret < 0 ? 0 : conf->digest;
		conf_free(conf);
	}
	if (ret < 0) {
		*note = *why;
		ret = policy_baseline(&wanted->table);
		return ret < 0 ? ret : 1;
	}
	wanted->table = result.table;
	return result.kind != POLICY_NONE;
}

/* As enforce_manager_union(). */
static int unite(const struct session *user, struct wanted *wanted, struct reason *why)
{
	struct live live = { .why = why };
	int ret = session_each_scope(user, visit_scope, &live, why);

	if (ret == 0 && live.count == 1) {
		/* The caller's from now on. */
		wanted->table = live.items[0].table;
		live.count = 0;
		ret = 1;
	} else if (ret == 0 && live.count) {
		ret = live_unite(&live, &wanted->table);
		ret = ret < 0 ? ret : 1;
	}
	wanted->policy = live.policy;
	live_free(&live);
	return ret;
}

int enforce_manager_union(const struct session *user, struct table **table, struct reason *why)
{
	struct wanted wanted = { .table = NULL };
	int ret = unite(user, &wanted, why);

	if (ret > 0)
		*table = wanted.table;
	return ret;
}

/* Returns as base_table(). */
static int want(const struct enforce_options *options, const struct policy_subject *subject,
		const struct session *session, struct wanted *wanted, struct reason *note,
		struct reason *why)
{
	int ret = unite(session, wanted, why);

	return ret ? ret : base_table(options, subject, wanted, note, why);
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

static bool has_already(int old_fd, const struct wanted *wanted)
{
	struct bpfdev_info old;

	return old_fd >= 0 && filter_read(old_fd, &old, NULL, NULL) == 0 &&
	       old.table_digest == table_digest(wanted->table) &&
	       old.policy_digest == wanted->policy;
}

/* Puts it on the manager, in the place of our filter @old_fd (-1: there is none). */
static int put(const struct enforce_options *options, const struct policy_subject *subject,
	       int manager_fd, int old_fd, const struct wanted *wanted, struct reason *why)
{
	struct bpfdev_info info;
	int new_fd;

	if (has_already(old_fd, wanted))
		return 0;
	enforce_describe(&info, BPFDEV_MANAGER, subject, &policy_manager_session, "",
			 options->conf->main);
	info.flags = options->conf->main_required ? BPFDEV_CONF : 0;
	info.policy_digest = wanted->policy;
	snprintf(info.unit, sizeof(info.unit), "user@%u.service", subject->uid);
	new_fd = filter_attach(manager_fd, &info, wanted->table, old_fd, why);
	close_fd(&new_fd);
	return new_fd < 0 ? new_fd : 0;
}

static int reconcile(const struct enforce_options *options, const struct policy_subject *subject,
		     const struct session *session, int manager_fd, struct reason *note,
		     struct reason *why)
{
	struct wanted wanted = { .table = NULL };
	int old_fd = -1;
	int ret = filter_find(manager_fd, &old_fd, why);

	if (ret >= 0)
		ret = want(options, subject, session, &wanted, note, why);
	if (ret > 0)
		ret = put(options, subject, manager_fd, old_fd, &wanted, why);
	else if (ret == 0 && old_fd >= 0)
		ret = filter_detach(manager_fd, old_fd, why);
	close_fd(&old_fd);
	table_free(wanted.table);
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
