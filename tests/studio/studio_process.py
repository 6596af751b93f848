"""Opens the studio as `groundup learn` does: arguments are a folder and a port."""

import sys
from pathlib import Path

from groundup.course import workspace
from groundup.course.progress import Progress
from groundup.studio import main

if __name__ == "__main__":
    root = Path(sys.argv[1])
    main.run(
        workspace.start(root / "work")[0],
        port=int(sys.argv[2]),
        open_browser=False,
        say=lambda text: print(text, flush=True),
        progress=Progress(root / "progress.db"),
        runs=root / "runs",
    )
