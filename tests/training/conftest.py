"""Fixtures of the tests of applications."""

import pytest

from needle_edu import training


@pytest.fixture
def nothing_at_hand(monkeypatch, tmp_path_factory):
    """As on a fresh machine: only what comes with needle_edu."""
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path_factory.mktemp("empty")))


@pytest.fixture
def narrow(monkeypatch):
    """Fewer channels of DCGAN, readers of CycleGAN that hardly learn, for the sake of time; and all of its losses."""
    monkeypatch.setattr(training.APPLICATIONS["dcgan"], "channels", 16)
    monkeypatch.setattr("needle_edu.training.applications.cyclegan.READING", 1)
    monkeypatch.setattr(training.APPLICATIONS["cyclegan"], "identity", 5.0)


@pytest.fixture
def often_renewed(monkeypatch):
    """A deep Q-network whose target moves within the first twenty steps."""
    monkeypatch.setattr("needle_edu.training.applications.dqn.RENEWED", 4)
