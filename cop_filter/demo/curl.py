"""`curl` as a client, and what it prints read back."""

from cop_filter.demo.programs import Finished, run
from cop_filter.demo.replies import UNTRUSTED, HttpReply, HttpRequest

_TIMEOUT_S = 10
_TROUBLES = {7: "connection refused", 28: "no answer in time", 35: "TLS handshake refused", 60: UNTRUSTED}
"""curl's exit codes that a demo may meet."""


class Curl:
    """Fetches over HTTP/1.1, or over HTTP/2 where `speaks_http2`."""

    def __init__(self, program: str, *, speaks_http2: bool) -> None:
        self.name = "curl"
        self.speaks_http2 = speaks_http2
        self._program = program

    async def fetch(self, request: HttpRequest) -> HttpReply:
        """One request, spelled as it is."""
        finished = await run(
            [self._program, *arguments(request)], within_s=2 * _TIMEOUT_S, given=request.body or b""
        )
        return read(finished)


async def find_features(program: str) -> frozenset[str]:
    """What this curl was built with, such as HTTP2."""
    shown = (await run([program, "--version"], within_s=_TIMEOUT_S)).out.decode()
    lines = [line for line in shown.splitlines() if line.startswith("Features:")]
    return frozenset(word for line in lines for word in line.split()[1:])


def arguments(request: HttpRequest) -> list[str]:
    """curl's options. -q: the user's own .curlrc must not change what is asked."""
    words = ["-q", "-s", "-S", "-i", "--suppress-connect-headers", "--max-time", str(_TIMEOUT_S)]
    words += ["--path-as-is", "--globoff", "--http2" if request.http2 else "--http1.1"]
    words += ["-w", "%{stderr}\n%{http_code} %{http_connect} %{http_version}\n"]
    words += ["-x", f"http://{request.proxy}", "--noproxy", ""] if request.proxy else ["--noproxy", "*"]
    if request.server:
        words += ["--connect-to", f"::{request.server}"]
    if request.trust:
        words += ["--cacert", str(request.trust)]
    if request.method == "HEAD":
        words += ["-I"]
    elif request.method != "GET":
        words += ["-X", request.method]
    if request.body is not None:
        words += ["--data-binary", "@-"]
    for name, value in request.headers.items():
        words += ["-H", f"{name}: {value}"]
    return [*words, request.url]


def read(finished: Finished) -> HttpReply:
    """What curl printed as a reply."""
    lines = finished.err.rstrip("\n").rpartition("\n")[2].split()
    if len(lines) != 3 or not all(word.isdigit() for word in lines[:2]):
        return HttpReply(trouble="no answer in time" if finished.code is None else "curl failed")
    status, connect_status = int(lines[0]), int(lines[1])
    if finished.code:
        trouble = _TROUBLES.get(finished.code, f"curl ended with {finished.code}")
        return HttpReply(connect_status=connect_status, trouble=trouble)
    head, body = _split(finished.out)
    return HttpReply(status, head, body, lines[2], connect_status)


def _split(out: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = out.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    if first.split()[1:2] and first.split()[1].startswith("1"):  # an interim response, such as 100
        return _split(body)
    pairs = (line.partition(":") for line in fields)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}, body
