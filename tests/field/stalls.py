"""The stalls that were told."""


def long_stalls(loopscope, least=0.3):
    """Those of main loops that are over and took longer than `least`, in seconds."""
    return [
        stall
        for stall in loopscope.json("/api/v1/stalls?limit=100")
        if stall["duration_seconds"] > least
        and not stall["in_progress"]
        and stall["loop"] == "main"
    ]
