"""The answer in one sentence, faithful to the whole distribution.

No single label is named where the largest shares are close to each other, and the feeling of "most
people" only where it is that of most of all viewers, those without any feeling included.
"""

from __future__ import annotations

from moodlens.emotions import EMOTIONS
from moodlens.prediction import Prediction
from moodlens.telling.wording import Wording, capitalised

CLOSE = 0.10
"""Shares that are less than this behind the largest are close to it. Two panels of fifteen viewers
of one picture differ by about as much."""

MOSTLY_NEUTRAL = 0.5
"""From this neutral share on, the answer is that most would feel nothing in particular."""

NOTABLY_NEUTRAL = 0.25
"""From this neutral share on, the answer mentions it."""

WORTH_MENTION = 0.15
"""The second emotion is mentioned from this share on."""

_NAMED_TOGETHER = 3
"""More emotions than this are too many for a sentence."""

_FRACTIONS = (
    (1 / 2, "half"),
    (2 / 5, "two_in_five"),
    (1 / 3, "one_in_three"),
    (1 / 4, "one_in_four"),
    (1 / 5, "one_in_five"),
    (1 / 6, "one_in_six"),
)


def headline(prediction: Prediction, wording: Wording) -> str:
    """One sentence, or two where many would feel nothing in particular."""
    if prediction.neutral >= MOSTLY_NEUTRAL:
        return _mostly_neutral(prediction, wording)
    sentence = _of_the_six(prediction, wording)
    if prediction.neutral >= NOTABLY_NEUTRAL:
        fraction = _fraction(prediction.neutral, wording)
        sentence += " " + wording("headline.some_neutral", fraction=capitalised(fraction))
    return sentence


def dominant_sentence(prediction: Prediction, wording: Wording) -> str:
    """The dominant emotion and its share, never alone where others are close to it.

    "Fear, for 65 % of viewers", "Joy 32 % and surprise 29 %", or "Most often joy, but only for 22 %
    of viewers".
    """
    named = emotions_named(prediction)
    if len(named) > 1:
        parts = [
            f"{wording.emotion(name)} {wording.percent(prediction.distribution[name])}"
            for name in named
        ]
        return capitalised(wording.listing(parts))
    key = "headline.dominant" if len(close_emotions(prediction)) == 1 else "headline.largest"
    emotion = wording.emotion(prediction.dominant_emotion)
    return capitalised(wording(key, emotion=emotion, share=wording.percent(prediction.confidence)))


def close_emotions(prediction: Prediction) -> list[str]:
    """The dominant emotion and those close to it, largest share first."""
    threshold = prediction.confidence - CLOSE
    ranked = sorted(EMOTIONS, key=lambda name: -prediction.distribution[name])
    return [
        name
        for name in ranked
        if prediction.distribution[name] > threshold or name == prediction.dominant_emotion
    ]


def emotions_named(prediction: Prediction) -> list[str]:
    """The emotions in :func:`dominant_sentence`: one, unless two or three are close."""
    close = close_emotions(prediction)
    return close if len(close) <= _NAMED_TOGETHER else close[:1]


def _mostly_neutral(prediction: Prediction, wording: Wording) -> str:
    if len(close_emotions(prediction)) > 1:
        return wording("headline.neutral")
    emotion = wording.emotion(prediction.dominant_emotion)
    return wording("headline.neutral_others", emotion=emotion)


def _of_the_six(prediction: Prediction, wording: Wording) -> str:
    close = close_emotions(prediction)
    if len(close) > _NAMED_TOGETHER:
        return wording("headline.no_emotion_stands_out")
    if len(close) > 1:
        names = wording.listing([wording.emotion(name) for name in close])
        return wording("headline.disagree", emotions=names)
    first, second = sorted(EMOTIONS, key=lambda name: -prediction.distribution[name])[:2]
    share = prediction.distribution[first]
    sentence = wording(
        f"headline.{_majority(share, prediction.neutral)}", emotion=wording.emotion(first)
    )
    if prediction.distribution[second] >= WORTH_MENTION:
        sentence += wording(
            "headline.second",
            fraction=_fraction(prediction.distribution[second], wording),
            emotion=wording.emotion(second),
        )
    return sentence + "."


def _majority(share: float, neutral: float) -> str:
    """Which sentence is true of an emotion that leads clearly."""
    of_all = share * (1 - neutral)
    if of_all >= 0.8:
        return "nearly_everyone"
    if of_all >= 0.5:
        return "most"
    return "most_with_feelings" if share >= 0.5 else "more_than_any_other"


def _fraction(share: float, wording: Wording) -> str:
    _, name = min(_FRACTIONS, key=lambda fraction: abs(fraction[0] - share))
    return wording(f"fraction.{name}")
