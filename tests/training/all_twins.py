"""The twin of every application that is no classifier, by name."""

from tests.training import sequence_twins, torch_twins

TWINS = torch_twins.TWINS | sequence_twins.TWINS
