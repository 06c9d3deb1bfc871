"""Fixtures of the tests of resumed streams."""

from collections.abc import Iterator

import pytest
from support.fleet import Fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(2) as fleet:
        yield fleet
