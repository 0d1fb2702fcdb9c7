"""What is wrong with a consumer, or with what it was fed."""


class Failure(Exception):
    """Ends a history; its text says why."""


def first(problems, most=8):
    """Raises the first of these problems, if there are any."""
    problems = list(problems)
    if problems:
        more = [f"… and {len(problems) - most} more"] if len(problems) > most else []
        raise Failure("\n".join(problems[:most] + more))
