"""Homework 2, a library for networks: see homework_tests.py."""

from .homework_tests import HomeworkTests


class TestHomework2(HomeworkTests, homework="hw2"):
    withheld = ("q1", "q3", "q4")
    slips = [
        ("q1", "class Linear(nn.Module):\n    def __init__(self, **sizes): pass", "has no attribute 'weight'"),
        ("q1", "class Linear:\n    def __init__(self, **sizes): pass", "it returned a Linear; wanted an nn.Module"),
        ("q4", "class Dropout(nn.ReLU):\n    def __init__(self, p): pass\n    forward = print", "it returned None"),
    ]  # fmt: skip
