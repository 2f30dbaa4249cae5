"""A watching sync fetches a list at once when it is told that the list has changed."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from hostile_authority import Authority, listening, serve

from cop_filter.config import Address, Config, ListConfig, OperatorConfig, PushConfig
from cop_filter.errors import ConfigError
from cop_filter.push import wake
from cop_filter.push.ports import Ports
from cop_filter.sync import watch
from cop_filter.verdict import LegalBasis


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        one.default = serve(b"one.example\n")
        yield one


@pytest.fixture
def config(tmp_path: Path, authority: Authority) -> Config:
    token_file = tmp_path / "push.token"
    token_file.write_text("s3cret")
    token_file.chmod(0o600)
    operator = OperatorConfig("Example Net", "Officer", "https://isp.example/", "https://help.example/")
    one = ListConfig(
        "national", f"{authority.url}/list", "Example Hotline", "csam", LegalBasis.MEMBERSHIP, timeout_s=5.0
    )
    push = PushConfig(Address("127.0.0.1", 0), token_file=token_file)
    return Config(tmp_path / "state", operator, (one,), push=push)


@contextlib.asynccontextmanager
async def watching(config: Config, ports: Ports | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(watch(config, ports=ports))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_push_has_the_list_fetched_at_once(config: Config, authority: Authority) -> None:
    ports = Ports.bind(config.push)
    assert ports.http is not None
    url = f"http://127.0.0.1:{ports.http.getsockname()[1]}/lists/national"
    async with watching(config, ports), asyncio.timeout(20), aiohttp.ClientSession() as session:
        await authority.asked(1)
        async with session.post(url, headers={"Authorization": "Bearer s3cret"}) as answer:
            assert answer.status == 202
        await authority.asked(2)


async def test_another_process_has_the_list_fetched_at_once(config: Config, authority: Authority) -> None:
    config = replace(config, push=PushConfig())
    async with watching(config), asyncio.timeout(20):
        await authority.asked(1)
        await asyncio.to_thread(wake.ask, config.state_dir, "unknown")
        await asyncio.to_thread(wake.ask, config.state_dir, "national")
        await authority.asked(2)


async def test_a_port_that_is_taken_ends_the_start(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = replace(config, push=replace(config.push, listen=Address(*taken.getsockname())))
        with pytest.raises(ConfigError, match=re.escape("push.listen: cannot be bound")):
            await watch(config)


async def test_a_token_that_cannot_be_had_ends_the_start(config: Config) -> None:
    config = replace(config, push=replace(config.push, token_file=None, token_env="NOT_SET"))
    with pytest.raises(ConfigError, match=re.escape("push.token_env")):
        await watch(config)
