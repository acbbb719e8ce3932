"""The handler of background exports: writes the file, keeps it until it expires."""

from __future__ import annotations

from wasteflow.exports import Export, media_type, write_export
from wasteflow.worker import Outcome, Work


def run(work: Work) -> Outcome:
    """Make the file of an export (`worker.HANDLERS`); a second time makes the same again."""
    asked = Export.of(work.job.options)
    path = work.folder / asked.filename
    rows = write_export(db=work.db, asked=asked, path=path, progress=work.progress)
    kept = work.keep("result", path, asked.filename, media_type(asked.ending))
    return Outcome(result={"rows": rows, "size": kept.size, "filename": asked.filename})
