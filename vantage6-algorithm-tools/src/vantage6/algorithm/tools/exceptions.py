"""Exceptions that algorithms raise and that the tools raise on their behalf.

::

    AlgorithmError
    ├── PrivacyViolation
    │   └── PrivacyThresholdViolation
    ├── DataError
    │   ├── DataReadError
    │   └── DataTypeError
    ├── AlgorithmRuntimeError
    │   ├── AlgorithmExecutionError
    │   ├── MaxIterationsReached
    │   └── ConvergenceError
    ├── ClientError
    │   ├── SubtakCreationError
    │   ├── CollectOrganizationError
    │   └── CollectResultsError
    ├── InputError
    │   ├── UserInputError
    │   ├── DeserializationError
    │   └── EnvironmentVariableError
    │       └── EnvironmentVariableNotFoundError
    ├── AlgorithmInitializationError
    │   ├── AlgorithmModuleNotFoundError
    │   └── MethodNotFoundError
    └── NodePermissionException

The text of an `AlgorithmError` is written for the researcher who sent the task, so it must not
contain data of the organization.
"""

# The contract fixes these names, also those that do not end in "Error".
# ruff: noqa: N818

from __future__ import annotations

__all__ = [
    "AlgorithmError",
    "AlgorithmExecutionError",
    "AlgorithmInitializationError",
    "AlgorithmModuleNotFoundError",
    "AlgorithmRuntimeError",
    "ClientError",
    "CollectOrganizationError",
    "CollectResultsError",
    "ConvergenceError",
    "DataError",
    "DataReadError",
    "DataTypeError",
    "DeserializationError",
    "DeserializationException",
    "EnvironmentVariableError",
    "EnvironmentVariableNotFoundError",
    "InputError",
    "MaxIterationsReached",
    "MethodNotFoundError",
    "NodePermissionException",
    "PrivacyThresholdViolation",
    "PrivacyViolation",
    "SubtakCreationError",
    "UserInputError",
]


class AlgorithmError(Exception):
    """Base of all errors of an algorithm."""


class PrivacyViolation(AlgorithmError):
    """The result would disclose more than the organization allows."""


class PrivacyThresholdViolation(PrivacyViolation):
    """A count is below the minimum that the organization allows."""


class DataError(AlgorithmError):
    """The data cannot be used."""


class DataReadError(DataError):
    """The data cannot be read."""


class DataTypeError(DataError):
    """The data has another type than the algorithm needs."""


class AlgorithmRuntimeError(AlgorithmError):
    """The algorithm failed while it computed."""


class AlgorithmExecutionError(AlgorithmRuntimeError):
    """The computation cannot be carried out."""


class MaxIterationsReached(AlgorithmRuntimeError):
    """The iterations allowed were used up before the computation ended."""


class ConvergenceError(AlgorithmRuntimeError):
    """The computation does not converge."""


class ClientError(AlgorithmError):
    """A request to the server failed."""


class SubtakCreationError(ClientError):
    """A subtask was not created; the spelling is the contract's."""


class CollectOrganizationError(ClientError):
    """The organizations could not be listed."""


class CollectResultsError(ClientError):
    """Results of a subtask could not be collected, or some are missing."""


class InputError(AlgorithmError):
    """What was given to the algorithm cannot be used."""


class UserInputError(InputError):
    """An argument chosen by the researcher cannot be used."""


class DeserializationError(InputError):
    """The input of the run cannot be read."""


DeserializationException = DeserializationError


class EnvironmentVariableError(InputError):
    """An environment variable has a value that cannot be used."""


class EnvironmentVariableNotFoundError(EnvironmentVariableError):
    """An environment variable is missing."""


class AlgorithmInitializationError(AlgorithmError):
    """The algorithm cannot be started."""


class AlgorithmModuleNotFoundError(AlgorithmInitializationError):
    """The algorithm's package cannot be imported."""


class MethodNotFoundError(AlgorithmInitializationError):
    """The algorithm has no such function, or none that a task may call."""


class NodePermissionException(AlgorithmError):
    """The organization's node does not permit this."""
