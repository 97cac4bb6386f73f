"""`Policies`: who is answered by what, as it is now; a newly learned ranker takes over at once."""

from collections.abc import Iterator, Mapping

import msgspec

from core.config import fingerprint
from core.errors import ConfigError
from core.learning.model import Model
from core.policies.experiment_file import STATIC, WrittenExperiment, WrittenVariant, with_settings
from core.policies.experiments import Choice, Experiment, Variant, choose
from core.policies.policy import Policy

_WEIGHT = "RANKING_WEIGHTS_"


class Policies:
    """The static policy, what was learned in its place where there is any, and experiments."""

    def __init__(
        self,
        static: Policy,
        experiments: Mapping[str, WrittenExperiment] | None = None,
        models: Mapping[str, Model] | None = None,
    ) -> None:
        """`models` are those that the variants name, by their paths.

        Raises: ConfigError for settings that a variant cannot have.
        """
        self._static = static
        self._written = experiments or {}
        self._models = models or {}
        self.use(None)

    @property
    def base(self) -> Policy:
        """What answers who is in no experiment."""
        return self._base

    def choose(self, person: str) -> Choice:
        """What a person is answered by; empty: nobody in particular."""
        return choose(person, self._base, self._experiments)

    def use(self, model: Model | None) -> None:
        """From now on what was learned ranks; None: the static weights do."""
        base = _ranked_by(model, self._static)
        experiments = [self._experiment(name, one, model) for name, one in self._written.items()]
        self._base, self._experiments = base, experiments

    def _experiment(self, name: str, one: WrittenExperiment, model: Model | None) -> Experiment:
        variants = tuple(self._variants(name, one, model))
        return Experiment(name=name, salt=one.salt, share=one.share, variants=variants)

    def _variants(
        self, experiment: str, one: WrittenExperiment, model: Model | None
    ) -> Iterator[Variant]:
        for name, written in one.variants.items():
            own = model
            if written.ranker:
                own = None if written.ranker == STATIC else self._models[written.ranker]
            try:
                policy = _policy(name, written, self._static, own)
            except ConfigError as exc:
                raise ConfigError(f"experiments.{experiment}.variants.{name}: {exc}") from None
            yield Variant(name=name, share=written.share, policy=policy, shadow=written.shadow)


class _Version(msgspec.Struct, frozen=True):
    """What a variant's settings are laid over."""

    config_version: str


def _policy(name: str, written: WrittenVariant, static: Policy, model: Model | None) -> Policy:
    """What is written of a weight goes before what was learned of it."""
    if not written.settings:
        return msgspec.structs.replace(_ranked_by(model, static), name=name)
    config = with_settings(static.config, written.settings)
    version = fingerprint(config, _Version(static.config_version))
    own = msgspec.structs.replace(static, name=name, config=config, config_version=version)
    weights = [
        one.removeprefix(_WEIGHT).lower() for one in written.settings if one.startswith(_WEIGHT)
    ]
    learned = _ranked_by(model, own)
    if not weights:
        return learned
    kept = {one: getattr(config.weights, one) for one in weights}
    mixed = msgspec.structs.replace(learned.config.weights, **kept)
    return msgspec.structs.replace(
        learned, config=msgspec.structs.replace(learned.config, weights=mixed), posterior=None
    )


def _ranked_by(model: Model | None, policy: Policy) -> Policy:
    return policy if model is None else policy.with_model(model)
