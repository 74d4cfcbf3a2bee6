# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What bash and zsh offer when TAB is pressed behind a command line."""

import os
import pty
import select
import shlex
import signal

from place import TOP

COMPLETION = TOP / "conf" / "completion"

# As readline cuts a line: at blanks, and at what is in COMP_WORDBREAKS, whose runs are words too; not within quotes.
BASH = r"""
source "$1"
line=$2
COMP_WORDS=() word='' kind='' quote=''
end() { [[ $kind ]] && COMP_WORDS+=("$word"); word='' kind=''; }
for ((i = 0; i < ${#line}; i++)); do
	char=${line:i:1} next=text
	[[ $char == \' ]] && { [[ $quote ]] && quote='' || quote=yes; }
	if [[ ! $quote ]]; then
		[[ $char == ' ' ]] && { end; continue; }
		[[ $char == [=:] && $COMP_WORDBREAKS == *"$char"* ]] && next=break
	fi
	[[ $kind && $kind != "$next" ]] && end
	kind=$next word+=$char
done
end
[[ $line == *' ' ]] && COMP_WORDS+=('')
COMP_LINE=$line COMP_POINT=${#line} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { printf 'option %s\n' "${@: -1}" >&2; }
_bpfdev bpfdev "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
exit 0
"""

# An interactive shell whose compadd also writes down what it adds. TAB ends with a line "done".
ZSH = r"""
PS1= PS2= RPS1=
fpath=("$FOLDER" $fpath)
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' verbose no
compadd() {
	local -a hits suffix
	# Called to look at matches, not to add them.
	if [[ ${(j: :)@[1,(i)(-|--)]} == *-[OAD]' '* ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A hits "$@"
	print -rl -- $hits >>$OUT
	builtin compadd "$@"
}
offer() {
	zle complete-word
	print -r -- done >>$OUT
	BUFFER=
}
zle -N offer
type() {
	zle complete-word
	print -r -- "$BUFFER" >>$OUT
	print -r -- done >>$OUT
	BUFFER=
}
zle -N type
bindkey '^I' offer
bindkey '^T' type
print -r -- ready >>$OUT
"""


def bash(place, line, breaks=None):
    """What bash offers in the place to replace the last word of the line with, and the options it sets for that.

    @breaks: another COMP_WORDBREAKS than bash's own.
    """
    script = BASH if breaks is None else f"COMP_WORDBREAKS='{breaks}'\n{BASH}"
    result = place.run("bash", "--norc", "-c", script, "bash", COMPLETION / "bpfdev", line)
    notes = [note.split(" ") for note in result.err.splitlines()]
    assert result.code == 0 and all(note[0] == "option" for note in notes), result
    return sorted(set(result.lines)), {note[1] for note in notes}


def bash_types(place, line):
    """What a real bash makes of the line when TAB is pressed behind it."""
    # The key behind TAB writes down what the line has become, so that nothing depends on what the terminal shows of it.
    script = place.write("/run/bashrc", f"""PS1=ready PS2=
source {COMPLETION / 'bpfdev'}
bind 'set bell-style none'
write_line() {{ printf '%s' "$READLINE_LINE" >/run/line; kill -KILL $$; }}
bind -x '"\\C-t": write_line'
""")
    written = place.path(place.write("/run/line", ""))
    pid, terminal = pty.fork()
    if pid == 0:
        command = place.command(["bash", "--noprofile", "--rcfile", script, "-i"])
        os.execvp(command[0], [str(word) for word in command])
    shown, typed = b"", False
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
            # What is typed before readline has set the terminal up may be lost; its prompt comes after that.
            if b"ready" in shown and not typed:
                typed = True
                os.write(terminal, f"{line}\t\x14".encode())
    except OSError:  # EIO: the shell has ended
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    became = written.read_text(encoding="utf-8")
    assert became, shown
    return shlex.split(became)


class Zsh:
    """An interactive zsh on a terminal of its own, in the place."""

    def __init__(self, place):
        self._place = place
        place.write("/run/zsh/.zshrc", ZSH)
        place.write("/run/zsh/out", "")
        self._out = place.path("/run/zsh/out")
        environment = {"ZDOTDIR": "/run/zsh", "OUT": "/run/zsh/out", "FOLDER": COMPLETION}
        command = place.command(["zsh", "-d", "-i"], env=environment)
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvp(command[0], [str(word) for word in command])
        self._wait("ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self._pid, 0)

    def _wait(self, mark):
        """Reads what the shell shows until it has written the mark down. Returns what stands before it."""
        while True:
            lines = self._out.read_text(encoding="utf-8").splitlines()
            if mark in lines:
                return lines[:lines.index(mark)]
            if not select.select([self._terminal], [], [], 30)[0]:
                raise AssertionError(f"zsh waits for an answer: {lines}")
            try:
                os.read(self._terminal, 65536)
            except OSError as error:
                raise AssertionError(f"zsh has ended: {lines}") from error

    def types(self, line):
        """What the line becomes where only one word fits."""
        self._out.write_text("", encoding="utf-8")
        os.write(self._terminal, f"{line}\x14".encode())
        return self._wait("done")[-1]

    def offers(self, line):
        """What is offered behind the line, as a sorted list."""
        self._out.write_text("", encoding="utf-8")
        os.write(self._terminal, f"{line}\t".encode())
        return sorted(set(self._wait("done")) - {""})
