# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the manual pages say, held against the code.

A comment stands before each display of a page and says how it is checked:

    check: policy         the module reads it without a mistake
    check: mistake        a policy, and, in the next display, what is said of it
    check: untrusted HOW  what is said of a policy file that is not to be trusted
    check: log [KEY=VALUE...]  a line of the log; with keys: for that user and the policy before it
    check: denied         a line of the log that a unit test holds against the code
    check: classes, assigned char, assigned block, baseline  lists that the code has too
    check: run NAME       nothing: it is run on a machine of the lab, see tests/lab/test_pages.py
    check: shell          nothing

and after a policy, how it decides and for whom (see check_policy.c for the keys):

    ask KEY=VALUE... TYPE MAJOR:MINOR ACCESS: unfiltered, allowed, audited or denied
    with: a line that the policy has for the questions that follow

A transcript is played on a machine of the lab: see tests/lab/transcripts.py.
"""

import errno
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
from dataclasses import dataclass, field

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((TOP / "pam_bpfdev").glob("*.[1-9]"))
POLICY_PAGE = TOP / "pam_bpfdev" / "bpfdev.conf.5"
POLICY_PATH = "/etc/security/bpfdev.conf"

# All drivers that the examples need, loaded at login; char-media is one with a dynamic major.
PROC_DEVICES = """\
Character devices:
  1 mem
  4 tty
  4 ttyS
 10 misc
 13 input
 81 video4linux
116 alsa
226 drm
234 media
235 kfd
236 nvidia-uvm
237 nvidia-caps

Block devices:
  8 sd
259 blkext
"""
ERRORS = {os.strerror(number) for number in errno.errorcode}
NODES = {"ttyUSB0": (188, 0), "video0": (81, 0), "nvidia-caps/nvidia-cap12": (237, 12), "nvidia-caps/nvidia-cap13": (237, 13),
         "nvidia-caps/nvidia-cap21": (237, 21)}
LINKS = {"serial/by-id/usb-FTDI_FT232R-if00-port0": "../../ttyUSB0"}


@dataclass
class Display:
    """A display or list of a page, with the comments around it."""

    page: pathlib.Path
    line: int
    check: str
    lines: list = field(default_factory=list)
    message: str = ""
    asks: list = field(default_factory=list)  # (line of the page, further policy lines, question)
    policy: "Display | None" = field(default=None, repr=False)  # the last policy before it

    @property
    def text(self):
        """As a policy file."""
        return "\n".join(self.lines) + "\n"

    @property
    def filled(self):
        """As one line."""
        return " ".join(self.lines)


def plain(line):
    """A text line of mdoc as it is read."""
    for written, read in ((r"\-", "-"), (r"\&", ""), (r"\(aq", "'"), (r"\e", "\\")):
        line = line.replace(written, read)
    return line


class Lines(list):
    """The lines of a display; append() reads what is written."""

    def append(self, line):
        """Adds a line, without its mdoc."""
        super().append(plain(line))


class Reader:
    """Takes a page apart."""

    def __init__(self, page):
        self.page = page
        self.displays = []
        self.check = None  # of the display to come
        self.open = None  # the display that the line is in
        self.policy = None
        self.extra = ""
        for number, line in enumerate(page.read_text().splitlines(), 1):
            self.read(number, line)
        assert not self.check and not self.open

    def read(self, number, line):
        """Reads one line."""
        comment = re.fullmatch(r'\.\\" (check|ask|with): ?(.*)|\.\\" (ask) (.*)', line)
        if re.match(r'\.\\" transcript: ', line):
            self.read_comment(number, "check", "transcript")
        elif comment:
            self.read_comment(number, comment[1] or comment[3], comment[2] or comment[4])
        elif re.match(r"\.Bd ", line):
            self.begin(number)
        elif re.match(r"\.(Ed|El)\b", line):
            self.open = None
        elif self.open is not None:
            self.open.append(line)
        elif self.check and re.match(r"\.(It|Bl) ", line):
            self.begin(number)

    def read_comment(self, number, kind, text):
        """Reads a comment for this test."""
        if kind == "check":
            assert not self.check, f"{self.page.name}:{number}: no display for the check before"
            self.check = text
            self.open = None
        elif kind == "with":
            self.extra += text + "\n"
        else:
            self.policy.asks.append((number, self.extra, text))

    def begin(self, number):
        """Begins the display that @check is about, or the message that belongs to a mistake."""
        if not self.check:
            last = self.displays[-1]
            place = f"{self.page.name}:{number}"
            assert last.check == "mistake" and not last.message, f"{place}: no check"
            last.message = Lines()
            self.open = last.message
            return
        display = Display(self.page, number, self.check, Lines(), policy=self.policy)
        self.displays.append(display)
        self.open = display.lines
        self.check = None
        if display.check == "policy":
            self.policy = display
            self.extra = ""


def displays(*checks):
    """Parameters: all displays that are to be checked in one of these ways."""
    found = [display for page in PAGES for display in Reader(page).displays]
    return [pytest.param(display, id=f"{display.page.name}:{display.line}")
            for display in found if display.check.split()[0] in checks]


def the_display(check):
    """The only one of its kind."""
    (parameter,) = (p for p in displays(check.split()[0]) if p.values[0].check == check)
    return parameter.values[0]


def unavailable(reason):
    """Skips the test; where all must run, as in CI, fails it."""
    if os.environ.get("PAM_BPFDEV_REQUIRE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Machine:
    """Classes, drivers and devices to read policies with."""

    def __init__(self, program, folder):
        self.program = program
        self.policy = folder / "bpfdev.conf"
        self.vendor = folder / "vendor"
        self.proc_devices = folder / "devices"
        self.dev = folder / "dev"
        self.vendor.mkdir(mode=0o755)
        shutil.copy(TOP / "conf" / "classes.conf", self.vendor)
        os.chmod(self.vendor / "classes.conf", 0o644)
        self.proc_devices.write_text(PROC_DEVICES)
        self.has_nodes = self.make_nodes()

    def make_nodes(self):
        """Makes the devices; False if we may not."""
        for name in [".", *LINKS]:
            (self.dev / name).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.dev.mkdir(mode=0o755, exist_ok=True)
        for name, target in LINKS.items():
            (self.dev / name).symlink_to(target)
        try:
            for name, numbers in NODES.items():
                (self.dev / name).parent.mkdir(exist_ok=True)
                os.mknod(self.dev / name, 0o600 | stat.S_IFCHR, os.makedev(*numbers))
        except PermissionError:
            return False
        return os.geteuid() == 0

    def write(self, text):
        """Writes the policy."""
        self.policy.write_text(text)
        self.policy.chmod(0o644)

    def run(self, *arguments):
        """Runs the program on the policy: its exit status and what it printed."""
        done = subprocess.run([self.program, self.vendor, self.policy, *arguments], text=True,
                              stdout=subprocess.PIPE, check=False)
        assert done.returncode in (0, 1), done.stdout
        return done.returncode, done.stdout.replace(str(self.policy), POLICY_PATH)

    def ask(self, question):
        """How the policy decides: the verdict, and the number of rules."""
        *keys, kind, numbers, access = shlex.split(question)
        status, output = self.run(self.proc_devices, self.dev, kind, *numbers.split(":"), access,
                                  *keys)
        assert status == 0, output
        verdict, rules = output.split()
        return verdict, int(rules)


@pytest.fixture(scope="session", name="program")
def _program(tmp_path_factory):
    """The program of check_policy.c, with all objects of the core that it needs."""
    target = tmp_path_factory.mktemp("manual") / "check_policy"
    folders = ("base", "conf", "device", "policy", "rules", "table")
    objects = [TOP / "build/pam_bpfdev" / folder / f"{path.stem}.o"
               for folder in folders for path in (TOP / "pam_bpfdev" / folder).glob("*.c")
               if (folder, path.stem) != ("policy", "subject")]
    if not all(path.exists() for path in objects):
        unavailable("the core is not built: make")
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, "-Wall", "-Wextra", "-D_GNU_SOURCE", "-Ipam_bpfdev", "-Ibpf", "-o",
                    target, "tests/manual/check_policy.c", *objects], cwd=TOP, check=True)
    return target


@pytest.fixture(name="machine")
def _machine(program, tmp_path):
    tmp_path.chmod(0o755)
    return Machine(program, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_has_nothing_to_say(page):
    if not shutil.which("mandoc"):
        unavailable("mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], text=True, check=False,
                          stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("display", displays("policy"))
def test_example_is_a_policy(machine, display):
    machine.write(display.text)
    assert machine.run() == (0, "")


@pytest.mark.parametrize("display", displays("policy"))
def test_example_decides_as_the_page_says(machine, display):
    assert display.asks, "the page says nothing of what this policy does"
    if "/dev/" in display.text and not machine.has_nodes:
        unavailable("making device nodes takes root")
    wrong = []
    for line, extra, text in display.asks:
        question, expected = text.rsplit(": ", 1)
        machine.write(display.text + extra)
        verdict, _ = machine.ask(question)
        if verdict != expected:
            wrong.append(f"{display.page.name}:{line}: {text}, but it is {verdict}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("display", displays("mistake"))
def test_mistake_is_named_as_the_page_says(machine, display):
    machine.write(display.text)
    assert machine.run() == (1, " ".join(display.message) + "\n")


@pytest.mark.parametrize("display", displays("untrusted"))
def test_untrusted_file_is_named_as_the_page_says(machine, display):
    how = display.check.split()[1:]
    machine.write("alice audit\n")
    if how[0] == "mode":
        machine.policy.chmod(int(how[1], 8))
    elif how[0] == "empty":
        machine.write("")
    elif how[0] == "link":
        machine.policy.rename(machine.policy.with_suffix(".real"))
        machine.policy.symlink_to("bpfdev.real")
    elif os.geteuid() == 0:
        os.chown(machine.policy, 65534, 65534)
    else:
        unavailable("giving a file away takes root")
    assert machine.run() == (1, display.filled + "\n")


def test_classes_are_those_that_ship():
    listed = re.sub(r"\n +", " ", the_display("classes").text).splitlines()
    shipped = [re.sub(r"^class +", "", line)
               for line in (TOP / "conf" / "classes.conf").read_text().splitlines()
               if line.startswith("class")]
    assert [line.split() for line in listed] == [line.split() for line in shipped]


@pytest.mark.parametrize("kind", ["char", "block"])
def test_assigned_drivers_are_those_of_the_code(kind):
    code = (TOP / "pam_bpfdev/device/driver.c").read_text()
    table = re.search(rf"assigned_{kind}\[\] = \{{(.*?)\n\}};", code, re.DOTALL)[1]
    listed = the_display(f"assigned {kind}").filled.split(", ")
    assert listed == list(dict.fromkeys(re.findall(r'\{ "([^"]+)",', table)))


def baseline_of_the_page():
    """(type, first major, last major, minor) of each device; minor None: all."""
    text = " ".join(line.split(" Ta ")[0] for line in the_display("baseline").lines)
    return [(kind, int(low), int(high or low), None if minor == "*" else int(minor))
            for kind, low, high, minor in re.findall(r"\b([bc]) (\d+)(?:-(\d+))?:(\d+|\*)", text)]


def test_baseline_is_that_of_the_code(machine):
    machine.write("alice allow c 300:0\n")
    listed = baseline_of_the_page()
    for kind in "bc":
        for major in (0, 1, 2, 4, 5, 10, 135, 136, 143, 144):
            for minor in range(12):
                expected = any(k == kind and low <= major <= high and m in (None, minor)
                               for k, low, high, m in listed)
                question = f"user=alice {kind} {major}:{minor}"
                verdict = "allowed" if expected else "denied"
                assert machine.ask(f"{question} rw")[0] == verdict, question
                assert machine.ask(f"{question} m")[0] == "denied", question


def formats():
    """The printf formats of the core's messages, as patterns."""
    core = [path for path in sorted((TOP / "pam_bpfdev").rglob("*.c")) if "command" not in path.parts]
    text = "".join(path.read_text() for path in core)
    text = re.sub(r"/\*.*?\*/|^#.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    found = []
    for literals in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', text):
        literal = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')
        if len(re.sub(r"%[.*\d]*(?:zu|llu|[a-z])", "", literal)) < 10:
            continue
        pattern = re.escape(literal)
        pattern = re.sub(r"%(?:\\\.)?\d*(?:zu|u|d)", r"\\d+", pattern)
        found.append(re.compile(re.sub(r"%(?:\\\.)?(?:\\\*|\d)*s", "(.*)", pattern)))
    return found


def is_said(message, known):
    """Whether the code can say @message: a format, and within its words others."""
    for pattern in known:
        match = pattern.fullmatch(message)
        if match and all(is_said_within(part, known) for part in match.groups()):
            return True
    return False


def is_said_within(part, known):
    """The same for what stands in the place of %s: a name, or a message with or without a place."""
    words = re.sub(r"^/\S+?:(?:\d+:\d+:)? ", "", part)
    if " " not in words.strip() or words.startswith(" (did you mean") or words in ERRORS:
        return True
    return is_said(words, known) or is_said(part, known)


@pytest.mark.parametrize("display", displays("log"))
def test_log_line_is_one_of_the_code(machine, display):
    message = re.sub(r"^pam_bpfdev\(\S+\): |(, audit)?(, (from|on) \S+)?$", "", display.filled)
    assert is_said(message, formats())
    keys = display.check.split()[1:]
    if keys:
        machine.write(display.policy.text)
        _, rules = machine.ask(" ".join([*keys, "c 1:3 r"]))
        assert message.endswith(f": {rules} rules")


@pytest.mark.parametrize("display", displays("denied"))
def test_line_of_denials_is_one_of_the_unit_test(display):
    text = (TOP / "tests" / "unit" / "test_message.c").read_text()
    assert display.filled in re.sub(r'"\s+"', "", text)
