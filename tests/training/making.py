"""How the tests make an application without training it."""

from needle_edu import init, training


def made(name, **settings):
    """As `training.run` begins: the seed, then the application with its settings."""
    kind = training.APPLICATIONS[name]
    settings = kind.settings_with(**settings)
    init.seed(settings.seed)
    return kind(settings)
