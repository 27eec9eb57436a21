"""A station's readings as a report."""

from weather.figures import frost_days, mean, warmest


def report(name, readings):
    """A few lines about a station."""
    best = warmest(readings)
    return "\n".join(
        [
            f"Station {name}, {len(readings)} days",
            f"mean    {mean(readings):5.1f}",
            f"warmest {best.high:5.1f} on {best.day}",
            f"frost   {frost_days(readings):3d} days",
        ]
    )
