"""The six emotions in their published order, and the neutral seventh share.

The order is that of the Emotion6 database (Peng, Chen, Sadovnik, Gallagher: A Mixed Bag of
Emotions, CVPR 2015). Everything that holds one value per emotion holds it in this order.
"""

from typing import NamedTuple


class Emotion(NamedTuple):
    """One emotion as people see it.

    Any two of the colours stay at least 16 apart in CIELAB, also under simulated protanopia,
    deuteranopia and tritanopia (Machado, Oliveira, Fernandes, 2009), and each has a contrast of at
    least 3:1 against both the white and the near-black page.
    """

    name: str
    emoji: str
    colour: str


ANGER = Emotion("anger", "😠", "#BB371B")
DISGUST = Emotion("disgust", "🤢", "#307E57")
FEAR = Emotion("fear", "😨", "#7E2EFA")
JOY = Emotion("joy", "😊", "#BD8905")
SADNESS = Emotion("sadness", "😢", "#1A97F9")
SURPRISE = Emotion("surprise", "😲", "#BC2F98")

PALETTE: tuple[Emotion, ...] = (ANGER, DISGUST, FEAR, JOY, SADNESS, SURPRISE)
NEUTRAL = Emotion("neutral", "😐", "#7A7F87")

EMOTIONS: tuple[str, ...] = tuple(emotion.name for emotion in PALETTE)
"""The six names, in order."""

LABELS: tuple[str, ...] = (*EMOTIONS, NEUTRAL.name)
"""The seven shares that viewers vote on and the network predicts."""

SCALES: tuple[str, ...] = ("valence", "arousal")
"""The two affect scales, each from 1 (unpleasant, calm) to 9 (pleasant, excited)."""

SCALE_RANGE: tuple[float, float] = (1.0, 9.0)
