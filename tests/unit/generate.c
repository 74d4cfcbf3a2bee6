/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "generate.h"

#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"

const char *const generated_class_names[GENERATED_CLASSES_MAX] = { "webcam", "a", "x.y-z_0",
								   "class" };

static const char *const user_names[] = { "root", "alice", "bob", "daemon", "gdm-greeter" };
static const char *const services[] = { "login", "sshd", "gdm-password", "systemd-user", "cron" };
static const char *const ttys[] = { "tty1", "tty2", "pts/0", "ssh", "" };
static const char *const rhosts[] = { "", "", "10.0.0.1", "::1" };

static const uid_t uids[] = { 0,     1,	    499,   500,	  999,	 1000,	1001,
			      60577, 60578, 60705, 60706, 65533, 65534, 100000 };
static const gid_t gids[] = { 0, 1, 5, 44, 100, 999, 1000, 65534 };

static const uint32_t majors[] = { 0, 1, 5, 8, 136, 143, 240, 241, 511, 512, 700, 4095 };
static const uint32_t minors[] = { 0, 1, 2, 3, 5, 9, 1048574, 1048575 };

uint32_t generate_major(struct dice *dice)
{
	return DICE_PICK(dice, majors);
}

uint32_t generate_minor(struct dice *dice)
{
	return DICE_PICK(dice, minors);
}

static struct conf_who random_ids(struct dice *dice, enum conf_who_kind kind)
{
	struct conf_who who = { .kind = kind, .low = DICE_PICK(dice, uids), .high = 4294967294u };

	if (kind == CONF_GID_RANGE)
		who.low = DICE_PICK(dice, gids);
	if (kind == CONF_UID || (kind == CONF_GID_RANGE && dice_percent(dice, 50)))
		who.high = who.low;
	else if (dice_percent(dice, 70))
		who.high = who.low + DICE_PICK(dice, gids);
	return who;
}

static struct conf_who random_who(struct dice *dice, const struct world *world)
{
	struct conf_who who = { .kind = dice_below(dice, CONF_ANYONE + 1) };

	if (dice_percent(dice, 20))
		who.kind = CONF_ANYONE;
	if (who.kind == CONF_USER)
		who.name = DICE_PICK(dice, user_names);
	else if (who.kind == CONF_GROUP && (dice_percent(dice, 5) || !world->group_count))
		who.name = "no-such-group-at-all";
	else if (who.kind == CONF_GROUP)
		who.name = world->groups[dice_below(dice, world->group_count)].name;
	else if (who.kind != CONF_ANYONE)
		who = random_ids(dice, who.kind);
	return who;
}

static struct conf_when random_when(struct dice *dice)
{
	static const char *const service_globs[] = {
		"login",	  "sshd,login", "gdm-*",   "systemd-user",
		"cron,systemd-*", "[ls]*",	"nothing",
	};
	static const char *const tty_globs[] = {
		"tty1", "tty*", "tty2,pts/*", "pts*", "?*", "ssh"
	};
	struct conf_when when = { 0 };

	if (dice_percent(dice, 60))
		return when;
	if (dice_percent(dice, 50))
		when.origin = dice_percent(dice, 50) ? CONF_ORIGIN_LOCAL : CONF_ORIGIN_REMOTE;
	if (dice_percent(dice, 50))
		when.service = DICE_PICK(dice, service_globs);
	if (dice_percent(dice, 25))
		when.tty = DICE_PICK(dice, tty_globs);
	return when;
}

/* A range of at most @span numbers above a number that is in use. */
static struct device_range random_range(struct dice *dice, uint32_t number, uint32_t span,
					uint32_t limit)
{
	struct device_range range = { .low = number, .high = number };

	if (dice_percent(dice, 70))
		return range;
	range.low -= range.low > 3 ? dice_below(dice, 3) : 0;
	range.high += dice_below(dice, span);
	if (range.high >= limit)
		range.high = limit - 1;
	return range;
}

static const struct device_range any = { .any = true };

static struct device_spec random_numbers(struct dice *dice)
{
	struct device_spec spec = { .kind = DEVICE_NUMBERS };
	uint32_t type = dice_below(dice, 4), form = dice_below(dice, 100);

	spec.block = type != 0;
	spec.character = type != 1;
	spec.major = random_range(dice, generate_major(dice), 8, BPFDEV_MAJORS);
	spec.minor = random_range(dice, generate_minor(dice), 8, BPFDEV_MINORS);
	if (form < 30)
		spec.minor = any;
	else if (form < 50)
		spec.major = any;
	else if (form < 60)
		spec.major = spec.minor = any;
	else if (form < 61 && type < 2)
		spec.major = (struct device_range) { .low = 0, .high = 4095 }, spec.minor = any;
	return spec;
}

static struct device_spec random_driver(struct dice *dice)
{
	static const char *const globs[] = { "zork", "zork*", "zorkctl", "zap/*",	   "zap*",
					     "quux", "quux?", "quu*",	 "no-such-driver", "[z]ork",
					     "*",    "*",     "zorkblk" };
	struct device_spec spec = { .kind = DEVICE_DRIVER, .text = DICE_PICK(dice, globs) };

	spec.block = dice_percent(dice, 50);
	spec.character = !spec.block;
	return spec;
}

static struct device_spec random_path(struct dice *dice)
{
	static const char *const paths[] = {
		"/dev/zork0",	 "/dev/zork*",	  "/dev/zork?",	  "/dev/quux[01]",
		"/dev/*",	 "/dev/sub/*",	  "/dev/sub/a0",  "/dev/*/a[0-9]",
		"/dev/link",	 "/dev/chain",	  "/dev/by-id/*", "/dev/by-id/first",
		"/dev/empty",	 "/dev/far",	  "/dev/absent",  "/dev/sub/deep/*",
		"/dev/*/deep/b", "/dev/dangling", "/dev/alias/*", "/dev/sub",
	};

	return (struct device_spec) { .kind = DEVICE_PATH,
				      .block = true,
				      .character = true,
				      .text = DICE_PICK(dice, paths) };
}

static struct device_spec parsed(const char *text)
{
	struct device_spec spec;
	int used;

	if (device_parse(text, NULL, &spec, &used, NULL) < 0)
		abort();
	return spec;
}

static struct device_spec random_identity(struct dice *dice)
{
	static const char *const identities[] = {
		"usb:46f4:0001",     "usb:46F4:*",	"usb:*:0001:A-1", "usb:46f4:0001:A-2",
		"usb:46f4:0001:A-?", "usb:*:*",		"usb:0403:6001",  "usb:0403:6001:FT:*",
		"usb:05e3:0610",     "usb:05e3:0610:*", "usb:05e3:*:?",	  "usb:dead:beef",
		"usb:1d6b:*:*:14.0", "tag:kiosk",	"tag:lab",	  "tag:no-such-tag",
	};

	return parsed(DICE_PICK(dice, identities));
}

struct device_spec generate_device(struct dice *dice, const struct world *world, size_t classes)
{
	uint32_t form = dice_below(dice, 100);

	if (form < 55)
		return random_numbers(dice);
	if (form < 65)
		return (struct device_spec) { .kind = DEVICE_ALL,
					      .block = true,
					      .character = true };
	if (form < 80)
		return random_driver(dice);
	if (form < 87)
		return random_identity(dice);
	if (form < 94 && world->has_nodes)
		return random_path(dice);
	if (!classes)
		return random_numbers(dice);
	return (struct device_spec) { .kind = DEVICE_CLASS,
				      .block = true,
				      .character = true,
				      .text = generated_class_names[dice_below(dice, classes)] };
}

/* The range of all majors alone is as much as one device may stand for. */
static struct device_spec in_class(struct device_spec spec)
{
	if (spec.kind == DEVICE_NUMBERS && spec.major.high == BPFDEV_MAJORS - 1)
		spec.major.high = spec.major.low;
	return spec;
}

static void random_classes(struct dice *dice, const struct world *world, struct generated *policy)
{
	policy->conf.class_count = dice_below(dice, GENERATED_CLASSES_MAX + 1);
	for (size_t i = 0; i < policy->conf.class_count; i++) {
		struct conf_class *class = &policy->classes[i];

		class->name = generated_class_names[i];
		class->devices = policy->devices[i];
		class->count = 1 + dice_below(dice, GENERATED_DEVICES_MAX);
		for (size_t j = 0; j < class->count; j++)
			class->devices[j] = in_class(generate_device(dice, world, i));
	}
}

static void random_statement(struct dice *dice, const struct world *world, size_t classes,
			     struct conf_statement *statement)
{
	uint32_t verb = dice_below(dice, 100);

	statement->who = random_who(dice, world);
	statement->when = random_when(dice);
	statement->verb = verb < 45   ? CONF_ALLOW
			  : verb < 88 ? CONF_DENY
			  : verb < 94 ? CONF_EXEMPT
				      : CONF_AUDIT;
	if (statement->verb != CONF_ALLOW && statement->verb != CONF_DENY)
		return;
	statement->device = generate_device(dice, world, classes);
	statement->access = dice_percent(dice, 40) ? BPFDEV_ACCESS : 1 + dice_below(dice, 7);
}

void generate_policy(struct dice *dice, const struct world *world, struct generated *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->conf.statements = policy->statements;
	policy->conf.classes = policy->classes;
	policy->conf.statement_count = dice_below(dice, GENERATED_LINES_MAX + 1);
	random_classes(dice, world, policy);
	for (size_t i = 0; i < policy->conf.statement_count; i++)
		random_statement(dice, world, policy->conf.class_count, &policy->statements[i]);
	generate_text(dice, policy);
}

void generate_subject(struct dice *dice, const struct world *world,
		      struct generated_subject *subject)
{
	struct policy_subject *user = &subject->subject;

	user->uid = DICE_PICK(dice, uids);
	if (dice_percent(dice, 60))
		user->uid = 1000 + dice_below(dice, 2);
	strcpy(subject->name, user->uid ? DICE_PICK(dice, user_names) : "root");
	user->name = subject->name;
	user->uid_min = dice_percent(dice, 80) ? 1000 : 500;
	user->groups = subject->groups;
	user->group_count = (int)dice_below(dice, GENERATED_GROUPS_MAX + 1);
	for (int i = 0; i < user->group_count; i++)
		user->groups[i] = world->group_count && dice_percent(dice, 50)
					  ? world->groups[dice_below(dice, world->group_count)].gid
					  : DICE_PICK(dice, gids);
	user->gid = user->group_count ? user->groups[0] : DICE_PICK(dice, gids);
	if (!user->group_count)
		user->groups[user->group_count++] = user->gid;
}

struct policy_session generate_session(struct dice *dice)
{
	return (struct policy_session) { .service = DICE_PICK(dice, services),
					 .tty = DICE_PICK(dice, ttys),
					 .rhost = DICE_PICK(dice, rhosts) };
}

struct naive_request generate_request(struct dice *dice)
{
	static const uint32_t more_majors[] = { 2, 139, 144, 242, 243, 513, 4094 };
	static const uint32_t more_minors[] = { 4, 6, 7, 8, 10, 64, 1048573 };
	struct naive_request request = { .type = dice_below(dice, BPFDEV_TYPES) };

	request.major =
		dice_percent(dice, 80) ? generate_major(dice) : DICE_PICK(dice, more_majors);
	request.minor =
		dice_percent(dice, 80) ? generate_minor(dice) : DICE_PICK(dice, more_minors);
	request.access = dice_below(dice, BPFDEV_ACCESS + 1);
	return request;
}
