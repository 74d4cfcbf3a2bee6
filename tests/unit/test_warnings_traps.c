/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lines that other programs have taught their writer to read in another way. */
#include "check.h"

#include "pam_root.h"
#include "warned.h"

#define ALL "* allow *\n"

static int setup(void **state)
{
	int ret = pam_root_setup(state);

	pam_put("/etc/pam.d/sshd", "");
	pam_put("/etc/pam.d/gdm-password", "");
	pam_put("/etc/pam.d/gdm-autologin", "");
	pam_put("/etc/pam.d/local-door", "");
	warned_pam_root = pam_root;
	return ret ? ret : warned_reset_database(state);
}

static int teardown(void **state)
{
	warned_pam_root = NULL;
	return pam_root_teardown(state);
}

static void services_that_pam_does_not_know(void **state)
{
	(void)state;
	expect(ALL "* deny block-* service=ssh\n", "2:24 no-service");
	expect(ALL "* deny block-* service=sshd,gdm\n", "2:29 no-service");
	expect(ALL "* deny block-* rw service=sshdd remote\n* exempt service=x-y-z\n",
	       "2:27 no-service, 3:18 no-service");
	expect(ALL "* deny block-* service=sshd,gdm-*,local-door,systemd-user\n", "");
	/* For a machine that has them. */
	expect(ALL "* deny block-* service=lightdm,cron,xrdp-*\n", "");
	expect_text(ALL "* deny block-* service=ssh\n",
		    "there is no PAM service \"ssh\", so service=ssh never holds here");
	expect_text(ALL "* deny block-* service=ssh\n", "(did you mean \"sshd\"?)");
	expect_text(ALL "* deny block-* service=SSHD\n", "(did you mean \"sshd\"?)");
	expect_text(ALL "* deny block-* service=sshdd\n", "(did you mean \"sshd\"?)");
	expect_text(ALL "* deny block-* service=gdm\n",
		    "(did you mean \"gdm-autologin\" or \"gdm-password\"?)");
	expect_text(ALL "* deny block-* service=/etc/pam.d/sshd\n", "(did you mean \"sshd\"?)");
	expect_text(ALL "* deny block-* service=OpenSSH\n", "(did you mean \"sshd\"?)");
	expect_text(ALL "* deny block-* service=gnome\n", "\"gdm-password\"");
	expect_text(ALL "* deny block-* service=sdm\n", "(did you mean \"sddm\"");
	expect_text(ALL "* deny block-* service=local-dor\n", "(did you mean \"local-door\"?)");
}

static void terminals_have_other_names(void **state)
{
	(void)state;
	expect(ALL "* deny block-* tty=/dev/tty1\n", "2:20 no-tty");
	expect(ALL "* deny block-* tty=tty1,1 local\n", "2:25 no-tty");
	expect(ALL "* deny block-* tty=tty[1-6],pts/0,:0,ssh\n", "");
	expect(ALL "* deny block-* service=sshd local\n* exempt tty=ssh local\n",
	       "2:1 no-service, 3:1 no-service");
	expect(ALL "* deny block-* service=sshd,login local\n", "");
	expect_text(ALL "* deny block-* tty=/dev/pts/*\n", "(did you mean \"pts/*\"?)");
	expect_text(ALL "* deny block-* tty=tty1-6\n", "in brackets, as in tty[1-6]");
	expect_text(ALL "* deny block-* tty=7\n", "(did you mean \"tty7\"?)");
}

#define CAP "/dev/nvidia-caps/nvidia-cap3"

/* Beside what is said of paths that lead nowhere. */
#define EXPECT_UNANNOUNCED(text, found)                                                            \
	expect("class cap " CAP "\nclass caps @cap c 1:11\n" text, found)

static void denied_paths_of_which_udev_is_not_told(void **state)
{
	(void)state;
	expect(ALL "* deny /dev/nvidia0\n", "2:8 no-path, 2:8 unannounced");
	expect(ALL "* deny " CAP "\n", "2:8 no-path, 2:8 unannounced");
	/* A pattern is of all drivers whose nodes it may fit. */
	expect(ALL "* deny /dev/nvidia*\n* deny char-nvidia\n", "2:8 no-path, 2:8 unannounced");
	expect(ALL "* deny /dev/nvidia[0-9]\n* deny char-nvidia\n", "2:8 no-path");
	expect(ALL "* deny /dev/nv*\n* deny char-nvidia*\n", "2:8 no-path");
	expect(ALL "* deny /dev/nvidia-uvm*\n* deny char-nvidia-uvm\n",
	       "2:8 no-path, 3:8 no-driver");
	expect(ALL "class two " CAP " /dev/nvidia-uvm\n* deny @two\n* deny char-nvidia-caps\n",
	       "2:11 no-path, 2:40 no-path, 3:8 empty-class, 3:8 unannounced, 4:8 no-driver");
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw\n", "1:11 no-path, 4:8 unannounced");
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw\n* deny char-nvidia-caps rw\n",
			   "1:11 no-path, 5:8 no-driver");
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw\n* deny char-nvidia*\n", "1:11 no-path");
	EXPECT_UNANNOUNCED(ALL "class more @cap char-nvidia*\n* deny @more rw\n", "1:11 no-path");
	/* Neither as much, nor always, nor for all of them, nor at a rank that counts. */
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw\n* deny char-nvidia* r\n",
			   "1:11 no-path, 4:8 unannounced");
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw\n* deny char-nvidia* remote\n",
			   "1:11 no-path, 4:8 unannounced");
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw remote\n* deny char-nvidia* remote\n",
			   "1:11 no-path");
	EXPECT_UNANNOUNCED(ALL "* deny @caps rw\nalice deny char-nvidia*\n",
			   "1:11 no-path, 4:8 unannounced");
	EXPECT_UNANNOUNCED(ALL "* deny char-nvidia*\n@staff deny @caps\n", "1:11 no-path");
	EXPECT_UNANNOUNCED(ALL "* deny char-nvidia*\n@staff deny @caps\n@staff allow c 2:2\n",
			   "1:11 no-path, 5:13 unannounced");
	expect(ALL "* deny char-nvidia*\n* allow " CAP "\n", "3:9 no-path");
	expect(ALL "* deny /dev/zork0\n", warned_world.has_nodes ? "" : "2:8 no-path");
}

static void without_pams_files_nobody_knows(void **state)
{
	(void)state;
	warned_pam_root = NULL;
	expect(ALL "* deny block-* service=ssh\n", "");
	warned_pam_root = "/nowhere";
	expect(ALL "* deny block-* service=ssh\n", "");
}

static void allow_all_outranks_what_others_are_denied(void **state)
{
	(void)state;
	expect("* allow *\n* deny block-*\n@students allow *\n", "3:1 outranks");
	expect("@students allow *\n* allow *\n* deny block-*\n", "1:1 outranks");
	expect("* allow *\n* deny block-*\nalice allow *\n", "3:1 outranks");
	expect("* allow *\n* deny block-*\n1000: allow * rw local\n", "3:1 outranks");
	expect("* allow *\n* deny char-drm\n@students allow char-*\n", "3:1 outranks");
	expect("* allow *\n* deny block-*\n@students allow a *:*\n", "3:1 outranks");
	expect("@students allow *\n@students deny block-*\nalice allow *\n", "3:1 outranks");
	expect("@students allow *\n@students deny block-*\nbob allow *\n", "");
	expect("1000:1999 allow *\n1000:1999 deny block-*\nbob allow * rw\n", "3:1 outranks");
	expect("@students allow *\n@students deny block-*\nalice allow *\nalice deny block-*\n",
	       "");
	expect("@students allow *\n@students deny block-*\nalice exempt\n", "");
	expect("* allow *\n* deny block-*\n@students allow b *:*\n", "");
	expect("* allow *\n* deny b 7:*\n@students allow b *:*\n", "3:1 outranks");
	expect("* allow *\n* deny char-drm\n@students allow b *:*\n", "");
	expect("class disks b 240:1\n* allow *\n* deny @disks\n@students allow block-*\n",
	       "4:1 outranks");
	expect("class keys c 240:1\n* allow *\n* deny @keys\n@students allow char-*\n",
	       "4:1 outranks");
	expect_text("* allow *\n* deny block-* rw remote\n* deny char-drm\n@students allow *\n",
		    "this outranks line 2 (and 1 more such line): \"@students\" may use what it "
		    "denies to \"*\"; expected also a line \"@students deny block-* rw remote\", "
		    "or \"@students exempt\" in the place of this one if that is meant");
}

static void what_is_said_again_is_meant(void **state)
{
	(void)state;
	expect("* allow *\n* deny block-*\n@students allow *\n@students deny block-*\n", "");
	expect("* allow *\n* deny b 240:1\n@students allow *\n@students deny block-*\n", "");
	expect("* allow *\n* deny block-*\nalice allow *\nalice deny block-*\n", "");
	expect("* allow *\n* deny block-*\n@students exempt\n", "");
	expect("* allow *\n* deny block-*\n@students allow block-*\n", "");
	expect("* allow *\n* deny block-* rw remote\n@students allow * rw local\n", "");
	expect("* allow *\n* deny block-* w\n@students allow * r\n", "");
	expect("* allow *\n* deny b 240:1\n@students allow char-*\n", "");
	expect("class disks b 240:1\n* allow *\n* deny @disks\n@students allow char-*\n", "");
	/* Nothing but what is allowed, as anybody would read it. */
	expect("* deny *\n* allow c 1:* rw\n* allow c 5:* rw\n* allow c 136:* rw\n"
	       "@students allow *\n",
	       "");
	/* Not about them. */
	expect("* allow *\n* deny block-*\ngreeter allow *\n", "");
	/* Less of it is no more than a part. */
	expect("* allow *\n* deny block-*\n@students allow *\n@students deny block-* r\n",
	       "3:1 outranks");
}

static void allow_all_is_no_reset(void **state)
{
	(void)state;
	expect("* deny block-*\n* allow *\n", "2:1 no-reset");
	expect("* deny block-*\n* allow a *:* rwm\n", "2:1 no-reset");
	expect("* allow *\n* deny block-*\n* allow * rw\n", "3:1 no-reset");
	expect("* deny block-* w\n* allow * r\n", "");
	expect("* allow *\n* deny block-*\n", "");
	expect("* allow *\n* deny block-*\n@students allow *\n@students deny block-*\n", "");
	expect_text("* deny char-drm\n* deny block-*\n* allow *\n",
		    "this does not undo what lines before it deny (line 2 and others)");
}

#define trap_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		trap_test(services_that_pam_does_not_know),
		trap_test(terminals_have_other_names),
		trap_test(denied_paths_of_which_udev_is_not_told),
		trap_test(without_pams_files_nobody_knows),
		trap_test(allow_all_outranks_what_others_are_denied),
		trap_test(what_is_said_again_is_meant),
		trap_test(allow_all_is_no_reset),
	};

	return cmocka_run_group_tests_name("traps", tests, warned_make_world, warned_remove_world);
}
