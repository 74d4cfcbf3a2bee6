// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/monitor/screen.h"

/* xterm's: the second screen; no cursor; what does not fit in a line is cut. */
#define BEGIN "\033[?1049h\033[?25l\033[?7l"
#define END "\033[?7h\033[?25h\033[?1049l"

#define TOP_LEFT "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

bool monitor_screen_is_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static void give_back(void *screen)
{
	monitor_screen_end(screen);
}

void monitor_screen_begin(struct monitor_screen *screen)
{
	struct termios keys;

	screen->has_before = tcgetattr(STDIN_FILENO, &screen->before) == 0;
	if (screen->has_before) {
		keys = screen->before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		keys.c_cc[VMIN] = 1;
		keys.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	fputs(BEGIN, stdout);
	screen->on = true;
	memory_on_exhaustion(give_back, screen);
}

void monitor_screen_end(struct monitor_screen *screen)
{
	if (!screen->on)
		return;
	memory_on_exhaustion(NULL, NULL);
	fputs(END, stdout);
	/* Where that fails, the terminal has gone. */
	if (fflush(stdout))
		clearerr(stdout);
	if (screen->has_before)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
	screen->on = false;
}

static size_t from_environment(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	long number = text ? strtol(text, NULL, 10) : 0;

	return number > 0 && number < 65536 ? (size_t)number : otherwise;
}

void monitor_screen_size(size_t *columns, size_t *lines)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize) { 0 };
	*columns = size.ws_col ? size.ws_col : from_environment("COLUMNS", 80);
	*lines = size.ws_row ? size.ws_row : from_environment("LINES", 24);
}

void monitor_screen_show(const char *text)
{
	size_t columns, lines;

	monitor_screen_size(&columns, &lines);
	fputs(TOP_LEFT, stdout);
	for (size_t i = 0; i < lines && *text; i++) {
		size_t length = strcspn(text, "\n");

		if (i > 0)
			fputs("\r\n", stdout);
		fwrite(text, 1, length, stdout);
		fputs(CLEAR_LINE, stdout);
		text += length + (text[length] == '\n');
	}
	fputs(CLEAR_BELOW, stdout);
}
