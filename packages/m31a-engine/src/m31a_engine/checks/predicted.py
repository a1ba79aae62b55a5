"""The files a plan names against the files a run changed."""

from collections.abc import Collection

from m31a_engine.checks.result import Finding, FindingKind, Severity


def compare_predicted(predicted: Collection[str], changed: Collection[str]) -> tuple[Finding, ...]:
    """A warning for each file that was changed unannounced, or announced and left alone.

    A predicted path that ends in `/` stands for everything below it.
    """
    files = {path.removeprefix("./") for path in predicted}
    folders = tuple(path for path in files if path.endswith("/"))
    unannounced = [
        path for path in changed if path not in files and not (folders and path.startswith(folders))
    ]
    untouched = [
        path
        for path in files.difference(changed)
        if not (path.endswith("/") and any(name.startswith(path) for name in changed))
    ]
    return (
        *(
            Finding(
                kind=FindingKind.UNPREDICTED_CHANGE,
                severity=Severity.WARNING,
                path=path,
                text="changed, and the plan does not name it",
            )
            for path in sorted(unannounced)
        ),
        *(
            Finding(
                kind=FindingKind.PREDICTED_UNCHANGED,
                severity=Severity.WARNING,
                path=path,
                text="named by the plan, and not changed",
            )
            for path in sorted(untouched)
        ),
    )
