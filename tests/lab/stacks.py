# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""PAM services laid out as systems without pam-auth-update have them: what matters here of Fedora's and upstream systemd's."""

_SHARED = """\
auth required pam_unix.so
account required pam_unix.so
password required pam_unix.so
session optional pam_keyinit.so revoke
session required pam_limits.so
-session optional pam_systemd.so
session [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid
session required pam_unix.so
"""
_SERVICE = """\
auth include {shared}
account include {shared}
password include {shared}
session required pam_loginuid.so
session include {shared}
"""
_POSTLOGIN = "session include postlogin\n"
_SU = "auth sufficient pam_rootok.so\n" + _SERVICE.format(shared="system-auth").replace(
    "session required pam_loginuid.so\n", "") + _POSTLOGIN
_MANAGER = """\
account required pam_unix.so no_pass_expiry
session required pam_loginuid.so
session optional pam_keyinit.so force revoke
session optional pam_umask.so silent
session optional pam_systemd.so
"""

FILES = {
    "system-auth": _SHARED,
    "password-auth": _SHARED,
    "postlogin": "session optional pam_umask.so silent\n",
    "sshd": _SERVICE.format(shared="password-auth") + _POSTLOGIN,
    "login": _SERVICE.format(shared="system-auth") + _POSTLOGIN,
    "crond": _SERVICE.format(shared="password-auth"),
    "su": _SU,
    "su-l": _SU,
    "sudo": _SERVICE.format(shared="system-auth").replace("session required pam_loginuid.so\n", ""),
    "other": "".join(f"{kind} required pam_deny.so\n" for kind in ("auth", "account", "password", "session")),
    "systemd-user": _MANAGER,
}


def lay_out(machine):
    """Replaces all of the machine's PAM services by these."""
    machine.run("rm -rf /etc/pam.d/* /usr/lib/pam.d/*")
    for name, text in FILES.items():
        machine.write_file(f"/etc/pam.d/{name}", text)
