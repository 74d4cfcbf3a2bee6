// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The policies that filters were made from, as their files are now: each is read once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/digest.h"
#include "conf/store.h"

struct conf_stored {
	char *main; /* the file that conf= names, without drop-ins; NULL: the system's policy */
	struct conf *conf;
	uint64_t stamp; /* of its files when it was read: see stamp_policy() */
	bool old;	/* read before conf_store_renew() */
};

static struct conf_stored *find(const struct conf_store *store, const char *main)
{
	for (size_t i = 0; i < store->count; i++) {
		struct conf_stored *item = &store->items[i];

		if (main ? item->main && strcmp(item->main, main) == 0 : !item->main)
			return item;
	}
	return NULL;
}

/* Returns an item without a policy, or NULL: out of memory. */
static struct conf_stored *add(struct conf_store *store, const char *main)
{
	struct conf_stored *grown =
		array_grow(store->items, store->count, &store->capacity, sizeof(*grown));

	if (!grown)
		return NULL;
	store->items = grown;
	grown[store->count] = (struct conf_stored) { .main = main ? strdup(main) : NULL };
	if (main && !grown[store->count].main)
		return NULL;
	return &grown[store->count++];
}

static struct conf_paths paths_of(const struct conf_store *store, const struct conf_stored *item)
{
	struct conf_paths paths = *store->system;

	if (item->main)
		paths = conf_paths_of(item->main);
	paths.patient = store->system->patient;
	return paths;
}

/* Whether the file system has stamped it, at its last change, before @time. */
static bool is_older(const struct stat *st, const struct timespec *time)
{
	return st->st_ctim.tv_sec != time->tv_sec ? st->st_ctim.tv_sec < time->tv_sec
						  : st->st_ctim.tv_nsec < time->tv_nsec;
}

/* Takes a file, or a folder with the names in it, into the stamp. Returns whether it is old. */
static bool stamp_path(uint64_t *stamp, const char *path, const struct timespec *time)
{
	struct stat st = { 0 };

	if (path && stat(path, &st) < 0)
		st = (struct stat) { 0 };
	*stamp = digest_add(*stamp, &st.st_dev, sizeof(st.st_dev));
	*stamp = digest_add(*stamp, &st.st_ino, sizeof(st.st_ino));
	*stamp = digest_add(*stamp, &st.st_size, sizeof(st.st_size));
	*stamp = digest_add(*stamp, &st.st_ctim, sizeof(st.st_ctim));
	return is_older(&st, time);
}

/*
 * What the file system says of all files that the policy is made of: another stamp, another
 * policy. Returns whether nothing was changed since @time.
 */
static bool stamp_policy(const struct conf_paths *paths, const struct conf *conf,
			 const struct timespec *time, uint64_t *stamp)
{
	bool old = true;

	*stamp = DIGEST_START;
	old &= stamp_path(stamp, paths->vendor, time);
	old &= stamp_path(stamp, paths->main, time);
	old &= stamp_path(stamp, paths->dropins, time);
	for (size_t i = 0; i < conf->file_count; i++)
		old &= stamp_path(stamp, conf->files[i].path, time);
	return old;
}

/* What is written while it is read might not show in the stamp: then it is read once more. */
static int load(const struct conf_store *store, struct conf_stored *item)
{
	struct conf_paths paths = paths_of(store, item);
	bool done = false;

	for (int i = 0; i < 2 && !done; i++) {
		struct timespec now;
		int ret;

		/* The clock that files are stamped by. */
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		conf_free(item->conf);
		ret = conf_load(&paths, &item->conf);
		if (ret < 0) {
			item->conf = NULL;
			return ret;
		}
		done = stamp_policy(&paths, item->conf, &now, &item->stamp);
	}
	item->old = false;
	return 0;
}

/* Returns the item, of which nothing may have been read yet, or NULL with *@error and @why. */
static struct conf_stored *item_of(struct conf_store *store, const struct bpfdev_info *info,
				   int *error, struct reason *why)
{
	const char *main = info && info->flags & BPFDEV_CONF ? info->policy : NULL;
	struct conf_stored *item;

	/* A path that was cut to fit could be any file's. */
	if (main && strlen(main) == sizeof(info->policy) - 1) {
		reason_set(why, "the path of its policy is too long to be known: %s...", main);
		*error = -ENAMETOOLONG;
		return NULL;
	}
	item = find(store, main);
	if (!item)
		item = add(store, main);
	if (!item) {
		reason_set(why, "out of memory");
		*error = -ENOMEM;
	}
	return item;
}

int conf_store_get(struct conf_store *store, const struct bpfdev_info *info, struct conf **conf,
		   struct reason *why)
{
	int ret = 0;
	struct conf_stored *item = item_of(store, info, &ret, why);

	*conf = NULL;
	if (!item)
		return ret;
	if (!item->conf || item->old)
		ret = load(store, item);
	if (ret < 0) {
		reason_set(why, "the policy cannot be read: %s", strerror(-ret));
		return ret;
	}
	*conf = item->conf;
	if (!item->conf->error_count)
		return 0;
	conf_describe_mistakes(item->conf, why);
	return 1;
}

const struct conf *conf_store_find(struct conf_store *store, const struct bpfdev_info *info,
				   uint64_t digest)
{
	int ignored;
	struct conf_stored *item = digest ? item_of(store, info, &ignored, NULL) : NULL;

	if (!item)
		return NULL;
	if (!item->conf || (item->old && item->conf->digest != digest))
		load(store, item);
	return item->conf && item->conf->digest == digest ? item->conf : NULL;
}

bool conf_store_is_current(const struct conf_store *store)
{
	static const struct timespec never;

	for (size_t i = 0; i < store->count; i++) {
		const struct conf_stored *item = &store->items[i];
		struct conf_paths paths = paths_of(store, item);
		uint64_t stamp;

		if (!item->conf || item->old)
			continue;
		stamp_policy(&paths, item->conf, &never, &stamp);
		if (stamp != item->stamp)
			return false;
	}
	return true;
}

void conf_store_renew(struct conf_store *store)
{
	for (size_t i = 0; i < store->count; i++)
		store->items[i].old = true;
}

void conf_store_free(struct conf_store *store)
{
	for (size_t i = 0; i < store->count; i++) {
		free(store->items[i].main);
		conf_free(store->items[i].conf);
	}
	free(store->items);
	*store = (struct conf_store) { .system = store->system };
}
