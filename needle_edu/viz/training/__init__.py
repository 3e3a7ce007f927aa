"""A board that shows a training while it runs (`viz.train`)."""
