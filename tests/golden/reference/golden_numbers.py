"""Numbers that Python and C++ (golden_numbers.cpp) draw alike, so that no weight has to be stored."""
import numpy as np

MASK = (1 << 64) - 1


def seed_of(name: str) -> int:
    """FNV-1a, 64 bits."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    return seed


def words(name: str, count: int) -> np.ndarray:
    """SplitMix64 from the name's seed."""
    with np.errstate(over="ignore"):
        x = np.uint64(seed_of(name)) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def drawn(name: str, shape, spread: float, centre: float = 0.0) -> np.ndarray:
    """Uniform in centre ± spread, float32."""
    shape = tuple(shape)
    unit = (words(name, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) / 2**24
    return (centre + spread * (2 * unit - 1)).astype(np.float32).reshape(shape)


def projection(name: str, values: np.ndarray, count: int = 8) -> np.ndarray:
    """Sums under `count` random signs: the mean square of the sums' difference estimates that of the tensors' norm."""
    bits = words("projection/" + name, values.size)
    flat = values.reshape(-1).astype(np.float64)
    return np.array([np.where((bits >> np.uint64(k)) & np.uint64(1), flat, -flat).sum() for k in range(count)])
