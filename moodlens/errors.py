"""What can go wrong, said in one sentence that a person can act on.

Every message in this family is written for the person who caused it or can cure it. It never holds
a path of the server, a trace or the text of another library's exception. ``status`` is the HTTP
status that REST answers with; the page shows the same sentence as a toast, in the viewer's language
where ``wording`` knows a translation of it.
"""

_LONGEST_SENTENCE = 300


class MoodLensError(Exception):
    """The root of the family: anything MoodLens refuses on purpose.

    Attributes:
        sentence: in English, with placeholders as in ``str.format`` where ``values`` go.
        values: what goes there; none for a sentence that is complete as it is.
    """

    status = 500

    def __init__(self, sentence: str, **values: str | float) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence = sentence
        self.values = values

    @property
    def message(self) -> str:
        """The sentence to show."""
        return str(self)


class PictureError(MoodLensError):
    """The bytes are not a picture that can be read."""

    status = 400


class PictureTooLargeError(PictureError):
    """More bytes or more pixels than the limits in the settings."""

    status = 413


class UnsupportedPictureError(PictureError):
    """A file of a kind that MoodLens does not read."""

    status = 415


class SlowUploadError(MoodLensError):
    """A request whose body did not arrive in time."""

    status = 408


class MissingPictureError(PictureError):
    """A request without a picture."""

    status = 422


class RequestError(MoodLensError):
    """A request that no client of MoodLens would send."""

    status = 400


class NotHereError(MoodLensError):
    """An address or a function that MoodLens does not have."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is nothing here.")


class DiskFullError(MoodLensError):
    """The disk takes no more."""

    status = 507

    def __init__(self) -> None:
        super().__init__("There is no room left on the disk here; please try again later.")


class BusyError(MoodLensError):
    """Too much is waiting already, or the checkpoint is still loading. Worth trying again."""

    status = 503

    def __init__(self, message: str, retry_after: int = 1) -> None:
        """``retry_after``: whole seconds after which a new try makes sense."""
        super().__init__(message)
        self.retry_after = retry_after


class SettingsError(MoodLensError):
    """A ``MOODLENS_*`` variable or a training option that cannot be used as it is."""


class CheckpointError(MoodLensError):
    """A checkpoint that is missing, damaged, or not one of MoodLens.

    What it says may name parts of a stranger's file, and is therefore kept to a sentence's length.
    """

    def __init__(self, sentence: str, **values: str | float) -> None:
        plain = sentence.encode("utf-8", "replace").decode()
        short = plain if len(plain) <= _LONGEST_SENTENCE else f"{plain[:_LONGEST_SENTENCE]}..."
        super().__init__(short, **values)


class HubError(MoodLensError):
    """The Hugging Face Hub could not be reached or refused what was asked."""


class DatasetError(MoodLensError):
    """Training data that is missing or not what Emotion6 publishes."""
