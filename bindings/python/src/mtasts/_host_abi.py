# SPDX-License-Identifier: MIT OR Apache-2.0
"""The C ABI of libmtasts-host as ctypes sees it; importing this loads the library."""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_int32,
    c_size_t,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)

from . import _abi, _library
from ._abi import Out, Saved, Sized, bind

#: Takes the log's lines.
LogFunction = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)


class Options(Sized):
    """`mtasts_default_host_options`."""

    _fields_ = [
        ("size", c_size_t),
        ("nameservers", POINTER(c_char_p)),
        ("nameserver_count", c_size_t),
        ("ca_file", c_char_p),
        ("store", c_char_p),
        ("https_port", c_uint16),
        ("allow_non_global", c_int32),
        ("dns_timeout_ms", c_uint32),
        ("connect_timeout_ms", c_uint32),
        ("dane", c_int32),
        ("log", LogFunction),
        ("log_user", c_void_p),
        ("local_policies", c_char_p),
        ("tlsrpt_socket", c_char_p),
    ]


class Der(Structure):
    """`mtasts_der`: a certificate."""

    _fields_ = [("data", c_char_p), ("len", c_size_t)]


class Callbacks(Structure):
    """`mtasts_host`: the default host's own callbacks; its store's are called from here."""

    _fields_ = [
        ("size", c_size_t),
        ("user", c_void_p),
        ("txt", c_void_p),
        ("https", c_void_p),
        ("load", CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)),
        ("save", CFUNCTYPE(None, c_void_p, POINTER(Saved))),
        ("now", CFUNCTYPE(c_uint64, c_void_p)),
        ("log", c_void_p),
    ]


_abi.measure(Options)
_libraries = _library.host()
_quick, _waiting = _libraries.quick, _libraries.waiting

domain_to_ascii = bind(_quick, "domain_to_ascii", c_int32, c_char_p, c_void_p, c_size_t)

default_host_open = bind(
    _waiting, "default_host_open", c_int32, POINTER(Options), Out, c_void_p, c_size_t
)
default_host_close = bind(_waiting, "default_host_close", None, c_void_p)
default_host_reread = bind(_waiting, "default_host_reread", c_int32, c_void_p)
default_host_callbacks = bind(_quick, "default_host_callbacks", POINTER(Callbacks), c_void_p)
default_host_verify = bind(
    _waiting,
    "default_host_verify",
    c_int32,
    c_void_p,
    POINTER(Der),
    c_size_t,
    c_char_p,
    POINTER(c_int32),
)
default_host_store_domains = bind(_waiting, "default_host_store_domains", c_int32, c_void_p, Out)
default_host_store_remove = bind(
    _waiting, "default_host_store_remove", c_int32, c_void_p, c_char_p, POINTER(c_int32)
)
domain_list_count = bind(_quick, "domain_list_count", c_size_t, c_void_p)
domain_list_name = bind(_quick, "domain_list_name", c_char_p, c_void_p, c_size_t)
domain_list_free = bind(_quick, "domain_list_free", None, c_void_p)

default_host_mx = bind(_waiting, "default_host_mx", c_int32, c_void_p, c_char_p, Out)
mx_list_count = bind(_quick, "mx_list_count", c_size_t, c_void_p)
mx_list_host = bind(_quick, "mx_list_host", c_char_p, c_void_p, c_size_t)
mx_list_preference = bind(_quick, "mx_list_preference", c_uint16, c_void_p, c_size_t)
mx_list_is_implicit = bind(_quick, "mx_list_is_implicit", c_int32, c_void_p)
mx_list_is_secure = bind(_quick, "mx_list_is_secure", c_int32, c_void_p)
mx_list_free = bind(_quick, "mx_list_free", None, c_void_p)

default_host_addresses = bind(_waiting, "default_host_addresses", c_int32, c_void_p, c_char_p, Out)
address_list_count = bind(_quick, "address_list_count", c_size_t, c_void_p)
address_list_text = bind(_quick, "address_list_text", c_char_p, c_void_p, c_size_t)
address_list_free = bind(_quick, "address_list_free", None, c_void_p)

default_host_dane = bind(_waiting, "default_host_dane", c_int32, c_void_p, c_char_p, Out)
default_host_dane_of_domain = bind(
    _waiting, "default_host_dane_of_domain", c_int32, c_void_p, c_char_p, POINTER(c_int32)
)
dane_status = bind(_quick, "dane_status", c_int32, c_void_p)
dane_server_name = bind(_quick, "dane_server_name", c_char_p, c_void_p)
dane_check = bind(
    _quick, "dane_check", c_int32, c_void_p, c_char_p, POINTER(Der), c_size_t, POINTER(c_int32)
)
dane_free = bind(_quick, "dane_free", None, c_void_p)

default_host_tlsrpt_record = bind(
    _waiting, "default_host_tlsrpt_record", c_int32, c_void_p, c_char_p, Out
)
default_host_tlsrpt_send = bind(
    _waiting, "default_host_tlsrpt_send", c_int32, c_void_p, c_char_p, c_size_t
)
