"""Makes the two clips: bedroom/ from ten frames of facebookresearch/sam2's notebooks/videos/bedroom, and shapes/.

python tests/data/video/make_clips.py FOLDER_OF_BEDROOM        # needs pillow
"""

import pathlib
import sys

from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent


def save(image, clip, frame):
    folder = HERE / clip
    folder.mkdir(exist_ok=True)
    image.save(folder / f"{frame:05}.jpg", quality=75, optimize=True)


def bedroom(folder):
    for frame in range(10):
        image = Image.open(folder / f"{frame:05}.jpg").convert("RGB")
        save(image.resize((160, 90), Image.Resampling.LANCZOS), "bedroom", frame)


def shapes():
    """A disc and a rectangle that cross, the rectangle behind; an odd size that fits no stride."""
    width, height = 131, 77
    background = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            background.putpixel((x, y), (60 + x // 2, 80 + y, 140 - (x + y) // 3 + 8 * ((x // 9 + y // 7) % 2)))
    for frame in range(20):
        image = background.copy()
        draw = ImageDraw.Draw(image)
        left = 92 - 4 * frame
        draw.rectangle((left, 22, left + 26, 52), fill=(40, 160, 90), outline=(20, 60, 40))
        x, y = 20 + 4 * frame, 40 + (frame % 6 - 3)
        draw.ellipse((x - 14, y - 14, x + 14, y + 14), fill=(220, 70, 40))
        draw.ellipse((x - 5, y - 9, x + 1, y - 3), fill=(250, 220, 200))
        save(image, "shapes", frame)


if __name__ == "__main__":
    bedroom(pathlib.Path(sys.argv[1]))
    shapes()
