"""Times as subtitle files write them."""


def milliseconds(time_s: float) -> int:
    return round(time_s * 1000)


def stamp(time_ms: int, separator: str) -> str:
    """HH:MM:SS and three digits: SRT separates them by a comma, VTT by a full stop."""
    seconds, ms = divmod(time_ms, 1000)
    return f"{hours_minutes_seconds(seconds)}{separator}{ms:03d}"


def hours_minutes_seconds(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
