"""``moodlens report``: a table of ``moodlens score`` as one page to look at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from moodlens.errors import MoodLensError
from moodlens.telling.wording import LANGUAGES

_BEST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The table, the page, and where the pictures are."""
    parser.add_argument("table", metavar="TABLE", help="made by moodlens score")
    parser.add_argument("--out", type=Path, default=Path("report.html"), metavar="PAGE")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="show pictures, from the folder scored"
    )
    parser.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])


def run(options: argparse.Namespace) -> int:
    """Write the page; 2 if there is no such table."""
    from moodlens.scoring.collection import Collection
    from moodlens.scoring.report import report_page
    from moodlens.scoring.top import table_rows
    from moodlens.telling.wording import wording

    try:
        collection = Collection.of(table_rows(options.table), best=_BEST)
        page = report_page(
            collection,
            wording(options.language),
            title=Path(options.table).name,
            pictures=options.pictures,
        )
        options.out.write_text(page, encoding="utf-8")
    except MoodLensError as error:
        return _refused(error.message)
    except OSError as error:
        return _refused(f"{error.filename or options.out}: {error.strerror}.")
    except (KeyError, ValueError):
        return _refused("This is not a table of moodlens score.")
    print(f"{options.out}: {collection.pictures:,} pictures")
    return 0


def _refused(sentence: str) -> int:
    print(f"moodlens report: {sentence}", file=sys.stderr)
    return 2
