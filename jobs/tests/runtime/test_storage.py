from __future__ import annotations

import os
from pathlib import Path

from tuneline_jobs.runtime.storage import appearing_whole


def test_what_a_library_keeps_to_its_owner_is_shared_as_the_umask_says(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        with appearing_whole(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / "weights").touch(mode=0o600)
    finally:
        os.umask(umask)
    assert (tmp_path / "model" / "weights").stat().st_mode & 0o777 == 0o644
