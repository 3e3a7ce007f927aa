"""A small network, points in a plane, and every step of it (`viz.playground`)."""
