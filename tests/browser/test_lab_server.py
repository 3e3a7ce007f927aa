"""`needle-edu lab` without a browser: the address is printed, and a busy port is no trouble."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


def printed_address(log, process) -> tuple[str, str]:
    """Everything printed until the address of the server stands there, and the address."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        text = log.read_text()
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):(\d+)/lab\S*", text)
        if found:
            return text, found.group()
        time.sleep(0.2)
    raise AssertionError(f"no address was printed:\n{log.read_text()}")


def status(address: str, process) -> int:
    """What the server answers; it prints its address a moment before it listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(address, timeout=20).status
        except urllib.error.URLError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.2)


def test_busy_port(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        log = tmp_path / "log"
        private = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
        with log.open("w") as out:
            command = [
                sys.executable,
                "-m",
                "needle_edu",
                "lab",
                "--no-browser",
                f"--port={port}",
                "--ip=127.0.0.1",
            ]
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env={**os.environ, **private},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            text, address = printed_address(log, process)
            assert f":{port}/" not in address
            assert f"port {port} is already in use" in text
            assert "start.ipynb" in address
            assert status(address, process) == 200
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
