"""One process of OpenCV with its own threads: opencv.py JOB IN OUT"""
import json, sys
import cv2
from operations import chain, read, write

with open(sys.argv[1]) as f:
    job = json.load(f)
cv2.setNumThreads(job["threads"])
img = read(sys.argv[2], job)
for f in chain(job):
    img = f(img)
write(sys.argv[3], img, job)
