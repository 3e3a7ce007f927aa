"""Which memory a run held, when, and why (`viz.memory`)."""
