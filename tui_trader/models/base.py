"""What every data transfer object of the pipeline shares: frozen, closed, finite."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. Unknown fields are refused; floats must be finite (no NaN, no infinity)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
