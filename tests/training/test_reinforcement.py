"""The replay buffer, episodes that can be left and entered again, and the deep Q-network that learns from both."""

import sys
import warnings

import numpy as np
import pytest

from needle_edu import checkpoints, training
from needle_edu.backend import DataError, ShapeError
from needle_edu.cli import main
from needle_edu.training.applications import dqn
from needle_edu.training.episodes import Episodes, mean_return, world
from needle_edu.training.replay import Replay
from tests.training.making import made

WORLD = "CartPole-v1"


def filled(capacity, count):
    """Transition k has k everywhere; every third one is an end."""
    replay = Replay(capacity, (2,))
    for k in range(count):
        replay.store([k, -k], k, k / 2, [k + 1, -k - 1], k % 3 == 0)
    return replay


def test_the_oldest_goes():
    replay = filled(5, 12)
    assert len(replay) == 5 and replay.stored == 12
    kept = replay.kept
    assert sorted(kept.actions) == [7, 8, 9, 10, 11]
    np.testing.assert_array_equal(kept.states, np.stack([kept.actions, -kept.actions], 1))
    np.testing.assert_array_equal(kept.next_states, np.stack([kept.actions + 1, -kept.actions - 1], 1))
    np.testing.assert_array_equal(kept.rewards, kept.actions / 2)
    np.testing.assert_array_equal(kept.ended, kept.actions % 3 == 0)
    assert [field.dtype.name for field in kept] == ["float32", "int64", "float32", "float32", "bool"]


def test_what_is_drawn_was_stored_and_all_of_it_is_drawn():
    replay = filled(50, 7)
    np.random.seed(0)
    drawn = replay.sample(400)
    assert set(drawn.actions) == set(range(7))  # no row that was never written
    np.testing.assert_array_equal(drawn.states[:, 0], drawn.actions)
    np.testing.assert_array_equal(drawn.ended, drawn.actions % 3 == 0)
    np.random.seed(0)
    np.testing.assert_array_equal(replay.sample(400).actions, np.random.RandomState(0).randint(0, 7, 400))


def test_what_was_drawn_does_not_change_with_the_buffer():
    replay = filled(4, 4)
    drawn = replay.sample(20)
    before = drawn.states.copy()
    for _ in range(4):
        replay.store([99, 99], 0, 0.0, [99, 99], False)
    np.testing.assert_array_equal(drawn.states, before)


@pytest.mark.parametrize("count", [0, 3, 5, 12])
def test_a_buffer_comes_back_from_a_checkpoint(tmp_path, count):
    replay, other = filled(5, count), filled(5, 2)
    checkpoints.save(tmp_path / "r.npz", replay=replay)
    checkpoints.load(tmp_path / "r.npz", replay=other)
    assert (other.stored, len(other)) == (count, min(count, 5))
    for both in (replay, other):
        both.store([1, 2], 1, 1.0, [3, 4], True)
    for mine, wanted in zip(other.kept, replay.kept, strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_a_buffer_of_another_size_is_refused():
    small = filled(4, 4)
    with pytest.raises(
        DataError, match=r"Replay.load_state_dict: states: got shape \(5, 2\), wanted \(4, 2\)"
    ):
        small.load_state_dict(filled(5, 9).state_dict())
    assert sorted(small.kept.actions) == [0, 1, 2, 3]


def test_a_buffer_says_what_is_wrong():
    with pytest.raises(ValueError, match="Replay: capacity is a whole number of at least 1, got 0"):
        Replay(0, (2,))
    with pytest.raises(DataError, match="Replay.sample: nothing is stored yet"):
        Replay(3, (2,)).sample(1)
    with pytest.raises(ValueError, match="Replay.sample: count is a whole number of at least 1, got 0"):
        filled(3, 2).sample(0)
    for state, following in (([1, 2, 3], [1, 2]), ([1, 2], [1])):
        with pytest.raises(ShapeError, match=r"Replay.store: got a state of shape \(\d,\), wanted \(2,\)"):
            filled(3, 2).store(state, 0, 0.0, following, False)


class Spy:
    """A world that insists on a reset after each end."""

    def __init__(self, inner):
        self.inner, self.over, self.ends = inner, True, 0
        self.action_space = inner.action_space

    def reset(self, **options):
        self.over = False
        return self.inner.reset(**options)

    def step(self, action):
        assert not self.over, "stepped after the end"
        told = self.inner.step(action)
        self.over = told[2] or told[3]
        self.ends += self.over
        return told


@pytest.fixture
def spies(monkeypatch):
    made = []

    def spy(name):
        made.append(Spy(world(name)))
        return made[-1]

    monkeypatch.setattr("needle_edu.training.episodes.world", spy)
    return made


def test_no_world_is_stepped_in_after_its_end(spies):
    """Gymnasium only warns then, and gives reward 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training.run("dqn", small=True, epochs=2, progress=False)
        mean_return(WORLD, lambda states: np.ones(len(states), int), 7, seed=0)
    assert sum(spy.ends for spy in spies) > 50


def test_an_episode_played_alone(spies):
    np.random.seed(5)
    episodes = Episodes(WORLD)
    alone, seeds = world(WORLD), np.random.RandomState(5)
    state, _ = alone.reset(seed=int(seeds.randint(0, 2**31 - 1)))
    total, returns = 0.0, []
    for k in range(100):
        np.testing.assert_array_equal(episodes.state, state)
        played = episodes.play(k % 2)
        following, reward, over, late, _ = alone.step(k % 2)
        assert (played.action, played.reward, played.ended) == (k % 2, reward, over)
        np.testing.assert_array_equal(played.state, state)
        np.testing.assert_array_equal(played.next_state, following)  # the last one, not the next beginning
        state, total = following, total + reward
        if over or late:
            returns.append(total)
            total, (state, _) = 0.0, alone.reset(seed=int(seeds.randint(0, 2**31 - 1)))
    assert episodes.returns == returns and len(returns) > 1


def test_when_only_the_time_is_over_it_is_no_end(monkeypatch):
    gymnasium = pytest.importorskip("gymnasium")
    short = gymnasium.make(WORLD, max_episode_steps=5)
    monkeypatch.setattr("needle_edu.training.episodes.world", lambda name: short)
    episodes = Episodes(WORLD)
    assert [episodes.play(k % 2).ended for k in range(12)] == [False] * 12
    assert episodes.returns == [5.0, 5.0]


def test_left_and_entered_again_it_is_the_same_episode(tmp_path):
    episodes = Episodes(WORLD)
    for k in range(25):
        episodes.play(k % 2)
    checkpoints.save(tmp_path / "e.npz", episodes=episodes, random=checkpoints.RandomNumbers())
    rest = [episodes.play(k % 2) for k in range(60)]
    other = Episodes(WORLD)
    other.play(1)
    checkpoints.load(tmp_path / "e.npz", episodes=other, random=checkpoints.RandomNumbers())
    for wanted in rest:
        for mine, theirs in zip(other.play(wanted.action), wanted, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert other.returns == episodes.returns and len(episodes.returns) > 1


def test_an_episode_of_another_world_is_refused():
    episodes = Episodes(WORLD)
    saved = episodes.state_dict()
    with pytest.raises(
        DataError, match=r"played again, the episode ended after \d+ steps of 400; another version"
    ):
        episodes.load_state_dict({**saved, "done": np.ones(400, int)})


def test_mean_return_is_that_of_episodes_played_one_by_one():
    def policy(states):
        return (states[:, 2] > 0).astype(int)

    returns = []
    for seed in range(8, 14):
        alone = world(WORLD)
        (state, _), total, over = alone.reset(seed=seed), 0.0, False
        while not over:
            state, reward, terminated, truncated, _ = alone.step(policy(state[None])[0])
            total, over = total + reward, terminated or truncated
        returns.append(total)
    before = np.random.get_state()[1].copy()
    assert mean_return(WORLD, policy, 6, seed=8) == np.mean(returns) and len(set(returns)) > 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_it_learns_to_balance():
    """195 is what the task calls solved; docs/applications.md says what the whole training reaches.

    When within its epochs depends on how a machine rounds.
    """
    app, returns = made("dqn"), []
    for _ in range(app.settings.epochs):
        for number in app.batches():
            app.step(number)
        metrics = app.evaluate()
        returns.append(metrics["return"])
        if metrics["best return"] >= 195:
            break
    assert metrics["best return"] >= 195 and returns[0] < 195
    assert app.best.chosen_by == max(returns)
    for _ in range(5):
        app.step(None)
    again = mean_return(WORLD, lambda states: app.act(states, app.best.network), 100, dqn.TESTED_BY)
    assert again == metrics["best return"]  # a copy, which learns no more
    q = app.values(app.replay.sample(500).states).numpy()
    assert 0 < q.mean() < 100  # 100 is the largest that there can be


def test_the_target_holds_still_until_it_is_renewed(monkeypatch):
    monkeypatch.setattr(dqn, "RENEWED", 3)
    app = made("dqn", small=True)
    weights = lambda network: [parameter.numpy().copy() for parameter in network.parameters()]  # noqa: E731
    before = weights(app.target)
    for k in range(1, 7):
        app.step(None)
        after = weights(app.target)
        same = all((a == b).all() for a, b in zip(before, after, strict=True))
        assert same == (k % 3 != 0), k
        if not same:
            assert all((a == b).all() for a, b in zip(after, weights(app.model), strict=True))
        before = after


def test_without_gymnasium_it_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    assert main(["train", "dqn", "--out", str(tmp_path / "run"), "--no-progress"]) == 2
    assert capsys.readouterr().err == (
        "needle-edu train: a world to play in needs the package gymnasium: "
        "python -m pip install 'needle_edu[rl]'\n"
    )
    assert not (tmp_path / "run").exists()


def test_its_picture_shows_returns_and_what_it_would_do():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    app = made("dqn", small=True)
    app.picture(figure, None)
    left, right, bar = figure.axes
    np.testing.assert_array_equal(left.get_lines()[0].get_ydata(), app.episodes.returns)
    assert left.get_xlabel() == "episode" and right.get_xlabel() == "angle of the pole"
    assert bar.get_ylabel() == "Q(right) - Q(left)"
