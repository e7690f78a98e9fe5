"""The attacks by name, a module for what each is aimed at."""

from __future__ import annotations

from functools import partial

from tests.soak.attack import Attack
from tests.soak.attacks import bodies, crowds, disk, pictures, queue

ATTACKS: dict[str, Attack] = {
    "two sessions without a name": queue.two_empty_sessions,
    "3,000 sessions pass, eight stay": queue.sessions_that_pass,
    "360 bodies of junk as values": bodies.junk_values,
    "300 names of 1 MB": queue.long_names,
    "1,000 unfinished bodies of 0.9 MB": bodies.unfinished_bodies,
    "70 uploads in capitals": bodies.capitals,
    "40 requests naming 4,000 files": bodies.thousands_of_files,
    "16 uploads with fields of 40 MB": bodies.fields_for_files,
    "3,000 page loads beside /predict": crowds.page_loads,
    **{title: partial(pictures.worst_pictures, make) for title, make in pictures.WORST.items()},
    "60 pictures and one eager viewer": queue.an_eager_viewer,
    "200 jobs, half of them cancelled": queue.jobs_half_cancelled,
    "300 large bodies that are refused": bodies.large_and_refused,
    "2,400 sessions with an answer": queue.answers_kept,
    "the log of all this": crowds.a_log_of_json,
}
"""On the app as it is."""

NARROW: dict[str, Attack] = {
    "3 MB and then silence": bodies.silence,
    "paths that nobody can remove": disk.a_cleaner_that_lives,
    "200 uploads without pause": disk.uploads_without_pause,
    "a full disk": disk.full_disk,
}
"""On an app with little room and little patience."""

FEW_DESCRIPTORS: dict[str, Attack] = {"1,100 idle connections": crowds.idle_connections}
"""On an app that may open 1,024 files."""
