"""Which processes new generations are tried on."""

import pytest
from generations import a_config, dns

from cop_filter.config import RolloutConfig
from cop_filter.rollout import share


def with_share(tmp_path, wanted, **more):
    return a_config(tmp_path, rollout=RolloutConfig(share=wanted), **more)


@pytest.mark.parametrize(
    ("wanted", "workers", "canaries"),
    [(0.25, 1, 1), (0.25, 4, 1), (0.25, 5, 2), (0.1, 10, 1), (0.3, 10, 3), (0.01, 3, 1), (1.0, 3, 3)],
)
def test_it_is_the_first_workers_and_at_least_one(tmp_path, wanted, workers, canaries):
    config = with_share(tmp_path, wanted)
    members = [share.dns_worker(config, number, workers) for number in range(workers)]
    assert members == [True] * canaries + [False] * (workers - canaries)


def test_the_proxy_is_tried_on_only_where_all_are_or_nobody_else_could_be(tmp_path):
    assert share.proxy(with_share(tmp_path, 0.25))
    assert not share.proxy(with_share(tmp_path, 0.25, dns=dns()))
    assert share.proxy(with_share(tmp_path, 1.0, dns=dns()))
