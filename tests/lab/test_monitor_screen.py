# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev monitor --top: a screen that refreshes, on a terminal."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import termios

import pytest

from monitors import COMMAND, INTERVAL, MANY, MANY_RULES, refused, with_storm
from suites import one_suite
from verbs import FORBIDDEN, FUSE, RULES, equipped
from watching import wait_for

POLICY = "/etc/security/bpfdev.conf"


@pytest.fixture
def box(machine):
    """The machine with the commands attempt, probe and storm."""
    yield from equipped(with_storm(machine))


class Terminal:
    """A shell on a terminal, and what that shows of what is written to it, as far as bpfdev monitor needs.

    Attributes: alternate, the second screen is on; cursor, one is shown; plain, what the first screen was sent.
    """

    TOKEN = re.compile(rb"\x1b\[(\??)([\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+|\x1b[^\[]")

    def __init__(self, box):
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        self.resize(120, 30)
        self._shell = box.spawn(["setsid", "--ctty", "--wait", "bash", "--norc", "--noediting", "-i"],
                                stdin=self._slave, stdout=self._slave, stderr=self._slave, start_new_session=True)
        self.alternate, self.cursor, self.plain = False, True, b""
        self._left, self._rows, self._shown = b"", [b""], []
        self.type("PS1=; echo he''re\n")
        self.wait_plain(b"here")
        self._settings = termios.tcgetattr(self._slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        (self._shell.cgroup / "cgroup.kill").write_text("1", encoding="ascii")
        self._shell.wait()
        os.close(self._master)
        os.close(self._slave)

    def resize(self, columns, lines):
        """Gives it another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text):
        """Presses keys."""
        os.write(self._master, text.encode())

    def wait_plain(self, pattern):
        """Waits until the first screen was sent this."""
        wait_for(lambda: self._read() and re.search(pattern, self.plain), f"{pattern} is on the terminal")

    def lines(self):
        """The lines of the second screen that are not empty, once it is on."""
        return wait_for(lambda: self._read() and self.alternate and self._shown, "there is a screen")

    def wait_lines(self, predicate, what):
        """Waits until the second screen is such, and returns it."""
        return wait_for(lambda: (lines := self.lines()) and predicate(lines) and lines, what)

    def is_restored(self):
        """Whether all is as it was before."""
        return self._read() and not self.alternate and self.cursor and termios.tcgetattr(self._slave) == self._settings

    def _read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self._left += os.read(self._master, 65536)
        match = self.TOKEN.match(self._left)
        while match:
            self._take(match[0], *match.groups())
            self._left = self._left[match.end():]
            match = self.TOKEN.match(self._left)
        return True

    def _take(self, token, private, number, letter):
        if private:
            self._switch(number, letter == b"h")
        elif not self.alternate:
            self.plain += token
        elif letter == b"H":
            self._rows = [b""]
        elif letter == b"J":  # all that is below goes: the screen is complete
            self._shown = [row.decode() for row in self._rows if row]
        elif token == b"\n":
            self._rows.append(b"")
        elif letter is None and token != b"\r":
            self._rows[-1] += token

    def _switch(self, number, on):
        if number == b"1049":
            self.alternate = on
            self._shown = []
        elif number == b"25":
            self.cursor = on


TOP = f"TERM=xterm NO_COLOR=1 {COMMAND} --top; echo status=$?\n"
TOP_HEADING = ["RATE/s", "COUNT", "USER", "SESSION", "PROCESS", "DEVICE", "ACCESS", "RESULT", "WHY"]


def test_screen(box):
    box.policy(f"{RULES}alice deny /dev/loop-control\n")
    with box.ssh_session("alice") as session, Terminal(box) as terminal:
        refused(session, f"storm 1000 {FORBIDDEN}")
        refused(session, "storm 1 /dev/loop-control")
        terminal.type(TOP)
        head, heading, *rows = terminal.wait_lines(lambda lines: len(lines) == 4, "both kinds are shown")
        assert re.fullmatch(r"\d\d:\d\d:\d\d  2 filters, 2 kinds of denials, 0 a second, 0 seen; q quits", head)
        assert heading.split() == TOP_HEADING
        assert [row.split()[:4] for row in rows] == [["0", "1000", "alice", session.id], ["0", "1", "alice", session.id]]
        assert re.search(rf" storm\[\d+\] +{FORBIDDEN} \({FUSE}\) +r +refused {POLICY}:2$", rows[0])
        # What is denied now comes first, however seldom it was.
        loop = session.run("(while :; do storm 1 /dev/loop-control; sleep 0.01; done) >/dev/null 2>&1 & echo $!").stdout
        head, *_ = terminal.wait_lines(lambda lines: re.match(r" *[1-9]\d* +\d+ alice .*/dev/loop-control", lines[2]),
                                       "it moves up")
        assert re.search(r", [1-9]\d* a second, [1-9]\d* seen;", head)
        session.run(f"kill {loop}")
        terminal.wait_lines(lambda lines: re.match(rf" *0 +1000 alice .*{FORBIDDEN}", lines[2]), "it moves down again")
        assert not terminal.cursor
        terminal.type("q")
        terminal.wait_plain(b"status=0")
        assert terminal.is_restored()


def test_screen_says_that_there_is_nothing(box):
    box.policy(RULES)
    with box.ssh_session("alice"), Terminal(box) as terminal:
        terminal.type(TOP)
        assert terminal.wait_lines(lambda lines: len(lines) == 2, "there is a screen")[1] == "nothing has been denied"


@one_suite
def test_screen_fits(box):
    box.policy(MANY_RULES)
    with box.ssh_session("alice") as session, Terminal(box) as terminal:
        refused(session, f"storm {MANY} /dev/many/*")
        terminal.type(TOP.replace(str(INTERVAL), "1h"))  # it does not wait for the next look
        for columns, lines in ((120, 30), (100, 12), (160, 50), (90, 4), (79, 4)):
            terminal.resize(columns, lines)
            # One of them is empty.
            shown = terminal.wait_lines(lambda shown, expected=lines - 1: len(shown) == expected, f"there are {lines} lines")
            assert max(map(len, shown)) <= columns
        for columns, lines in ((20, 6), (9, 3), (1, 2), (1, 1)):  # the terminal cuts what is longer
            terminal.resize(columns, lines)
            shown = terminal.wait_lines(lambda shown, expected=columns: len(shown[0]) == expected, "there is so much room")
            assert len(shown) == (lines - 1 if lines > 3 else 1)
        terminal.resize(120, 30)
        assert " others " in terminal.wait_lines(lambda shown: len(shown) == 29, "it grows again")[2]


def test_screen_begins_with_what_was_not_told_apart(box):
    """Otherwise whoever fills a filter, each kind twice, could do once what nobody is to see."""
    box.policy(MANY_RULES)
    with box.ssh_session("alice") as session, Terminal(box) as terminal:
        refused(session, "storm 510 $(seq -f /dev/many/%.0f 255)")
        refused(session, "storm 1 /dev/many/256")
        terminal.type(TOP)
        lines = terminal.wait_lines(lambda shown: len(shown) == 29, "the screen is full")
        assert "256 kinds" in lines[0]
        assert lines[2].split() == ["0", "1", "alice", session.id, "others"]


@pytest.mark.parametrize("key", ["\x03", "\x1c", "Q"])
def test_screen_is_gone_at_the_end(box, key):
    with Terminal(box) as terminal:
        terminal.type(TOP)
        assert "0 filters" in terminal.lines()[0]
        terminal.type(key)
        wait_for(terminal.is_restored, "all is as it was")


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT"])
def test_screen_is_gone_when_killed(box, name):
    with Terminal(box) as terminal:
        terminal.type(TOP)
        terminal.lines()
        box.run(f"kill -{name} $(pidof bpfdev)")
        terminal.wait_plain(b"status=0")
        assert terminal.is_restored()


@one_suite
def test_terminal_that_has_no_screens(box):
    with Terminal(box) as terminal:
        terminal.type(TOP.replace("xterm", "dumb"))
        terminal.wait_plain(b"--top needs a terminal")
        terminal.wait_plain(b"status=64")
        assert terminal.is_restored()


def test_screen_makes_room_while_stopped(box):
    with Terminal(box) as terminal:
        terminal.type(TOP.replace("; echo status=$?", ""))
        terminal.lines()
        for _ in range(2):
            terminal.type("\x1a")
            terminal.wait_plain(b"Stopped")
            assert terminal.is_restored()
            terminal.plain = b""
            terminal.type("fg\n")
            assert "0 filters" in terminal.lines()[0] and not terminal.cursor
        terminal.type("q")
        wait_for(terminal.is_restored, "all is as it was")
        terminal.type("echo status=$?\n")
        terminal.wait_plain(b"status=0")
