/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Every form of every field, and what text becomes which statement. */
#include "check.h"

#include "bpfdev.h"
#include "conf/conf.h"

static struct conf *parse_bytes(const char *text, size_t length)
{
	struct conf *conf = NULL;
	struct reason why;

	assert_int_equal(conf_parse("policy", text, length, false, &conf), 0);
	assert_non_null(conf);
	if (conf->error_count) {
		conf_describe_error(conf, &conf->errors[0], &why);
		fail_msg("%s", why.text);
	}
	return conf;
}

static struct conf *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* The only statement of a text; *@conf is to be freed. */
static const struct conf_statement *parse_one(const char *text, struct conf **conf)
{
	*conf = parse(text);
	assert_int_equal((*conf)->statement_count, 1);
	return &(*conf)->statements[0];
}

static void expect_name(const char *who, enum conf_who_kind kind, const char *name)
{
	const struct conf_statement *statement;
	struct conf *conf;
	char text[256];

	snprintf(text, sizeof(text), "%s allow *", who);
	statement = parse_one(text, &conf);
	assert_int_equal(statement->who.kind, kind);
	if (name)
		assert_string_equal(statement->who.name, name);
	conf_free(conf);
}

static void expect_ids(const char *who, enum conf_who_kind kind, uint32_t low, uint32_t high)
{
	const struct conf_statement *statement;
	struct conf *conf;
	char text[256];

	snprintf(text, sizeof(text), "%s allow *", who);
	statement = parse_one(text, &conf);
	assert_int_equal(statement->who.kind, kind);
	assert_int_equal(statement->who.low, low);
	assert_int_equal(statement->who.high, high);
	conf_free(conf);
}

static void who_takes_these_forms(void **state)
{
	(void)state;
	expect_name("alice", CONF_USER, "alice");
	expect_name("alice.b-c_d$", CONF_USER, "alice.b-c_d$");
	expect_name("DOMAIN\\alice", CONF_USER, "DOMAIN\\alice");
	expect_name("alice@example.org", CONF_USER, "alice@example.org");
	expect_name("\xc3\xa4nne", CONF_USER, "\xc3\xa4nne");
	expect_name("@students", CONF_GROUP, "students");
	expect_name("*", CONF_ANYONE, NULL);
	expect_name("\"jane doe\"", CONF_USER, "jane doe");
	expect_name("@\"domain users\"", CONF_GROUP, "domain users");
	expect_name("\"EXAMPLE\\jane doe\"", CONF_USER, "EXAMPLE\\jane doe");
	expect_name("\"alice\"", CONF_USER, "alice");
	expect_name("\"class\"", CONF_USER, "class");
	expect_name("\"a  # b\"", CONF_USER, "a  # b");
	expect_name("@\"1:2, 'x'\"", CONF_GROUP, "1:2, 'x'");
	expect_ids(":0", CONF_UID, 0, 0);
	expect_ids(":1000", CONF_UID, 1000, 1000);
	expect_ids(":4294967294", CONF_UID, 4294967294u, 4294967294u);
	expect_ids("1000:2000", CONF_UID_RANGE, 1000, 2000);
	expect_ids("1000:1000", CONF_UID_RANGE, 1000, 1000);
	expect_ids("1000:", CONF_UID_RANGE, 1000, 4294967294u);
	expect_ids("0:0", CONF_UID_RANGE, 0, 0);
	expect_ids("@:44", CONF_GID_RANGE, 44, 44);
	expect_ids("@44:100", CONF_GID_RANGE, 44, 100);
	expect_ids("@44:", CONF_GID_RANGE, 44, 4294967294u);
}

static void expect_written(const char *name, bool group, const char *written)
{
	const struct conf_statement *statement;
	char text[128], line[128];
	struct conf *conf;

	assert_string_equal(conf_quote_name(name, group, text, sizeof(text)), written);
	snprintf(line, sizeof(line), "%s  exempt", written);
	statement = parse_one(line, &conf);
	assert_int_equal(statement->who.kind, group ? CONF_GROUP : CONF_USER);
	assert_string_equal(statement->who.name, name);
	assert_string_equal(statement->text, written);
	snprintf(line, sizeof(line), "%s exempt", written);
	assert_string_equal(conf_describe_statement(statement, text, sizeof(text)), line);
	conf_free(conf);
}

/* As a line would have them. */
static void names_are_quoted_where_they_must_be(void **state)
{
	(void)state;
	expect_written("alice", false, "alice");
	expect_written("students", true, "@students");
	expect_written("EXAMPLE\\alice", false, "EXAMPLE\\alice");
	expect_written("jane  doe", false, "\"jane  doe\"");
	expect_written("domain users", true, "@\"domain users\"");
	expect_written("class", false, "\"class\"");
	expect_written("#1", false, "\"#1\"");
	expect_written("a:b", true, "@\"a:b\"");
	expect_written("*", false, "\"*\"");
	expect_written("%x", false, "\"%x\"");
}

static void expect_verb(const char *text, enum conf_verb verb)
{
	struct conf *conf;

	assert_int_equal(parse_one(text, &conf)->verb, verb);
	conf_free(conf);
}

static void verbs_are_four(void **state)
{
	(void)state;
	expect_verb("alice allow *", CONF_ALLOW);
	expect_verb("alice deny *", CONF_DENY);
	expect_verb("alice exempt", CONF_EXEMPT);
	expect_verb("alice audit", CONF_AUDIT);
	expect_verb("allow deny *", CONF_DENY);
	expect_verb("local exempt local", CONF_EXEMPT);
}

static void expect_device(const char *device, enum device_kind kind, bool block, bool character,
			  const char *word)
{
	const struct conf_statement *statement;
	struct conf *conf;
	char text[256];

	snprintf(text, sizeof(text), "class c c 1:3\nalice allow %s rw local", device);
	statement = parse_one(text, &conf);
	assert_int_equal(statement->device.kind, kind);
	assert_int_equal(statement->device.column, 13);
	assert_int_equal(statement->access, BPFDEV_READ | BPFDEV_WRITE);
	if (kind != DEVICE_CLASS) {
		assert_int_equal(statement->device.block, block);
		assert_int_equal(statement->device.character, character);
	}
	if (word)
		assert_string_equal(statement->device.text, word);
	conf_free(conf);
}

static void devices_take_these_forms(void **state)
{
	(void)state;
	expect_device("*", DEVICE_ALL, true, true, NULL);
	expect_device("c 1:3", DEVICE_NUMBERS, false, true, NULL);
	expect_device("b 8:*", DEVICE_NUMBERS, true, false, NULL);
	expect_device("a *:*", DEVICE_NUMBERS, true, true, NULL);
	expect_device("c \t 1:3", DEVICE_NUMBERS, false, true, NULL);
	expect_device("char-drm", DEVICE_DRIVER, false, true, "drm");
	expect_device("char-cpu/*", DEVICE_DRIVER, false, true, "cpu/*");
	expect_device("char-*", DEVICE_DRIVER, false, true, "*");
	expect_device("block-sd", DEVICE_DRIVER, true, false, "sd");
	expect_device("/dev/null", DEVICE_PATH, true, true, "/dev/null");
	expect_device("/dev/input/event*", DEVICE_PATH, true, true, "/dev/input/event*");
	expect_device("@c", DEVICE_CLASS, false, false, "c");
}

static void expect_access(const char *letters, uint32_t access)
{
	const struct conf_statement *statement;
	struct conf *conf;
	char text[256];

	snprintf(text, sizeof(text), "alice deny * %s", letters);
	statement = parse_one(text, &conf);
	assert_int_equal(statement->access, access);
	conf_free(conf);
}

static void access_is_any_letters_of_rwm(void **state)
{
	(void)state;
	expect_access("", BPFDEV_ACCESS);
	expect_access("r", BPFDEV_READ);
	expect_access("w", BPFDEV_WRITE);
	expect_access("m", BPFDEV_MKNOD);
	expect_access("rw", BPFDEV_READ | BPFDEV_WRITE);
	expect_access("wr", BPFDEV_READ | BPFDEV_WRITE);
	expect_access("mwr", BPFDEV_ACCESS);
	expect_access("local", BPFDEV_ACCESS);
	expect_access("m tty=x", BPFDEV_MKNOD);
}

static void expect_when(const char *words, enum conf_origin origin, const char *service,
			const char *tty)
{
	static const char *const lines[] = { "alice allow c 1:3 %s", "alice deny * r %s",
					     "alice exempt %s", "alice audit %s" };
	const struct conf_when *when;
	struct conf *conf;
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *where = text + (strchr(lines[i], '%') - lines[i]);

		strcpy(text, lines[i]);
		strcpy(where, words);
		when = &parse_one(text, &conf)->when;
		assert_int_equal(when->origin, origin);
		assert_int_equal(!when->service, !service);
		assert_int_equal(!when->tty, !tty);
		if (service)
			assert_string_equal(when->service, service);
		if (tty)
			assert_string_equal(when->tty, tty);
		conf_free(conf);
	}
}

static void conditions_may_stand_in_any_order(void **state)
{
	(void)state;
	expect_when("", CONF_ORIGIN_ANY, NULL, NULL);
	expect_when("local", CONF_ORIGIN_LOCAL, NULL, NULL);
	expect_when("remote", CONF_ORIGIN_REMOTE, NULL, NULL);
	expect_when("service=sshd", CONF_ORIGIN_ANY, "sshd", NULL);
	expect_when("service=login,gdm-*", CONF_ORIGIN_ANY, "login,gdm-*", NULL);
	expect_when("tty=tty[1-6]", CONF_ORIGIN_ANY, NULL, "tty[1-6]");
	expect_when("service=login tty=tty1 local", CONF_ORIGIN_LOCAL, "login", "tty1");
	expect_when("remote tty=pts/* service=sshd", CONF_ORIGIN_REMOTE, "sshd", "pts/*");
	expect_when("service=a=b", CONF_ORIGIN_ANY, "a=b", NULL);
}

static void classes_are_lists_of_devices(void **state)
{
	struct conf *conf = parse("class cam char-video4linux c 81:* /dev/video* @other *\n"
				  "class other b 8:0-15\n");
	const struct conf_class *class = conf_find_class(conf, "cam");

	(void)state;
	assert_int_equal(conf->class_count, 2);
	assert_int_equal(class->count, 5);
	assert_int_equal(class->place.line, 1);
	assert_int_equal(class->devices[0].kind, DEVICE_DRIVER);
	assert_int_equal(class->devices[1].kind, DEVICE_NUMBERS);
	assert_int_equal(class->devices[1].major.low, 81);
	assert_int_equal(class->devices[1].column, 28);
	assert_int_equal(class->devices[2].kind, DEVICE_PATH);
	assert_int_equal(class->devices[3].kind, DEVICE_CLASS);
	assert_int_equal(class->devices[4].kind, DEVICE_ALL);
	assert_null(conf_find_class(conf, "ca"));
	conf_free(conf);
}

static void the_last_definition_of_a_class_counts(void **state)
{
	struct conf *conf = parse("alice allow @cam\nclass cam c 1:1\nclass cam c 2:2 c 3:3\n");

	(void)state;
	assert_int_equal(conf->class_count, 1);
	assert_int_equal(conf_find_class(conf, "cam")->count, 2);
	assert_int_equal(conf_find_class(conf, "cam")->devices[0].major.low, 2);
	assert_int_equal(conf_find_class(conf, "cam")->place.line, 3);
	conf_free(conf);
}

static void lines_end_in_a_newline_or_with_the_text(void **state)
{
	struct conf *conf;

	(void)state;
	conf = parse("");
	assert_int_equal(conf->statement_count, 0);
	conf_free(conf);
	conf = parse("\n\n \t \n#\n# alice allow *\n\t# text\n");
	assert_int_equal(conf->statement_count, 0);
	conf_free(conf);
	conf = parse("\nalice audit\n\n  bob\taudit # why");
	assert_int_equal(conf->statement_count, 2);
	assert_int_equal(conf->statements[0].place.line, 2);
	assert_int_equal(conf->statements[0].place.column, 1);
	assert_int_equal(conf->statements[1].place.line, 4);
	assert_int_equal(conf->statements[1].place.column, 3);
	conf_free(conf);
}

/* Lines have no length limit below the file's. */
static void a_line_may_fill_the_file(void **state)
{
	size_t length = CONF_FILE_MAX;
	char *text = malloc(length);
	struct conf *conf;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', length);
	memcpy(text, "alice deny", 10);
	memcpy(text + length - 10, "c 1:3 rw  ", 10);
	conf = parse_bytes(text, length);
	assert_int_equal(conf->statement_count, 1);
	assert_int_equal(conf->statements[0].device.column, length - 10 + 1);
	conf_free(conf);
	memset(text, 'x', length);
	memcpy(text + length - 12, " allow *\n#\n#", 12);
	conf = parse_bytes(text, length);
	assert_int_equal(strlen(conf->statements[0].who.name), length - 12);
	conf_free(conf);
	free(text);
}

static uint64_t digest_of(const char *text)
{
	struct conf *conf = parse(text);
	uint64_t digest = conf->digest;

	conf_free(conf);
	return digest;
}

static void the_digest_is_of_all_text(void **state)
{
	(void)state;
	assert_true(digest_of("alice audit\n") == digest_of("alice audit\n"));
	assert_true(digest_of("alice audit\n") != digest_of("alice audit"));
	assert_true(digest_of("alice audit\n") != digest_of("alice audit\n#\n"));
	assert_true(digest_of("") != digest_of("\n"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_takes_these_forms),
		cmocka_unit_test(names_are_quoted_where_they_must_be),
		cmocka_unit_test(verbs_are_four),
		cmocka_unit_test(devices_take_these_forms),
		cmocka_unit_test(access_is_any_letters_of_rwm),
		cmocka_unit_test(conditions_may_stand_in_any_order),
		cmocka_unit_test(classes_are_lists_of_devices),
		cmocka_unit_test(the_last_definition_of_a_class_counts),
		cmocka_unit_test(lines_end_in_a_newline_or_with_the_text),
		cmocka_unit_test(a_line_may_fill_the_file),
		cmocka_unit_test(the_digest_is_of_all_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
