/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Entries as journald gets them. */
#include "check.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/journal.h"
#include "world.h"

static char folder[PATH_MAX], path[PATH_MAX + 16];
static int journal = -1;

static int begin(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	world_make_folder(folder);
	snprintf(path, sizeof(path), "%s/socket", folder);
	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return bind(journal, (struct sockaddr *)&address, sizeof(address));
}

static int end(void **state)
{
	(void)state;
	if (journal >= 0)
		close(journal);
	journal = -1;
	world_remove_folder(folder);
	return 0;
}

static size_t receive(char *data, size_t size)
{
	ssize_t length = recv(journal, data, size, MSG_DONTWAIT);

	assert_true(length >= 0);
	return (size_t)length;
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void fields_are_lines(void **state)
{
	static const struct journal_field fields[] = {
		{ "MESSAGE", "one = two" }, { "PRIORITY", "6" }, { "EMPTY", "" },
		{ "NONE", NULL },	    { "TWICE", "a" },	 { "TWICE", "b" },
	};
	static const char expected[] = "MESSAGE=one = two\nPRIORITY=6\nTWICE=a\nTWICE=b\n";
	int before = count_descriptors();
	char data[256] = "";

	(void)state;
	assert_int_equal(journal_send(path, JOURNAL_OFFER, fields, ARRAY_SIZE(fields)), 0);
	assert_int_equal(receive(data, sizeof(data) - 1), strlen(expected));
	assert_string_equal(data, expected);
	assert_int_equal(count_descriptors(), before);
}

/* Or else who chooses a name could add a field of their own. */
static void a_value_of_several_lines_is_one_field(void **state)
{
	static const struct journal_field fields[] = {
		{ "A", "x\nPRIORITY=0" },
		{ "B", "\n" },
		{ "C", "z" },
	};
	static const char expected[] = "A\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n"
				       "B\n\x01\0\0\0\0\0\0\0\n\n"
				       "C=z\n";
	char data[256];

	(void)state;
	assert_int_equal(journal_send(path, JOURNAL_OFFER, fields, ARRAY_SIZE(fields)), 0);
	assert_int_equal(receive(data, sizeof(data)), sizeof(expected) - 1);
	assert_memory_equal(data, expected, sizeof(expected) - 1);
}

static void as_many_fields_as_there_may_be(void **state)
{
	struct journal_field fields[JOURNAL_FIELDS_MAX + 1];
	char data[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = (struct journal_field) { "F", "\n" };
	assert_int_equal(journal_send(path, JOURNAL_OFFER, fields, JOURNAL_FIELDS_MAX), 0);
	assert_int_equal(receive(data, sizeof(data)), JOURNAL_FIELDS_MAX * 12);
	assert_int_equal(journal_send(path, JOURNAL_OFFER, fields, JOURNAL_FIELDS_MAX + 1), -E2BIG);
}

static void no_journal_is_said(void **state)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	int before = count_descriptors();
	char long_path[200];

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(journal_send("/nowhere/socket", JOURNAL_OFFER, &field, 1), -ENOENT);
	assert_int_equal(journal_send(long_path, JOURNAL_OFFER, &field, 1), -ENAMETOOLONG);
	close(journal);
	journal = -1;
	assert_int_equal(journal_send(path, JOURNAL_OFFER, &field, 1), -ECONNREFUSED);
	assert_int_equal(count_descriptors(), before - 1);
}

/* A journal that hangs must not hold up a login for more than JOURNAL_WAIT. */
static void a_full_journal_is_not_waited_for_long(void **state)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	int before = count_descriptors(), ret = 0;

	(void)state;
	for (int i = 0; i < 100000 && ret == 0; i++)
		ret = journal_send(path, JOURNAL_OFFER, &field, 1);
	assert_int_equal(ret, -EAGAIN);
	assert_int_equal(journal_send(path, JOURNAL_INSIST, &field, 1), -EAGAIN);
	assert_int_equal(count_descriptors(), before);
}

/* Reads all that has come, once the process @pid waits for it. */
static void empty_when_waited_for(pid_t pid)
{
	char name[64], line[512], data[16];
	char state = 'R';

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	while (state != 'S') {
		FILE *file = fopen(name, "re");

		if (!file || !fgets(line, sizeof(line), file) ||
		    sscanf(strrchr(line, ')'), ") %c", &state) != 1)
			_exit(1);
		fclose(file);
	}
	while (recv(journal, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	_exit(0);
}

/* The kernel takes senders in turn, so that no flood of others keeps an entry away. */
static void a_busy_journal_is_waited_for(void **state)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), status;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pid_t parent = getpid(), child;

	(void)state;
	strcpy(address.sun_path, path);
	assert_int_equal(connect(sender, (struct sockaddr *)&address, sizeof(address)), 0);
	while (send(sender, "x", 1, 0) == 1)
		;
	close(sender);
	child = fork();
	if (child == 0)
		empty_when_waited_for(parent);
	assert_int_equal(journal_send(path, JOURNAL_INSIST, &field, 1), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Who sent it, as the kernel says. */
static pid_t sender_of(enum journal_manner manner)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	char data[64], control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec part = { data, sizeof(data) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct ucred sender;
	int on = 1;

	assert_int_equal(setsockopt(journal, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(journal_send(path, manner, &field, 1), 0);
	assert_true(recvmsg(journal, &message, MSG_DONTWAIT) > 0);
	memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(sender));
	assert_int_equal(sender.uid, geteuid());
	return sender.pid;
}

static void root_may_send_for_pid_1(void **state)
{
	(void)state;
	assert_int_equal(sender_of(JOURNAL_OFFER), getpid());
	if (geteuid() != 0)
		cannot_run("only root may send in the name of another process");
	assert_int_equal(sender_of(JOURNAL_INSIST), 1);
}

/* Nor is the entry lost. */
static void others_send_in_their_own_name(void **state)
{
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		_exit(sender_of(JOURNAL_INSIST) == getpid() ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define journal_test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		journal_test(fields_are_lines),
		journal_test(a_value_of_several_lines_is_one_field),
		journal_test(as_many_fields_as_there_may_be),
		journal_test(no_journal_is_said),
		journal_test(a_full_journal_is_not_waited_for_long),
		journal_test(a_busy_journal_is_waited_for),
		journal_test(root_may_send_for_pid_1),
		journal_test(others_send_in_their_own_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
