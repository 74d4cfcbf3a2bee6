// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a user's manager may do: what any open session may, or, with none open, what the policy says
 * of the manager itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "enforce/internal.h"
#include "enforce/live.h"
#include "filter/filter.h"

/* The tables of the sessions that are open, one of each digest. */
struct live {
	struct live_table {
		struct table *table;
		uint64_t digest;
	} * items;
	size_t count, capacity;
	uid_t uid;
	bool seen;	 /* any session whose filter can be read */
	uint64_t policy; /* the digest of the policy that all of those have; 0: they differ */
	bool own;  /* a session has the user's own rules, not only somebody's who became them */
	bool free; /* a session has no filter at all */
	const struct known *known;
	struct reason *why;
};

/* What a manager should have. */
struct wanted {
	struct table *table;
	uint64_t policy; /* digest of the policy that its lines are of; 0: of several, or none */
	bool own, free;	 /* as in struct live */
};

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

/* A filter of another version cannot be read; what its session may do at least, we know. */
static int add_unreadable(struct live *live)
{
	struct table *table;
	int ret = policy_baseline(&table);

	if (ret == 0 && live_has(live, table_digest(table)))
		table_free(table);
	else if (ret == 0)
		ret = live_add(live, table, table_digest(table));
	else
		reason_set(live->why, "out of memory");
	return ret;
}

/* The filters of one session: the kernel asks all of them. */
struct session_filters {
	struct filter items[FILTER_ALL_MAX];
	int count;
	bool closed; /* its processes live on, and it grants the manager nothing any more */
	bool readable;
	uint64_t digest; /* of the last one's table */
};

static void look_at(struct live *live, struct session_filters *filters)
{
	filters->readable = true;
	for (int i = 0; i < filters->count; i++) {
		const struct bpfdev_info *info = &filters->items[i].info;

		filters->readable &= filters->items[i].readable;
		if (!filters->items[i].readable)
			continue;
		filters->closed |= info->flags & BPFDEV_CLOSED;
		if (filters->closed)
			continue;
		filters->digest = info->table_digest;
		live->own |= !(info->flags & BPFDEV_CALLER);
		live->policy = !live->seen || live->policy == info->policy_digest
				       ? info->policy_digest
				       : 0;
		live->seen = true;
	}
}

static int take_table(const struct live *live, const struct filter *filter, struct table **table)
{
	int ret;

	if (!live->known->filter || live->known->filter->id != filter->id)
		return filter_take_table(filter, table, live->why);
	ret = table_copy(live->known->table, table);
	if (ret < 0)
		reason_set(live->why, "out of memory");
	return ret;
}

/* Adds what a session may do whose filters can all be read. */
static int add_session(struct live *live, const struct session_filters *filters)
{
	struct table *tables[FILTER_ALL_MAX] = { NULL }, *table = NULL;
	int ret = 0;

	if (filters->count == 1 && live_has(live, filters->digest))
		return 0;
	for (int i = 0; i < filters->count && ret == 0; i++)
		ret = take_table(live, &filters->items[i], &tables[i]);
	if (ret == 0 && filters->count == 1) {
		table = tables[0];
		tables[0] = NULL;
	} else if (ret == 0) {
		ret = table_intersection((const struct table *const *)tables,
					 (size_t)filters->count, &table, live->why);
	}
	if (ret == 0 && live_has(live, table_digest(table)))
		table_free(table);
	else if (ret == 0)
		ret = live_add(live, table, table_digest(table));
	for (int i = 0; i < filters->count; i++)
		table_free(tables[i]);
	return ret > 0 ? -EPROTO : ret;
}

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	struct live *live = data;
	struct session_filters filters = { .count = 0 };
	/*
	 * Root's manager is not held to the rules of whoever has become root: such a root can leave
	 * its cgroup anyway, and root is to have a way in.
	 */
	bool copies = live->uid != 0;
	int ret = filter_look(cgroup_fd, copies, live->known->filter, filters.items,
			      copies ? FILTER_ALL_MAX : 1, live->why);

	(void)unit;
	if (ret > 0) {
		filters.count = ret;
		ret = 0;
		look_at(live, &filters);
	} else if (ret == 0) {
		live->free = true;
	}
	if (ret == 0 && filters.count && !filters.readable) {
		live->own = true;
		ret = add_unreadable(live);
	} else if (ret == 0 && filters.count && !filters.closed) {
		ret = add_session(live, &filters);
	}
	for (int i = 0; i < filters.count; i++)
		close(filters.items[i].fd);
	/* Who was in there is no session any more. */
	return ret < 0 && session_is_gone(cgroup_fd) ? 0 : ret;
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

/* As enforce_manager_union(). */
static int unite(const struct session *user, const struct known *known, struct wanted *wanted,
		 struct reason *why)
{
	struct live live = { .uid = user->uid, .known = known, .why = why };
	int ret = session_each_scope(user, visit_scope, &live, why);

	if (ret == 0 && live.count == 1) {
		wanted->table = live.items[0].table;
		live.count = 0; /* that is the caller's from now on */
		ret = 1;
	} else if (ret == 0 && live.count) {
		ret = live_unite(&live, &wanted->table);
		ret = ret < 0 ? ret : 1;
	}
	wanted->policy = live.policy;
	wanted->own = live.own;
	wanted->free = live.free;
	for (size_t i = 0; i < live.count; i++)
		table_free(live.items[i].table);
	free(live.items);
	return ret;
}

/*
 * All sessions that are open are of others who have become this user (su, sudo). The user's own rules
 * for the manager, @base, hold besides. NULL: no line names the user; then a session without a filter
 * is one of the user's own, and its programs are not to lose anything.
 * Returns 1 with @wanted->table; 0: it needs none; or a negative errno with @why.
 */
static int hold_to_base(struct wanted *wanted, const struct table *base, struct reason *why)
{
	const struct table *both[] = { base, wanted->table };
	struct table *table = NULL;
	int ret = 0;

	if (!base && !wanted->free)
		return 1;
	if (base)
		ret = table_intersection(both, 2, &table, why);
	table_free(wanted->table);
	wanted->table = table;
	return ret < 0 ? ret : base != NULL;
}

int enforce_manager_union(const struct session *user, struct table **table, struct reason *why)
{
	const struct known nothing = { NULL, NULL };
	struct wanted wanted = { .table = NULL };
	int ret = unite(user, &nothing, &wanted, why);

	if (ret > 0)
		*table = wanted.table;
	return ret;
}

/* Who the manager's user is; of one who is gone, name and uid are known, and suffice. */
static struct policy_subject subject_of(const struct manager *manager)
{
	if (manager->subject)
		return *manager->subject;
	return (struct policy_subject) {
		.name = manager->made_from ? (char *)manager->made_from->user : "",
		.uid = manager->user->uid,
	};
}

int manager_prepare_least(struct manager *manager, struct reason *why)
{
	int ret = policy_baseline(&manager->base);

	if (ret < 0)
		reason_set(why, "out of memory");
	manager->base_policy = 0;
	manager->has_base = ret == 0;
	return ret;
}

int manager_prepare(struct manager *manager, struct reason *why)
{
	struct bpfdev_info info = { 0 };
	int ret;

	if (!manager->needs_base || manager->has_base)
		return 0;
	/* No session says what it may do; and what groups a user had who is gone, nobody knows. */
	if (!manager->subject) {
		decider_find_subject(manager->decider, manager->made_from, why);
		return -ESRCH;
	}
	ret = decide(manager->decider, manager->made_from, manager->subject,
		     &policy_manager_session, &info, &manager->base, why);
	manager->base_policy = ret == DECIDED ? info.policy_digest : 0;
	if (ret != DECIDED) {
		manager->note = *why;
		return manager_prepare_least(manager, why);
	}
	manager->has_base = true;
	return 0;
}

/* Puts it on the manager, in the place of our filter @old, if there is one. */
static int attach(struct manager *manager, int manager_fd, const struct filter *old,
		  const struct wanted *wanted, struct reason *why)
{
	const struct bpfdev_info *made_from = manager->made_from;
	struct conf_paths conf = made_from && made_from->flags & BPFDEV_CONF
					 ? conf_paths_of(made_from->policy)
					 : *manager->decider->options->conf;
	struct policy_subject subject = subject_of(manager);
	char unit[SESSION_MANAGER_SIZE];
	struct filter made;
	int ret;

	if (manager->had == FOUND_FILTER &&
	    manager->before.table_digest == table_digest(wanted->table) &&
	    manager->before.origin_digest == table_origin_digest(wanted->table) &&
	    manager->before.policy_digest == wanted->policy)
		return 0;
	manager->after = (struct bpfdev_info) { .policy_digest = wanted->policy };
	enforce_describe(&manager->after, BPFDEV_MANAGER, &subject, &policy_manager_session,
			 session_manager_unit(subject.uid, unit), &conf);
	ret = filter_replace(manager_fd, &manager->after, wanted->table, old->fd < 0 ? NULL : old,
			     &made, why);
	if (ret < 0)
		return ret;
	manager->after = made.info;
	close(made.fd);
	return 0;
}

/* Returns as manager_put(). */
static int put(struct manager *manager, int manager_fd, struct reason *why)
{
	struct wanted wanted = { .table = NULL };
	struct filter old;
	int ret;

	manager->had = enforce_look(manager_fd, &old, why);
	manager->before = old.info;
	manager->has = manager->had;
	manager->after = manager->before;
	ret = manager->had < 0 ? manager->had : unite(manager->user, &manager->known, &wanted, why);
	if (ret >= 0 && !wanted.own && !manager->has_base) {
		manager->needs_base = true;
		close_fd(&old.fd);
		table_free(wanted.table);
		return STEP_AGAIN;
	}
	if (ret > 0 && !wanted.own)
		ret = hold_to_base(&wanted, manager->base, why);
	if (ret == 0 && manager->base) {
		struct wanted base = { .table = manager->base, .policy = manager->base_policy };

		ret = attach(manager, manager_fd, &old, &base, why);
		manager->has = FOUND_FILTER;
	} else if (ret > 0) {
		manager->note = (struct reason) { "" };
		ret = attach(manager, manager_fd, &old, &wanted, why);
		manager->has = FOUND_FILTER;
	} else if (ret == 0 && old.fd >= 0) {
		ret = filter_detach(manager_fd, old.fd, why);
		manager->has = FOUND_NOTHING;
		manager->after = (struct bpfdev_info) { 0 };
	}
	manager->is_over = ret >= 0 && !wanted.table && manager->had == FOUND_FILTER;
	if (manager->is_over)
		manager->over = old;
	else
		close_fd(&old.fd);
	table_free(wanted.table);
	return ret;
}

int manager_put(struct manager *manager, struct reason *why)
{
	int manager_fd, ret = session_open_manager(manager->user, &manager_fd, why);

	manager->had = manager->has = FOUND_NOTHING;
	if (ret <= 0)
		return ret;
	ret = put(manager, manager_fd, why);
	if (ret < 0 && session_is_gone(manager_fd))
		ret = STEP_DONE;
	close(manager_fd);
	return ret;
}

void manager_free(struct manager *manager)
{
	if (manager->is_over)
		close(manager->over.fd);
	manager->is_over = false;
	table_free(manager->base);
	manager->base = NULL;
	manager->has_base = false;
}

/* A login takes some milliseconds; one that is stopped holds nobody up but its own user. */
#define PATIENCE_MS 1000

/* What a manager is compared with. */
struct comparison {
	const struct session *user;
	const struct enforce_live_base *base;
	int manager_fd;
	bool asked;  /* the policy, what it says of the manager itself */
	bool judged; /* and it said: */
	struct policy_result result;
};

static void ask_policy(struct comparison *with)
{
	const struct enforce_live_base *base = with->base;

	if (!with->asked && base->subject && base->conf)
		with->judged = policy_decide(base->conf, base->options->devices, base->subject,
					     &policy_manager_session, &with->result, NULL) == 0;
	with->asked = true;
}

/* With no session open. Returns an enum enforce_live_manager. */
static int judge_base(struct comparison *with, int found, const struct bpfdev_info *info)
{
	ask_policy(with);
	if (!with->judged)
		return found ? ENFORCE_LIVE_BASE : ENFORCE_LIVE_FREE;
	if (with->result.kind == POLICY_NONE)
		return found ? ENFORCE_LIVE_STALE : ENFORCE_LIVE_FREE;
	if (!found)
		return ENFORCE_LIVE_MISSING;
	return found == FOUND_FILTER && info->table_digest == table_digest(with->result.table)
		       ? ENFORCE_LIVE_BASE
		       : ENFORCE_LIVE_STALE;
}

static int compare(struct comparison *with, struct reason *why)
{
	const struct known nothing = { NULL, NULL };
	struct filter filter;
	struct wanted wanted = { .table = NULL };
	int found = enforce_look(with->manager_fd, &filter, why), ret;

	close_fd(&filter.fd);
	ret = found < 0 ? found : unite(with->user, &nothing, &wanted, why);
	if (ret > 0 && !wanted.own) {
		ask_policy(with);
		ret = with->judged ? hold_to_base(&wanted, with->result.table, why) : 0;
	}
	if (ret == 0)
		ret = judge_base(with, found, &filter.info);
	else if (ret > 0)
		ret = !found ? ENFORCE_LIVE_MISSING
		      : found == FOUND_FILTER &&
				      filter.info.table_digest == table_digest(wanted.table)
			      ? ENFORCE_LIVE_UNION
			      : ENFORCE_LIVE_STALE;
	table_free(wanted.table);
	return ret;
}

/* Again, while no login of the user is between its session and the manager. */
static int compare_locked(struct comparison *with, struct reason *why)
{
	struct step_lock lock = { .options = with->base->options, .uid = with->user->uid };
	bool locked;
	int ret;

	/* Not while others wait. */
	ask_policy(with);
	locked = step_lock(&lock, PATIENCE_MS, NULL) == 0;
	ret = compare(with, why);
	if (locked)
		step_unlock(&lock);
	return ret;
}

int enforce_live_compare(const struct session *user, const struct enforce_live_base *base,
			 struct reason *why)
{
	struct comparison with = { .user = user, .base = base };
	int ret = session_open_manager(user, &with.manager_fd, why);

	if (ret <= 0)
		return ret < 0 ? ret : ENFORCE_LIVE_ABSENT;
	ret = compare(&with, why);
	if (ret == ENFORCE_LIVE_STALE || ret == ENFORCE_LIVE_MISSING)
		ret = compare_locked(&with, why);
	if (ret < 0 && session_is_gone(with.manager_fd))
		ret = ENFORCE_LIVE_ABSENT;
	policy_result_free(&with.result);
	close(with.manager_fd);
	return ret;
}
