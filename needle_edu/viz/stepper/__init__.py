"""Stepping through a run: the facts of each step, told from its events (`narrator`), and the page that shows them.

docs/stepper.md shows what it can do: breakpoints, causes, Jacobians, predictions, two runs compared.
"""
