/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Every mistake has its own message, at its own place. */
#include "check.h"

#include "conf/conf.h"

static struct conf *parse(const char *text, size_t length, bool classes_only)
{
	struct conf *conf = NULL;

	assert_int_equal(conf_parse("policy.conf", text, length, classes_only, &conf), 0);
	assert_non_null(conf);
	return conf;
}

/* The first mistake, as it is shown. */
static struct reason first_mistake(const char *text, size_t length, bool classes_only)
{
	struct conf *conf = parse(text, length, classes_only);
	struct reason why = { "no mistake" };

	if (conf->error_count)
		conf_describe_error(conf, &conf->errors[0], &why);
	conf_free(conf);
	return why;
}

#define expect(text, place, fragment)                                                              \
	expect_bytes(text, sizeof(text) - 1, "policy.conf:" place ": ", fragment, __LINE__)

static void expect_bytes(const char *text, size_t length, const char *place, const char *fragment,
			 int line)
{
	struct reason why = first_mistake(text, length, false);

	if (strncmp(why.text, place, strlen(place)) != 0)
		print_error("not at %s\n", place);
	else if (!strstr(why.text, fragment))
		print_error("does not say \"%s\"\n", fragment);
	else
		return;
	print_error("message: %s\n", why.text);
	_fail(__FILE__, line);
}

static void who_is_checked(void **state)
{
	(void)state;
	expect("@ allow *", "1:1", "group name missing");
	expect("%wheel allow *", "1:1", "\"@wheel\"");
	expect("ali* allow *", "1:1", "wildcards");
	expect("@stud[ae] allow *", "1:1", "wildcards");
	expect(": allow *", "1:2", "bad user id");
	expect(":x allow *", "1:2", "bad user id \"x\"");
	expect("@: allow *", "1:3", "bad group id");
	expect("1000:x allow *", "1:6", "bad user id \"x\"");
	expect("10x:20 allow *", "1:1", "bad user id");
	expect(":-1 allow *", "1:2", "bad user id");
	expect(":4294967295 allow *", "1:2", "4294967294");
	expect(":99999999999999999999 allow *", "1:2", "4294967294");
	expect("1:2:3 allow *", "1:3", "bad user id");
	expect("2000:1000 allow *", "1:1", "wrong way round");
	expect("\n  @20:10 allow *", "2:3", "expected 10:20");
}

static void the_verb_is_checked(void **state)
{
	(void)state;
	expect("alice", "1:6", "verb missing");
	expect("alice # allow *", "1:6", "verb missing");
	expect("alice alow *", "1:7", "did you mean \"allow\"?");
	expect("alice dny *", "1:7", "did you mean \"deny\"?");
	expect("alice dney *", "1:7", "did you mean \"deny\"?");
	expect("alice xdeyn *", "1:7", "expected allow");
	expect("alice exempted", "1:7", "did you mean \"exempt\"?");
	expect("alice Audit", "1:7", "did you mean \"audit\"?");
	expect("alice zap *", "1:7", "expected allow, deny, exempt or audit");
	expect("allow alice *", "1:7", "unknown verb \"alice\"");
}

/* Each names the line to write. */
static void other_ways_to_say_who_are_translated(void **state)
{
	(void)state;
	expect("@domain users allow *", "1:9", "double quotes: @\"domain users\"");
	expect("jane q doe allow *", "1:6", "double quotes: \"jane q doe\"");
	expect("EXAMPLE\\jane doe deny * r", "1:14", "double quotes: \"EXAMPLE\\jane doe\"");
	expect("'jane doe' deny *", "1:1", "double quotes as a whole: \"jane doe\"");
	expect("@'domain users' deny *", "1:1", "as a whole: @\"domain users\"");
	expect("EXAMPLE\\\"jane doe\" deny *", "1:1", "stands in double quotes as a whole");
	expect("(students) allow *", "1:1", "a group is written \"@students\" here");
	expect("group=students allow *", "1:1", "a group is written \"@students\" here");
	expect("%students allow *", "1:1", "a group is written \"@students\" here");
	expect("user=alice allow *", "1:1", "a user is written \"alice\" here");
	expect("uid=1000 allow *", "1:1", "a user is written \":1000\" here");
	expect("gid=1000 allow *", "1:1", "a group is written \"@:1000\" here");
	expect("1000-1999 allow *", "1:1", "a range is written \"1000:1999\" here");
	expect("@1000-1999 allow *", "1:1", "a range is written \"@1000:1999\" here");
	expect("!alice deny *", "1:1", "\"alice exempt\"");
	expect("!@staff deny *", "1:1", "\"@staff exempt\"");
	expect("deny alice @webcam rw", "1:6", "comes first: \"alice deny @webcam rw\"");
	expect("allow @students *", "1:7", "comes first: \"@students allow *\"");
	expect("exempt root", "1:8", "comes first: \"root exempt\"");
}

static void quotation_marks_are_in_pairs(void **state)
{
	(void)state;
	expect("\"jane doe deny *", "1:1", "no second one");
	expect("@\"jane doe deny *", "1:2", "no second one");
	expect("\"jane doe\"x deny *", "1:11", "a blank is missing");
	expect("\"jane\"\"doe\" deny *", "1:7", "a blank is missing");
	expect("\"\" deny *", "1:1", "name is missing");
	expect("@\"\" deny *", "1:1", "name is missing");
	expect("\"@domain users\" deny *", "1:2", "@\"domain users\"");
	expect("alice deny \"/dev/x\"", "1:12", "unknown device");
}

static void typographic_characters_are_named(void **state)
{
	(void)state;
	expect("alice deny char\xe2\x80\x93video4linux", "1:16", "U+2013, a dash; write \"-\"");
	expect("alice deny c 4:64\xe2\x88\x92"
	       "65",
	       "1:18", "U+2212, a dash");
	expect("\xe2\x80\x9cjane doe\xe2\x80\x9d deny *", "1:1", "U+201C, a quotation mark");
}

static void other_ways_to_say_what_are_translated(void **state)
{
	(void)state;
	expect("class webcam c 81:*\nalice deny webcam", "2:12",
	       "the class is written \"@webcam\"");
	expect("class webcam c 81:*\nalice deny camera", "2:12",
	       "the class is written \"@webcam\"");
	expect("class webcam c 81:*\nalice deny @camera", "2:12", "did you mean \"@webcam\"?");
	expect("class storage block-*\nalice deny @disks", "2:12", "did you mean \"@storage\"?");
	expect("alice deny @camera", "1:12", "unknown class \"@camera\"");
	expect("alice deny /dev/dri/", "1:12", "write /dev/dri/*");
	expect("alice deny ALL", "1:12", "all devices are written \"*\"");
	expect("alice deny any rw", "1:12", "all devices are written \"*\"");
}

/* What people write by habit; what it is called here stands in the message. */
static void habits_in_whom_and_verbs_are_answered(void **state)
{
	(void)state;
	expect("alice permit *", "1:7", "did you mean \"allow\"?");
	expect("alice Block *", "1:7", "did you mean \"deny\"?");
	expect("alice - *", "1:7", "did you mean \"deny\"?");
	expect("alice log", "1:7", "did you mean \"audit\"?");
	expect("group students deny *", "1:1", "a group is written @students");
	expect("Group domain users deny *", "1:1", "a group is written @\"domain users\"");
	expect("user alice deny *", "1:1", "a user is written alice");
	expect("@students @staff deny *", "1:11", "write a line for each");
	expect("alice and bob deny *", "1:7", "write a line for each");
	expect("students: deny *", "1:1", "blanks stand between the fields, and no colons");
	expect("alice:deny:*", "1:1", "blanks stand between the fields, and no colons");
	expect("@x:y deny *", "1:1", "blanks stand between the fields, and no colons");
}

static void habits_in_devices_are_answered(void **state)
{
	(void)state;
	expect("alice deny @storage, @webcam", "1:12", "expected one class; write a line for each");
	expect("alice deny @storage,@webcam", "1:12", "expected one class; write a line for each");
	expect("alice deny @storage @webcam", "1:21", "about one device; write a line for each");
	expect("alice deny /dev/a,/dev/b", "1:12", "expected one path; write a line for each");
	expect("alice deny /dev/a /dev/b", "1:19", "about one device; write a line for each");
	expect("alice deny /dev/a rw char-x", "1:22", "about one device; write a line for each");
	expect("class x /dev/a, /dev/b", "1:9", "in a class, blanks between them");
	expect("alice deny \"/dev/a\"", "1:12", "without quotation marks");
	expect("alice deny 'c 1:3'", "1:12", "as a word of their own");
	expect("alice deny dev/video0", "1:12", "expected \"/dev/video0\"");
	expect("alice DENY *", "1:7", "did you mean \"deny\"?");
	expect("alice deny * rw service!=sshd", "1:17", "nothing is negated");
	expect("alice allow * !@storage", "1:15", "nothing is negated");
	expect("alice allow * -@storage", "1:15", "nothing is negated");
	expect("alice deny * \\\n", "1:14", "cannot be continued");
	expect("alice deny * rw,remote", "1:14", "blanks stand between the access");
	expect(">=1000 deny *", "1:1", "a range is written \"1000:\" here");
	expect("1000+ deny *", "1:1", "a range is written \"1000:\" here");
	expect("1000- deny *", "1:1", "a range is written \"1000:\" here");
	expect("@1000..1999 deny *", "1:1", "a range is written \"@1000:1999\" here");
	expect("alice @webcam deny", "1:15", "stands behind the device");
	expect("* * deny", "1:5", "stands behind the device");
	expect("alice deny rw @webcam", "1:12", "the access stands behind the device");
	expect("alice deny b 8:0,8:1", "1:14", "write a line for each");
	expect("; a comment", "1:1", "a comment begins with \"#\"");
	expect("//comment here", "1:1", "a comment begins with \"#\"");
	expect("include /etc/other", "1:1", "no file includes another");
	expect("@include other", "1:1", "no file includes another");
	expect("alice deny video0", "1:12", "a node \"/dev/video0\"");
	expect("alice deny 81:0", "1:12", "numbers have a type before them");
	expect("alice deny c 81", "1:14", "81:* for all of that major");
	expect("alice deny c 81:*:rw", "1:14", "the access behind a blank");
	expect("alice deny char 81:0", "1:12", "or numbers: c M:m");
	expect("class usb char-usb\nalice deny USB", "2:12", "the class is written \"@usb\"");
}

static void habits_in_access_and_conditions_are_answered(void **state)
{
	(void)state;
	expect("alice deny * RW", "1:14", "did you mean \"rw\"?");
	expect("alice deny * read", "1:15", "did you mean \"r\"?");
	expect("alice deny * rwx", "1:16", "did you mean \"rw\"?");
	expect("alice deny * w,r", "1:15", "did you mean \"rw\"?");
	expect("alice deny * *", "1:14", "did you mean \"rwm\"?");
	expect("alice deny * ssh", "1:14", "a PAM service is written \"service=sshd\"");
	expect("alice deny * rw ssh", "1:17", "a PAM service is written \"service=sshd\"");
	expect("alice deny * rw if remote", "1:17", "without such words");
	expect("alice deny * rw from=remote", "1:17", "written \"remote\", without more");
	expect("alice deny * rw !remote", "1:17", "nothing is negated");
	expect("alice deny * rw not local", "1:17", "nothing is negated");
	expect("alice deny * rw local,remote", "1:17", "no session is both");
	expect("alice deny * rw seat=seat0", "1:17", "written \"local\", without more");
	expect("alice deny * rw host=10.0.0.0/8", "1:17", "no condition names a host");
	expect("alice deny * rw tty1", "1:17", "a terminal is written \"tty=tty1\"");
	expect("alice deny * rw user=bob", "1:17", "its first field");
}

static void the_device_is_checked(void **state)
{
	(void)state;
	expect("alice allow", "1:12", "device missing");
	expect("alice allow rw", "1:13", "unknown device \"rw\"");
	expect("alice allow c", "1:14", "device numbers missing");
	expect("alice allow c 1", "1:15", "MAJOR:MINOR");
	expect("alice allow c 1:2:3", "1:15", "MAJOR:MINOR");
	expect("alice allow c 1:", "1:15", "minor number");
	expect("alice allow c :1", "1:15", "major number");
	expect("alice allow c 4096:0", "1:15", "at most 4095");
	expect("alice allow c 0:1048576", "1:15", "at most 1048575");
	expect("alice allow c 99999999999999999999999:0", "1:15", "at most 4095");
	expect("alice allow c 0-4096:0", "1:15", "at most 4095");
	expect("alice allow c 4-:0", "1:15", "no end");
	expect("alice allow c 0:4-", "1:15", "no end");
	expect("alice allow c -4:0", "1:15", "major number");
	expect("alice allow c 7-4:0", "1:15", "wrong way round");
	expect("alice allow c 0:7-4", "1:15", "expected 4-7");
	expect("alice allow c 0:4-5-6", "1:15", "MAJOR:MINOR");
	expect("alice allow c *1:0", "1:15", "MAJOR:MINOR");
	expect("alice allow c 0x1:0", "1:15", "device numbers");
	expect("alice allow c 0-64:0-64", "1:15", "4096");
	expect("alice allow a 0-4095:*", "1:15", "4096");
	expect("alice allow c *:0-1048575", "1:15", "4096");
	expect("alice allow c1:3", "1:13", "unknown device \"c1:3\"");
	expect("alice allow c:1:3", "1:13", "expected a blank behind the type");
	expect("alice allow char-", "1:13", "driver name missing");
	expect("alice allow block-", "1:13", "driver name missing");
	expect("alice allow char", "1:13", "char-NAME");
	expect("alice allow @", "1:13", "class name missing");
	expect("alice allow null", "1:13", "unknown device \"null\"");
}

static void paths_are_below_dev(void **state)
{
	(void)state;
	expect("alice allow /dev", "1:13", "not below /dev");
	expect("alice allow /dev/", "1:13", "name is missing");
	expect("alice allow /devel/x", "1:13", "not below /dev");
	expect("alice allow /etc/passwd", "1:13", "not below /dev");
	expect("alice allow /dev/../etc/x", "1:13", "\"..\"");
	expect("alice allow /dev/x/..", "1:13", "\"..\"");
	expect("alice allow /dev/./x", "1:13", "\"..\"");
	expect("alice allow /dev//../x", "1:13", "\"..\"");
}

static void access_and_conditions_are_checked(void **state)
{
	(void)state;
	expect("alice allow * rx", "1:16", "letters of \"rwm\"");
	expect("alice allow * RW", "1:15", "letters of \"rwm\"");
	expect("alice allow * r w", "1:17", "condition");
	expect("alice allow * rw lcoal", "1:18", "did you mean \"local\"?");
	expect("alice allow * rw when=x", "1:18", "unknown condition \"when=x\"");
	expect("alice allow * rw servcie=sshd", "1:18", "did you mean \"service=");
	expect("alice allow * local remote", "1:21", "no session is both");
	expect("alice allow * remote local", "1:22", "no session is both");
	expect("alice allow * local local", "1:21", "stands twice");
	expect("alice allow * service=a service=b", "1:25", "stands twice");
	expect("alice allow * tty=a local tty=b", "1:27", "stands twice");
	expect("alice allow * service=", "1:23", "name is missing");
	expect("alice allow * service=a,", "1:25", "name is missing");
	expect("alice allow * tty=,a", "1:19", "name is missing");
	expect("alice allow * tty=a,,b", "1:21", "name is missing");
	expect("alice allow * local rw", "1:21", "unknown condition \"rw\"");
	expect("alice exempt *", "1:14", "for all devices");
	expect("alice audit c 1:3", "1:13", "for all devices");
	expect("alice,bob deny *", "1:1", "a line for each");
	expect("alice deny char-drm,input", "1:12", "a line for each");
	expect("alice deny char-[dr", "1:12", "without \"]\"");
	expect("alice deny /dev/x[1", "1:12", "without \"]\"");
	expect("\xc2\xa0"
	       "alice deny *",
	       "1:1", "U+00A0");
	expect("alice deny /dev/x\xe2\x80\xae", "1:18", "U+202E");
}

static void classes_are_checked(void **state)
{
	(void)state;
	expect("class", "1:6", "name missing");
	expect("class cam", "1:10", "device missing");
	expect("class @cam *", "1:7", "without \"@\"");
	expect("class c/m *", "1:7", "letters, digits");
	expect("class cam rw", "1:11", "unknown device \"rw\"");
	expect("class cam c 1:3 c", "1:18", "device numbers missing");
	expect("class cam c 1:3 b 9999:0", "1:19", "at most 4095");
	expect("alice allow @webcma\nclass webcam *", "1:13", "did you mean \"@webcam\"?");
	expect("alice allow @webcam", "1:13", "unknown class \"@webcam\"");
	expect("class a c 1:3 @b", "1:15", "unknown class \"@b\"");
	expect("class a c 1:3 @a", "1:15", "contains itself");
	expect("class a @b\nclass b c 1:1 @c\nclass c @a", "3:9", "contains itself");
}

static void a_chain_of_classes_is_no_circle(void **state)
{
	char text[4096] = "";
	struct reason why;

	(void)state;
	for (int i = 0; i < 40; i++)
		sprintf(text + strlen(text), "class c%d @c%d\n", i, i + 1);
	strcat(text, "class c40 c 1:3\n");
	why = first_mistake(text, strlen(text), false);
	assert_null(strstr(why.text, "contains itself"));
}

static void only_text_may_stand_in_a_file(void **state)
{
	(void)state;
	expect("alice audit#no", "1:12", "blank before a comment");
	expect("al#ice audit", "1:3", "blank before a comment");
	expect("alice\x01 audit", "1:6", "control character 0x01");
	expect("alice audit\x7f", "1:12", "control character 0x7f");
	expect("alice\faudit", "1:6", "control character 0x0c");
	expect("# fine\nali\0ce audit\n", "2:4", "NUL");
	expect("alice audit # \0", "1:15", "NUL");
	expect("alice\xff audit", "1:6", "UTF-8");
	expect("\xc3 audit", "1:1", "UTF-8");
	expect("\xc0\x80 audit", "1:1", "UTF-8");
	expect("\xed\xa0\x80 audit", "1:1", "UTF-8");
	expect("\xf4\x90\x80\x80 audit", "1:1", "UTF-8");
	expect("\xe2\x82", "1:1", "UTF-8");
	expect("\xef\xbb\xbfroot audit\n", "1:1", "byte order mark");
	expect("alice\raudit\n", "1:6", "control character 0x0d");
}

static void there_are_not_too_many_classes(void **state)
{
	char *text = calloc(CONF_CLASSES_MAX + 2, 32);
	struct reason why;
	size_t length = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < CONF_CLASSES_MAX; i++)
		length += (size_t)sprintf(text + length, "class c%d c 1:%d\n", i, i);
	length += (size_t)sprintf(text + length, "class c7 *\n");
	why = first_mistake(text, length, false);
	assert_string_equal(why.text, "no mistake");
	length += (size_t)sprintf(text + length, "class one *\n");
	why = first_mistake(text, length, false);
	assert_contains(why.text, "policy.conf:1026:1: more than");
	free(text);
}

/* A condition that nothing can ever meet must not pass for one. */
static void a_glob_has_a_length_limit(void **state)
{
	char text[1024] = "alice allow * service=a,", *name = text + strlen(text);
	struct reason why;

	(void)state;
	memset(name, 'x', 200);
	why = first_mistake(text, strlen(text), false);
	assert_string_equal(why.text, "no mistake");
	memset(name, 'x', 900);
	why = first_mistake(text, strlen(text), false);
	assert_contains(why.text, "policy.conf:1:25: the name is too long");
}

static void windows_line_ends_are_named_once(void **state)
{
	static const char text[] = "alice audit\r\nbob audit\r\ncarol adit\r\n";
	struct conf *conf = parse(text, sizeof(text) - 1, false);

	(void)state;
	assert_int_equal(conf->error_count, 2);
	assert_contains(conf->errors[0].what.text, "CR LF");
	assert_int_equal(conf->errors[0].place.line, 1);
	assert_int_equal(conf->errors[0].place.column, 12);
	assert_contains(conf->errors[1].what.text, "unknown verb");
	assert_int_equal(conf->errors[1].place.line, 3);
	conf_free(conf);
}

static void a_file_has_at_most_a_mebibyte(void **state)
{
	size_t length = CONF_FILE_MAX + 1;
	char *text = malloc(length);
	struct reason why;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', length);
	why = first_mistake(text, length - 1, false);
	assert_string_equal(why.text, "no mistake");
	why = first_mistake(text, length, false);
	assert_contains(why.text, "policy.conf: the file is larger than 1 MiB");
	free(text);
}

static void a_line_without_blanks_is_shown_in_part(void **state)
{
	size_t length = CONF_FILE_MAX;
	char *text = malloc(length);
	struct reason why;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', length);
	memcpy(text, "alice ", 6);
	why = first_mistake(text, length, false);
	assert_contains(why.text, "policy.conf:1:7: unknown verb \"xxx");
	assert_contains(why.text, "expected allow, deny, exempt or audit");
	free(text);
}

static void vendor_files_hold_classes_only(void **state)
{
	struct reason why = first_mistake("class a *\n alice audit\n", 23, true);

	(void)state;
	assert_contains(why.text, "policy.conf:2:2: only class statements");
	why = first_mistake("class a *\n", 10, true);
	assert_string_equal(why.text, "no mistake");
}

static void every_mistake_is_counted(void **state)
{
	char text[4 * 3 * CONF_ERRORS_MAX + 1] = "";
	struct conf *conf;

	(void)state;
	for (int i = 0; i < 3 * CONF_ERRORS_MAX; i++)
		strcat(text, "x y\n");
	conf = parse(text, strlen(text), false);
	assert_int_equal(conf->error_count, 3 * CONF_ERRORS_MAX);
	assert_int_equal(conf->errors[CONF_ERRORS_MAX - 1].place.line, CONF_ERRORS_MAX);
	assert_int_equal(conf->statement_count, 0);
	conf_free(conf);
}

/* Nothing that a file says may break or forge a line of the log. */
static void messages_are_one_clean_line(void **state)
{
	struct reason why = first_mistake("alice \xc2\x9b\xc2\x85 *", 12, false);

	(void)state;
	for (const unsigned char *c = (const unsigned char *)why.text; *c; c++)
		assert_true(*c >= 0x20 && *c != 0x7f);
	assert_null(strstr(why.text, "\xc2\x9b"));
	assert_contains(why.text, "U+009B");
}

/* Of a line that is only suggested. */
static void mistakes_may_be_in_no_file(void **state)
{
	struct conf *conf = parse("alice deny *\n", 13, false);
	const struct conf_place place = { (uint32_t)conf->file_count, 1, 1 };
	const struct reason what = { "too many devices" };
	struct reason why;

	(void)state;
	conf_add_error(conf, &place, &what);
	conf_describe_error(conf, &conf->errors[0], &why);
	assert_string_equal(why.text, "too many devices");
	conf_free(conf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_checked),
		cmocka_unit_test(the_verb_is_checked),
		cmocka_unit_test(other_ways_to_say_who_are_translated),
		cmocka_unit_test(quotation_marks_are_in_pairs),
		cmocka_unit_test(typographic_characters_are_named),
		cmocka_unit_test(other_ways_to_say_what_are_translated),
		cmocka_unit_test(habits_in_whom_and_verbs_are_answered),
		cmocka_unit_test(habits_in_devices_are_answered),
		cmocka_unit_test(habits_in_access_and_conditions_are_answered),
		cmocka_unit_test(the_device_is_checked),
		cmocka_unit_test(paths_are_below_dev),
		cmocka_unit_test(access_and_conditions_are_checked),
		cmocka_unit_test(classes_are_checked),
		cmocka_unit_test(a_chain_of_classes_is_no_circle),
		cmocka_unit_test(only_text_may_stand_in_a_file),
		cmocka_unit_test(there_are_not_too_many_classes),
		cmocka_unit_test(a_glob_has_a_length_limit),
		cmocka_unit_test(windows_line_ends_are_named_once),
		cmocka_unit_test(a_file_has_at_most_a_mebibyte),
		cmocka_unit_test(a_line_without_blanks_is_shown_in_part),
		cmocka_unit_test(vendor_files_hold_classes_only),
		cmocka_unit_test(every_mistake_is_counted),
		cmocka_unit_test(messages_are_one_clean_line),
		cmocka_unit_test(mistakes_may_be_in_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
