/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a filter has denied, read back, and processes that are denied a lot. */
#ifndef DENIALS_H
#define DENIALS_H

#include "scratch.h"

#include "filter/filter.h"

struct denials {
	struct filter_denial *items;
	size_t count;
	uint64_t lost;
};

/* Reads what the filter of the scratch cgroup, or of another, has denied. */
void denials_read(const struct scratch *scratch, struct denials *denials);
void denials_read_at(int cgroup_fd, struct denials *denials);
void denials_free(struct denials *denials);

/* What is counted for the device and access, refused or let pass; fails if there is no such entry. */
const struct filter_denial *denials_of(const struct denials *denials, enum bpfdev_type type,
				       uint32_t major, uint32_t minor, uint32_t access);

/* All that is counted, what is lost too. */
uint64_t denials_sum(const struct denials *denials);

/* Whether this kernel tells device programs which process asks, by trying it. */
bool denials_know_process(void);

/* Whether this kernel counts a map as locked memory, by trying that too. */
bool denials_take_locked_memory(void);

/*
 * Processes that ask to make the char device nodes 300:0 and up, @minors of them, again and again:
 * @rounds times, or, if that is 0, until @stop. They expect to be refused each time. Each does so
 * in a folder of its own, as the kernel lets one at a time make something in a folder.
 */
struct storm {
	char path[128]; /* where the folders are */
	uint32_t processes, minors;
	uint64_t rounds;
	bool abreast;		/* they wait for each other before each question */
	volatile uint64_t here; /* how many have come to where they wait, all times together */
	volatile int stop;
	volatile uint64_t refused; /* of all processes */
};

#define STORM_MAJOR 300

/* Memory that is shared with the processes. */
struct storm *storm_new(const struct scratch *scratch, uint32_t processes, uint32_t minors,
			uint64_t rounds);
void storm_free(struct storm *storm);

/* For scratch_start(). Returns 0: always refused. */
int storm_job(void *storm);

/* Starts all processes of a storm and waits for their end. */
void storm_run(const struct scratch *scratch, struct storm *storm);

#endif
