"""Methods on transcripts: each learns them, is saved, and adapts; languages share layers."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest

from fourfold import (
    L2SP,
    AdaBN,
    Domain,
    FineTune,
    KLAdaptation,
    LayerTransfer,
    Linear,
    MultiTask,
    ProgressiveNetwork,
    PseudoLabel,
    SourceOnly,
    TargetOnly,
    load,
)
from fourfold.bundle import export, save
from fourfold.core.tasks import Transcription
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.posing import pose
from fourfold.estimators.warm_start import onward, warm_start
from fourfold.networks import Listener, Mlp
from fourfold.readers import read_domain, read_domains
from fourfold.training.recipe import SPEECH
from tones import phrases, write_tones

NET = Listener(width=32, blocks=3, kernel=7, dropout=0.0, time_masks=0, band_masks=0)
LONG = SPEECH.but(epochs=1, min_steps=160, learning_rate=1e-2)
SHORT = LONG.but(min_steps=15)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Return a people's speech, a few phrases of another voice, and more of that one to judge."""
    root = tmp_path_factory.mktemp("spoken")
    folders = [
        write_tones(root / "many", phrases(40, 0)),
        write_tones(root / "few", phrases(8, 1), pitch=1.12),
        write_tones(root / "judged", phrases(25, 2), pitch=1.12),
        write_tones(root / "other", phrases(20, 3, "aeiouä")),
    ]
    return read_domains(folders)


@pytest.fixture(scope="module")
def tuned(spoken):
    many, few, *_ = spoken
    return FineTune(network=NET, recipe=LONG).fit(few, source=many)


def test_fine_tuning_beats_a_network_of_few_phrases(spoken, tuned):
    _, few, judged, _ = spoken
    alone = TargetOnly(network=NET, recipe=LONG).fit(few)
    ours, theirs = (m.score(judged.rows, judged.y) for m in (tuned, alone))
    assert ours > 0.8
    assert ours > theirs


@pytest.mark.parametrize(("steps", "share"), [(160, 0.1), (1, 1.0)])
def test_a_source_that_knows_the_words_is_trained_on_at_a_tenth_of_the_rate(spoken, steps, share):
    many, few, *_ = spoken
    problem = pose(FineTune(network=NET, recipe=LONG.but(steps=steps)), few, [many])
    recipe = onward(problem, warm_start(problem))
    assert recipe.learning_rate == pytest.approx(share * LONG.learning_rate)


def test_several_languages_get_more_passes_in_batches_of_usual_size(spoken):
    recipe = MultiTask().member(spoken[1], NET, None, 3).recipe
    assert (recipe.batch_size, recipe.epochs) == (3, 3 * SPEECH.epochs)


def test_an_utterance_is_heard_alike_alone_and_among_others(spoken, tuned):
    rows = spoken[2].rows
    together, alone = tuned.outputs(rows), tuned.outputs(rows.subset(np.array([3])))
    np.testing.assert_array_equal(together[3], alone[0])
    assert tuned.embed(rows).shape == (25, 32)


def test_a_saved_model_hears_the_same(spoken, tuned, tmp_path):
    rows = spoken[2].rows
    save(tuned, tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.predict(rows).tolist() == tuned.predict(rows).tolist()
    assert isinstance(again.task_, Transcription)
    fine = L2SP(recipe=SHORT).fit(spoken[1], source=again)
    assert fine.task_.symbols_ == tuned.task_.symbols_


def test_an_exported_model_gives_log_probabilities_of_frames(spoken, tuned, tmp_path):
    rows = spoken[2].rows
    export(tuned, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    symbols = session.get_modelmeta().custom_metadata_map["symbols"]
    assert json.loads(symbols) == tuned.task_.symbols_
    (found,) = session.run(None, {"input": tuned.onnx_input(rows)})
    for ours, theirs in zip(tuned.outputs(rows), found, strict=True):
        np.testing.assert_allclose(theirs[: len(ours)], ours, atol=2e-4)
    assert tuned.task_.decode(found).tolist() == tuned.predict(rows).tolist()


@pytest.mark.parametrize(
    "method",
    [
        SourceOnly(network=NET, recipe=SHORT),
        KLAdaptation(network=NET, recipe=SHORT),
        L2SP(network=NET, recipe=SHORT),
        AdaBN(network=NET, recipe=SHORT),
        PseudoLabel(network=NET, recipe=SHORT, rounds=2),
        ProgressiveNetwork(network=NET, recipe=SHORT, measure=True),
        LayerTransfer(network=NET, recipe=SHORT, copy=-2),
    ],
    ids=lambda method: type(method).__name__,
)
def test_methods_learn_transcripts(method, spoken):
    many, few, judged, _ = spoken
    needed = few if method.needs.target_labels else few.unlabelled()
    found = method.fit(needed, source=many).predict(judged.rows)
    assert found.shape == (25,)
    assert all(isinstance(text, str) for text in found)


def test_layers_are_tried_from_both_ends(spoken):
    many, few, *_ = spoken
    small = Listener(width=8, blocks=1)
    model = LayerTransfer(network=small, recipe=SHORT.but(min_steps=4), n_splits=1)
    curve = model.fit(few, source=many).curve_
    assert curve.up == "1 − character error rate"
    assert len(curve.x) == 4  # none, the sound, the block, the head
    assert len(curve.lines) == 4


def test_longer_utterances_are_heard_but_not_exported(tuned, tmp_path):
    folder = write_tones(tmp_path / "long", ["aeiou " * 6])
    (long,) = read_domains([folder])
    assert tuned.predict(long.rows)[0].startswith("ae")
    with pytest.raises(DataError, match=r"must last at most 1\.5 s for the exported model"):
        tuned.onnx_input(long.rows)


def test_letters_that_both_languages_have_are_taken_over(spoken):
    many, *_, other = spoken
    source = SourceOnly(network=NET, recipe=SHORT).fit(other.unlabelled(), source=other)
    still = SHORT.but(min_steps=1, learning_rate=1e-9)
    model = FineTune(recipe=still).fit(many, source=source)
    assert model.task_.symbols_ == source.task_.symbols_  # also "ä", which many lacks
    few = FineTune(recipe=still, head="new").fit(many, source=source)
    assert "ä" not in few.task_.symbols_


def test_languages_that_are_read_apart_may_differ_in_length(spoken, tmp_path):
    many, few, judged, _ = spoken
    short = read_domain(write_tones(tmp_path / "short", ["ae", "ou", "ii"] * 3))
    assert short.rows.shape != many.rows.shape
    (only, *_) = MultiTask.candidates({"one": many, "two": short})
    assert only.share == "input"
    joint = MultiTask(network=NET, recipe=SHORT).fit({"one": many, "two": short})
    assert joint.predict(short.rows, task="two").shape == (9,)
    tuned = FineTune(network=NET, recipe=SHORT).fit(few, source=[many, short])
    assert tuned.predict(judged.rows).shape == (25,)


@pytest.mark.parametrize("share", ["input", "middle"])
def test_languages_share_layers_with_a_head_each(spoken, share):
    many, *_, other = spoken
    sizes = {} if share == "input" else {"width": 32, "middle": (32,)}
    joint = MultiTask(network=NET, recipe=SHORT, share=share, **sizes)
    joint.fit({"one": many, "two": other})
    assert joint.of("one").task_.n_outputs == 7
    assert joint.of("two").task_.n_outputs == 8
    assert joint.predict(other.rows, task="two").shape == (20,)


def test_pseudo_labels_are_the_surest_transcripts(spoken, tuned):
    outputs = tuned.outputs(spoken[2].rows)
    guess, sure = tuned.task_.guesses(outputs)
    assert tuned.task_.decode_labels(guess).tolist() == tuned.predict(spoken[2].rows).tolist()
    assert ((sure > 0) & (sure <= 1)).all()


def test_methods_of_one_label_a_row_refuse_transcripts(spoken):
    with pytest.raises(DataError, match=r"Linear must have one label a row.*got transcripts"):
        Linear().fit(spoken[1])


def test_a_network_of_rows_is_refused(spoken):
    with pytest.raises(ParameterError, match=r"features of each frame, as Listener does.*got Mlp"):
        TargetOnly(network=Mlp()).fit(spoken[1])
    with pytest.raises(ParameterError, match="got Listener for a classifier"):
        TargetOnly(network=NET).fit(np.zeros((8, 40, 30)), [0, 1] * 4)


def test_a_fisher_matrix_of_frames_is_refused(spoken):
    with pytest.raises(ParameterError, match="fisher=True must stand beside one label a row"):
        L2SP(network=NET, recipe=SHORT, fisher=True).fit(spoken[1], source=spoken[0])


def test_letters_that_the_source_lacks_are_named(spoken):
    many, *_, other = spoken
    with pytest.raises(DataError, match="got also 'ä' in"):
        KLAdaptation(network=NET, recipe=SHORT).fit(other, source=many)


def test_sounds_to_classify_do_not_fit_a_model_of_transcripts(spoken, tuned):
    with pytest.raises(DataError, match="must be given speech to transcribe"):
        tuned.predict(Domain(np.zeros((2, *spoken[0].rows.shape))).rows)
