"""What each chapter's exercises ask for: references, cases, hints, and the mistakes people make. Knowledge only."""

__all__: list[str] = []
