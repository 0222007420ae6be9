"""The pipelines under test: the scripts that users run, started again whenever they end."""

import collections
import os
import signal
import subprocess
import time

STAGES = {"sbe-tap", "rest-pull", "dedup", "fan-out", "s3-put", "kinesis-put"}
# Starting again does not help after these, so that no supervisor does; 70 is a fault of a program.
FINAL = {64, 70, 77, 78}


def processes():
    """(name, parent, session) of every process, by number."""
    table = {}
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/stat") as file:
                text = file.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        # What ended and was not waited for is gone.
        if fields[0] != "Z":
            table[int(number)] = (name, int(fields[1]), int(fields[3]))
    return table


class Pipeline:
    def __init__(self, name, command, environment, log):
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.codes = collections.Counter()
        self.process, self.begun, self.pause = None, 0.0, 0.0
        self.over = False
        # Only programs of this pipeline have it; a sink may be in a session of its own.
        self.mark = f"STATE_DIRECTORY={environment['STATE_DIRECTORY']}".encode()

    def start(self):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True)

    def stages(self):
        """The numbers and names of the programs that run in it now."""
        return [(number, name) for number, name, is_current in self.members() if is_current]

    def members(self):
        """The programs of all its runs: number, name, and whether they are of the one that runs now."""
        table, found = processes(), []
        for number, (name, parent, _) in sorted(table.items()):
            if name not in STAGES or not self.is_mine(number):
                continue
            while parent in table and parent != self.process.pid:
                parent = table[parent][1]
            found.append((number, name, parent == self.process.pid and self.process.poll() is None))
        return found

    def is_mine(self, number):
        try:
            with open(f"/proc/{number}/environ", "rb") as file:
                return self.mark in file.read().split(b"\0")
        except OSError:
            return False

    def left_behind(self):
        """Programs that outlived their run of the pipeline."""
        return [(number, name) for number, name, is_current in self.members() if not is_current]

    def keep_up(self):
        """Starts it again when it ended; what it ended with, else None."""
        code = self.process.poll()
        if code is None or self.over:
            return None
        if self.pause == 0.0:
            self.codes[code] += 1
            self.pause = time.monotonic() + (0.1 if time.monotonic() - self.begun > 2 else 0.5)
            return code
        if time.monotonic() >= self.pause:
            self.pause = 0.0
            self.start()
        return None

    def stop(self, patience):
        """Ends it in order; its status, or None where it had to be killed."""
        self.over = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        self.over = True
        for number, _, _ in self.members() if self.process else []:
            for name in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.kill(number, name)
                except ProcessLookupError:
                    pass
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
