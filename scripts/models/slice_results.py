"""What comes out of the slice: the front, its speed beside the published one, a picture."""
import numpy as np

THRESHOLD = 15  # mM: where potassium is above it, the wave has been
BINS = 40  # of the radius, as published
PUBLISHED = "2 to 4"  # mm/min, in the abstract of Kelley et al. 2022


def report(frames, half, options, tissue):
    print(front_speed(*fronts(frames, half), options.r0, half))


def fronts(frames, half):
    """(times, radii) of the front: the outermost of the bins of the radius whose mean is above the threshold, um; 0 for none."""
    times, planes = [t for t, _ in frames], np.array([plane for _, plane in frames])
    middles = [(np.arange(count) + 0.5) * 2 * length / count - length for count, length in zip(planes.shape[1:], half)]
    radius = np.hypot(middles[0][:, None], middles[1])
    edges = np.linspace(0, min(half[:2]), BINS + 1)
    bins, found = np.digitize(radius, edges) - 1, []
    for plane in planes:
        above = [b for b in range(BINS) if (bins == b).any() and plane[bins == b].mean() > THRESHOLD]
        found.append(edges[above[-1] + 1] if above else 0.0)
    return np.array(times), np.array(found)


def front_speed(times, radii, r0, half):
    """mm/min of the front between the core and the border, by a straight line; NaN where it does not get there."""
    outside = (radii > 1.2 * r0) & (radii < 0.9 * min(half[:2]))
    if np.unique(radii[outside]).size < 3:
        return float("nan")
    return 60 * np.polyfit(times[outside], radii[outside], 1)[0]
