"""A folder of models trained on one's own labels in, those that are there out: category/, service/ and sentiment/.

`./huiyin train --task …` writes them; where one is absent, the shipped models and the lexicon judge alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from models.category import NAME as CATEGORY
from models.category import CategoryModel, load_category
from models.problems import ProblemModel, load_problems
from models.sentiment import NAME as SENTIMENT
from models.sentiment import SentimentModel, load_sentiment


class Models(NamedTuple):
    """The shipped models, sentiment corrected where there are corrections; one's own categories and services where trained."""

    sentiment: SentimentModel
    problems: ProblemModel | None = None
    category: CategoryModel | None = None
    service: CategoryModel | None = None


def load_models(artefacts: Path, own: Path | None) -> Models:
    """The models in `artefacts`, and those in `own` (None: none), which may lack any of them.

    Raises ArtefactError, naming the file, for one that does not fit the code.
    """
    if own is None:
        return Models(load_sentiment(artefacts), load_problems(artefacts))
    category, service, sentiment = own / "category", own / "service", own / "sentiment"
    return Models(
        load_sentiment(artefacts, sentiment if (sentiment / f"{SENTIMENT}.json").exists() else None),
        load_problems(artefacts),
        load_category(category) if (category / f"{CATEGORY}.json").exists() else None,
        load_category(service) if (service / f"{CATEGORY}.json").exists() else None,
    )
