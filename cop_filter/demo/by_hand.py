"""How to try it by hand while `--keep` leaves it running."""

import sys
from pathlib import Path

from cop_filter.demo.http_questions import LISTED
from cop_filter.demo.lists import NATIONAL
from cop_filter.demo.stage import Stage


def text(stage: Stage) -> str:
    """Commands to copy, with what each shows."""
    dig = f"dig @127.0.0.1 -p {stage.ports.dns}"
    curl = f"curl -i -x http://{stage.proxy}"
    command = f"{Path(sys.executable).with_name('cop-filter')} --config {stage.service.config}"
    return f"""\
Everything is still running. To try it by hand, in another terminal:

  # a listed name, and one that is not listed
  {dig} bad.example
  {dig} good.example

  # a listed page, and the page beside it
  {curl} {LISTED}
  {curl} http://site.example/other.html

  # the same over HTTPS: the client must trust the proxy, as in a school
  {curl} --cacert {stage.trust.proxy} \\
    https://site.example/listed.html

  # a site without listed pages over HTTPS: it shows its own certificate
  {curl} --cacert {stage.trust.origin} \\
    https://good.example/

  # what the operator sees
  {command} status
  {command} check "site.example/search?q=1"
  curl http://127.0.0.1:{stage.ports.metrics}/metrics

  # change the list, and ask again: the network follows within two seconds
  echo good.example >> {stage.authority.folder / NATIONAL}

Ctrl-C ends everything and removes it.
"""
