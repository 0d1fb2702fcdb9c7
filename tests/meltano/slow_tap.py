"""Stands for the tap, and writes down when its first record came and when it ended: `slow_tap.py TAP TIMES ...`"""

import signal
import subprocess
import sys
import time

tap, times, *arguments = sys.argv[1:]
with subprocess.Popen([tap, *arguments], stdout=subprocess.PIPE) as process, open(times, "w") as written:
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    is_first = True
    for line in process.stdout:
        if is_first and line.startswith(b'{"type":"RECORD"'):
            is_first = False
            print(time.time(), file=written, flush=True)
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            process.terminate()
            break
    code = process.wait()
    print(time.time(), code, file=written)
sys.exit(code)
