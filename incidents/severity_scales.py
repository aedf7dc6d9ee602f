"""Our four severities on other people's scales, and back: tables, for whoever speaks Alertmanager, CAP or CloudEvents (OTel numbers)."""

from typing import NamedTuple

from incidents.vocabulary import Severity


class Scale(NamedTuple):
    """What one severity is called elsewhere."""

    alertmanager: str
    cap: str
    cap_urgency: str
    otel_text: str
    otel_number: int


SCALES = {
    Severity.EMERGENCY: Scale("critical", "Extreme", "Immediate", "FATAL", 21),
    Severity.MAJOR: Scale("error", "Severe", "Immediate", "ERROR", 17),
    Severity.NORMAL: Scale("warning", "Moderate", "Expected", "WARN", 13),
    Severity.MINOR: Scale("info", "Minor", "Future", "INFO", 9),
}
_BY_WORD = {word: severity for severity, scale in SCALES.items() for word in (severity.value, scale.alertmanager, scale.cap.lower())} | {
    "page": Severity.EMERGENCY,
    "fatal": Severity.EMERGENCY,
    "high": Severity.MAJOR,
    "major": Severity.MAJOR,
    "warn": Severity.NORMAL,
    "low": Severity.MINOR,
    "information": Severity.MINOR,
    "none": Severity.MINOR,
}


def severity_of(word: str) -> Severity | None:
    """Our severity for a word of theirs or of ours, in any case of letters; None for one that nobody knows."""
    return _BY_WORD.get(word.strip().lower())


def scale_of(severity: str) -> Scale:
    """Their words for a severity of ours, those of `normal` for a word that is none of ours."""
    return SCALES[severity_of(severity) or Severity.NORMAL]
