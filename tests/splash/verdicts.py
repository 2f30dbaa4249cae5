"""Verdicts and an operator for the tests of the page."""

from cop_filter.config import OperatorConfig
from cop_filter.verdict import Action, Answer, Kind, LegalBasis, Spelling, Verdict

OPERATOR = OperatorConfig(
    name="Example Net",
    responsible_officer="Child safety officer, safety@isp.example",
    appeals="https://isp.example/appeal",
    hotline="https://hotline.example",
)
BLOCK = Verdict(
    action=Action.BLOCK,
    generation=7,
    list_id="national",
    authority="Example Hotline",
    category="csam",
    legal_basis=LegalBasis.MEMBERSHIP,
    answer=Answer.SPLASH,
    kind=Kind.URL,
    spelling=Spelling.EXACT,
    reference=0x5D41402ABC4B2A76,
)
ALLOW = Verdict(Action.ALLOW, 7)
