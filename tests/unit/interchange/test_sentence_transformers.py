"""sentence-transformers opens an exported run, encodes with it, and runs its evaluators and a task of MTEB."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from m5kit.errors import BadItemsError
from m5kit.interchange.sentence_transformers import RunModule, write_sentence_transformers

sentence_transformers = pytest.importorskip("sentence_transformers")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return write_sentence_transformers(run, tmp_path_factory.mktemp("exported") / "shop")


@pytest.fixture(scope="module")
def model(folder):
    return sentence_transformers.SentenceTransformer(str(folder), trust_remote_code=True, device="cpu")


def near(found, expected):
    """Batches differ, so the last bits may."""
    return np.abs(found - expected).max() < 1e-5


def test_the_card_says_how_the_library_opens_the_folder(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert 'SentenceTransformer("FOLDER", trust_remote_code=True)' in card
    assert 'model.encode([{"audio": ..., "image": ...}])' in card
    assert card.count("## Use") == 1


def test_texts_and_their_prompts_are_encoded(model, run):
    texts = ["a red mug", "a blue pan with a lid", "x"]
    assert near(model.encode(texts), run.embed([{"text": text} for text in texts]))
    assert near(model.encode(texts[:1], prompt="query: "), run.embed([{"text": "query: a red mug"}]))
    assert model.encode("a red mug").shape == (run.width,)
    assert model.get_embedding_dimension() == run.width


def test_every_modality_and_any_mixture_is_encoded(model, run, items):
    whole = next(item for item in items if len(item) == len(run.modalities))
    assert near(model.encode([whole]), run.embed([whole]))
    mixture = {"text": "a red mug", "table": {"colour": "red"}}
    assert near(
        model.encode([mixture, {"table": {"colour": "red"}}]), run.embed([mixture, {"table": {"colour": "red"}}])
    )
    picture = Image.open(whole["image"])
    assert near(model.encode([picture]), run.embed([{"image": whole["image"]}]))
    samples, rate = soundfile.read(whole["audio"])
    assert near(model.encode([{"array": samples, "sampling_rate": rate}]), run.embed([{"audio": whole["audio"]}]))
    assert near(model.encode([str(whole["video"])]), run.embed([{"video": whole["video"]}]))
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    listed = {"array": [Image.fromarray(frame) for frame in frames], "video_metadata": {"fps": 4}}
    assert near(model.encode([listed]), run.embed([{"video": (frames, 4)}]))


def test_an_input_that_cannot_be_used_is_an_error(model):
    with pytest.raises(BadItemsError, match="the text is empty"):
        model.encode([""])


def test_the_folder_is_saved_again_as_it_was(model, run, tmp_path):
    model.save(str(tmp_path / "again"))
    again = sentence_transformers.SentenceTransformer(str(tmp_path / "again"), trust_remote_code=True, device="cpu")
    assert isinstance(again[0], RunModule)
    assert near(again.encode(["a red mug"]), run.embed([{"text": "a red mug"}]))


def test_its_evaluators_run(model):
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    corpus = {"a": "a red mug", "b": "a blue pan", "c": "a green rake"}
    evaluator = InformationRetrievalEvaluator(
        {"q": "a red mug"}, corpus, {"q": {"a"}}, accuracy_at_k=[1], precision_recall_at_k=[1], map_at_k=[3],
        mrr_at_k=[3], ndcg_at_k=[3], name="shop",
    )  # fmt: skip
    assert evaluator(model)["shop_cosine_accuracy@1"] == 1.0


@pytest.mark.filterwarnings("ignore")
def test_a_task_of_mteb_runs_offline(model):
    mteb = pytest.importorskip("mteb")
    from mteb.mocks import MockSTSTask

    result = mteb.evaluate(model, MockSTSTask(), cache=None, show_progress_bar=False)
    scores = result.task_results[0].scores["test"][0]
    assert -1 <= scores["cosine_spearman"] <= 1
