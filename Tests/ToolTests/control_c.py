"""Types a command into an interactive bash on a terminal, and Ctrl-C when it has written enough.

    control_c.py FOLDER PATTERN TIMES COMMAND

COMMAND runs in FOLDER with the environment of this; when PATTERN has come TIMES times, Ctrl-C is typed,
which the terminal makes a SIGINT of for all of its foreground processes. Prints what came on the
terminal, then a line `ended with STATUS...`, one status for each part of the pipeline. 75 when PATTERN or the
end does not come.
"""

import os
import pty
import re
import select
import sys
import time

folder, pattern, times, command = sys.argv[1:5]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    os.environ["PS1"] = "PROMPT>"
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
output = ""


def until(wanted, count, seconds=60):
    """Reads until what came has it often enough; ends this when it does not."""
    global output
    end = time.monotonic() + seconds
    while len(re.findall(wanted, output)) < count:
        left = end - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            print(output)
            print(f"never came: {wanted}")
            sys.exit(75)
        try:
            output += os.read(terminal, 65536).decode(errors="replace")
        except OSError:
            print(output)
            print("the terminal is gone")
            sys.exit(75)


# The echo of what is typed must not be taken for what came of it.
until("PROMPT>", 1)
os.write(terminal, b"stty -echo\n")
until("PROMPT>", 2)
os.write(terminal, command.encode() + b"\n")
until(pattern, int(times))
# This also empties what was typed ahead, so the question about the status comes after it.
os.write(terminal, b"\x03")
until("PROMPT>", 3)
os.write(terminal, b'echo "ended with" "${PIPESTATUS[@]}"\n')
until(r"ended with [0-9 ]+\r", 1)
os.write(terminal, b"exit\n")
print(output.replace("\r", ""))
os.close(terminal)
os.waitpid(pid, 0)
