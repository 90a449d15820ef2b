"""What every driver does; contract.ts says it in words and types."""

import json
import sys
import threading
import time
from typing import Any, Callable

_output = threading.Lock()


def serve_calls(version: str, call: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Serves calls until the standard input ends. `call` makes one, and raises the SDK's error."""
    _write({"ready": True, "version": version})
    for line in sys.stdin:
        threading.Thread(target=_serve, args=(json.loads(line), call), daemon=True).start()


def repeat_header(name: str) -> Callable[[Any], None]:
    """A request hook for the HTTP layer below the SDK: it sends one header twice, as a broken proxy would."""

    def repeat(request: Any) -> None:
        kept = [pair for pair in request.headers.raw if pair[0].lower() != name.encode()]
        request.headers = type(request.headers)([*kept, (name.encode(), b"one"), (name.encode(), b"two")])

    return repeat


def _serve(request: dict[str, Any], call: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    started = time.monotonic()
    try:
        outcome = {"outcome": "ok", **call(request)}
    except Exception as error:  # whatever the SDK raises is what we want to know
        outcome = {
            "outcome": "error",
            "errorClass": type(error).__name__,
            "message": str(error),
            "status": getattr(error, "status_code", None),
            "requestId": getattr(error, "request_id", None),
        }
    _write({**outcome, "id": request["id"], "elapsedMs": (time.monotonic() - started) * 1000})


def _write(line: dict[str, Any]) -> None:
    with _output:
        print(json.dumps(line), flush=True)
