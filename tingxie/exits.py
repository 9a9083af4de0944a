"""The exit statuses of the command line, which scripts rely on; docs/operations.md lists them."""

from enum import IntEnum


class Exit(IntEnum):
    #: everything that was asked for was done
    OK = 0
    #: at least one file or job failed; the others were done
    SOME_FAILED = 1
    #: the command line itself is wrong (typer's own status)
    USAGE = 2
    #: the server can't be reached, or says that it is unavailable
    UNREACHABLE = 3
    #: there is no such job
    NOT_FOUND = 4
    #: the job has not ended, so there is no transcript yet
    NOT_READY = 5
    #: a child's setting or model is wrong: a restart can't help (EX_CONFIG of sysexits.h); tells the supervisor
    CONFIGURATION = 78
    #: ended by Ctrl-C (128 + SIGINT)
    INTERRUPTED = 130
