"""`doctor`: what is here, what is missing, and what to do about it."""

from m31a_engine import completed
from m31a_headless.looking import Looking, looking_at
from m31a_headless.output import say


def main(program: str, words: list[str]) -> int:
    """Look around; 1 when something that a run needs is missing."""
    parser = looking_at(program, "doctor", "What is here and what is missing.")
    look = Looking.of(parser, words)
    doctor = look.desk().doctor
    diagnosis = completed(lambda: doctor.examine(program))
    missing = diagnosis.missing
    if look.json:
        look.print({"facts": diagnosis.facts, "missing": missing, "ready": not missing})
    else:
        for fact in diagnosis.facts:
            say(f"{fact.name:9} {fact.text}")
        say(f"missing   {', '.join(missing)}" if missing else "ready     run a goal")
    return 1 if missing else 0
