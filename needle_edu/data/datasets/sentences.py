"""Made-up sentences, right and wrong: a small grammar of English that writes what a network can learn to judge.

Nobody ever said these sentences: this file makes them, always the same ones, where no corpus of real judgments (CoLA)
is at hand. Each is made with one of six rules in mind, and half of them break it, in one place. A right and a wrong
sentence are drawn alike, so nothing but the rule tells them apart, and guessing is right half of the time. The rules
are not equally hard: "this boys" is seen in two words, but in "the boys near the tall house sleeps" the words that
disagree stand far apart.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ...backend.arguments import switch
from ...backend.errors import DataError
from ...backend.random import generator
from ..dataset import Dataset

RULES = {  # a name, and a sentence that breaks the rule
    "determiner": "this boys sleep now",
    "order": "the boy tall sleeps now",
    "auxiliary": "the boy will sleeps now",
    "agreement": "the boys sleeps now",
    "far agreement": "the boys near the tall house sleeps now",
    "reflexive": "the tall boy has seen herself today",
}
SENTENCES = {True: 6000, False: 1200}

# Numbers: index 0 is singular, 1 is plural.
DETERMINERS = (("this", "that", "every", "each"), ("these", "those", "many", "some"))
PEOPLE = (
    ("boy", "boys", "himself"), ("girl", "girls", "herself"), ("man", "men", "himself"), ("woman", "women", "herself"),
    ("king", "kings", "himself"), ("queen", "queens", "herself"), ("father", "fathers", "himself"),
    ("mother", "mothers", "herself"), ("brother", "brothers", "himself"), ("sister", "sisters", "herself"),
)  # fmt: skip
THINGS = (
    ("house", "houses"), ("garden", "gardens"), ("tree", "trees"), ("river", "rivers"), ("table", "tables"),
    ("window", "windows"), ("bridge", "bridges"), ("door", "doors"),
)  # fmt: skip
ADJECTIVES = ("tall", "small", "young", "kind", "quiet", "famous", "new", "lovely")
PREPOSITIONS = ("near", "behind", "beside", "from")
ENDINGS = ("now", "today", "again", "there", "often")
INTRANSITIVE = (  # plural or after "will", singular, after "has" and "have"
    ("sleep", "sleeps", "slept"), ("sing", "sings", "sung"), ("dance", "dances", "danced"),
    ("wait", "waits", "waited"), ("work", "works", "worked"), ("sit", "sits", "sat"),
)  # fmt: skip
TRANSITIVE = (
    ("see", "sees", "seen"), ("know", "knows", "known"), ("draw", "draws", "drawn"), ("hide", "hides", "hidden"),
    ("praise", "praises", "praised"), ("help", "helps", "helped"),
)  # fmt: skip


def sentence(rule: str, broken: bool, rng: Any) -> str:
    """One sentence to which `rule` applies, and which breaks it if `broken`.

    Parameters
    ----------
    rule : str
        One of `RULES`.
    broken : bool
        The same state of `rng` gives the same sentence but for the place that breaks the rule.
    rng : numpy.random.RandomState

    Raises
    ------
    DataError
        If there is no such rule.

    Examples
    --------
    >>> sentence("agreement", False, generator(1)), sentence("agreement", True, generator(1))
    ('the lovely brothers sit today', 'the lovely brothers sits today')
    """
    if rule not in RULES:
        raise DataError(f"sentence: there is no rule {rule!r}; the rules are {', '.join(RULES)}")

    def pick(choices: Any) -> Any:
        return choices[rng.randint(len(choices))]

    # Who: a determiner, perhaps an adjective, a person or more, perhaps a place.
    plural = rng.randint(2)
    person = pick(PEOPLE)
    usable = 2 if rule == "reflexive" else 4  # "every boy ... themselves" is good English
    determiners = pick(DETERMINERS[0][:usable]), pick(DETERMINERS[1])
    number = 1 - plural if broken and rule == "determiner" else plural
    determiner = "the" if rule != "determiner" and rng.randint(2) else determiners[number]
    subject = [pick(ADJECTIVES), person[plural]] if rule == "order" or rng.randint(2) else [person[plural]]
    if broken and rule == "order":
        subject.reverse()
    place = [pick(PREPOSITIONS), *_something(rng)]
    if rule == "agreement" or (rule != "far agreement" and rng.randint(3)):
        place = []

    # Does what: now, or with "has" or "will"; to whom.
    verb, objects = pick(INTRANSITIVE), []
    if rule == "reflexive" or rng.randint(2):
        verb, objects = pick(TRANSITIVE), _something(rng)
    if rule == "reflexive":
        right = "themselves" if plural else person[2]
        other = pick([word for word in ("himself", "herself", "themselves") if word != right])
        objects = [other if broken else right]
    number = 1 - plural if broken and rule.endswith("agreement") else plural
    tense = pick({"auxiliary": ("has", "will"), "agreement": ("now", "has"), "far agreement": ("now", "has")}
                 .get(rule, ("now", "has", "will")))  # fmt: skip
    base, with_s, participle = verb
    if tense == "now":
        verbs = [base if number else with_s]
    elif tense == "has":
        wrong = broken and rule == "auxiliary"
        verbs = ["have" if number else "has", base if wrong else participle]
    else:
        verbs = ["will", with_s if broken and rule == "auxiliary" else base]
    return " ".join([determiner, *subject, *place, *verbs, *objects, pick(ENDINGS)])


def _something(rng: Any) -> list[str]:
    """Such as "the new trees"."""
    adjective = [ADJECTIVES[rng.randint(len(ADJECTIVES))]] if rng.randint(2) else []
    return ["the", *adjective, THINGS[rng.randint(len(THINGS))][rng.randint(2)]]


class SentencesDataset(Dataset):
    """Item i is (a made-up sentence, 1 if it is right and 0 if it is wrong), as in `CoLADataset`.

    Parameters
    ----------
    train : bool
        6,000 sentences to learn from, or 1,200 others to test with; of each rule the same number, half of them right.

    Attributes
    ----------
    rules : list of str
        The rule that each sentence keeps or breaks.

    Examples
    --------
    >>> sentences = SentencesDataset(train=False)
    >>> len(sentences), sentences[0], sentences.rules[0]
    (1200, ('the new kings has helped the gardens today', 0), 'agreement')
    """

    def __init__(self, train: bool):
        super().__init__()
        switch("SentencesDataset", train=train)
        count = SENTENCES[True]
        chosen = _all()[:count] if train else _all()[count:]
        self.examples = [(text, label) for text, label, _ in chosen]
        self.rules = [rule for _, _, rule in chosen]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.examples[index]


@cache
def _all() -> list[tuple[str, int, str]]:
    """All sentences, no two alike, with label and rule; first those to learn from, then those to test with."""
    rng, seen, parts = generator(0), set[str](), []
    for count in SENTENCES.values():
        part = []
        for rule in RULES:
            for label in (0, 1):
                for _ in range(count // (2 * len(RULES))):
                    while (text := sentence(rule, not label, rng)) in seen:
                        pass
                    seen.add(text)
                    part.append((text, label, rule))
        rng.shuffle(part)
        parts += part
    return parts
