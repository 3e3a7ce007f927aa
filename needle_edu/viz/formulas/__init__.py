"""A formula as a graph whose values and gradients move with sliders (`viz.expression`)."""
