"""Stepping through a run: the facts of each step, told from its events (`narrator`), and the page that shows them."""
