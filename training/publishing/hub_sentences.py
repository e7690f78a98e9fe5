"""What the Hub's client raises, as sentences that a person can act on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
)

from moodlens.errors import HubError, MoodLensError, SettingsError

logger = logging.getLogger(__name__)

_TOKENS = "https://huggingface.co/settings/tokens"
_SENTENCES = {
    401: "The Hub does not accept the Hugging Face token; make a new one at " + _TOKENS + ".",
    403: "The Hugging Face token may not write to {}; check its permissions at " + _TOKENS + ".",
    404: "{} is not there, or has no such branch; weights are published on a branch.",
    412: "{} has changed in the meantime; run this again to compare with what it holds now.",
}


def check_token(api: HfApi) -> None:
    """Find out before the upload what a missing or read-only token would spoil after it.

    Raises:
        HubError: there is no token, or one that may only read.
    """
    if get_token() is None:
        raise HubError("There is no Hugging Face token: set HF_TOKEN, or run `hf auth login`.")
    access = api.whoami().get("auth", {}).get("accessToken", {})
    if access.get("role") == "read":
        raise HubError(
            f"The Hugging Face token may only read; make one that may write at {_TOKENS}."
        )


@contextmanager
def hub_sentences(repository: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a sentence.

    Args:
        repository: ``owner/name`` of what is asked for.

    Raises:
        SettingsError: that is no name on the Hub.
        HubError: for everything else.
    """
    try:
        yield
    except MoodLensError:
        raise
    except HFValidationError:
        raise SettingsError(f"{repository!r} is not of the form owner/name.") from None
    except RepositoryNotFoundError:
        sentence = f"The Hub has no {repository}, or hides it from this token."
    except HfHubHTTPError as error:
        sentence = _SENTENCES.get(error.response.status_code, "").format(repository)
        sentence = sentence or f"The Hub answered with error {error.response.status_code}."
    except ValueError as error:
        sentence = f"The Hub refuses the model card: {' '.join(str(error).split())}"
    except Exception as error:  # the client lets through what its HTTP and file libraries raise
        logger.info("the Hub's client failed: %r", error)
        sentence = "The Hub cannot be reached, or the connection to it broke."
    else:
        return
    raise HubError(sentence)
