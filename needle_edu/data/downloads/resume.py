"""A downloader for pooch that goes on where the last one stopped.

HTTP has a header for it: `Range: bytes=1000-` asks for all but the first 1000 bytes, and the answer 206 says that they
come; a server that does not know it answers 200 and sends everything. What has come so far lies in a file of its own
until it is whole.

Reference: RFC 9110, "HTTP Semantics", section 14 "Range Requests".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...backend.extras import needed

ATTEMPTS = 3  # how often a download that is cut off goes on by itself
CHUNK = 1 << 16  # bytes
TIMEOUT = 30  # seconds without an answer


class Resuming:
    """What `pooch.retrieve` calls to get a file: `Resuming(part, progress)(url, output_file, pooch)`."""

    def __init__(self, part: Path, progress: bool):
        self.part, self.progress, self.resumed = part, progress, False

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Fetch `url` into `output_file`."""
        requests = needed("download", "requests", "train")
        for attempt in range(ATTEMPTS):
            try:
                self._attempt(requests, url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt == ATTEMPTS - 1:
                    raise
        os.replace(self.part, output_file)  # right or wrong, it is whole: pooch looks at the digest

    def _attempt(self, requests: Any, url: str) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        headers["Accept-Encoding"] = "identity"  # the bytes of the file itself, so that they can be counted
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if have and answer.status_code == 416:  # nothing beyond what is here: whole, or of another file
                total = answer.headers.get("Content-Range", "").rpartition("/")[2]
                if total == str(have):
                    return
                self.part.unlink()
                raise requests.ConnectionError("the part that was here is no part of this file")
            answer.raise_for_status()
            goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            )
            self.resumed = self.resumed or goes_on
            if not goes_on:
                have = 0
            total = have + int(answer.headers.get("Content-Length", 0))
            with open(self.part, "ab" if goes_on else "wb") as file, self._bar(url, have, total) as bar:
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
            if self.part.stat().st_size < total:
                raise requests.ConnectionError(f"cut off after {self.part.stat().st_size} of {total} bytes")

    def _bar(self, url: str, have: int, total: int) -> Any:
        if not self.progress:
            return _NoBar()
        tqdm = needed("a progress bar", "tqdm.auto", "train", "or say progress=False").tqdm
        name = url.rpartition("/")[2]
        return tqdm(total=total or None, initial=have, unit="B", unit_scale=True, desc=name, leave=False)


class _NoBar:
    """A bar that is not there."""

    def update(self, n: int) -> None:
        """Nothing to show."""

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *error: Any) -> None:
        pass
