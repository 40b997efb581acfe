"""Parts of the benchmark: jobs that train models, and their errors on utterances to judge."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, final

import numpy as np

from benchmarks.speech.prompts import LANGUAGES, Prompt, prompts, read_spoken, shuffled
from benchmarks.speech.speed import measure_speed
from benchmarks.speech.voices import VOICES, say, vocabulary
from fourfold.core.transcripts.edits import count_edits
from fourfold.methods import find
from fourfold.training.recipe import SPEECH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourfold import Domain

    Record: TypeAlias = dict[str, Any]

__all__ = ["PARTS", "Job", "jobs"]

SYNTHETIC: Final = ("en", "es", "fr", "ru")
FIFTH: Final = "it"
LONG: Final = SPEECH.but(max_steps=6000)
"""Recipe beside a source of many utterances."""
AGAIN: Final = SPEECH.but(epochs=30, min_steps=300, learning_rate=1e-3)
"""Recipe of a second training, of each language by itself."""


@final
class Job(NamedTuple):
    """One training or a few, with the same seed; the record holds the errors of each model."""

    part: str
    name: str
    seed: int
    run: Callable[[], Record]

    @property
    def key(self) -> str:
        """The name of its record."""
        return f"{self.part}-{self.name}-{self.seed}"


def errors(models: Mapping[str, Any], judged: Domain) -> Record:
    """Count the errors of models on each utterance, in characters and words, beside its length."""
    found: Record = {"models": {}}
    for name, model in models.items():
        task = model.task_
        true, heard = task.texts(judged.known), model.predict(judged.rows).tolist()
        letters, words = (count_edits(true, heard, unit) for unit in ("characters", "words"))
        found |= {"lengths": letters.lengths.tolist(), "word_lengths": words.lengths.tolist()}
        edits = {"edits": letters.edits.tolist(), "word_edits": words.edits.tolist()}
        found["models"][name] = edits
    return found


def fit(name: str, seed: int, learnt: Domain, source: Any = None, **options: Any) -> Any:
    """Fit a method, by its name, to a domain."""
    return find(name).load()(random_state=seed, **options).fit(learnt, source=source)


# --- languages ----------------------------------------------------------------------------------


class Sets(NamedTuple):
    """Prompts of each language to learn from, and to judge on."""

    learnt: dict[str, list[Prompt]]
    judged: dict[str, list[Prompt]]


def real(n: int, seed: int) -> Sets:
    """Draw n real prompts of each language; the rest judges."""
    drawn = {name: shuffled(prompts(name), seed) for name in LANGUAGES}
    return Sets({k: of[:n] for k, of in drawn.items()}, {k: of[n:] for k, of in drawn.items()})


def synthetic(names: tuple[str, ...], n: int, seed: int) -> Sets:
    """Let six voices say n phrases of each language; two others say other words to judge."""
    turn = [*VOICES[seed % 4 :], *VOICES[: seed % 4]]
    held, taught = (turn[0], turn[4]), tuple(v for v in VOICES if v not in {turn[0], turn[4]})
    learnt, judged = {}, {}
    for at, name in enumerate(names):
        words = np.random.default_rng(seed).permutation(vocabulary(name)).tolist()
        new = len(words) // 4
        learnt[name] = say(name, taught, words[new:], n, 100 * seed + at)
        judged[name] = say(name, held, words[:new], 120, 100 * seed + at + 50)
    return Sets(learnt, judged)


def _read(sets: Sets, mark: str) -> tuple[dict[str, Domain], dict[str, Domain]]:
    every = {f"{k}-{mark}": v for k, v in sets.learnt.items()}
    every |= {f"{k}-{mark}-judged": v for k, v in sets.judged.items()}
    read = read_spoken(every)
    return (
        {k: read[f"{k}-{mark}"] for k in sets.learnt},
        {k: read[f"{k}-{mark}-judged"] for k in sets.judged},
    )


def alone(draw: Callable[[int], Sets], language: str, seed: int) -> Record:
    """Train a language alone, and once more."""
    learnt, judged = _read(draw(seed), f"a{seed}")
    model = fit("TargetOnly", seed, learnt[language])
    again = fit("FineTune", seed, learnt[language], model, recipe=AGAIN)
    return {language: errors({"alone": model, "alone_again": again}, judged[language])}


def together(draw: Callable[[int], Sets], seed: int) -> Record:
    """Train all languages on shared layers, with a head each; from there, each by itself."""
    learnt, judged = _read(draw(seed), f"t{seed}")
    joint = find("MultiTask").load()(random_state=seed).fit(learnt)
    found = {}
    for name, own in learnt.items():
        again = fit("FineTune", seed, own, joint.of(name), recipe=AGAIN)
        models = {"together": joint.of(name), "together_again": again}
        found[name] = errors(models, judged[name])
    return found


def new_language(draw: Callable[[int], Sets], language: str, rows: int, seed: int) -> Record:
    """Train a language with few prompts: alone, and from the others' model."""
    learnt, judged = _read(draw(seed), f"n{seed}")
    few = learnt.pop(language).subset(np.arange(rows))
    others = list(learnt.values())
    names = "TargetOnly", "FineTune"
    models = {name: fit(name, seed, few, others, recipe=LONG) for name in names}
    return {language: errors(models, judged[language])}


# --- devices and voices -------------------------------------------------------------------------


def device(language: str, seed: int) -> Record:
    """Adapt a recognizer of one codec to another one, without transcripts of it."""
    order = np.random.default_rng(seed).permutation(len(prompts(language)))
    of = {kind: [prompts(language, kind)[at] for at in order] for kind in ("wav", "gsm")}
    parts = {
        "wav": of["wav"][:200],
        "gsm": of["gsm"][:200],
        "new": of["gsm"][200:300],
        "judged": of["gsm"][300:],
    }
    read = read_spoken({f"{language}-{k}-{seed}": v for k, v in parts.items()})
    wav, gsm, new, judged = read.values()
    models = {"gsm": fit("TargetOnly", seed, gsm, recipe=LONG)}
    for name in ("SourceOnly", "AdaBN", "PseudoLabel"):
        models[name] = fit(name, seed, new.unlabelled(), wav, recipe=LONG)
    return {language: errors(models, judged)}


def _voices(seed: int) -> tuple[Domain, Domain, Domain]:
    """Return seven voices, the eighth with 20 utterances, and others of it to judge."""
    own = VOICES[seed % len(VOICES)]
    words = np.random.default_rng(seed).permutation(vocabulary("en")).tolist()
    others = tuple(voice for voice in VOICES if voice != own)
    sets = {
        f"voices-{seed}": say("en", others, words[100:], 420, seed),
        f"voice-{seed}": say("en", (own,), words[100:], 20, seed + 50),
        f"voice-{seed}-judged": say("en", (own,), words[:100], 120, seed + 90),
    }
    many, few, judged = read_spoken(sets).values()
    return many, few, judged


def voice(seed: int) -> Record:
    """Adapt a recognizer of seven voices to the eighth."""
    many, few, judged = _voices(seed)
    names = "SourceOnly", "FineTune", "KLAdaptation", "L2SP"
    models = {name: fit(name, seed, few, many, recipe=LONG) for name in names}
    return {"en": errors(models, judged)}


def layers_of_voice(seed: int) -> Record:
    """Try which layers should be kept for a new voice."""
    many, few, judged = _voices(seed)
    return _layers(many, few, judged, seed)


def layers_of_language(seed: int) -> Record:
    """Try which layers should be kept for a new language."""
    learnt, judged = _read(real(100, seed), f"l{seed}")
    few = learnt.pop(FIFTH)
    return _layers(list(learnt.values()), few, judged[FIFTH], seed)


def _layers(source: Any, few: Domain, judged: Domain, seed: int) -> Record:
    model = fit("LayerTransfer", seed, few, source, recipe=LONG, n_splits=1)
    curve = model.curve_
    found = errors({"LayerTransfer": model}, judged)
    return {"layers": found, "curve": {"x": list(curve.x), "lines": dict(curve.lines)}}


# --- all ----------------------------------------------------------------------------------------

REAL, MANY = partial(real, 100), partial(real, 330)
SPOKEN: Final = partial(synthetic, SYNTHETIC, 200)
FIVE: Final = partial(synthetic, (*SYNTHETIC, FIFTH), 400)

PARTS: Final[Mapping[str, Mapping[str, Callable[[int], Record]]]] = {
    "prompts": {
        "together": partial(together, REAL),
        **{name: partial(alone, REAL, name) for name in LANGUAGES},
    },
    "few": {name: partial(new_language, MANY, name, 50) for name in ("it", "ru")},
    "voice": {"en": voice},
    "device": {name: partial(device, name) for name in ("it", "fr", "en")},
    "speed": {"one": lambda _seed: measure_speed()},
    "synthetic": {
        "together": partial(together, SPOKEN),
        **{name: partial(alone, SPOKEN, name) for name in SYNTHETIC},
    },
    "fifth": {FIFTH: partial(new_language, FIVE, FIFTH, 400)},
    "layers": {"voice": layers_of_voice, "language": layers_of_language},
    "all_prompts": {
        "together": partial(together, MANY),
        **{name: partial(alone, MANY, name) for name in LANGUAGES},
    },
}
"""Part → the name of a job → the job, from its seed; what matters most comes first."""
ONCE: Final = {"speed", "layers", "all_prompts"}
"""Parts of one seed."""


def jobs(parts: list[str], seeds: int) -> list[Job]:
    """List the jobs of some parts, the first seed of all before the second one."""
    return [
        Job(part, name, seed, partial(run, seed))
        for seed in range(seeds)
        for part in parts
        for name, run in PARTS[part].items()
        if part not in ONCE or not seed
    ]


def timed(job: Job) -> Record:
    """Run a job, and note its seconds on the processor."""
    began = time.process_time()
    found = job.run()
    return {"part": job.part, "name": job.name, "seed": job.seed, "found": found} | {
        "seconds": round(time.process_time() - began, 1)
    }
