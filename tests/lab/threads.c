// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * threads PATH stay|end: has PATH open in a thread's own table of descriptors only; the first thread
 * stays, or ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t apart;

static void *keep(void *data)
{
	unshare(CLONE_FILES);
	pthread_barrier_wait(&apart);
	for (;;)
		pause();
	return data;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR) : -1;
	pthread_t thread;

	if (fd < 0 || pthread_barrier_init(&apart, NULL, 2) ||
	    pthread_create(&thread, NULL, keep, NULL))
		return 1;
	pthread_barrier_wait(&apart);
	close(fd);
	/* Whoever waits for this knows that it is so. */
	close(open("/tmp/opened", O_WRONLY | O_CREAT, 0666));
	if (strcmp(argv[2], "end") == 0)
		pthread_exit(NULL);
	pause();
	return 0;
}
