"""Fixtures of the tests of applications."""

import pytest

from needle_edu import training


@pytest.fixture
def nothing_at_hand(monkeypatch, tmp_path_factory):
    """As on a fresh machine: only what comes with needle_edu."""
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path_factory.mktemp("empty")))


@pytest.fixture
def narrow(monkeypatch):
    """A DCGAN of fewer channels, for the sake of time."""
    monkeypatch.setattr(training.APPLICATIONS["dcgan"], "channels", 16)


@pytest.fixture
def often_renewed(monkeypatch):
    """A deep Q-network whose target moves within the first twenty steps."""
    monkeypatch.setattr("needle_edu.training.applications.dqn.RENEWED", 4)
