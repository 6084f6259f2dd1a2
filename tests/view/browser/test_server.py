"""Who the server answers, where it listens, and how it ends."""

import base64
import http.client
from pathlib import Path
import signal
import socket

import pytest

from support.browser import served, wait_until
from support.viewed import write


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("served") / "a.h5")
    with served(path) as running:
        assert running.url
        yield running


@pytest.fixture(scope="module")
def cookie(page):
    status, headers, _ = ask(page, f"/?token={token(page)}")
    assert status == 200
    return headers["Set-Cookie"]


def token(page):
    return page.url.partition("token=")[2]


def ask(page, path, **headers):
    """Return status, headers and text of a request, with these headers besides Host."""
    connection = http.client.HTTPConnection(
        "127.0.0.1",
        page.port,
        timeout=60,
    )
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=given)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, answer.headers, text


def websocket(page, **more):
    """Headers that ask for a websocket."""
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Origin": f"http://127.0.0.1:{page.port}",
        **more,
    }


def pair(cookie):
    """The name and the value of a cookie that was set."""
    return cookie.partition(";")[0]


PATHS = ["/", "/index.html", "/ws", "/vue.global.js", "/__ecsmpi/keys.js", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_answered(page, path):
    status, _, text = ask(page, path)
    assert status == 403
    assert "the token is missing or wrong" in text


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "ü", "A" * 43, "%00", "%ff"],
)
def test_wrong_token_is_refused(page, wrong):
    path = f"/?token={wrong.replace('ü', '%C3%BC')}"
    assert ask(page, path)[0] == 403


def test_token_that_is_a_part_of_the_right_one_is_refused(page):
    assert ask(page, f"/?token={token(page)[:-1]}")[0] == 403
    assert ask(page, f"/?token={token(page)}x")[0] == 403


def test_token_opens_the_page_and_leaves_the_url(page, cookie):
    status, _, text = ask(page, f"/?token={token(page)}")
    assert status == 200
    assert token(page) not in text
    assert "url=/index.html" in text
    status, _, text = ask(page, "/index.html", Cookie=pair(cookie))
    assert status == 200
    assert "<script" in text


def test_cookie_is_for_this_site_and_no_script(cookie):
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= parts


def test_wrong_cookie_is_refused(page, cookie):
    name = pair(cookie).partition("=")[0]
    assert ask(page, "/index.html", Cookie=f"{name}=wrong")[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "["]
)
def test_name_of_another_host_is_refused(page, cookie, host):
    status, _, text = ask(page, "/index.html", Host=host, Cookie=pair(cookie))
    assert status in (400, 403)
    assert "<script" not in text
    assert ask(page, f"/?token={token(page)}", Host=host)[0] in (400, 403)


@pytest.mark.parametrize(
    "host",
    ["localhost:1234", "127.0.0.1", "[::1]:80", "LOCALHOST"],
)
def test_loopback_by_any_port_is_served_as_tunnels_have_it(page, cookie, host):
    assert ask(page, "/index.html", Host=host, Cookie=pair(cookie))[0] == 200


def test_websocket_is_refused_without_the_token(page, cookie):
    assert ask(page, "/ws", **websocket(page))[0] == 403
    assert ask(page, "/ws", **websocket(page, Cookie="ecsmpi-view=x"))[0] == 403


def test_websocket_is_refused_to_the_page_of_another_site(page, cookie):
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
        headers = websocket(
            page,
            Cookie=pair(cookie),
            Origin=origin,
        )
        assert ask(page, "/ws", **headers)[0] == 403


def test_websocket_opens_with_the_cookie(page, cookie):
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as line:
        headers = websocket(
            page,
            Cookie=pair(cookie),
            Host=f"127.0.0.1:{page.port}",
        )
        text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(f"GET /ws HTTP/1.1\r\n{text}\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 101 ")


def test_page_may_load_from_here_alone(page, cookie):
    _, headers, _ = ask(page, "/index.html", Cookie=pair(cookie))
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self' data: blob:;")
    assert "http" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"


def listening(port):
    """The addresses that listen at a port, as /proc has them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            host, _, number = address.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(host)
    return found


def test_loopback_alone_listens(page):
    assert listening(page.port) == {"0100007F"}


def test_files_outside_are_not_served(page, cookie):
    for path in (
        "/../../../../etc/passwd",
        "/__ecsmpi/../server.py",
        "/%2e%2e/%2e%2e/etc/passwd",
    ):
        status, _, text = ask(page, path, Cookie=pair(cookie))
        assert status in (400, 403, 404)
        assert "root:" not in text


def test_each_server_has_a_token_of_its_own(page, tmp_path):
    with served(write(tmp_path / "a.h5")) as other:
        assert token(other) != token(page)
        assert other.port != page.port


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM],
)
def test_interrupt_ends_it_with_status_0(tmp_path, number):
    with served(write(tmp_path / "a.h5")) as running:
        assert running.url
        assert running.end(number) == 0
        assert "Traceback" not in running.text
        assert listening(running.port) == set()


def test_interrupt_ends_it_while_it_waits_for_a_file(tmp_path):
    with served(tmp_path / "a.h5", "--follow") as running:
        wait_until(lambda: "waits until a run begins it" in running.text)
        assert running.end() == 0
        assert "Traceback" not in running.text


def one_line(running):
    """The only line of a command that ends with status 2."""
    status = running.process.wait(60)
    running._reader.join(60)
    assert status == 2, running.text
    (line,) = running.text.splitlines()
    return line


def test_port_that_is_taken_is_one_line(page, tmp_path):
    with served(write(tmp_path / "a.h5"), "--port", page.port) as running:
        line = one_line(running)
    assert f"cannot listen at --port {page.port} (Address already in use)" in line


@pytest.mark.parametrize(
    "port",
    ["-1", "65536"],
)
def test_port_that_cannot_be_is_one_line(tmp_path, port):
    with served(write(tmp_path / "a.h5"), f"--port={port}") as running:
        assert f"--port must be 0 to 65535, got {port}" in one_line(running)


def test_missing_opengl_is_one_line_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "VTK_DEFAULT_OPENGL_WINDOW",
        "vtkNoSuchWindow",
    )
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("LD_PRELOAD", "")
    with served(write(tmp_path / "a.h5")) as running:
        line = one_line(running)
    assert "no OpenGL here draws without a display" in line
    assert "apt-get install libegl1 libgl1-mesa-dri" in line


def other_files(folder):
    """(path, what the message says) of files that are not of frames."""
    text = folder / "notes.txt"
    text.write_text("nothing")
    yield text, "is not an HDF5 file"
    yield folder, "is a folder"
    yield folder / "missing.h5", "there is no file"
    import h5py

    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = 1
    yield folder / "other.h5", "is not a file of frames written by ecsmpi"
    with h5py.File(folder / "spikes.h5", "w") as file:
        file.attrs["format"] = "ecsmpi spikes 1"
    yield folder / "spikes.h5", "holds spikes of cells"


def test_file_of_something_else_is_one_line_that_says_what(tmp_path):
    for path, words in other_files(tmp_path):
        with served(path) as running:
            line = one_line(running)
        assert words in line
        assert str(path) in line
