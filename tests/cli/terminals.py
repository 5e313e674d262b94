"""The command line on a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import NamedTuple

from .running import CLC, ROOT, environment


class Ended(NamedTuple):
    """What a terminal was sent, how the command exited, and how long it took."""

    text: str
    returncode: int
    seconds: float

    @property
    def plain(self):
        """The text without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.text)


def on_terminal(*arguments, columns=80, press=None, stdout=None, timeout=240, **variables):
    """Run to the end; ``press`` (text, keys) presses keys when the text is there.

    Standard output goes to the file ``stdout`` where there is one, the rest to the terminal.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = environment(TERM="xterm-256color", COLORTERM="") | variables
    env.pop("COLUMNS")
    began = time.monotonic()
    process = subprocess.Popen(
        [*CLC, *map(str, arguments)],
        cwd=ROOT, env=env, stdin=theirs, stdout=stdout or theirs, stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call; keys become signals
    )  # fmt: skip
    os.close(theirs)
    got = b""
    try:
        while time.monotonic() < began + timeout:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                got += os.read(ours, 1 << 16)
            except OSError:  # the other side has gone
                break
            if press is not None and press[0].encode() in got:
                os.write(ours, press[1].encode())
                press = None
        code = process.wait(60)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return Ended(got.decode().replace("\r\n", "\n"), code, time.monotonic() - began)
