"""Plans of the predefined studies."""

from acme_moe.studies.figures import load_study
from acme_moe.studies.plan import make_plan
from acme_moe.studies.scales import SCALES


def plan_of(name="figure_7", scale="smoke", **options):
    """Makes the plan of a study at a scale."""
    return make_plan(load_study(name), SCALES[scale], **options)
