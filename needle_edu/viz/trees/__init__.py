"""`viz.modules`: a tree of modules that can be looked at, and changed."""
