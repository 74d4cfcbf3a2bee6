# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A node with many users: how fast their sessions open, with and without the module, and what they take together."""

import contextlib

from crowd import Crowd, memory
from opening import classes, readme_policy
from scratch import Scratch
from world import GROUP, PASSWD

CROWD = (500, 2000)  # users, sessions
FIRST_UID = 2000
PATIENCE = 60000  # ms, for all of them


def accounts(count):
    """So many users: (name, uid)."""
    return [(f"user{number}", FIRST_UID + number) for number in range(count)]


@contextlib.contextmanager
def filled(world, program, users, sessions, service):
    """The Scratch and the Crowd of all these sessions, and the seconds that opening them took."""
    with Scratch() as tree, Crowd(world, program, tree, users, service) as crowd:
        for _, uid in users:
            tree.manager(uid)
        yield tree, crowd, crowd.grow(sessions)


def measure(world, program, figures, users, sessions):
    """The rows of a node: all under README's policy, all users with a manager."""
    text, _ = classes()
    people = accounts(users)
    world.write("passwd", PASSWD + "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in people))
    world.write("group", GROUP + "staff:x:50:\n" + "".join(f"{name}:x:{uid}:\n" for name, uid in people))
    world.write("pam.d/permit", "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n")
    world.policy(text + readme_policy())
    with filled(world, program, people, sessions, "permit") as (_, _, seconds):
        figures.put("node/without", sessions / seconds)
    with filled(world, program, people, sessions, "quiet") as (tree, crowd, seconds):
        figures.put("node/with", sessions / seconds)
        figures.put("node/memory", memory(tree))
        figures.put("node/open", crowd.open_one_more())
        figures.put("node/same", crowd.reload(PATIENCE) or f"over {PATIENCE}")
        world.policy(text + readme_policy() + "* deny char-ppdev rw\n")
        figures.put("node/reload", crowd.reload(PATIENCE) or f"over {PATIENCE}")
    figures.put("node/users", users)
    figures.put("node/sessions", sessions)
    world.write("passwd", PASSWD)
    world.policy(text + readme_policy())
    values = figures.values
    print(f"\n{sessions} sessions of {users} users: opened {values['node/with']:.0f} in a second, {values['node/without']:.0f} "
          f"without the module; {values['node/memory']:,} bytes; one more {values['node/open']:.2f} ms; reload "
          f"{values['node/same']} ms, {values['node/reload']} ms with a new policy", flush=True)
