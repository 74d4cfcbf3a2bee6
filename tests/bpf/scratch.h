/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A cgroup of its own for each test, device nodes, and processes that live in that cgroup. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "../unit/check.h"

#include <stdbool.h>
#include <sys/types.h>

#include "bpfdev.h"

struct scratch {
	char mount[256];    /* of the cgroup2 hierarchy */
	char cgroup[320];   /* pam_bpfdev_test.PID below it */
	char nodes[64];	    /* a private tmpfs for device nodes */
	int fd;		    /* of the cgroup */
	const char *unable; /* why nothing can be tested here, or NULL */
};

/* For cmocka: never fail, so that the test itself can be skipped and say why. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

#define scratch_test(function)                                                                     \
	cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

/* The test's scratch; leaves the test if there can be none here. */
struct scratch *scratch_get(void **state);

/* What a process in a cgroup does; its result (0 to 255) becomes the exit status. No asserts. */
typedef int scratch_job(void *data);

/* Runs @job in a new process in the cgroup @path (NULL: the scratch cgroup itself). */
pid_t scratch_start(const struct scratch *scratch, const char *path, scratch_job *job, void *data);
int scratch_wait(pid_t pid);
int scratch_run(const struct scratch *scratch, const char *path, scratch_job *job, void *data);

/* Makes the cgroup @name (which may have slashes) below the scratch cgroup; @path: where it is. */
void scratch_mkdir(const struct scratch *scratch, const char *name, char *path, size_t size);

/* The path of a device node, which is made if there is none. */
const char *scratch_node(const struct scratch *scratch, enum bpfdev_type type, unsigned int major,
			 unsigned int minor, char *path, size_t size);

/*
 * What a process in the scratch cgroup gets: 0 or an errno. EPERM is the filter's answer; ENXIO
 * that of a device without a driver, which the filter let pass.
 */
int scratch_open(const struct scratch *scratch, enum bpfdev_type type, unsigned int major,
		 unsigned int minor, int flags);
int scratch_mknod(const struct scratch *scratch, enum bpfdev_type type, unsigned int major,
		  unsigned int minor);

/* How many descriptors this process has open. */
int count_descriptors(void);

#endif
