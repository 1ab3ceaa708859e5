# SPDX-License-Identifier: MIT OR Apache-2.0
"""The C ABI of libmtasts as ctypes sees it: structs and functions of mtasts.h, by their names.

The rules are the header's. No function here waits for anything, but for `resolve` and
`resolve_again`; so all others keep the GIL, which makes a call cost about half.
"""

from __future__ import annotations

from ctypes import (
    CDLL,
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_int32,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)
from typing import Any, Callable

from . import _library

#: A pointer to a place for a handle.
Out = POINTER(c_void_p)


class Sized(Structure):
    """A struct whose first member is its size."""

    def __init__(self, **members: Any) -> None:
        super().__init__(size=type(self).SIZE, **members)

    SIZE: int = 0


class Str(Structure):
    """`mtasts_str`: a string lent by a handle."""

    _fields_ = [("data", c_void_p), ("len", c_size_t)]


class Bytes(Structure):
    """`mtasts_bytes`: octets of the caller's."""

    _fields_ = [("data", c_char_p), ("len", c_size_t)]


class Problem(Sized):
    """`mtasts_problem`: what is wrong with an input, and where."""

    _fields_ = [
        ("size", c_size_t),
        ("offset", c_size_t),
        ("line", c_size_t),
        ("column", c_size_t),
        ("message", c_char * 128),
        ("kind", c_char * 32),
    ]


class Config(Sized):
    """`mtasts_config`: settings of a lookup."""

    _fields_ = [
        ("size", c_size_t),
        ("defer_on_dns_failure", c_int32),
        ("divert_percent", c_int32),
        ("fetch_timeout_ms", c_uint32),
        ("min_ttl", c_uint32),
        ("max_ttl", c_uint32),
        ("max_negative_ttl", c_uint32),
        ("unknown_ttl", c_uint32),
        ("refresh_after", c_uint32),
        ("max_body", c_size_t),
    ]


class OutcomeFacts(Sized):
    """`mtasts_outcome_facts`."""

    _fields_ = [
        ("size", c_size_t),
        ("basis", c_int32),
        ("reason", c_int32),
        ("http_status", c_int32),
        ("result", c_int32),
        ("try_later", c_int32),
        ("changed", c_int32),
        ("fetched_at", c_uint64),
        ("expires_at", c_uint64),
        ("useless_after", c_uint64),
    ]


class Session(Sized):
    """`mtasts_session`: what is known of a session with an MX host."""

    _fields_ = [
        ("size", c_size_t),
        ("mx_host", c_char_p),
        ("tls", c_int32),
        ("certificate", c_int32),
        ("dane", c_int32),
        ("mx_secure", c_int32),
    ]


class Verdict(Sized):
    """`mtasts_verdict`."""

    _fields_ = [
        ("size", c_size_t),
        ("action", c_int32),
        ("result", c_int32),
        ("cause", c_int32),
    ]


class Step(Sized):
    """`mtasts_step`: what a lookup needs."""

    _fields_ = [
        ("size", c_size_t),
        ("kind", c_int32),
        ("request_id", c_uint32),
        ("name", c_char_p),
        ("path", c_char_p),
        ("timeout_ms", c_uint32),
        ("max_body", c_size_t),
    ]


class Saved(Sized):
    """`mtasts_saved`: what to remember of a domain."""

    _fields_ = [
        ("size", c_size_t),
        ("domain", c_char_p),
        ("text", c_char_p),
        ("text_len", c_size_t),
        ("fetched_at", c_uint64),
        ("useless_after", c_uint64),
    ]


class PostfixStyle(Sized):
    """`mtasts_postfix_style`: what a value for Postfix depends on."""

    _fields_ = [
        ("size", c_size_t),
        ("dane", c_int32),
        ("version", c_int32),
        ("level", c_int32),
    ]


class TlsrptDetails(Sized):
    """`mtasts_tlsrpt_details`: what a report says of a session beside its result."""

    _fields_ = [
        ("size", c_size_t),
        ("sending_mta_ip", c_char_p),
        ("receiving_ip", c_char_p),
        ("receiving_mx_helo", c_char_p),
        ("failure_reason_code", c_char_p),
        ("additional_information", c_char_p),
    ]


class ReportFacts(Sized):
    """`mtasts_report_facts`: what a report says of itself."""

    _fields_ = [
        ("size", c_size_t),
        ("organization_name", Str),
        ("contact_info", Str),
        ("report_id", Str),
        ("begin", c_uint64),
        ("end", c_uint64),
        ("policy_count", c_size_t),
        ("domain", Str),
    ]


class ReportPolicyFacts(Sized):
    """`mtasts_report_policy_facts`: what was counted against a policy."""

    _fields_ = [
        ("size", c_size_t),
        ("type_name", Str),
        ("domain", Str),
        ("successful_sessions", c_uint64),
        ("failed_sessions", c_uint64),
        ("string_count", c_size_t),
        ("mx_host_count", c_size_t),
        ("failure_count", c_size_t),
        ("policy_type", c_int32),
    ]


class ReportFailureFacts(Sized):
    """`mtasts_report_failure_facts`: failures that are alike."""

    _fields_ = [
        ("size", c_size_t),
        ("failed_sessions", c_uint64),
        ("result_type", Str),
        ("sending_mta_ip", Str),
        ("receiving_mx_hostname", Str),
        ("receiving_mx_helo", Str),
        ("receiving_ip", Str),
        ("additional_information", Str),
        ("failure_reason_code", Str),
        ("result", c_int32),
    ]


class ReportSender(Sized):
    """`mtasts_report_sender`: who reports."""

    _fields_ = [
        ("size", c_size_t),
        ("organization_name", c_char_p),
        ("contact_info", c_char_p),
        ("submitter", c_char_p),
    ]


def measure(*structs: type[Sized]) -> None:
    """Notes the size of each, which `sizeof` is too slow to be asked for each time."""
    for struct in structs:
        struct.SIZE = sizeof(struct)


measure(Problem, Config, OutcomeFacts, Session, Verdict, Step, Saved, PostfixStyle, TlsrptDetails)
measure(ReportFacts, ReportPolicyFacts, ReportFailureFacts, ReportSender)

libraries = _library.engine()


def bind(library: CDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of `library`.

    Raises:
        ImportError: it has none of this name.
    """
    try:
        function = getattr(library, f"mtasts_{name}")
    except AttributeError as error:
        message = f"{library._name} has no mtasts_{name}: it is too old for this package"
        raise ImportError(message, name="mtasts", path=library._name) from error
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]


def _quick(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return bind(libraries.quick, name, result, *arguments)


def _waiting(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return bind(libraries.waiting, name, result, *arguments)


strerror = _quick("strerror", c_char_p, c_int32)
version = _quick("version", c_char_p)
abi_version = _quick("abi_version", c_uint32)

resolve = _waiting("resolve", c_int32, c_char_p, POINTER(Config), c_void_p, Out)
resolve_again = _waiting("resolve_again", c_int32, c_void_p, POINTER(Config), c_void_p, Out)

outcome_free = _quick("outcome_free", None, c_void_p)
outcome_policy = _quick("outcome_policy", c_void_p, c_void_p)
outcome_domain = _quick("outcome_domain", Str, c_void_p)
outcome_id = _quick("outcome_id", Str, c_void_p)
outcome_explanation = _quick("outcome_explanation", Str, c_void_p)
outcome_stored = _quick("outcome_stored", Str, c_void_p)
outcome_get = _quick("outcome_get", c_int32, c_void_p, POINTER(OutcomeFacts))
outcome_verdict = _quick("outcome_verdict", c_int32, c_void_p, POINTER(Session), POINTER(Verdict))
outcome_look_again = _quick("outcome_look_again", c_int32, c_void_p, POINTER(Config), Out)
cause_text = _quick("cause_text", c_char_p, c_int32)

policy_parse = _quick("policy_parse", c_int32, c_char_p, c_size_t, c_int32, Out, POINTER(Problem))
policy_free = _quick("policy_free", None, c_void_p)
policy_mode = _quick("policy_mode", c_int32, c_void_p)
policy_max_age = _quick("policy_max_age", c_uint32, c_void_p)
policy_mx_count = _quick("policy_mx_count", c_size_t, c_void_p)
policy_mx = _quick("policy_mx", Str, c_void_p, c_size_t)
policy_text = _quick("policy_text", Str, c_void_p)
# An int32_t of 0 or 1.
policy_matches = _quick("policy_matches", c_bool, c_void_p, c_char_p)
policy_warning_count = _quick("policy_warning_count", c_size_t, c_void_p)
policy_warning = _quick("policy_warning", c_int32, c_void_p, c_size_t, POINTER(Problem))

lookup_new = _quick("lookup_new", c_int32, c_char_p, POINTER(Config), Out)
lookup_free = _quick("lookup_free", None, c_void_p)
lookup_poll = _quick("lookup_poll", c_int32, c_void_p, POINTER(Step))
lookup_submit = _quick("lookup_submit", c_int32, c_void_p, c_uint32, c_void_p, c_uint64)
lookup_outcome = _quick("lookup_outcome", c_int32, c_void_p, Out)

answer_new = _quick("answer_new", c_int32, Out)
answer_free = _quick("answer_free", None, c_void_p)
answer_txt_record = _quick("answer_txt_record", c_int32, c_void_p, c_char_p, c_size_t)
answer_ttl = _quick("answer_ttl", c_int32, c_void_p, c_uint32)
answer_http_status = _quick("answer_http_status", c_int32, c_void_p, c_int32)
answer_content_type = _quick("answer_content_type", c_int32, c_void_p, c_char_p, c_size_t)
answer_body = _quick("answer_body", c_int32, c_void_p, c_char_p, c_size_t)
answer_stored = _quick("answer_stored", c_int32, c_void_p, c_char_p, c_size_t)
answer_local_policy = _quick(
    "answer_local_policy", c_int32, c_void_p, c_char_p, c_size_t, POINTER(Problem)
)
answer_fail = _quick("answer_fail", c_int32, c_void_p, c_int32)

certificate_check_name = _quick("certificate_check_name", c_int32, c_char_p, c_size_t, c_char_p)
postfix_policy = _quick(
    "postfix_policy",
    c_int32,
    c_void_p,
    POINTER(PostfixStyle),
    POINTER(c_int32),
    c_void_p,
    c_size_t,
    POINTER(c_size_t),
)
postfix_next_hop = _quick("postfix_next_hop", c_int32, c_char_p, c_void_p, c_size_t)
record_select = _quick(
    "record_select", c_int32, POINTER(Bytes), c_size_t, c_void_p, POINTER(Problem)
)
tlsrpt_record_select = _quick(
    "tlsrpt_record_select", c_int32, POINTER(Bytes), c_size_t, Out, POINTER(Problem)
)
tlsrpt_record_free = _quick("tlsrpt_record_free", None, c_void_p)
tlsrpt_record_rua_count = _quick("tlsrpt_record_rua_count", c_size_t, c_void_p)
tlsrpt_record_rua = _quick("tlsrpt_record_rua", Str, c_void_p, c_size_t)
tlsrpt_datagram = _quick(
    "tlsrpt_datagram",
    c_int32,
    c_void_p,
    POINTER(Session),
    c_void_p,
    POINTER(TlsrptDetails),
    c_void_p,
    c_size_t,
    POINTER(c_size_t),
)

report_parse = _quick("report_parse", c_int32, c_char_p, c_size_t, Out, POINTER(Problem))
report_free = _quick("report_free", None, c_void_p)
report_get = _quick("report_get", c_int32, c_void_p, POINTER(ReportFacts))
report_policy = _quick("report_policy", c_int32, c_void_p, c_size_t, POINTER(ReportPolicyFacts))
report_policy_string = _quick("report_policy_string", Str, c_void_p, c_size_t, c_size_t)
report_mx_host = _quick("report_mx_host", Str, c_void_p, c_size_t, c_size_t)
report_failure = _quick(
    "report_failure", c_int32, c_void_p, c_size_t, c_size_t, POINTER(ReportFailureFacts)
)
report_json = _quick("report_json", Str, c_void_p)
report_file_name = _quick(
    "report_file_name",
    c_int32,
    c_void_p,
    c_char_p,
    c_char_p,
    c_char_p,
    c_int32,
    c_void_p,
    c_size_t,
)
report_counter_new = _quick("report_counter_new", c_int32, Out)
report_counter_free = _quick("report_counter_free", None, c_void_p)
report_counter_session = _quick(
    "report_counter_session",
    c_int32,
    c_void_p,
    c_uint64,
    c_void_p,
    POINTER(Session),
    POINTER(TlsrptDetails),
)
report_counter_add = _quick("report_counter_add", c_int32, c_void_p, c_char_p, c_void_p)
report_counter_take = _quick(
    "report_counter_take", c_int32, c_void_p, c_uint64, POINTER(ReportSender), Out
)
