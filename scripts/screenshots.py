"""Draw README's pictures anew: a report, and the board of a site.

    make setup-browser
    unlearn-eval site SITE
    python -m scripts.screenshots SITE

The site must be made of the committed boards as they are now.
"""

import argparse
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
#: Page, its width and height in pixels, and the picture.
PICTURES = (
    ("cifar10-quick/index.html", 1280, 1240, "site.png"),
    ("cifar10-quick/kookmin/index.html", 1180, 2280, "report.png"),
)


def main() -> None:
    """Open each page in Chromium, and keep its upper part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    folder = parser.parse_args().site.resolve()
    with sync_playwright() as driver:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        for name, width, height, picture in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto((folder / name).as_uri())
            page.screenshot(path=IMAGES / picture)
            with Image.open(IMAGES / picture) as drawn:
                drawn.quantize(128).save(IMAGES / picture, optimize=True)
            print(f"Wrote {IMAGES / picture}.")
        browser.close()


if __name__ == "__main__":
    main()
