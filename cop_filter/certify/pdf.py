"""A certificate as a PDF file, by fpdf2 (the optional extra `pdf`)."""

from datetime import UTC, datetime
from pathlib import Path

from cop_filter.certify.document import Document
from cop_filter.errors import CopFilterError

_FONT_FILES = tuple(
    Path(folder) / "DejaVuSans.ttf"
    for folder in (
        "/usr/share/fonts/truetype/dejavu",
        "/usr/share/fonts/dejavu-sans-fonts",
        "/usr/share/fonts/TTF",
    )
)
_BUILT_IN = "Helvetica"


def pdf(document: Document, facts_digest: str, font_file: Path | None = None) -> bytes:
    """The file; the same document gives the same bytes.

    Names beyond Latin-1 need a TrueType font: `font_file`, or DejaVu Sans where systems keep it.
    Raises CopFilterError when fpdf2 or a font is missing.
    """
    try:
        from fpdf import FPDF, FPDFException  # noqa: PLC0415  optional
        from fpdf.fonts import FontFace  # noqa: PLC0415
    except ImportError:
        raise CopFilterError("a PDF needs fpdf2: pip install 'cop-filter[pdf]'") from None
    page = FPDF(format="A4")
    page.set_creation_date(datetime.fromtimestamp(document.until, UTC))
    page.set_title(document.title)
    page.set_producer("cop-filter")
    font = _font(document, font_file)
    try:
        family = _BUILT_IN if font is None else "text"
        if font is not None:
            for style in ("", "B"):
                page.add_font(family, style, font)
        page.add_page()

        def write(text: str, size: float, *, bold: bool = False) -> None:
            page.set_font(family, "B" if bold else "", size)
            page.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")

        write(document.title, 18, bold=True)
        write(document.subtitle, 9)
        if document.warning:
            write(document.warning, 10, bold=True)
        for section in document.sections:
            page.ln(4)
            write(section.heading, 12, bold=True)
            write(section.text, 8)
            page.set_font(family, "", 7.5)
            rows = section.table.rows or (("no data", *[""] * (len(section.table.columns) - 1)),)
            with page.table(
                headings_style=FontFace(emphasis="BOLD"), line_height=4, text_align="LEFT"
            ) as table:
                for row in (section.table.columns, *rows):
                    table.row(row)
        page.ln(6)
        write(f"SHA-256 of the facts: {facts_digest}", 8)
        write("What counts is the signed JSON file: cop-filter certify verify FILE --key PUBLICKEY", 8)
        made = bytes(page.output())
        if any(getattr(each, "missing_glyphs", ()) for each in page.fonts.values()):
            raise CopFilterError("the font lacks characters of a name: name another with --font")
        return made
    except (FPDFException, OSError) as error:
        raise CopFilterError(f"the PDF cannot be made: {type(error).__name__}") from None


def _font(document: Document, font_file: Path | None) -> Path | None:
    if font_file is not None:
        return font_file
    try:
        str(document).encode("latin-1")
    except UnicodeEncodeError:
        found = next((path for path in _FONT_FILES if path.exists()), None)
        if found is None:
            raise CopFilterError("names beyond Latin-1 need a TrueType font: name one with --font") from None
        return found
    return None
