"""What the comparisons of whole jobs have in common."""
import os, subprocess, sys, time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
halorun = os.path.join(root, "bin", "halorun")

def picture(path, width, height):
    """Writes a photograph enlarged to the given size, RGB, with noise on top."""
    import cv2, numpy as np
    photo = cv2.imread(os.path.join(root, "testdata", "coffee.png"))
    img = cv2.resize(photo, (width, height), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(1)
    noise = rng.integers(-8, 9, (1024, width, 3)).astype(np.int16)
    for y in range(0, height, 1024):
        band = img[y:y + 1024]
        img[y:y + 1024] = np.clip(band + noise[:len(band)], 0, 255)
    cv2.imwrite(path, img)

def timed(cmd):
    """Returns how many seconds a command takes. If it fails, that is the end."""
    t = time.perf_counter()
    r = subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    t = time.perf_counter() - t
    if r.returncode:
        sys.exit(f"{' '.join(cmd)}: exit status {r.returncode}\n{r.stderr}")
    return t
