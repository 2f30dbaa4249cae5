"""The resolver is ready within a fraction of a second, most of which Python spends on importing."""

import subprocess
import sys
from pathlib import Path

from generations import a_config, publish

SLOW = frozenset(
    {
        *("aiohttp", "babel", "click", "cryptography", "jinja2", "mitmproxy", "multiprocessing", "rich"),
        *("zstandard", "cop_filter.compiler", "cop_filter.sources", "cop_filter.supervisor"),
    }
)
"""What other roles, commands, or several workers need: each would cost the first answer its time."""

PROGRAM = """
import sys
from pathlib import Path
from dns_resolver import __main__, role
role.open_engine(role.Store(Path(sys.argv[1])))
print(*sys.modules)
"""


def imported(state_dir: Path) -> set[str]:
    words = [sys.executable, "-c", PROGRAM, str(state_dir)]
    return set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())


def test_nothing_slow_is_imported_before_the_first_answer(tmp_path: Path) -> None:
    publish(a_config(tmp_path), national=["bad.example", "http://h.example/page"])
    modules = imported(tmp_path)
    assert "dns_resolver.role" in modules
    assert modules & SLOW == set()


def test_a_cipher_is_imported_where_patterns_are_sealed(tmp_path: Path) -> None:
    publish(a_config(tmp_path), national=["http://h.example/a/*/b"])
    assert imported(tmp_path) & SLOW == {"cryptography"}
