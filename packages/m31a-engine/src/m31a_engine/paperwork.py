"""A run in words, as Markdown for people: its verification, and what it came to."""

from m31a_engine.checks.result import Verification
from m31a_engine.report import RunReport
from m31a_engine.session.state import Session


def verify_report(session: Session, verification: Verification) -> str:
    """The checks with their evidence, as Markdown."""
    lines = [
        f"# Verification of {session.id}",
        "",
        f"Verdict: **{verification.verdict.value}** on tree `{verification.tree}`",
        "",
    ]
    for check in verification.checks:
        figure = f", {check.counts}" if check.counts else ""
        lines += [
            f"## {check.name}: {check.status.value}{figure}",
            "",
            f"`{check.command}` exited {check.exit_code}, {check.seconds:.1f} s",
            "",
        ]
        if check.note:
            lines += [check.note, ""]
        if check.output_tail:
            lines += ["    " + line for line in check.output_tail.splitlines()] + [""]
    lines += [f"- {finding.kind.value}: {finding.text}" for finding in verification.findings]
    lines += [f"- [ ] {step}" for step in verification.manual_steps]
    return "\n".join(lines).rstrip() + "\n"


def summary(report: RunReport) -> str:
    """What was asked, what was done, and where it is, as Markdown."""
    lines = [f"# {report.goal.strip().splitlines()[0] if report.goal.strip() else 'No goal'}", ""]
    lines.append(f"Outcome: {report.outcome.value}")
    if report.commit:
        lines.append(f"Commit: {report.commit}")
    if report.branch:
        lines.append(f"Branch: {report.branch}")
    lines += ["", *[f"- {file.path} ({file.status})" for file in report.files]]
    if report.answer:
        lines += ["", report.answer]
    if report.error:
        lines += ["", f"{report.error.message}. {report.error.remedy}"]
    return "\n".join(lines).rstrip() + "\n"
