"""A certificate as one HTML file that needs nothing else, and prints well."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from cop_filter.certify.document import Document


def html(document: Document, facts_digest: str) -> bytes:
    """The file; `facts_digest` (hex) names the facts that it tells."""
    return (_template().render(document=document, facts_digest=facts_digest) + "\n").encode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("cop_filter.certify"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("certificate.html")
