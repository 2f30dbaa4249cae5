"""Answer a request before its body has come.

mitmproxy either keeps a whole request body in memory before it sends an addon's answer, or streams it to the
origin. A blocked upload must do neither: it is answered at once, and what still comes is dropped.
"""

from collections.abc import Generator
from types import MethodType
from typing import Any

from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._events import RequestEndOfMessage

_Commands = Generator[Any, Any, None]
_stream_to_origin = HttpStream.start_request_stream


def install() -> None:
    """Teach mitmproxy's streams to answer early: a flow with `request.stream` and a response set."""
    HttpStream.start_request_stream = _start_request_stream  # type: ignore[assignment,method-assign]  # no hook exists


def _start_request_stream(stream: HttpStream) -> _Commands:
    if stream.flow.response is None:
        yield from _stream_to_origin(stream)
        return
    stream.client_state = MethodType(_drop_request_body, stream)
    yield from stream.send_response()


def _drop_request_body(stream: HttpStream, event: Any) -> _Commands:  # noqa: ANN401  (mitmproxy's event union)
    if isinstance(event, RequestEndOfMessage):
        stream.client_state = stream.state_done
        yield from stream.flow_done()
