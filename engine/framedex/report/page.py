"""Pages from templates: autoescaped, so that a hostile prompt or file name stays text."""

from __future__ import annotations

import base64
import io
from typing import Any

from framedex.contracts import Pixels
from framedex.optional import import_optional


def render(template: str, **values: Any) -> str:
    """Fill a template of `report/templates`; every value is escaped unless it is markup made by this package.

    Raises:
        MissingDependency: jinja2 is not installed.
    """
    jinja2 = import_optional("jinja2", extra="analysis", needed_by="the report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("framedex.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return str(environment.get_template(template).render(**values))


def markup(text: str) -> Any:
    """Mark markup that this package made itself as such, so that it is not escaped again."""
    return import_optional("markupsafe", extra="analysis", needed_by="the report").Markup(text)


def jpeg_data_uri(frame: Pixels, *, width: int) -> str:
    """A frame, uint8 (H, W, 3) RGB, as the `src` of an `<img>`: JPEG, `width` pixels wide."""
    from PIL import Image

    picture = Image.fromarray(frame)
    height = max(1, round(picture.height * width / picture.width))
    buffer = io.BytesIO()
    picture.resize((width, height), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
