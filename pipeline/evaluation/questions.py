"""What a study asks: the margin of equivalence, and which comparisons and claims beside `plain`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.config.claims import Claim
from pipeline.config.params import Params
from pipeline.config.sections import Compare


@dataclass(frozen=True)
class Questions:
    """The margin, relative, the reference of each variant that names one, and the claims."""

    margin: float = Compare().margin
    references: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Params) -> "Questions":
        """Return the questions of the parameters."""
        references = {each.name: each.reference for each in params.variants if each.reference}
        return cls(params.compare.margin, references, params.claims)
