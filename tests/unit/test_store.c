// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The store of policies: what is read once, what is read again, what is not there. */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "conf/store.h"
#include "policy_files.h"

/* What a filter says that was made from the policy @path; NULL: the system's. */
static struct bpfdev_info made_from(const char *path)
{
	struct bpfdev_info info = { .flags = path ? BPFDEV_CONF : 0 };

	strcpy(info.policy, path ? path : files_main);
	return info;
}

static struct conf *get(struct conf_store *store, const struct bpfdev_info *info, int expected)
{
	struct reason why = { "" };
	struct conf *conf;

	assert_int_equal(conf_store_get(store, info, &conf, &why), expected);
	assert_int_equal(*why.text != '\0', expected != 0);
	return conf;
}

static void each_policy_is_read_once(void **state)
{
	struct conf_store store = { &files_paths, NULL, 0, 0 };
	struct bpfdev_info system = made_from(NULL), other = made_from(files_at("other.conf"));
	struct conf *conf;

	(void)state;
	/* A policy that a filter names must be root's. */
	if (geteuid())
		skip();
	files_write("main.conf", "bob deny *\n");
	files_write("other.conf", "eve deny *\nann deny *\n");
	conf = get(&store, &system, 0);
	assert_int_equal(conf->statement_count, 1);
	assert_int_equal(get(&store, &other, 0)->statement_count, 2);
	files_write("main.conf", "bob deny *\nbob deny *\nbob deny *\n");
	assert_ptr_equal(get(&store, &system, 0), conf);
	assert_ptr_equal(get(&store, NULL, 0), conf);
	assert_int_equal(conf->statement_count, 1);
	conf_store_renew(&store);
	assert_int_equal(get(&store, NULL, 0)->statement_count, 3);
	assert_int_equal(get(&store, &other, 0)->statement_count, 2);
	conf_store_free(&store);
}

static void mistakes_are_told(void **state)
{
	struct conf_store store = { &files_paths, NULL, 0, 0 };
	struct bpfdev_info cut = made_from("/"), missing = made_from(files_at("missing.conf"));

	(void)state;
	files_write("main.conf", "bob deny\n");
	assert_int_equal(get(&store, NULL, 1)->error_count, 1);
	assert_int_equal(get(&store, &missing, 1)->error_count, 1);
	memset(cut.policy, 'x', sizeof(cut.policy) - 1);
	assert_null(get(&store, &cut, -ENAMETOOLONG));
	assert_null(conf_store_find(&store, &cut, 1));
	conf_store_free(&store);
}

/* What is asked for by its text is read again only if the text is not that any more. */
static void texts_are_found(void **state)
{
	struct conf_store store = { &files_paths, NULL, 0, 0 };
	const struct conf *conf;
	uint64_t old, new;

	(void)state;
	files_write("main.conf", "bob deny *\n");
	old = get(&store, NULL, 0)->digest;
	conf = conf_store_find(&store, NULL, old);
	assert_non_null(conf);
	assert_null(conf_store_find(&store, NULL, 0));
	assert_null(conf_store_find(&store, NULL, old + 1));
	files_write("main.conf", "ann deny *\n");
	conf_store_renew(&store);
	assert_ptr_equal(conf_store_find(&store, NULL, old), conf);
	assert_null(conf_store_find(&store, NULL, old + 1));
	assert_null(conf_store_find(&store, NULL, old));
	new = get(&store, NULL, 0)->digest;
	assert_int_not_equal(new, old);
	assert_non_null(conf_store_find(&store, NULL, new));
	conf_store_free(&store);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		file_test(each_policy_is_read_once),
		file_test(mistakes_are_told),
		file_test(texts_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
