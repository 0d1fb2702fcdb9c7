"""Tables of PipelineWise's target for PostgreSQL."""

import json
import re

from readers.postgres import Postgres
from values import plain


class Pipelinewise(Postgres):
    """It writes texts as CSV has them."""

    def sent(self, kind, value):
        """The target keeps the escapes of JSON for control characters, and takes an empty text for null."""
        if kind == "string" and value is not None:
            return re.sub(r'\\(["\\])', r"\1", json.dumps(value, ensure_ascii=False)[1:-1]) or None
        return plain(kind, value)


READER = Pipelinewise()
