"""What every front end asks: bytes in, a prediction out, whatever the weights are doing.

The checkpoint loads in a thread of its own, so that the page is up before PyTorch is. A predictor
can be replaced at any time; a batch that has begun finishes on the one it began with.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from moodlens.errors import BusyError, MoodLensError
from moodlens.pictures.reading import read_picture
from moodlens.pictures.seen import Seen, see
from moodlens.prediction import ModelInfo, Prediction
from moodlens.serving.batching import Batcher
from moodlens.serving.decoding import DecodingRoom
from moodlens.serving.library_pages import forget_library_pages
from moodlens.serving.memory import decoding_budget
from moodlens.serving.telemetry import Telemetry
from moodlens.serving.zero_gpu import is_zero_gpu, register
from moodlens.settings import Settings
from moodlens.weights.following import Follower, follow
from moodlens.weights.hub import locate
from moodlens.weights.reference import Located, locate_bundled

if TYPE_CHECKING:  # importing torch takes seconds, and the page should not wait for it
    from moodlens.model.predictor import Explanation, Predictor

logger = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed"]

_LOADING_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Status:
    """What the service is doing.

    Attributes:
        state: ``loading``, ``ready`` or ``failed``.
        model: which weights answer; None until they are there.
        notice: a sentence for the page when the weights are not those that were asked for.
    """

    state: State
    model: ModelInfo | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A predictor with what the page tells about it."""

    predictor: Predictor
    notice: str | None
    folder: Path
    license: str
    training: Any


class PredictionService:
    """One per process; both REST and the page use it.

    Args:
        settings: which checkpoint, how many threads, what limits.

    Attributes:
        settings: as given.
        telemetry: what every front end reports its requests to.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loaded: LoadedModel | None = None
        self._failure: str | None = None
        self._device = "cpu"
        self._device_notice: str | None = None
        self._settled = threading.Event()
        self._follower: Follower | None = None
        self._explain_on_gpu = register(wanted=settings.zero_gpu)
        self._decoding = DecodingRoom(decoding_budget(), settings.threads)
        self._watched: list[tuple[str, Callable[[], bool]]] = []
        self._loader = threading.Thread(target=self._load, name="moodlens-load", daemon=True)
        self._explain: Batcher[Image.Image, Explanation] = Batcher(
            self._explain_batch, max_waiting=settings.max_queue
        )
        self.telemetry = Telemetry(waiting=self._explain.waiting, model=lambda: self.status.model)

    def start(self) -> None:
        """Begin to load the checkpoint, without waiting for it."""
        self._loader.start()

    def close(self) -> None:
        """Answer what waits, then stop."""
        # Ending the process while another thread imports PyTorch would abort it.
        if self._loader.is_alive():
            self._loader.join(_LOADING_PATIENCE)
        if self._follower is not None:
            self._follower.close()
        self._decoding.close()
        self._explain.close()

    @property
    def status(self) -> Status:
        loaded = self._loaded
        if loaded is not None:
            return Status("ready", loaded.predictor.model, loaded.notice)
        if self._failure is not None:
            return Status("failed", None, self._failure)
        return Status("loading")

    @property
    def loaded(self) -> LoadedModel | None:
        """The weights that answer now, or None while they load."""
        return self._loaded

    def watch(self, trouble: str, is_well: Callable[[], bool]) -> None:
        """Have something looked at whenever the app is asked how it does.

        Args:
            trouble: the sentence for when it is not well.
            is_well: whether it is.
        """
        self._watched.append((trouble, is_well))

    @property
    def trouble(self) -> str | None:
        """What is not well with the app, beside its weights; None where all is."""
        return next((trouble for trouble, is_well in self._watched if not is_well()), None)

    def look_at(self, data: bytes, *, shown_side: int = 0) -> Seen:
        """Decode a picture, and keep of it what an answer needs.

        Args:
            data: the whole file.
            shown_side: the longest side, in pixels, of the small picture to keep; 0 for none.

        Raises:
            PictureError: not a picture, too large, or of a kind that is not read.
            BusyError: others decode so much at the moment that there is no memory for this one.
        """
        loaded = self._loaded
        side = loaded.predictor.decode_side if loaded else None
        with self._decoding.place() as within:
            picture = read_picture(
                data, limits=self.settings.limits, short_side=side, within=within
            )
            return see(picture, shown_side)

    def predict(self, data: bytes) -> Prediction:
        """Answer for the bytes of one picture file.

        Raises:
            PictureError: not a picture, too large, or of a kind that is not read.
            BusyError: too many wait already, or the checkpoint is still loading.
        """
        return self.explain(self.look_at(data)).prediction

    def explain(self, seen: Seen) -> Explanation:
        """Answer for a picture, with the maps that show where the answer comes from.

        Raises:
            BusyError: too many wait already, or the checkpoint is still loading.
        """
        self.wait_until_ready()
        explanation = self._explain_centre(seen.centre)
        if seen.offset == (0, 0):
            return explanation
        (left, top, right, bottom), (dx, dy) = explanation.box, seen.offset
        return replace(explanation, box=(left + dx, top + dy, right + dx, bottom + dy))

    def _explain_centre(self, picture: Image.Image) -> Explanation:
        loaded = self._loaded
        if self._explain_on_gpu is not None and loaded is not None:
            found = self._explain_on_gpu(loaded.folder, loaded.predictor.model, picture)
            if found is not None:
                return found
        return self._explain(picture)

    def wait_until_ready(self, seconds: float = _LOADING_PATIENCE) -> None:
        """Return once a checkpoint is loaded.

        Raises:
            BusyError: it is not, after that many seconds.
            MoodLensError: it never will be.
        """
        if not self._settled.wait(seconds):
            raise BusyError("MoodLens is still waking up; please try again in a moment.", 5)
        if self._loaded is None:
            raise MoodLensError(self._failure or "MoodLens could not load its checkpoint.")

    def use(self, located: Located) -> None:
        """Load, check and switch to other weights; on failure those in use stay.

        Raises:
            CheckpointError: the weights are not usable.
        """
        from moodlens.model.checkpoint import metrics_problem
        from moodlens.weights.pretrained import load_located

        predictor, checkpoint = load_located(
            located, device=self._device, backend=self.settings.backend
        )
        notices = located.notice, self._device_notice, metrics_problem(located.folder)
        self._loaded = LoadedModel(
            predictor,
            " ".join(filter(None, notices)) or None,
            located.folder,
            checkpoint.license,
            checkpoint.training,
        )
        self._failure = None
        self._settled.set()
        model = predictor.model
        logger.info(
            "using %s, revision %s, from %s, on %s",
            model.name,
            model.revision,
            model.source,
            predictor.device,
        )

    def _use_newer(self, located: Located) -> None:
        """Switch to weights that came later, or say on the page why they are not in use."""
        try:
            self.use(located)
        except MoodLensError as error:
            logger.warning("newer weights are refused: %s", error)
            if self._loaded is not None:
                notice = f"Newer weights are there but cannot be used: {error}"
                self._loaded = replace(self._loaded, notice=notice)

    def _load(self) -> None:
        try:
            with ThreadPoolExecutor(1) as pool:  # the Hub and PyTorch's import both take seconds
                locating = pool.submit(locate, self.settings.checkpoint)
                import moodlens.model.storage  # brings PyTorch, and nothing else yet

                forget_library_pages()
                import moodlens.weights.pretrained  # noqa: F401
                from moodlens.model.devices import use_threads

            located = locating.result()
            use_threads(self.settings.threads)
            self._choose_device()
            try:
                self.use(located)
            except MoodLensError as error:
                if located.source == "bundled":
                    raise
                logger.warning("the configured checkpoint is refused: %s", error)
                located = locate_bundled(notice=f"{error} The bundled checkpoint answers instead.")
                self.use(located)
            forget_library_pages()
            self._follower = follow(
                self.settings.checkpoint,
                located,
                self._use_newer,
                every=self.settings.follow_seconds,
            )
        except MoodLensError as error:
            self._failure = error.message
        except Exception:
            logger.exception("loading failed")
            self._failure = "MoodLens could not load its checkpoint."
        finally:
            self._settled.set()

    def _choose_device(self) -> None:
        """The device that the settings ask for, or the processor and a notice where it is not."""
        from moodlens.model.devices import is_there

        asked = self.settings.device
        if is_zero_gpu():  # there, PyTorch is made to say that it has one
            self._device = "cpu"
        elif asked == "auto" or is_there(asked):
            self._device = asked
        if asked not in (self._device, "auto"):
            logger.warning("the device %s is not there", asked)
            self._device_notice = f"The device {asked} is not there; the processor answers instead."

    def _explain_batch(self, pictures: Sequence[Image.Image]) -> Sequence[Explanation]:
        loaded = self._loaded
        if loaded is None:
            raise BusyError("MoodLens is still waking up; please try again in a moment.", 5)
        return loaded.predictor.explain(pictures)
