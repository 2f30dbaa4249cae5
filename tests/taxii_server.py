"""A real TAXII 2.1 server (medallion) with one collection of indicators."""

import json
import ssl
import threading
from pathlib import Path

from werkzeug.serving import make_server

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
NAMES = 250


def indicator(number: int, **changes: object) -> dict[str, object]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{number:08d}-0000-4000-8000-000000000000",
        "created": "2025-01-01T00:00:00.000Z",
        "modified": "2025-01-01T00:00:00.000Z",
        "valid_from": "2025-01-01T00:00:00Z",
        "pattern_type": "stix",
        "pattern": f"[domain-name:value = 'n{number}.example']",
        **changes,
    }


class TaxiiServer:
    """medallion, with one collection behind the password of `isp`; its clients speak TLS if it does."""

    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        import medallion  # noqa: PLC0415  it sets up logging

        self._file = folder / "data.json"
        self._write([indicator(number) for number in range(NAMES)])
        self._medallion = medallion
        self._medallion.set_config(medallion.application_instance, "users", {"users": {"isp": "secret"}})
        self._medallion.set_config(medallion.application_instance, "taxii", {"taxii": {"max_page_size": 100}})
        self._load()
        if "objects" not in medallion.application_instance.blueprints:
            medallion.register_blueprints(medallion.application_instance)
        self._server = make_server(
            "127.0.0.1", 0, medallion.application_instance, threaded=True, ssl_context=tls
        )
        self.url = f"taxii+{'https' if tls else 'http'}://127.0.0.1:{self._server.port}/trust/collections/{COLLECTION}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def hold(self, *objects: dict[str, object]) -> None:
        self._write(list(objects))
        self._load()

    def _load(self) -> None:
        backend = {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(self._file),
        }
        self._medallion.set_config(self._medallion.application_instance, "backend", {"backend": backend})

    def _write(self, objects: list[dict[str, object]]) -> None:
        manifest = [
            {
                "id": one["id"],
                "date_added": one["created"],
                "version": one["modified"],
                "media_type": "application/stix+json;version=2.1",
            }
            for one in objects
        ]
        collection = {
            "id": COLLECTION,
            "title": "indicators",
            "can_read": True,
            "can_write": False,
            "media_types": ["application/stix+json;version=2.1"],
            "objects": objects,
            "manifest": manifest,
        }
        information = {
            "title": "trust",
            "versions": ["application/taxii+json;version=2.1"],
            "max_content_length": 9765625,
        }
        self._file.write_text(
            json.dumps(
                {
                    "/discovery": {"title": "server", "api_roots": ["http://localhost/trust/"]},
                    "trust": {"information": information, "status": [], "collections": [collection]},
                }
            )
        )

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
